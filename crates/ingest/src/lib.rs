//! Takes streams in: sockets whose bytes become the formats and samples of a live stream.
//!
//! What the bytes mean is decided in `playhouse_media`, who may publish by a [`Door`](playhouse_live::Door). Each
//! connection is a task of its own with a bounded buffer, so that a bad or slow publisher harms no other.

mod feed;
mod rtmp;
mod rtsp;
mod srt;

use std::sync::Arc;
use std::time::Duration;

use playhouse_live::{Door, Hub};

pub use rtmp::{serve as rtmp, serve_tls as rtmps};
pub use rtsp::pull as rtsp;
pub use srt::{Listener as SrtListener, serve as srt};

/// Where streams go to, and who says who may send them.
#[derive(Clone)]
pub struct House {
    /// All live streams.
    pub hub: Arc<Hub>,
    /// Knows the keys.
    pub door: Arc<dyn Door>,
}

/// How long a publisher may send nothing: longer than a stall that a network gets over, short enough for viewers not to
/// wait for what will not come.
pub const SILENCE: Duration = Duration::from_secs(10);

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}
