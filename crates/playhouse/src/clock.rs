//! The machine's monotonic clock, in the units that all processes share.

use playhouse_media::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Now.
pub(crate) fn now() -> Timestamp {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::from_micros(seconds * 1_000_000 + nanos / 1_000)
}
