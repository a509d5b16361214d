//! A number as black and white cells along the upper edge of a picture, which survives lossy coding and scaling.
//!
//! [`CELLS`] cells of equal width, as high as [`SHARE`] of the picture. From the left, highest bit first: 24 bits of the
//! number, then the CRC-8 (polynomial 0x07, start 0xff) of those three bytes. White is 1.

use crate::picture::Picture;

/// Cells side by side.
pub const CELLS: usize = 32;

/// Height of the cells, as a fraction of the picture's height.
pub const SHARE: f32 = 0.05;

/// The first number that is written as 0 again.
pub const NUMBERS: u64 = 1 << 24;

/// A cell darker than this is black, in 255ths; nothing says anything between it and [`WHITE`].
const BLACK: u32 = 100;

/// A cell brighter than this is white, in 255ths.
const WHITE: u32 = 155;

/// Rows of pixels that the cells take.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small part of a height")]
pub fn rows(height: usize) -> usize {
    (height as f32 * SHARE).ceil() as usize
}

/// Draws the number's lowest 24 bits.
pub fn write(picture: &mut Picture, number: u64) {
    let code = code(number % NUMBERS);
    let width = picture.width();
    let rows = rows(picture.height());
    let Some(line) = picture.rgb_mut().get_mut(..width * 3) else { return };
    for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
        pixel.fill(if code >> (CELLS - 1 - x * CELLS / width) & 1 == 1 { 235 } else { 16 });
    }
    for row in 1..rows {
        picture.rgb_mut().copy_within(..width * 3, row * width * 3);
    }
}

/// The number that [`write()`] drew, modulo [`NUMBERS`]; `None` where there is none, or it cannot be read for certain.
pub fn read(picture: &Picture) -> Option<u64> {
    let (width, rows) = (picture.width(), rows(picture.height()));
    if width < CELLS || rows == 0 {
        return None;
    }
    let mut code = 0u32;
    for cell in 0..CELLS {
        // Only the middle of a cell: its edges are blurred by coding and scaling.
        let (left, right) = (cell * width / CELLS, (cell + 1) * width / CELLS);
        let (inset, above) = ((right - left) / 4, rows / 4);
        let mut sum = 0u32;
        let mut count = 0u32;
        for y in above..(rows - above).max(above + 1) {
            for x in left + inset..(right - inset).max(left + inset + 1) {
                let place = (y * width + x) * 3;
                sum += picture.rgb()[place..place + 3].iter().map(|&part| u32::from(part)).sum::<u32>();
                count += 3;
            }
        }
        let grey = sum / count.max(1);
        if (BLACK..=WHITE).contains(&grey) {
            return None;
        }
        code = code << 1 | u32::from(grey > WHITE);
    }
    let number = u64::from(code >> 8);
    (self::code(number) == code).then_some(number)
}

/// All bits of a number below [`NUMBERS`].
#[expect(clippy::cast_possible_truncation, reason = "the number has 24 bits")]
fn code(number: u64) -> u32 {
    let number = number as u32;
    let check = number.to_be_bytes()[1..].iter().fold(0xff_u8, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    });
    number << 8 | u32::from(check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Chance;
    use crate::scene::figure::to_colour;

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for (width, height) in [(320, 240), (640, 480), (160, 120), (1280, 720), (333, 217)] {
            for number in [0, 1, 2, 255, 1_234_567, NUMBERS - 1, NUMBERS + 5] {
                let mut picture = Picture::black(width, height);
                write(&mut picture, number);
                assert_eq!(read(&picture), Some(number % NUMBERS), "{number} at {width}x{height}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_number_has_none() {
        assert_eq!(read(&Picture::black(320, 240)), None);
        let mut white = Picture::black(320, 240);
        white.rgb_mut().fill(255);
        assert_eq!(read(&white), None);
        assert_eq!(read(&Picture::black(0, 0)), None);
    }

    /// What a codec at a low bitrate and a scaled canvas leave of it: blurred, less contrast, noise.
    #[test]
    fn a_number_survives_a_bad_copy() {
        let mut chance = Chance::new(7);
        for number in (0..200).map(|n| n * 83_857) {
            let mut picture = Picture::black(320, 240);
            write(&mut picture, number);
            let before = picture.clone();
            for y in 0..240 {
                for x in 0..960_usize {
                    let around = (-3..=3_isize).map(|dx| x.saturating_add_signed(dx * 3).min(959));
                    let sum: f32 = around.map(|x| f32::from(before.rgb()[y * 960 + x])).sum();
                    let value = sum / 7.0 * 0.8 + 20.0 + 12.0 * chance.bell();
                    picture.rgb_mut()[y * 960 + x] = to_colour(value);
                }
            }
            assert_eq!(read(&picture), Some(number % NUMBERS));
        }
    }

    #[test]
    fn a_cell_that_flipped_is_noticed() {
        let mut picture = Picture::black(320, 240);
        write(&mut picture, 77_777);
        for cell in 0..CELLS {
            let mut wrong = picture.clone();
            for y in 0..rows(240) {
                for x in cell * 30..(cell + 1) * 30 {
                    let place = y * 960 + x;
                    wrong.rgb_mut()[place] = 255 - wrong.rgb()[place];
                }
            }
            assert_eq!(read(&wrong), None, "cell {cell}");
        }
    }
}
