//! BGRA pictures as NV12: BT.709, limited range, only where the picture changed.

use std::ops::Range;

use media::frame::{Damage, Nv12, Size};
use playhouse_media as media;
use yuv::{BufferStoreMut, YuvBiPlanarImageMut, YuvConversionMode, YuvRange, YuvStandardMatrix};

/// Why a picture could not be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The buffer ends before the picture does.
    #[error(
        "a picture of {width}x{height} with rows of {stride} bytes needs {needed} bytes, but there are {have}"
    )]
    Short {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes that the picture takes.
        needed: usize,
        /// Bytes that were given.
        have: usize,
    },
    /// A row of the picture is longer than its stride.
    #[error("rows of {stride} bytes are too short for {width} pixels of four bytes")]
    Stride {
        /// Pixels of a row.
        width: u32,
        /// Bytes from one row to the next.
        stride: usize,
    },
    /// The picture has no pixel or more than the conversion can count.
    #[error("a picture of {width}x{height} cannot be converted: its sides have to be 2 to 16384 pixels")]
    Size {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The rows are not pairs of the picture's.
    #[error("the rows {rows:?} are no pairs of rows of a picture of {}x{}", size.width, size.height)]
    Rows {
        /// What was to be converted.
        rows: Range<u32>,
        /// The size of the picture.
        size: Size,
    },
    /// The conversion refused what had been checked.
    #[error("the picture could not be converted: {0}")]
    Failed(String),
}

/// Longest side that is converted: more than any H.264 level has, and far from overflow.
const LONGEST_SIDE: u32 = 16_384;

/// Converts a whole picture of four bytes a pixel (blue, green, red, ignored) with rows `stride` bytes apart.
///
/// `source` has at least the size of `out`; what it has beyond that is not read.
pub fn to_nv12(source: &[u8], stride: usize, out: &mut Nv12) -> Result<(), Error> {
    rows_to_nv12(source, stride, 0..out.size().height, out)
}

/// The rows to convert where a picture of even sides is damaged, from the top to the bottom: both of each pair, which
/// share their chroma, and no pair twice.
pub fn damaged_rows(damage: &[Damage], size: Size) -> Vec<Range<u32>> {
    let seen = damage.iter().filter(|d| d.width > 0 && d.height > 0 && d.x < size.width && d.y < size.height);
    let mut bands: Vec<_> =
        seen.map(|d| d.y & !1..d.y.saturating_add(d.height).min(size.height).next_multiple_of(2)).collect();
    bands.sort_unstable_by_key(|band| band.start);
    bands.dedup_by(|next, band| {
        let meets = next.start <= band.end;
        if meets {
            band.end = band.end.max(next.end);
        }
        meets
    });
    bands
}

/// Converts some pairs of a picture's rows, and leaves the rest of `out` as it was.
///
/// `source` begins with the first of these rows, and the last of them has its whole stride.
pub fn rows_to_nv12(source: &[u8], stride: usize, rows: Range<u32>, out: &mut Nv12) -> Result<(), Error> {
    let size = out.size();
    if !rows.start.is_multiple_of(2) || !rows.end.is_multiple_of(2) || rows.end > size.height {
        return Err(Error::Rows { rows, size });
    }
    let height = rows.end.saturating_sub(rows.start);
    let source = check(source, stride, Size { height, ..size })?;
    let (width, top, bottom) = (size.width as usize, rows.start as usize, rows.end as usize);
    let (luma, chroma) = out.planes_mut();
    // The conversion takes its rows from the planes' lengths, whatever the height says, and leaves out a last row that
    // is shorter than its stride.
    let mut image = YuvBiPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut luma[top * width..bottom * width]),
        y_stride: size.width,
        uv_plane: BufferStoreMut::Borrowed(&mut chroma[top / 2 * width..bottom / 2 * width]),
        uv_stride: size.width,
        width: size.width,
        height,
    };
    yuv::bgra_to_yuv_nv12(
        &mut image,
        source,
        in_stride(stride),
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
    .map_err(|error| Error::Failed(error.to_string()))
}

/// The part of a source that holds a picture of this size.
fn check(source: &[u8], stride: usize, size: Size) -> Result<&[u8], Error> {
    let Size { width, height } = size;
    if width == 0 || height == 0 || width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(Error::Size { width, height });
    }
    if stride < width as usize * 4 || u32::try_from(stride).is_err() {
        return Err(Error::Stride { width, stride });
    }
    let needed = stride.saturating_mul(height as usize);
    source.get(..needed).ok_or(Error::Short { width, height, stride, needed, have: source.len() })
}

