//! What is known of the path to a peer, and whether it is flooded.

use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;
use playhouse_play::queue::{Load, Queue};

use crate::Config;
use crate::search::Search;

/// Share of packets lost from which on a path counts as one that loses many.
const HIGH_LOSS: f32 = 0.02;

/// Longest time that the picture waits for a queue to drain; a longer one is none of a home's router.
const MAX_DRAIN: Duration = Duration::from_millis(500);

/// The path as it was last measured.
#[derive(Debug)]
pub(crate) struct Path {
    /// Bits per second that it carries, by congestion control.
    pub(crate) estimate: u32,
    /// Share of packets lost in the last second, 0 to 1.
    pub(crate) loss: f32,
    /// Round trip; zero until it is known.
    pub(crate) rtt: Duration,
    pub(crate) load: Load,
    pub(crate) search: Search,
    queue: Queue,
    flood: Flood,
}

/// Whether a queue on the path has overflowed.
#[derive(Clone, Copy, Debug)]
enum Flood {
    None,
    /// It drains until then.
    Until(Instant),
    /// It has drained, which the measurements do not say yet.
    Over,
}

/// What a measurement changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    None,
    /// A queue has overflowed: until it has drained nothing of the picture is to be sent.
    Flooded,
    /// It has drained: the picture goes on, with a keyframe.
    Drained,
}

impl Path {
    /// A path of which nothing is known.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            estimate: config.start_bitrate,
            loss: 0.0,
            rtt: Duration::ZERO,
            load: Load::Clear,
            search: Search::new(config.wanted_bitrate),
            queue: Queue::default(),
            flood: Flood::None,
        }
    }

    /// Takes what the protocol has measured; `estimate` is missing until there is one.
    pub(crate) fn measured(
        &mut self,
        estimate: Option<u32>,
        loss: f32,
        rtt: Duration,
        now: (Instant, Timestamp),
    ) -> Turn {
        self.estimate = estimate.unwrap_or(self.estimate);
        (self.loss, self.rtt) = (loss, rtt);
        self.load = self.queue.round_trip(rtt, now.1);
        self.search.estimate(self.estimate, now.0);
        self.turn(now.0)
    }

    fn turn(&mut self, now: Instant) -> Turn {
        match self.flood {
            Flood::None if self.load != Load::Clear && self.loses_many() => {
                // Nothing more is sent that could measure the queue; what is in it is through after a round trip.
                self.flood = Flood::Until(now + self.rtt.min(MAX_DRAIN));
                return Turn::Flooded;
            }
            Flood::Until(end) if now >= end => {
                self.flood = Flood::Over;
                return Turn::Drained;
            }
            Flood::Over if self.load == Load::Clear => self.flood = Flood::None,
            _ => {}
        }
        Turn::None
    }

    /// Whether nothing of the picture is sent, so that a queue drains.
    pub(crate) fn drains(&self) -> bool {
        matches!(self.flood, Flood::Until(_))
    }

    /// Whether many packets are lost.
    pub(crate) fn loses_many(&self) -> bool {
        self.loss >= HIGH_LOSS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns with their milliseconds, for round trips in milliseconds and losses that are measured every 50.
    fn turns(measured: impl IntoIterator<Item = (u64, f32)>) -> Vec<(u64, Turn)> {
        let begin = Instant::now();
        let mut path = Path::new(&Config::default());
        let mut turns = Vec::new();
        for (index, (rtt, loss)) in (1..).zip(measured) {
            let millis = index * 50;
            let now = (begin + Duration::from_millis(millis), Timestamp::from_micros(millis * 1000));
            let turn = path.measured(Some(4_000_000), loss, Duration::from_millis(rtt), now);
            assert_eq!(path.drains() || turn == Turn::Flooded, path.drains());
            if turn != Turn::None {
                turns.push((millis, turn));
            }
        }
        turns
    }

    #[test]
    fn a_queue_that_overflowed_drains_for_a_round_trip_and_the_picture_goes_on_once() {
        // Nothing new is measured while nothing is sent, and the loss of the last second stands for a second.
        let narrow = [(50, 0.0), (50, 0.0), (150, 0.0), (250, 0.01), (290, 0.1)];
        let stale = std::iter::repeat_n((290, 0.3), 9);
        let after = std::iter::repeat_n((60, 0.3), 20);
        let turns = turns(narrow.into_iter().chain(stale).chain(after));
        assert_eq!(turns, [(250, Turn::Flooded), (550, Turn::Drained)]);
    }

    #[test]
    fn loss_without_a_queue_is_no_flood() {
        assert!(turns(std::iter::repeat_n((60, 0.2), 100)).is_empty());
    }

    #[test]
    fn a_queue_without_loss_is_no_flood() {
        assert!(turns([(50, 0.0), (200, 0.0), (400, 0.0), (400, 0.0)]).is_empty());
    }
}
