//! Where pictures come from: one trait, and a camera thread that never lags behind it.

mod camera;
mod ffmpeg;
mod film;
mod folder;
mod rtsp;
mod scene;
mod slot;
mod v4l2;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use playhouse_media::time::Timestamp;
use playhouse_sense::picture::Picture;

use crate::clock::{date_ms, now};

pub use camera::{Camera, start};
pub use film::Film;
pub use folder::Pictures;
pub use rtsp::Rtsp;
pub use scene::Virtual;
pub use slot::{Slot, Taken};
pub use v4l2::V4l2;

/// The widest picture that is looked at, in pixels. Wider ones are made smaller by whoever decodes them: no detector of ours
/// looks closer, and what is not decoded costs nothing.
pub const WIDEST: u32 = 640;

/// The most pixels of one picture, before it is made smaller: 8K.
pub const MOST_PIXELS: u64 = 7680 * 4320;

/// How long a camera may be silent before it is asked anew.
pub const SILENCE: Duration = Duration::from_secs(10);

/// A picture, and when it was taken.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The picture.
    pub picture: Picture,
    /// Its number: what a virtual sensor draws as a barcode, or how many came before.
    pub frame: u64,
    /// When it was taken, or (where the camera does not say) when it arrived: milliseconds since 1970 by this machine's
    /// clock.
    pub at: u64,
    /// The same on the monotonic clock, from which durations are taken.
    pub taken: Timestamp,
}

/// Why there is no picture, as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A program is missing.
    #[error("the program ffmpeg could not be started ({0}); install Debian's package ffmpeg")]
    NoFfmpeg(std::io::Error),
    /// What is there cannot be read.
    #[error("{what} gives no pictures: {why}")]
    Unreadable {
        /// The camera, file or folder.
        what: String,
        /// In the words of who tried.
        why: String,
    },
    /// Nothing comes.
    #[error("{0} has sent no picture for {seconds} seconds; see that it is plugged in and reachable", seconds = SILENCE.as_secs())]
    Silent(String),
    /// There is nothing there.
    #[error("{0} is not there; plug it in, or name another one with --input")]
    Missing(String),
    /// The agent ends.
    #[error("the agent ends")]
    Stopped,
}

/// Where pictures come from. Whatever goes wrong, the next call tries anew: that is how an unplugged camera comes back.
pub trait Input: Send {
    /// What kind it is: `virtual`, `v4l2`, `rtsp`, `file` or `pictures`.
    fn kind(&self) -> &'static str;

    /// Waits for the next picture, in step with the camera. Returns [`Fault::Stopped`] soon after `stop` says so.
    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault>;
}

/// Says to a camera thread that nobody wants more pictures.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// How often somebody who waits looks whether to stop.
const LOOK: Duration = Duration::from_millis(100);

impl Stop {
    /// No more pictures.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody said so.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits, unless somebody says to stop.
    pub fn wait(&self, mut long: Duration) -> Result<(), Fault> {
        loop {
            if self.is_stopped() {
                return Err(Fault::Stopped);
            }
            if long.is_zero() {
                return Ok(());
            }
            let piece = long.min(LOOK);
            std::thread::sleep(piece);
            long -= piece;
        }
    }
}

/// A shot of a picture that has just arrived.
pub(crate) fn shot(picture: Picture, frame: u64) -> Shot {
    Shot { picture, frame, at: date_ms(), taken: now() }
}
