//! Samples as clients bring them, turned into stereo.

/// One moment of left and right, −1 to 1.
pub(super) type Frame = [f32; 2];

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    U8,
    S16Le,
    S16Be,
    F32Le,
    F32Be,
    S32Le,
    S32Be,
    S24Le,
    S24Be,
    /// 24 bits in the low part of 32.
    S24In32Le,
    S24In32Be,
}

/// What a stream's bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) encoding: Encoding,
    pub(super) channels: u8,
    /// Frames per second.
    pub(super) rate: u32,
}

impl Encoding {
    /// From `pa_sample_format_t`; A-law and µ-law are not played.
    pub(super) fn from_wire(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::U8,
            3 => Self::S16Le,
            4 => Self::S16Be,
            5 => Self::F32Le,
            6 => Self::F32Be,
            7 => Self::S32Le,
            8 => Self::S32Be,
            9 => Self::S24Le,
            10 => Self::S24Be,
            11 => Self::S24In32Le,
            12 => Self::S24In32Be,
            _ => return None,
        })
    }

    pub(super) fn to_wire(self) -> u8 {
        match self {
            Self::U8 => 0,
            Self::S16Le => 3,
            Self::S16Be => 4,
            Self::F32Le => 5,
            Self::F32Be => 6,
            Self::S32Le => 7,
            Self::S32Be => 8,
            Self::S24Le => 9,
            Self::S24Be => 10,
            Self::S24In32Le => 11,
            Self::S24In32Be => 12,
        }
    }

    /// Bytes of a sample.
    fn len(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::S16Le | Self::S16Be => 2,
            Self::S24Le | Self::S24Be => 3,
            _ => 4,
        }
    }

    /// Reads one sample of exactly [`Encoding::len`] bytes.
    fn sample(self, bytes: &[u8]) -> f32 {
        const S16: f32 = 1.0 / 32_768.0;
        const S24: f32 = 1.0 / 8_388_608.0;
        const S32: f32 = 1.0 / 2_147_483_648.0;
        // Sign-extended by putting the 24 bits on top of a word.
        let s24 = |low, middle, high| (i32::from_le_bytes([0, low, middle, high]) >> 8) as f32 * S24;
        match (self, bytes) {
            (Self::U8, [byte]) => (f32::from(*byte) - 128.0) / 128.0,
            (Self::S16Le, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) * S16,
            (Self::S16Be, &[a, b]) => f32::from(i16::from_be_bytes([a, b])) * S16,
            (Self::S24Le, &[a, b, c]) | (Self::S24In32Le, &[a, b, c, _]) => s24(a, b, c),
            (Self::S24Be, &[a, b, c]) | (Self::S24In32Be, &[_, a, b, c]) => s24(c, b, a),
            (Self::S32Le, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 * S32,
            (Self::S32Be, &[a, b, c, d]) => i32::from_be_bytes([a, b, c, d]) as f32 * S32,
            (Self::F32Le, &[a, b, c, d]) => finite(f32::from_le_bytes([a, b, c, d])),
            (Self::F32Be, &[a, b, c, d]) => finite(f32::from_be_bytes([a, b, c, d])),
            _ => 0.0,
        }
    }
}

/// One bad number would otherwise stay in every filter behind it.
fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-8.0, 8.0) } else { 0.0 }
}

impl Spec {
    /// Bytes of a frame.
    pub(super) fn frame_len(self) -> usize {
        self.encoding.len() * usize::from(self.channels)
    }

    /// Frames of so many milliseconds.
    pub(super) fn frames(self, millis: u32) -> usize {
        (u64::from(self.rate) * u64::from(millis) / 1000) as usize
    }

    /// Microseconds of so many frames.
    pub(super) fn micros(self, frames: usize) -> u64 {
        frames as u64 * 1_000_000 / u64::from(self.rate.max(1))
    }
}

/// Mixes a stream's channels into two.
#[derive(Debug)]
pub(super) struct Downmix {
    spec: Spec,
    /// What each channel gives to left and right.
    gains: Vec<Frame>,
}

