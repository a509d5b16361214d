//! This machine's two clocks.

use playhouse_media::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Now, on the clock that never jumps.
pub(crate) fn now() -> Timestamp {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::from_micros(seconds * 1_000_000 + nanos / 1_000)
}

/// Milliseconds since 1970, on the clock that people set. It may jump, and nothing but what is told depends on it.
pub(crate) fn date_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
