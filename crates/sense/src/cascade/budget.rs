//! A token bucket: so many bytes over time, and so many at once.

use playhouse_media::time::Timestamp;

/// Bytes that may be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    left: f64,
    at: Timestamp,
}

impl Bucket {
    /// Full.
    pub(super) fn new(now: Timestamp, rate: f32, burst: usize) -> Self {
        Self { rate: f64::from(rate.max(0.0)), burst: burst as f64, left: burst as f64, at: now }
    }

    /// Takes so many bytes. Whether they were there.
    pub(super) fn take(&mut self, now: Timestamp, bytes: usize) -> bool {
        self.left = (self.left + self.rate * now.since(self.at).as_secs_f64()).min(self.burst);
        self.at = self.at.max(now);
        let enough = self.left >= bytes as f64;
        if enough {
            self.left -= bytes as f64;
        }
        enough
    }
}
