//! Reading mosaics (`playhouse_sense::cascade::mosaic`) of others, and what a model makes of them.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};
use playhouse_sense::cascade::CELLS;
use playhouse_sense::cascade::mosaic::{CELL, HEIGHT, WIDTH};
use playhouse_sense::detection::Label;
use playhouse_sense::picture::Picture;

use crate::{Model, Refused};

/// How sure the model has to be of a label, over all cells.
const SURE: f32 = 0.3;

/// Where it is less sure than this, over all cells, there is nothing.
const NOTHING: f32 = 0.1;

/// From one cell alone nobody concludes that there is nothing.
const LEAST: usize = 2;

/// How near to a cell's middle a thing's has to be, in cells: what is at the rim is somebody else.
const MIDDLE: f32 = 0.3;

/// What a decoder may take beyond the picture itself, in bytes: a mosaic has 230 KB.
const DECODING: u64 = 4 << 20;

/// Why bytes are no mosaic.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// They are no JPEG, or a larger one.
    #[error("this is no JPEG picture of at most {WIDTH} x {HEIGHT} pixels ({0})")]
    Jpeg(#[from] image::ImageError),
    /// They are a picture of another size.
    #[error("this picture has {0} x {1} pixels, and a mosaic has {WIDTH} x {HEIGHT}")]
    Size(u32, u32),
}

/// Reads a mosaic.
///
/// # Errors
/// Why it is none. A picture that says it is larger is refused before it is decoded.
pub fn read(jpeg: &[u8]) -> Result<Picture, Unread> {
    let mut reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
    let mut limits = Limits::default();
    limits.max_image_width = Some(WIDTH);
    limits.max_image_height = Some(HEIGHT);
    limits.max_alloc = Some(DECODING);
    reader.limits(limits);
    let picture = reader.decode()?.into_rgb8();
    let (width, height) = picture.dimensions();
    if (width, height) != (WIDTH, HEIGHT) {
        return Err(Unread::Size(width, height));
    }
    Picture::new(WIDTH as usize, HEIGHT as usize, picture.into_raw()).ok_or(Unread::Size(width, height))
}

/// What a model makes of a mosaic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is this.
    Is(Label),
    /// It is nothing at all.
    Nothing,
    /// The model does not know either.
    Unsure,
}

/// What a model makes of a mosaic: the label of which it is surest over all cells.
///
/// # Errors
/// The model's.
pub fn judge(model: &mut Model, mosaic: &Picture) -> Result<Judgement, Refused> {
    let mut sums: BTreeMap<Label, f32> = BTreeMap::new();
    for thing in model.look(mosaic)? {
        let centre = thing.place.centre();
        let off = |at: f32| ((at * 2.0).fract() - 0.5).abs();
        if off(centre.x) < MIDDLE && off(centre.y) < MIDDLE {
            *sums.entry(thing.label).or_default() += thing.score;
        }
    }
    let cells = filled(mosaic);
    let best = sums.into_iter().max_by(|one, other| one.1.total_cmp(&other.1));
    let (label, sure) = best.map_or((0, 0.0), |(label, sum)| (label, sum / cells as f32));
    Ok(match sure {
        SURE.. => Judgement::Is(label),
        ..=NOTHING if cells >= LEAST => Judgement::Nothing,
        _ => Judgement::Unsure,
    })
}

/// How many cells of a mosaic are not black; one at least.
fn filled(mosaic: &Picture) -> usize {
    let (width, height) = (CELL.0 as usize, CELL.1 as usize);
    let middle = |cell: usize| {
        let (x, y) = (width / 2 + cell % 2 * width, height / 2 + cell / 2 * height);
        (y * mosaic.width() + x) * 3
    };
    let is_filled =
        |at: usize| mosaic.rgb().get(at..at + 3).is_some_and(|pixel| pixel.iter().any(|&part| part > 8));
    (0..CELLS).map(middle).filter(|&at| is_filled(at)).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_mosaic_is_refused_in_words() {
        assert!(read(b"rubbish").unwrap_err().to_string().starts_with("this is no JPEG picture"));
        let jpeg = |width, height| {
            let mut bytes = Cursor::new(Vec::new());
            image::RgbImage::new(width, height).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
            bytes.into_inner()
        };
        assert!(matches!(read(&jpeg(WIDTH, HEIGHT - 1)), Err(Unread::Size(320, 239))));
        assert!(matches!(read(&jpeg(4000, 4000)), Err(Unread::Jpeg(_))));
        let whole = jpeg(WIDTH, HEIGHT);
        for cut in (0..whole.len()).step_by(7) {
            // Some decoders fill in what is missing; none may fail otherwise.
            drop(read(&whole[..cut]));
        }
    }
}
