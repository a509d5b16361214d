//! What breaks next: drawn from a seed, without a clock.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::relay::Way;

/// The longest time for which something that was killed stays away.
const AWAY_MS: u64 = 3_000;
/// The longest time for which the link or the disk is not as it should be.
const BROKEN_MS: u64 = 12_000;
/// Between two evils.
const PAUSE_MS: (u64, u64) = (500, 4_000);
/// Where a clock may jump to, in seconds beside the right time: nearer than two thirds of a certificate's time, after which it
/// would be renewed.
const JUMPS: [i64; 6] = [-3 * 86_400, -7_200, -90, 90, 7_200, 3 * 86_400];

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evil {
    /// The agent is killed, and comes back after that time.
    KillAgent(Duration),
    /// The server is killed, and comes back after that time.
    KillServer(Duration),
    /// Both are.
    KillBoth(Duration),
    /// The link is like that for so long.
    Link(Way, Duration),
    /// The agent's disk is full for so long.
    Fill(Duration),
    /// The agent's clock is so many seconds beside the right time.
    Clock(i64),
}

/// Evils without end, with what goes before each.
#[derive(Debug)]
pub(super) struct Fate(StdRng);

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// How long nothing more breaks, and what then does.
    pub(super) fn draw(&mut self) -> (Duration, Evil) {
        let pause = Duration::from_millis(self.0.random_range(PAUSE_MS.0..=PAUSE_MS.1));
        let away = Duration::from_millis(self.0.random_range(0..=AWAY_MS));
        let broken = Duration::from_millis(self.0.random_range(200..=BROKEN_MS));
        let jump = JUMPS[self.0.random_range(0..JUMPS.len())];
        let evil = match self.0.random_range(0..20) {
            0..5 => Evil::KillAgent(away),
            5..9 => Evil::KillServer(away),
            9 => Evil::KillBoth(away),
            10 | 11 => Evil::Link(Way::Cut, broken),
            12 => Evil::Link(Way::Held, broken),
            13 | 14 => Evil::Link(Way::Mute, broken),
            15..18 => Evil::Fill(broken),
            18 => Evil::Clock(jump),
            _ => Evil::Clock(0),
        };
        (pause, evil)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_its_evils_and_none_is_forgotten() {
        let draw = |seed| {
            let mut fate = Fate::new(seed);
            (0..200).map(move |_| fate.draw().1).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let kinds: std::collections::HashSet<_> = draw(1).iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 6);
    }
}
