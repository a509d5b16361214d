//! How good detectors and trackers are, held against the truth of a scene.

mod map;
mod switches;

pub use map::{Map, Precision};
pub use switches::{Followed, Switches};

/// A figure of which less is seen is neither asked for nor held against who found it.
pub const LEAST_VISIBLE: f32 = 0.3;
