//! The machine's monotonic clock, in both of the types that are needed here.

use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// The session's clock: microseconds of `CLOCK_MONOTONIC`.
pub fn now() -> Timestamp {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let micros = u64::try_from(now.tv_nsec / 1000).unwrap_or(0);
    Timestamp::from_micros(seconds * 1_000_000 + micros)
}

/// The same moment on both clocks, to translate one into the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    timestamp: Timestamp,
}

impl Anchor {
    /// Takes both readings now.
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), timestamp: now() }
    }

    /// The `Instant` of a timestamp, which may lie before the anchor.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        let later = at.since(self.timestamp);
        if later > Duration::ZERO {
            return self.instant + later;
        }
        self.instant.checked_sub(self.timestamp.since(at)).unwrap_or(self.instant)
    }
}
