//! A new detector on trial: for its first pictures the one before it is kept, and comes back where the new one is worse.

use std::time::Duration;

use crate::detector::Detector;

/// Pictures until a new detector is trusted.
const PICTURES: u32 = 100;

/// Failures that are too many.
const FAILURES: u32 = 3;

/// Pictures after which its time is judged: the first ones warm it up.
const WARM: u32 = 20;

/// How much longer than the one before it may take, as a factor and beyond.
const SLOWER: u32 = 3;
const BEYOND: Duration = Duration::from_millis(50);

/// A detector on trial.
pub(super) struct Trial {
    version: u64,
    before: Box<dyn Detector>,
    usual: Option<Duration>,
    pictures: u32,
    failures: u32,
    took: Duration,
}

/// What came of it.
pub(super) enum Verdict {
    /// Nothing yet.
    Open(Trial),
    /// It stays.
    Good,
    /// The one before it is better.
    Bad {
        /// Of the settings that asked for it.
        version: u64,
        /// What looked before.
        before: Box<dyn Detector>,
        /// Why, as the rest of a sentence about it.
        why: String,
    },
}

impl Trial {
    /// Instead of `before`, which took `usual` for a picture; because settings of that version asked for it.
    pub(super) fn new(version: u64, before: Box<dyn Detector>, usual: Option<Duration>) -> Self {
        Self { version, before, usual, pictures: 0, failures: 0, took: Duration::ZERO }
    }

    /// Another one is on trial instead.
    pub(super) fn of_another(self, version: u64) -> Self {
        Self::new(version, self.before, self.usual)
    }

    /// It looked at a picture for so long, and failed or not.
    pub(super) fn judge(mut self, took: Duration, error: Option<&String>) -> Verdict {
        self.pictures += 1;
        if let Some(error) = error {
            self.failures += 1;
            if self.failures >= FAILURES {
                let why = format!("failed at {} of {} pictures ({error})", self.failures, self.pictures);
                return Verdict::Bad { version: self.version, before: self.before, why };
            }
        }
        if self.pictures > WARM {
            self.took += took;
        }
        if self.pictures < PICTURES {
            return Verdict::Open(self);
        }
        let mean = self.took / (PICTURES - WARM);
        match self.usual {
            Some(usual) if mean > usual * SLOWER + BEYOND => {
                let (mean, usual) = (mean.as_millis(), usual.as_millis());
                let why = format!("takes {mean} ms for a picture, where the one before it took {usual} ms");
                Verdict::Bad { version: self.version, before: self.before, why }
            }
            _ => Verdict::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use playhouse_sense::scene::Options;

    use super::*;
    use crate::detector::Oracle;

    fn trial() -> Trial {
        Trial::new(7, Box::new(Oracle::new(Options::default())), Some(Duration::from_millis(10)))
    }

    fn judge(trial: Trial, took: u64, fails: impl Fn(u32) -> bool) -> Result<u32, (u32, String)> {
        let mut trial = trial;
        for picture in 1.. {
            let error = fails(picture).then(|| "shapes do not fit".to_owned());
            match trial.judge(Duration::from_millis(took), error.as_ref()) {
                Verdict::Open(same) => trial = same,
                Verdict::Good => return Ok(picture),
                Verdict::Bad { why, .. } => return Err((picture, why)),
            }
        }
        unreachable!("a trial ends")
    }

    #[test]
    fn a_model_that_is_no_worse_stays() {
        assert_eq!(judge(trial(), 30, |picture| picture == 5), Ok(PICTURES));
    }

    #[test]
    fn a_model_that_fails_is_given_back_at_once() {
        let (picture, why) = judge(trial(), 10, |_| true).unwrap_err();
        assert_eq!(picture, FAILURES);
        assert!(why.contains("shapes do not fit"), "{why}");
    }

    #[test]
    fn a_model_that_is_much_slower_is_given_back() {
        let (_, why) = judge(trial(), 200, |_| false).unwrap_err();
        assert_eq!(why, "takes 200 ms for a picture, where the one before it took 10 ms");
    }
}
