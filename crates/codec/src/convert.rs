//! BGRA pictures as NV12: BT.709, limited range, only where the picture changed.

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
    let Size { width, height } = out.size();
    check(source, stride, out.size())?;
    convert(source, stride, Rect { x: 0, y: 0, width, height }, out)
}

/// Converts only the damaged rectangles, widened to even pixels, and leaves the rest of `out` as it was.
///
/// `out` has to hold the picture before this one. Rectangles beyond the picture are cut to it. Where the
/// rectangles overlap so much that a whole conversion is less work, there is a whole conversion.
pub fn to_nv12_damaged(source: &[u8], stride: usize, damage: &[Damage], out: &mut Nv12) -> Result<(), Error> {
    let size = out.size();
    check(source, stride, size)?;
    let all = u64::from(size.width) * u64::from(size.height);
    let area: u64 = damage.iter().filter_map(|d| Rect::within(d, size)).map(Rect::area).sum();
    if area >= all {
        return to_nv12(source, stride, out);
    }
    for rect in damage.iter().filter_map(|d| Rect::within(d, size)) {
        convert(source, stride, rect, out)?;
    }
    Ok(())
}

/// A rectangle within the picture whose edges are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rect {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Rect {
    /// The smallest such rectangle around `damage`, or none where that lies outside.
    fn within(damage: &Damage, size: Size) -> Option<Self> {
        let (x, y) = (damage.x & !1, damage.y & !1);
        let right = damage.x.saturating_add(damage.width).min(size.width).next_multiple_of(2);
        let bottom = damage.y.saturating_add(damage.height).min(size.height).next_multiple_of(2);
        (damage.width > 0 && damage.height > 0 && x < right && y < bottom).then(|| Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        })
    }

    fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

fn check(source: &[u8], stride: usize, size: Size) -> Result<(), Error> {
    let Size { width, height } = size;
    if width == 0 || height == 0 || width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(Error::Size { width, height });
    }
    let row = width as usize * 4;
    if stride < row || u32::try_from(stride).is_err() {
        return Err(Error::Stride { width, stride });
    }
    let needed = stride.saturating_mul(height as usize - 1).saturating_add(row);
    if source.len() < needed {
        return Err(Error::Short { width, height, stride, needed, have: source.len() });
    }
    Ok(())
}

fn convert(source: &[u8], stride: usize, rect: Rect, out: &mut Nv12) -> Result<(), Error> {
    let width = out.size().width as usize;
    let (x, y) = (rect.x as usize, rect.y as usize);
    let (luma, chroma) = out.planes_mut();
    let mut image = YuvBiPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut luma[y * width + x..]),
        y_stride: out_stride(width),
        uv_plane: BufferStoreMut::Borrowed(&mut chroma[y / 2 * width + x..]),
        uv_stride: out_stride(width),
        width: rect.width,
        height: rect.height,
    };
    let bgra = &source[y * stride + x * 4..];
    yuv::bgra_to_yuv_nv12(
        &mut image,
        bgra,
        out_stride(stride),
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
    .map_err(|error| Error::Failed(error.to_string()))
}

/// A stride as the conversion takes it; `check` has refused those that would not fit.
fn out_stride(bytes: usize) -> u32 {
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
        to_nv12_damaged(&after, 512, &damage, &mut partial).unwrap();
        to_nv12(&after, 512, &mut whole).unwrap();
        assert_eq!(partial, whole);
    }

    #[test]
    fn a_buffer_that_is_too_short_is_refused_in_words() {
        let mut out = Nv12::new(Size::new(64, 32));
        let short = to_nv12(&[0; 64 * 4 * 31], 64 * 4, &mut out).unwrap_err();
        assert!(short.to_string().contains("needs 8192 bytes, but there are 7936"), "{short}");
        assert!(matches!(to_nv12(&[0; 9000], 200, &mut out), Err(Error::Stride { .. })));
        let mut empty = Nv12::new(Size::new(1, 1));
        assert!(matches!(to_nv12(&[0; 16], 4, &mut empty), Err(Error::Size { .. })));
    }
}
