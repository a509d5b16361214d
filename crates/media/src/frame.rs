//! Pictures before they are encoded, and the timeline that travels with each of them.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Width and height of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// A size of `width × height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Bytes of a packed picture of four bytes a pixel.
    pub const fn bgra_len(self) -> usize {
        self.width as usize * self.height as usize * 4
    }

    /// The largest size of even sides within this one: 4:2:0 halves both.
    #[must_use]
    pub const fn even(self) -> Self {
        Self { width: self.width & !1, height: self.height & !1 }
    }
}

/// A rectangle of a picture, mostly one that changed since the frame before: pixels, origin at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Extent to the right.
    pub width: u32,
    /// Extent downwards.
    pub height: u32,
}

impl Damage {
    /// All of a picture.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, width: size.width, height: size.height }
    }
}

/// When each step of a frame's way was finished, on the machine's monotonic clock.
///
/// The player's overlay, the metrics and the benchmarks all read these numbers. Zero means *not yet*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Sequence number of the newest input that the game had been given before it drew; 0 for none.
    pub input_seq: u32,
    /// When that input reached the session.
    pub input: Timestamp,
    /// When the game committed the picture.
    pub commit: Timestamp,
    /// When the picture was NV12.
    pub converted: Timestamp,
    /// When the access unit left the encoder.
    pub encoded: Timestamp,
    /// When its last packet was handed to the kernel.
    pub sent: Timestamp,
}

/// A picture in NV12 (4:2:0, BT.709, limited range): a luma plane, then one plane of interleaved Cb and Cr.
///
/// Both planes have rows of `width` bytes without padding: `width × height` of luma, `width × height / 2` of chroma.
#[derive(Debug, PartialEq, Eq)]
pub struct Nv12 {
    size: Size,
    data: Vec<u8>,
}

impl Clone for Nv12 {
    fn clone(&self) -> Self {
        Self { size: self.size, data: self.data.clone() }
    }

    /// Keeps the memory that is there: a derived one would ask for new pages with every picture.
    fn clone_from(&mut self, source: &Self) {
        self.size = source.size;
        self.data.clone_from(&source.data);
    }
}

impl Nv12 {
    /// A black picture; sides are rounded down to even numbers.
    pub fn new(size: Size) -> Self {
        let size = size.even();
        let luma = size.width as usize * size.height as usize;
        let mut data = vec![16; luma];
        data.resize(luma + luma / 2, 128);
        Self { size, data }
    }

    /// Width and height, both even.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Luma, `width × height` bytes.
    pub fn luma(&self) -> &[u8] {
        &self.data[..self.luma_len()]
    }

    /// Interleaved Cb and Cr, `width × height / 2` bytes.
    pub fn chroma(&self) -> &[u8] {
        &self.data[self.luma_len()..]
    }

    /// Both planes for writing: luma, then chroma.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        let at = self.luma_len();
        self.data.split_at_mut(at)
    }

    fn luma_len(&self) -> usize {
        self.size.width as usize * self.size.height as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_have_the_sizes_that_encoders_expect() {
        let mut picture = Nv12::new(Size::new(33, 17));
        assert_eq!(picture.size(), Size::new(32, 16));
        assert_eq!((picture.luma().len(), picture.chroma().len()), (512, 256));
        let (luma, chroma) = picture.planes_mut();
        assert_eq!((luma[0], chroma[0]), (16, 128));
    }
}
