//! Whether a queue builds up on the way to a peer, told by its round trip.
//!
//! Congestion control's estimate takes half a second to notice a path that became narrow, and until then a home
//! router's queue is full and drops what comes. The round trip shows it after a tenth of that: it grows by what
//! waits.

use std::time::Duration;

use playhouse_media::time::Timestamp;

/// A round trip that is longer than the shortest one by so much has a queue on it; below are jitter, a late thread
/// and the receiver's gathering of reports.
const FULL: Duration = Duration::from_millis(80);

/// A queue grows when the round trip is longer by so much than it was since the queue began.
const GROWTH: Duration = Duration::from_millis(10);

/// A queue that lasts so long is none: the path has become longer.
const LONGER: Duration = Duration::from_secs(2);

/// For how long a shortest round trip counts.
const MEMORY: Duration = Duration::from_secs(30);

/// What a round trip says of the path, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// Nothing waits.
    #[default]
    Clear,
    /// Something waits, and it does not become more.
    Full,
    /// More and more waits: more is sent than goes through.
    Filling,
}

/// The queue of one path.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Shortest round trips of the running span of memory and of the one before.
    shortest: [Option<Duration>; 2],
    turned: Timestamp,
    /// Since when there is a queue, and the longest round trip of it.
    full: Option<(Timestamp, Duration)>,
}

impl Queue {
    /// Takes a round trip; zero where it is unknown, which says nothing.
    pub fn round_trip(&mut self, rtt: Duration, now: Timestamp) -> Load {
        if rtt.is_zero() {
            return Load::Clear;
        }
        if now.since(self.turned) >= MEMORY {
            self.shortest = [None, self.shortest[0]];
            self.turned = now;
        }
        self.shortest[0] = Some(self.shortest[0].map_or(rtt, |shortest| shortest.min(rtt)));
        let shortest = self.shortest.iter().flatten().min().copied().unwrap_or(rtt);
        if rtt < shortest + FULL {
            self.full = None;
            return Load::Clear;
        }
        let (since, longest) = self.full.unwrap_or((now, Duration::ZERO));
        if now.since(since) >= LONGER {
            *self = Self { shortest: [Some(rtt), None], turned: now, full: None };
            return Load::Clear;
        }
        self.full = Some((since, longest.max(rtt)));
        if rtt > longest + GROWTH { Load::Filling } else { Load::Full }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a queue says to round trips in milliseconds that come every 100.
    fn loads(trips: impl IntoIterator<Item = u64>) -> Vec<Load> {
        let mut queue = Queue::default();
        let mut now = Timestamp::from_micros(1_000_000);
        let mut next = |rtt| {
            now = now + Duration::from_millis(100);
            queue.round_trip(Duration::from_millis(rtt), now)
        };
        trips.into_iter().map(&mut next).collect()
    }

    #[test]
    fn a_path_that_became_narrow_is_noticed_while_its_queue_fills() {
        let loads = loads([54, 50, 58, 49, 76, 122, 173, 257, 298, 300, 250, 90, 58]);
        assert_eq!(loads[..5], [Load::Clear; 5]);
        assert_eq!(loads[5], Load::Clear);
        assert_eq!(loads[6..9], [Load::Filling; 3]);
        assert_eq!(loads[9..11], [Load::Full; 2]);
        assert_eq!(loads[11..], [Load::Clear; 2]);
    }

    #[test]
    fn a_path_that_became_longer_is_not_taken_for_a_full_one_for_long() {
        let loads = loads(std::iter::repeat_n(20, 20).chain(std::iter::repeat_n(200, 60)));
        assert_eq!(loads.iter().filter(|load| **load == Load::Filling).count(), 1);
        assert_eq!(loads[45..], [Load::Clear; 35]);
    }

    #[test]
    fn an_unknown_round_trip_says_nothing() {
        assert_eq!(loads([20, 0, 0, 20]), [Load::Clear; 4]);
    }

    proptest! {
        #[test]
        fn jitter_alone_is_never_a_queue(base in 1..300_u64, trips in proptest::collection::vec(0..80_u64, 1..300)) {
            let loads = loads(trips.into_iter().map(|jitter| base + jitter));
            prop_assert!(loads.iter().all(|load| *load == Load::Clear));
        }
    }
}
