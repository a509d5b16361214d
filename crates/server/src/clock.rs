//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use playhouse_store::Millis;

/// A second.
pub(crate) const SECOND: Millis = 1_000;
/// A minute.
pub(crate) const MINUTE: Millis = 60 * SECOND;
/// An hour.
pub(crate) const HOUR: Millis = 60 * MINUTE;
/// A day.
pub(crate) const DAY: Millis = 24 * HOUR;

/// Now.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
