//! Where things are in the probe's picture.
//!
//! All places are given on a grid of [`GRID`] and scale with the picture, so that they are found in a picture that
//! was made smaller on its way as well. They lie around the middle, where no page puts its controls.
//!
//! ```text
//!          304                                                     976
//!     208  +--------- barcode: 28 columns, 2 rows of 24 × 24 ---------+
//!     256  +----------------------------------------------------------+
//!                             592          688
//!                        312  +--- mark ----+
//!                        408  +-------------+
//! ```

use playhouse_media::frame::Size;

/// What places are given in.
pub const GRID: Size = Size::new(1280, 720);

/// The barcode, without its quiet border of [`BORDER`].
pub const BARCODE: Rect = Rect { x: 304, y: 208, width: 672, height: 48 };

/// The mark that flips at every press, without its border: black at first and after every second press.
pub const MARK: Rect = Rect { x: 592, y: 312, width: 96, height: 96 };

/// Width of the dark border around barcode and mark.
pub const BORDER: u32 = 8;

/// Half the length of the crosshair's arms, in pixels of the picture.
pub const CROSSHAIR: u32 = 14;

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// This part of the grid in a picture of `size`.
    #[must_use]
    pub fn scaled(self, size: Size) -> Self {
        let x = |x: u32| scale(x, size.width, GRID.width);
        let y = |y: u32| scale(y, size.height, GRID.height);
        Self {
            x: x(self.x),
            y: y(self.y),
            width: x(self.x + self.width) - x(self.x),
            height: y(self.y + self.height) - y(self.y),
        }
    }

    /// This part with `by` more on each side.
    #[must_use]
    pub const fn grown(self, by: u32) -> Self {
        Self {
            x: self.x.saturating_sub(by),
            y: self.y.saturating_sub(by),
            width: self.width + 2 * by,
            height: self.height + 2 * by,
        }
    }

    /// The quarter of its area in the middle: what compression and scaling leave alone.
    #[must_use]
    pub const fn core(self) -> Self {
        Self {
            x: self.x + self.width / 4,
            y: self.y + self.height / 4,
            width: if self.width > 1 { self.width / 2 } else { 1 },
            height: if self.height > 1 { self.height / 2 } else { 1 },
        }
    }
}

/// `at` of `grid` in `pixels`, rounded down; everything fits 32 bits for pictures that fit a screen.
fn scale(at: u32, pixels: u32, grid: u32) -> u32 {
    u32::try_from(u64::from(at) * u64::from(pixels) / u64::from(grid)).unwrap_or(u32::MAX)
}
