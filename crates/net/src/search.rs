//! When the path to a peer is searched for more room than was found so far.
//!
//! An estimator grows with what is sent, and what is sent follows the estimate: after a bad minute both stay small
//! for long, since the library probes on its own only where far less is sent than could be. It also probes where
//! more is demanded than before, so that lowering the demand and raising it again asks for a probe. Here is decided
//! when: soon after a path became narrow, at once again where that found room, and less and less often where it
//! did not. A probe is some ten packets.

use std::time::{Duration, Instant};

/// From noticing that a path is narrow, or from a probe that found room, to the next probe.
const SOON: Duration = Duration::from_secs(1);

/// Longest time between two probes of a path that stays narrow: what a player waits for at most, about, when it
/// becomes wide again.
const SELDOM: Duration = Duration::from_secs(6);

/// When the result of a probe is in the estimate: a round trip, and the library's own patience.
const RESULT: Duration = Duration::from_secs(1);

/// A probe has found room where the estimate is at least so many hundredths of what it was before.
const FOUND: u64 = 115;

/// Bits per second below any estimate: lowered to this, the demand asks for no probe by itself.
const NEXT_TO_NOTHING: u32 = 1_000;

/// The search for one peer.
#[derive(Debug)]
pub(crate) struct Search {
    wanted: u32,
    wait: Duration,
    next: Option<Instant>,
    asked: Option<(Instant, u32)>,
    demand: Demand,
}

/// What the estimator is to be told next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Stands,
    Lower,
    Raise,
}

impl Search {
    /// A search for `wanted` bits per second, which the estimator has been told.
    pub(crate) fn new(wanted: u32) -> Self {
        Self { wanted, wait: SOON, next: None, asked: None, demand: Demand::Stands }
    }

    /// Another bitrate is wanted from now on.
    pub(crate) fn want(&mut self, wanted: u32) {
        *self = Self { demand: Demand::Raise, ..Self::new(wanted) };
    }

    /// Takes the newest estimate, in bits per second; to be called a few times a second.
    pub(crate) fn estimate(&mut self, estimate: u32, now: Instant) {
        if estimate >= self.wanted {
            (self.wait, self.next, self.asked) = (SOON, None, None);
            return;
        }
        if let Some((at, before)) = self.asked {
            if now < at + RESULT {
                return;
            }
            let found = u64::from(estimate) * 100 >= u64::from(before) * FOUND;
            self.wait = if found { SOON } else { (self.wait * 2).min(SELDOM) };
            // A result has been waited for already.
            self.next = Some(at + self.wait);
            self.asked = None;
        }
        let next = *self.next.get_or_insert(now + self.wait);
        if now >= next {
            self.asked = Some((now, estimate));
            self.demand = Demand::Lower;
        }
    }

    /// Bits per second that the estimator has to be told are wanted, and then be given a turn; until there is
    /// nothing more to tell.
    pub(crate) fn demand(&mut self) -> Option<u32> {
        let (demand, next) = match self.demand {
            Demand::Stands => return None,
            Demand::Lower => (NEXT_TO_NOTHING, Demand::Raise),
            Demand::Raise => (self.wanted, Demand::Stands),
        };
        self.demand = next;
        Some(demand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: u32 = 6_000_000;

    /// Times in seconds at which a path was probed that carries `path(whole seconds)`, over a minute.
    fn probes(path: impl Fn(u32) -> u32) -> Vec<f64> {
        let begin = Instant::now();
        let mut search = Search::new(WANTED);
        let mut probes = Vec::new();
        for turn in 0..600 {
            let seconds = f64::from(turn) / 10.0;
            search.estimate(path(turn / 10), begin + Duration::from_secs_f64(seconds));
            while let Some(demand) = search.demand() {
                if demand == WANTED {
                    probes.push(seconds);
                }
            }
        }
        probes
    }

    #[test]
    fn a_path_that_carries_enough_is_left_alone() {
        assert!(probes(|_| WANTED).is_empty());
    }

    #[test]
    fn a_path_that_stays_narrow_is_probed_soon_and_then_seldom() {
        let probes = probes(|_| 1_000_000);
        assert!(probes[0] <= 1.5, "{probes:?}");
        let gaps: Vec<f64> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[1] > pair[0] - 0.2), "{gaps:?}");
        assert!(gaps.last().is_some_and(|gap| *gap > 5.5 && *gap < 7.5), "{gaps:?}");
    }

    #[test]
    fn where_a_probe_found_room_the_next_one_follows_at_once() {
        // Each second finds twice the room, until there is enough.
        let probes =
            probes(|seconds| if seconds < 31 { 1_000_000 } else { 2_000_000 << (seconds - 31).min(3) });
        let after = probes.iter().position(|at| *at >= 31.0).unwrap();
        assert!(probes[after + 1] - probes[after] <= 1.2, "{probes:?}");
        assert_eq!(probes.len(), after + 2, "{probes:?}");
    }

    #[test]
    fn a_demand_goes_down_and_up_again_once() {
        let now = Instant::now();
        let mut search = Search::new(WANTED);
        search.estimate(1_000_000, now);
        search.estimate(1_000_000, now + SOON);
        assert_eq!(
            [search.demand(), search.demand(), search.demand()],
            [Some(NEXT_TO_NOTHING), Some(WANTED), None]
        );
    }

    #[test]
    fn another_wish_is_told_once() {
        let mut search = Search::new(WANTED);
        search.want(9_000_000);
        assert_eq!([search.demand(), search.demand()], [Some(9_000_000), None]);
    }
}
