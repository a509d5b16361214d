//! The barcode in the probe's picture: the picture's number and how many inputs it answers.
//!
//! [`COLUMNS`] × [`ROWS`] cells fill [`BARCODE`], row by row from the upper left; white is 1, black is 0. Most significant
//! bit first: 32 bits of the picture's number, 16 bits of the inputs answered so far (wrapping), 8 bits of CRC
//! (polynomial 0x07, begun with 0xff, over the six bytes before it). A cell of 24 × 24 pixels outlasts H.264 at any
//! bitrate that is worth watching, and what it does not outlast the CRC finds.

use playhouse_media::frame::Size;

use crate::layout::{BARCODE, MARK, Rect};

/// Cells across.
pub const COLUMNS: u32 = 28;
/// Cells down.
pub const ROWS: u32 = 2;

const BYTES: usize = (COLUMNS * ROWS / 8) as usize;

/// Luma from which on a cell is white.
const WHITE: u32 = 128;

/// What a picture says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Number of the picture, counted from 0, one per commit.
    pub frame: u32,
    /// Presses answered so far, wrapping; the mark is white where it is odd.
    pub inputs: u16,
}

impl Reading {
    /// Whether each cell is white, in their order.
    pub fn cells(self) -> impl Iterator<Item = (Rect, bool)> {
        let bytes = self.bytes();
        (0..COLUMNS * ROWS).map(move |index| {
            let byte = bytes.get((index / 8) as usize).copied().unwrap_or(0);
            (cell(index), byte >> (7 - index % 8) & 1 == 1)
        })
    }

    fn bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.frame.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.inputs.to_be_bytes());
        bytes[6] = crc(&bytes[..6]);
        bytes
    }
}

/// Place of a cell on the grid.
fn cell(index: u32) -> Rect {
    let (width, height) = (BARCODE.width / COLUMNS, BARCODE.height / ROWS);
    let (column, row) = (index % COLUMNS, index / COLUMNS);
    Rect { x: BARCODE.x + column * width, y: BARCODE.y + row * height, width, height }
}

/// Reads a picture of `size` whose luma at column and row is `luma` (0 black, 255 white), or nothing where there is
/// no whole barcode: another program's picture, or one too damaged.
pub fn read(size: Size, luma: impl Fn(u32, u32) -> u8) -> Option<Reading> {
    let mut bytes = [0_u8; BYTES];
    for index in 0..COLUMNS * ROWS {
        let white = mean(cell(index).scaled(size).core(), &luma) >= WHITE;
        *bytes.get_mut((index / 8) as usize)? |= u8::from(white) << (7 - index % 8);
    }
    let frame = u32::from_be_bytes(*bytes.first_chunk()?);
    let inputs = u16::from_be_bytes([bytes[4], bytes[5]]);
    (crc(&bytes[..6]) == bytes[6]).then_some(Reading { frame, inputs })
}

/// As [`read`], from rows of 8-bit luma (the first plane of NV12 or I420), `stride` bytes apart.
pub fn read_luma(size: Size, plane: &[u8], stride: usize) -> Option<Reading> {
    read(size, |x, y| plane.get(y as usize * stride + x as usize).copied().unwrap_or(0))
}

/// As [`read`], from rows of BGRX or BGRA, `stride` bytes apart.
pub fn read_bgrx(size: Size, data: &[u8], stride: usize) -> Option<Reading> {
    read(size, |x, y| luma(data, y as usize * stride + x as usize * 4))
}

/// Whether the mark is white in a picture of `size`, by its luma as for [`read`].
pub fn mark(size: Size, luma: impl Fn(u32, u32) -> u8) -> bool {
    mean(MARK.scaled(size).core(), &luma) >= WHITE
}

fn luma(data: &[u8], at: usize) -> u8 {
    let Some(&[blue, green, red, _]) = data.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
        return 0;
    };
    let weighted = u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29;
    u8::try_from(weighted >> 8).unwrap_or(u8::MAX)
}

fn mean(rect: Rect, luma: &impl Fn(u32, u32) -> u8) -> u32 {
    let rows = rect.y..rect.y + rect.height;
    let sum: u32 = rows
        .flat_map(|y| (rect.x..rect.x + rect.width).map(move |x| (x, y)))
        .map(|(x, y)| u32::from(luma(x, y)))
        .sum();
    sum / (rect.width * rect.height).max(1)
}

fn crc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scene::{Scene, State};

    fn picture(size: Size, reading: Reading) -> Vec<u8> {
        let mut data = vec![0; size.width as usize * size.height as usize * 4];
        let state = State { reading, phase: reading.frame, pointer: Some((640, 300)) };
        Scene::new(size, 7).paint(&state, &mut data);
        data
    }

    #[test]
    fn a_picture_without_a_barcode_is_not_read() {
        let size = Size::new(1280, 720);
        assert_eq!(read(size, |_, _| 0), None);
        assert_eq!(read(size, |_, _| 255), None);
    }

    #[test]
    fn the_mark_flips_with_every_input() {
        let size = Size::new(1280, 720);
        for inputs in 0..4 {
            let data = picture(size, Reading { frame: 9, inputs });
            let seen = mark(size, |x, y| luma(&data, (y * size.width + x) as usize * 4));
            assert_eq!(seen, inputs % 2 == 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_a_picture_says_is_read_at_any_size(frame: u32, inputs: u16, width in 160..1000_u32, height in 120..560_u32) {
            let size = Size::new(width * 2, height * 2);
            let reading = Reading { frame, inputs };
            let data = picture(size, reading);
            prop_assert_eq!(read_bgrx(size, &data, size.width as usize * 4), Some(reading));
        }

        #[test]
        fn up_to_three_wrong_cells_in_a_row_are_noticed(frame: u32, inputs: u16, first in 0..53_usize, wrong in 1..8_u8) {
            let reading = Reading { frame, inputs };
            let cells: Vec<_> = reading.cells().enumerate().map(|(index, (rect, white))| {
                let flip = (first..first + 3).contains(&index) && wrong >> (index - first) & 1 == 1;
                (rect, white != flip)
            }).collect();
            let luma = |x: u32, y: u32| {
                let inside = |rect: &Rect| x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
                if cells.iter().any(|(rect, white)| *white && inside(rect)) { 235 } else { 16 }
            };
            prop_assert_eq!(read(crate::layout::GRID, luma), None);
        }
    }
}
