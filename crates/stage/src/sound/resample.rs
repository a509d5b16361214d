//! From a stream's rate to 48 kHz, by a windowed sinc.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions are small and positive, and a tap needs no more than an f32 has"
)]

use std::collections::VecDeque;

use super::convert::Frame;

/// Frames on either side that a result is made of; a tone of 20 kHz in 44.1 kHz keeps 60 dB from its mirror image.
const REACH: usize = 12;

/// Positions between two frames that have a filter of their own; between them the nearest is taken.
const PHASES: usize = 256;

/// Turns a queue of frames of one rate into frames of another.
#[derive(Debug)]
pub(super) struct Resampler {
    /// Input frames per output frame.
    step: f64,
    /// Where the next result is, from the middle of `window`, 0 to 1.
    position: f64,
    /// `PHASES` filters of `2 * REACH` taps; empty where the rates are the same.
    filters: Vec<[f32; 2 * REACH]>,
    window: [Frame; 2 * REACH],
}

impl Resampler {
    pub(super) fn new(from: u32, to: u32) -> Self {
        let filters = if from == to { Vec::new() } else { filters(f64::from(to) / f64::from(from)) };
        Self { step: f64::from(from) / f64::from(to), position: 0.0, filters, window: [[0.0; 2]; 2 * REACH] }
    }

    /// Most input frames that `count` results take.
    #[cfg(test)]
    fn needs(&self, count: usize) -> usize {
        (self.position + self.step * count as f64) as usize + 1
    }

    /// Adds up to `out.len()` results from `input` to `out`, each times `gain`; gives the number made. Stops where
    /// the input ends.
    pub(super) fn mix(&mut self, input: &mut VecDeque<Frame>, gain: Frame, out: &mut [Frame]) -> usize {
        if self.filters.is_empty() {
            let count = out.len().min(input.len());
            for (out, frame) in out.iter_mut().zip(input.drain(..count)) {
                add(out, frame, gain);
            }
            return count;
        }
        for (made, out) in out.iter_mut().enumerate() {
            while self.position >= 1.0 {
                let Some(frame) = input.pop_front() else { return made };
                self.window.rotate_left(1);
                self.window[2 * REACH - 1] = frame;
                self.position -= 1.0;
            }
            let filter = &self.filters[((self.position * PHASES as f64) as usize).min(PHASES - 1)];
            let mut sum = [0.0; 2];
            for (frame, tap) in self.window.iter().zip(filter) {
                sum[0] += frame[0] * tap;
                sum[1] += frame[1] * tap;
            }
            add(out, sum, gain);
            self.position += self.step;
        }
        out.len()
    }

    /// Forgets what was heard before, after a seek.
    pub(super) fn clear(&mut self) {
        self.window = [[0.0; 2]; 2 * REACH];
    }
}

fn add(out: &mut Frame, frame: Frame, gain: Frame) {
    out[0] += frame[0] * gain[0];
    out[1] += frame[1] * gain[1];
}

/// Filters for each phase; `ratio` is output rate over input rate.
fn filters(ratio: f64) -> Vec<[f32; 2 * REACH]> {
    use std::f64::consts::PI;
    // Going down, what the lower rate cannot hold is cut off.
    let cutoff = ratio.min(1.0) * 0.96;
    let reach = REACH as f64;
    (0..PHASES)
        .map(|phase| {
            let fraction = (phase as f64 + 0.5) / PHASES as f64;
            let mut taps = [0.0; 2 * REACH];
            for (tap, value) in taps.iter_mut().enumerate() {
                let at = tap as f64 - (reach - 1.0) - fraction;
                let sinc = if at.abs() < 1e-9 { cutoff } else { (PI * cutoff * at).sin() / (PI * at) };
                // Blackman, 0 outside the reach.
                let around = PI * at / reach;
                let window = if at.abs() < reach {
                    0.42 + 0.5 * around.cos() + 0.08 * (2.0 * around).cos()
                } else {
                    0.0
                };
                *value = (sinc * window) as f32;
            }
            let sum: f32 = taps.iter().sum();
            taps.map(|tap| tap / sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone goes through as that tone: what is left after taking it away is quiet.
    fn noise(from: u32, tone: f64) -> f64 {
        use std::f64::consts::TAU;
        let sample = |at: f64| (TAU * tone * at).sin();
        let mut input: VecDeque<Frame> =
            (0..from / 2).map(|n| sample(f64::from(n) / f64::from(from))).map(|s| [s as f32; 2]).collect();
        let mut resampler = Resampler::new(from, 48_000);
        let mut out = vec![[0.0; 2]; 20_000];
        let made = resampler.mix(&mut input, [1.0, 1.0], &mut out);
        assert!(made >= 20_000);
        // The window's newest frame is REACH after the middle, and its first one is yet to come.
        let delay = (REACH as f64 + 1.0) / f64::from(from);
        let rest: f64 = (1000..19_000)
            .map(|n| f64::from(out[n][0]) - sample(n as f64 / 48_000.0 - delay))
            .map(|error| error * error)
            .sum();
        10.0 * (rest / 18_000.0 * 2.0).log10()
    }

    #[test]
    fn tones_stay_clean() {
        for (from, tone) in
            [(44_100, 1000.0), (44_100, 10_000.0), (22_050, 3000.0), (11_025, 1000.0), (96_000, 1000.0)]
        {
            let noise = noise(from, tone);
            assert!(noise < -45.0, "{tone} Hz from {from}: {noise} dB");
        }
    }

    #[test]
    fn the_same_rate_is_passed_on_untouched() {
        let mut input: VecDeque<Frame> = (0..10_u8).map(|n| [f32::from(n); 2]).collect();
        let mut out = [[0.0; 2]; 8];
        assert_eq!(Resampler::new(48_000, 48_000).mix(&mut input, [1.0, 0.0], &mut out), 8);
        assert_eq!((out[7], input.len()), ([7.0, 0.0], 2));
    }

    #[test]
    fn it_never_takes_more_than_it_says() {
        let mut resampler = Resampler::new(44_100, 48_000);
        let mut input: VecDeque<Frame> = VecDeque::new();
        for _ in 0..1000 {
            let needs = resampler.needs(480);
            input.extend(std::iter::repeat_n([0.5; 2], needs - input.len().min(needs)));
            let before = input.len();
            let mut out = [[0.0; 2]; 480];
            assert_eq!(resampler.mix(&mut input, [1.0, 1.0], &mut out), 480);
            assert!(before - input.len() <= needs);
        }
    }
}
