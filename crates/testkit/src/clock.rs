//! The machine's monotonic clock, which the session's timelines are written in as well.

use playhouse_media::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Microseconds of `CLOCK_MONOTONIC`.
pub fn now() -> Timestamp {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let micros = u64::try_from(now.tv_nsec / 1000).unwrap_or(0);
    Timestamp::from_micros(seconds * 1_000_000 + micros)
}
