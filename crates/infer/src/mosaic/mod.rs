//! Crops of one track side by side, two by two, as a JPEG picture: what a sensor asks a larger model about.
//!
//! A program has no more of this than its features say: `lay` makes mosaics, `judge` reads them.

#[cfg(feature = "judge")]
mod judge;
#[cfg(feature = "lay")]
mod lay;
#[cfg(all(test, feature = "judge", feature = "lay"))]
mod tests;

#[cfg(feature = "judge")]
pub use judge::{Judgement, Unread, judge, read};
#[cfg(feature = "lay")]
pub use lay::Mosaic;

/// Pixels in a row: what the larger model of this project takes.
pub const WIDTH: u32 = 320;

/// Rows.
pub const HEIGHT: u32 = 240;

/// The size of a cell. Cell 0 is the upper left, 1 the upper right one, and so on.
const CELL: (u32, u32) = (WIDTH / 2, HEIGHT / 2);