impl Downmix {
    /// `positions` are `pa_channel_position_t`, one a channel.
    pub(super) fn new(spec: Spec, positions: &[u8]) -> Self {
        const CENTRE: f32 = std::f32::consts::FRAC_1_SQRT_2;
        let gain = |channel: usize| -> Frame {
            if spec.channels == 1 {
                return [1.0, 1.0];
            }
            match positions.get(channel).copied().unwrap_or_default() {
                // Front, rear, side and top channels of either side.
                1 | 5 | 8 | 10 | 45 | 48 => [1.0, 0.0],
                2 | 6 | 9 | 11 | 46 | 49 => [0.0, 1.0],
                // The low-frequency channel is left out, as it is where there is no subwoofer.
                7 => [0.0, 0.0],
                _ => [CENTRE, CENTRE],
            }
        };
        let mut gains: Vec<Frame> = (0..usize::from(spec.channels)).map(gain).collect();
        // As loud as the loudest side allows without clipping.
        let sum = |side: usize| gains.iter().map(|gain| gain[side]).sum::<f32>();
        let loudest = sum(0).max(sum(1)).max(1.0);
        for gain in gains.iter_mut().flatten() {
            *gain /= loudest;
        }
        Self { spec, gains }
    }

    /// The frames of whole frames' bytes.
    pub(super) fn frames<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Frame> + 'a {
        let sample_len = self.spec.encoding.len();
        bytes.chunks_exact(self.spec.frame_len()).map(move |frame| {
            let mut sum = [0.0; 2];
            for (bytes, gain) in frame.chunks_exact(sample_len).zip(&self.gains) {
                let sample = self.spec.encoding.sample(bytes);
                sum[0] += sample * gain[0];
                sum[1] += sample * gain[1];
            }
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(encoding: Encoding, bytes: &[u8]) -> f32 {
        let mix = Downmix::new(Spec { encoding, channels: 1, rate: 1 }, &[0]);
        let frames: Vec<Frame> = mix.frames(bytes).collect();
        assert_eq!(frames.len(), 1);
        frames[0][0]
    }

    #[test]
    fn every_encoding_reads_minus_a_half() {
        let cases: [(Encoding, &[u8]); 11] = [
            (Encoding::U8, &[64]),
            (Encoding::S16Le, &[0, 0xc0]),
            (Encoding::S16Be, &[0xc0, 0]),
            (Encoding::S24Le, &[0, 0, 0xc0]),
            (Encoding::S24Be, &[0xc0, 0, 0]),
            (Encoding::S24In32Le, &[0, 0, 0xc0, 0]),
            (Encoding::S24In32Be, &[0, 0xc0, 0, 0]),
            (Encoding::S32Le, &[0, 0, 0, 0xc0]),
            (Encoding::S32Be, &[0xc0, 0, 0, 0]),
            (Encoding::F32Le, &(-0.5_f32).to_le_bytes()),
            (Encoding::F32Be, &(-0.5_f32).to_be_bytes()),
        ];
        for (encoding, bytes) in cases {
            assert!((one(encoding, bytes) + 0.5).abs() < 1e-6, "{encoding:?}");
            assert_eq!(Encoding::from_wire(encoding.to_wire()), Some(encoding));
        }
        assert!(one(Encoding::F32Le, &f32::NAN.to_le_bytes()).abs() < f32::EPSILON);
    }

    #[test]
    fn surround_keeps_its_sides_and_does_not_clip() {
        let spec = Spec { encoding: Encoding::F32Le, channels: 6, rate: 48_000 };
        let mix = Downmix::new(spec, &[1, 2, 3, 7, 5, 6]);
        let loud: Vec<u8> = std::iter::repeat_n(1.0_f32.to_le_bytes(), 6).flatten().collect();
        assert!(mix.frames(&loud).all(|[left, right]| left <= 1.0001 && (left - right).abs() < 1e-6));
        let mut left_only = vec![0; 24];
        left_only[..4].copy_from_slice(&1.0_f32.to_le_bytes());
        assert!(mix.frames(&left_only).all(|[left, right]| left > 0.3 && right == 0.0));
    }
}
