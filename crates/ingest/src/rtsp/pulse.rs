//! How long to wait before a source is tried again.

use std::time::Duration;

/// The first pause, and the longest: a camera that was unplugged for a night is there again within half a minute.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How long a source has to have played for its next failure to be a new one.
const GOOD: Duration = Duration::from_mins(1);

/// Doubles the pause with each failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse(Duration);

impl Default for Pulse {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pulse {
    /// The pause after an attempt that took so long.
    pub(super) fn after(&mut self, played: Duration) -> Duration {
        if played >= GOOD {
            self.0 = FIRST;
        }
        let pause = self.0;
        self.0 = (2 * pause).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_stays_away_is_tried_less_often_and_one_that_played_at_once() {
        let mut pulse = Pulse::default();
        let pauses: Vec<_> = (0..7).map(|_| pulse.after(Duration::ZERO).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pulse.after(GOOD), FIRST);
    }
}