/// A stride as the conversion takes it; `check` has refused those that would not fit.
fn in_stride(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test patterns are cut on purpose")]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, stride: usize, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let mut data = vec![0xEE; stride * height as usize];
        for y in 0..height {
            for x in 0..width {
                let at = y as usize * stride + x as usize * 4;
                data[at..at + 3].copy_from_slice(&pixel(x, y));
            }
        }
        data
    }

    #[test]
    fn colours_are_those_of_bt709_in_limited_range() {
        // Blue, green, red as stored; expected values from Recommendation BT.709.
        let cases = [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 255], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([255, 0, 0], [32, 240, 118]),
        ];
        for (bgr, expected) in cases {
            let mut out = Nv12::new(Size::new(64, 32));
            to_nv12(&picture(64, 32, 64 * 4, |_, _| bgr), 64 * 4, &mut out).unwrap();
            let got = [out.luma()[0], out.chroma()[0], out.chroma()[1]];
            for (got, expected) in got.iter().zip(expected) {
                assert!(got.abs_diff(expected) <= 1, "{bgr:?} became {got:?}, not {expected:?}");
            }
            assert!(out.luma().iter().all(|&y| y == out.luma()[0]), "the whole plane is written");
            assert!(out.chroma().chunks(2).all(|c| c == &out.chroma()[..2]));
        }
    }

    #[test]
    fn padding_at_the_end_of_rows_is_not_seen() {
        let texture = |x: u32, y: u32| [(x * 7) as u8, (y * 11) as u8, (x ^ y) as u8];
        let (mut tight, mut padded) = (Nv12::new(Size::new(66, 34)), Nv12::new(Size::new(66, 34)));
        to_nv12(&picture(66, 34, 66 * 4, texture), 66 * 4, &mut tight).unwrap();
        to_nv12(&picture(66, 34, 512, texture), 512, &mut padded).unwrap();
        assert_eq!(tight, padded);
    }

    #[test]
    fn damage_alone_gives_the_picture_that_a_whole_conversion_gives() {
        let size = Size::new(128, 96);
        let before = picture(128, 96, 512, |x, y| [(x * 2) as u8, (y * 2) as u8, 90]);
        let damage = [
            Damage { x: 3, y: 5, width: 41, height: 17 },
            Damage { x: 101, y: 91, width: 500, height: 500 },
            Damage { x: 0, y: 60, width: 128, height: 1 },
            Damage { x: 400, y: 400, width: 4, height: 4 },
            Damage { x: 7, y: 7, width: 0, height: 9 },
        ];
        let mut after = before.clone();
        for (i, byte) in after.iter_mut().enumerate() {
            let (x, y) = ((i % 512 / 4) as u32, (i / 512) as u32);
            let hit = damage.iter().any(|d| {
                (d.x..d.x.saturating_add(d.width)).contains(&x)
                    && (d.y..d.y.saturating_add(d.height)).contains(&y)
            });
            if hit {
                *byte = byte.wrapping_mul(31).wrapping_add(77);
            }
        }
        let (mut partial, mut whole) = (Nv12::new(size), Nv12::new(size));
        to_nv12(&before, 512, &mut partial).unwrap();
        let rows = damaged_rows(&damage, size);
        assert_eq!(rows, [4..22, 60..62, 90..96]);
        for rows in rows {
            rows_to_nv12(&after[rows.start as usize * 512..], 512, rows, &mut partial).unwrap();
        }
        to_nv12(&after, 512, &mut whole).unwrap();
        assert_eq!(partial, whole);
    }

    #[test]
    fn no_row_is_written_but_those_that_are_converted() {
        let size = Size::new(64, 32);
        let mut out = Nv12::new(size);
        rows_to_nv12(&picture(64, 32, 256, |_, _| [255; 3]), 256, 8..10, &mut out).unwrap();
        let white = |line: &[u8]| line.iter().all(|&y| y == 235);
        let lines: Vec<_> = (0..).zip(out.luma().chunks(64)).filter(|(_, line)| white(line)).collect();
        assert_eq!(lines.iter().map(|(y, _)| *y).collect::<Vec<u32>>(), [8, 9]);
        assert!(out.luma().iter().filter(|&&y| y != 16).count() == 128);
    }

    #[test]
    fn rows_that_share_chroma_are_converted_once_and_together() {
        let (rows, size) = (|y, height| Damage { x: 9, y, width: 3, height }, Size::new(64, 32));
        assert_eq!(damaged_rows(&[rows(20, 3), rows(1, 1), rows(3, 4), rows(21, 1)], size), [0..8, 20..24]);
        assert_eq!(damaged_rows(&[rows(0, 9), rows(5, 5), rows(30, 40)], size), [0..10, 30..32]);
        assert_eq!(
            damaged_rows(&[Damage { x: 64, y: 0, width: 1, height: 1 }, rows(32, 1), rows(4, 0)], size),
            []
        );
    }

    #[test]
    fn a_buffer_that_is_too_short_is_refused_in_words() {
        let mut out = Nv12::new(Size::new(64, 32));
        let short = to_nv12(&[0; 64 * 4 * 31], 64 * 4, &mut out).unwrap_err();
        assert!(short.to_string().contains("needs 8192 bytes, but there are 7936"), "{short}");
        assert!(matches!(to_nv12(&[0; 9000], 200, &mut out), Err(Error::Stride { .. })));
        for rows in [3..8, 2..5, 30..34] {
            let refused = rows_to_nv12(&[0; 9000], 256, rows, &mut out);
            assert!(matches!(refused, Err(Error::Rows { .. })));
        }
        let mut empty = Nv12::new(Size::new(1, 1));
        assert!(matches!(to_nv12(&[0; 16], 4, &mut empty), Err(Error::Size { .. })));
    }
}
