//! How loud a sound is (EBU R128), and by how much it is changed to be as loud as others.

/// The loudness that sounds are brought to, in LUFS.
pub const TARGET_LUFS: f64 = -16.0;

/// The true peak that is not gone beyond, in dB below full scale: codecs add a little to it.
pub const PEAK_DB: f64 = -1.5;

/// More is not added to what is quiet: that would be noise.
const MOST_DB: f64 = 20.0;

/// Below this there is silence, in LUFS (the absolute gate of ITU-R BS.1770).
const SILENCE_LUFS: f64 = -70.0;

/// What was measured of a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// The integrated loudness in LUFS.
    pub integrated: f64,
    /// The true peak in dB below full scale.
    pub peak: f64,
}

impl Loudness {
    /// Reads the summary that ffmpeg's `ebur128` ends with; nothing where there is none.
    pub fn read(summary: &str) -> Option<Self> {
        let (_, summary) = summary.rsplit_once("Summary:")?;
        let value = |name: &str| {
            let line = summary.lines().find_map(|line| line.trim().strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        let (integrated, peak) = (value("I:")?, value("Peak:")?);
        integrated.is_finite().then_some(Self { integrated, peak })
    }

    /// By how much it is amplified, in dB.
    pub fn gain(self) -> f64 {
        if self.integrated <= SILENCE_LUFS {
            return 0.0;
        }
        (TARGET_LUFS - self.integrated).clamp(-MOST_DB * 2.0, MOST_DB)
    }

    /// Whether its peaks have to be limited then.
    pub fn overshoots(self) -> bool {
        self.peak + self.gain() > PEAK_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_ffmpeg_is_read() {
        let said = "[x] t: 1\n[Parsed_ebur128_0 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         -21.8 LUFS\n    \
            Threshold: -31.8 LUFS\n\n  Loudness range:\n    LRA:         0.0 LU\n\n  True peak:\n    Peak:      -18.1 dBFS\n";
        let loudness = Loudness::read(said).unwrap();
        assert_eq!(loudness, Loudness { integrated: -21.8, peak: -18.1 });
        assert!((loudness.gain() - 5.8).abs() < 1e-9);
        assert!(!loudness.overshoots());
        assert_eq!(Loudness::read("nothing"), None);
    }

    #[test]
    fn silence_stays_silent_and_noise_is_not_raised_without_end() {
        let of = |integrated, peak| Loudness { integrated, peak };
        assert!(of(-70.0, f64::NEG_INFINITY).gain().abs() < 1e-9);
        assert!((of(-60.0, -40.0).gain() - 20.0).abs() < 1e-9);
        assert!((of(-6.0, 0.0).gain() + 10.0).abs() < 1e-9);
        assert!(of(-20.0, -1.0).overshoots());
    }
}
