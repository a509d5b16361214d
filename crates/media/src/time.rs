//! Points in time and the clock that a frame's timeline is written in.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds of the machine's monotonic clock (`CLOCK_MONOTONIC`).
///
/// All processes of one machine share that clock, so that a timestamp taken in the compositor can be compared
/// with one taken by the node. It says nothing about the time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

    /// A timestamp of so many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the clock's origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero where `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This point in units of a media clock of `rate` ticks per second (90,000 for video, 48,000 for audio).
    pub fn in_ticks(self, rate: u32) -> u64 {
        let ticks = u128::from(self.0) * u128::from(rate) / 1_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_media_clock() {
        let second = Timestamp::from_micros(1_000_000);
        assert_eq!(second.in_ticks(90_000), 90_000);
        assert_eq!((second + Duration::from_millis(500)).in_ticks(48_000), 72_000);
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_zero() {
        let early = Timestamp::from_micros(5);
        let late = Timestamp::from_micros(9);
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early - Duration::from_secs(1), Timestamp::ZERO);
    }
}
