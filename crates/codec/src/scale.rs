//! Smaller pictures for the lower rungs of the quality ladder.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x2};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use playhouse_media::frame::{Nv12, Size};

/// Why a picture could not be scaled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {from} could not be scaled to {to}: {reason}")]
pub struct Error {
    from: String,
    to: String,
    reason: String,
}

/// Scales NV12 pictures; its working memory is kept from picture to picture.
#[derive(Debug, Default)]
pub struct Scaler {
    resizer: Resizer,
}

/// How to get from one side to the other: down to a half two neighbours are all there is to mix, and that is
/// quicker than an average over the pixel's whole area, which smaller pictures need lest thin lines vanish.
fn options(from: Size, to: Size) -> ResizeOptions {
    let algorithm = if to.width * 2 >= from.width && to.height * 2 >= from.height {
        ResizeAlg::Interpolation(FilterType::Bilinear)
    } else {
        ResizeAlg::Convolution(FilterType::Bilinear)
    };
    // The second channel of chroma is Cr, not a transparency to multiply by.
    ResizeOptions::new().resize_alg(algorithm).use_alpha(false)
}

impl Scaler {
    /// A scaler.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills `to` with `from`, whatever the sizes of both are.
    pub fn scale(&mut self, from: &Nv12, to: &mut Nv12) -> Result<(), Error> {
        let (source, target) = (from.size(), to.size());
        let error = |reason: String| Error {
            from: format!("{}x{}", source.width, source.height),
            to: format!("{}x{}", target.width, target.height),
            reason,
        };
        let options = options(source, target);
        let (luma, chroma) = to.planes_mut();

        let source_luma = TypedImageRef::<U8>::from_buffer(source.width, source.height, from.luma())
            .map_err(|e| error(e.to_string()))?;
        let mut target_luma = TypedImage::<U8>::from_buffer(target.width, target.height, luma)
            .map_err(|e| error(e.to_string()))?;
        self.resizer
            .resize_typed(&source_luma, &mut target_luma, &options)
            .map_err(|e| error(e.to_string()))?;

        let source_chroma =
            TypedImageRef::<U8x2>::from_buffer(source.width / 2, source.height / 2, from.chroma())
                .map_err(|e| error(e.to_string()))?;
        let mut target_chroma = TypedImage::<U8x2>::from_buffer(target.width / 2, target.height / 2, chroma)
            .map_err(|e| error(e.to_string()))?;
        self.resizer
            .resize_typed(&source_chroma, &mut target_chroma, &options)
            .map_err(|e| error(e.to_string()))
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test patterns are cut on purpose")]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_stays_a_gradient_and_colours_stay_apart() {
        let mut from = Nv12::new(Size::new(640, 360));
        let (luma, chroma) = from.planes_mut();
        for (i, y) in luma.iter_mut().enumerate() {
            *y = (16 + i % 640 / 3) as u8;
        }
        for pair in chroma.chunks_mut(2) {
            pair.copy_from_slice(&[70, 200]);
        }
        for (width, height) in [(480, 270), (320, 180), (160, 90)] {
            let mut to = Nv12::new(Size::new(width, height));
            Scaler::new().scale(&from, &mut to).unwrap();
            for (i, &y) in to.luma().iter().enumerate() {
                let column = i as u32 % width;
                let expected = 16 + (column * 2 + 1) * 320 / width / 3;
                assert!(u32::from(y).abs_diff(expected) <= 2, "column {column}: {y}, not {expected}");
            }
            assert!(to.chroma().chunks(2).all(|pair| pair == [70, 200]));
        }
    }

    #[test]
    fn an_empty_picture_on_either_side_does_no_harm() {
        let (mut full, mut empty) = (Nv12::new(Size::new(64, 64)), Nv12::new(Size::new(0, 0)));
        let before = full.clone();
        Scaler::new().scale(&full, &mut empty).unwrap();
        Scaler::new().scale(&empty, &mut full).unwrap();
        assert_eq!(full, before);
    }
}
