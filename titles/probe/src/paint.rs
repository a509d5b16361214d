//! A picture in memory to paint on.

use playhouse_media::frame::Size;

use crate::layout::Rect;
use crate::texture::Pixel;

/// Rows of BGRX, without gaps between them.
pub(crate) struct Canvas<'a> {
    pub(crate) size: Size,
    pixels: &'a mut [Pixel],
}

impl<'a> Canvas<'a> {
    /// A picture of `size`; rows that are missing in `data` are not painted.
    pub(crate) fn new(size: Size, data: &'a mut [u8]) -> Self {
        Self { size, pixels: data.as_chunks_mut().0 }
    }

    /// The pixels of row `y` from column `from` to before `to`; what lies outside of the picture is left out.
    pub(crate) fn row(&mut self, y: u32, from: u32, to: u32) -> &mut [Pixel] {
        let width = self.size.width;
        let (from, to) = (from.min(width), to.clamp(from.min(width), width));
        let start = if y < self.size.height { (y * width) as usize } else { self.pixels.len() };
        self.pixels.get_mut(start + from as usize..start + to as usize).unwrap_or_default()
    }

    pub(crate) fn fill(&mut self, rect: Rect, pixel: Pixel) {
        for y in rect.y..rect.y + rect.height {
            self.row(y, rect.x, rect.x + rect.width).fill(pixel);
        }
    }
}
