//! How loud a sound is (EBU R128), and by how much it is changed to be as loud as others.

use serde::{Deserialize, Serialize};

/// The loudness that sounds are brought to, in LUFS.
pub const TARGET_LUFS: f64 = -16.0;

/// The true peak that is not gone beyond, in dB below full scale: codecs add a little to it.
pub const PEAK_DB: f64 = -1.5;

/// More is not added to what is quiet: that would be noise.
const MOST_DB: f64 = 20.0;

/// More is not added by a player, which has no limiter; a sound of -30 LUFS still comes to the target.
const MOST_PLAYED_DB: f64 = 14.0;

/// The true peak that a player does not bring a sound beyond, in dB below full scale.
const PLAYED_PEAK_DB: f64 = -1.0;

/// A true peak of less, or none at all, is nothing but silence.
const NO_PEAK_DB: f64 = -120.0;

/// Below this there is silence, in LUFS (the absolute gate of ITU-R BS.1770).
const SILENCE_LUFS: f64 = -70.0;

/// What was measured of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
        integrated.is_finite().then_some(Self { integrated, peak: peak.max(NO_PEAK_DB) })
    }

    /// By how much it is amplified, in dB.
    pub fn gain(self) -> f64 {
        if self.integrated <= SILENCE_LUFS {
            return 0.0;
        }
        (TARGET_LUFS - self.integrated).clamp(-MOST_DB * 2.0, MOST_DB)
    }

    /// By how much a player amplifies a sound that is played as it is, in dB: never so that its peaks would be cut.
    pub fn playing_gain(self) -> f64 {
        let headroom = (PLAYED_PEAK_DB - self.peak).clamp(0.0, MOST_PLAYED_DB);
        self.gain().min(headroom)
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
        let silent = said.replace("-21.8 LUFS", "-70.0 LUFS").replace("-18.1 dBFS", "-inf dBFS");
        assert_eq!(Loudness::read(&silent), Some(Loudness { integrated: -70.0, peak: -120.0 }));
    }

    #[test]
    fn silence_stays_silent_and_noise_is_not_raised_without_end() {
        let of = |integrated, peak| Loudness { integrated, peak };
        assert!(of(-70.0, f64::NEG_INFINITY).gain().abs() < 1e-9);
        assert!((of(-60.0, -40.0).gain() - 20.0).abs() < 1e-9);
        assert!((of(-6.0, 0.0).gain() + 10.0).abs() < 1e-9);
        assert!(of(-20.0, -1.0).overshoots());
    }

    #[test]
    fn a_player_makes_sounds_equally_loud_and_cuts_no_peak() {
        let gain = |integrated, peak| Loudness { integrated, peak }.playing_gain();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(gain(-30.0, -20.0), 14.0) && near(gain(-8.0, 0.5), -8.0));
        assert!(near(gain(-60.0, -50.0), 14.0), "noise was raised without end");
        assert!(near(gain(-24.0, -4.0), 3.0), "a peak was cut");
        assert!(near(gain(-18.0, 0.2), 0.0), "what has no headroom was turned down");
        assert!(near(gain(-70.0, -120.0), 0.0), "silence was raised");
    }
}
