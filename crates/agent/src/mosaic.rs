//! Making mosaics (`playhouse_sense::cascade::mosaic`): what a sensor asks a larger model about.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageBuffer, ImageError, Rgb, RgbImage};
use playhouse_sense::cascade::mosaic::{CELL, HEIGHT, WIDTH};
use playhouse_sense::cascade::{CELLS, Shot};
use playhouse_sense::picture::Picture;

/// The quality as JPEG: about 4 KB for a mosaic of people in a picture of 320 x 240.
const QUALITY: u8 = 40;

/// A mosaic that is being laid. Cells without a crop are black.
pub struct Mosaic(RgbImage);

impl Default for Mosaic {
    fn default() -> Self {
        Self(RgbImage::new(WIDTH, HEIGHT))
    }
}

impl Mosaic {
    /// Lays what a shot wants of a picture into its cell, made smaller where it has to be, never larger: models know
    /// things in the size that they have in pictures. A shot of no cell, or a picture without
    /// pixels, changes nothing.
    pub fn lay(&mut self, shot: &Shot, picture: &Picture) {
        let size = (u32::try_from(picture.width()), u32::try_from(picture.height()));
        let (Ok(width), Ok(height), Ok(cell)) = (size.0, size.1, u32::try_from(shot.cell)) else { return };
        let whole = ImageBuffer::<Rgb<u8>, &[u8]>::from_raw(width, height, picture.rgb());
        let Some(whole) = whole.filter(|_| width > 0 && height > 0 && shot.cell < CELLS) else { return };
        let place = shot.place;
        let left = pixels(place.left, width).min(width - 1);
        let top = pixels(place.top, height).min(height - 1);
        let wide = pixels(place.right, width).saturating_sub(left).max(1);
        let high = pixels(place.bottom, height).saturating_sub(top).max(1);
        let crop = RgbImage::from_fn(wide, high, |x, y| *whole.get_pixel(left + x, top + y));
        let scale = (CELL.0 as f32 / wide as f32).min(CELL.1 as f32 / high as f32).min(1.0);
        let length = |length: u32, most: u32| pixels(length as f32 * scale / most as f32, most).max(1);
        let (wide, high) = (length(wide, CELL.0), length(high, CELL.1));
        let crop = imageops::resize(&crop, wide, high, FilterType::Triangle);
        let x = cell % 2 * CELL.0 + (CELL.0 - wide) / 2;
        let y = cell / 2 * CELL.1 + (CELL.1 - high) / 2;
        imageops::replace(&mut self.0, &crop, x.into(), y.into());
    }

    /// As JPEG.
    ///
    /// # Errors
    /// The encoder's.
    pub fn jpeg(&self) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        self.0.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        Ok(bytes)
    }
}

/// A part of a length in pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a picture, from 0 to 1"
)]
fn pixels(part: f32, length: u32) -> u32 {
    ((part.clamp(0.0, 1.0) * length as f32).round() as u32).min(length)
}

#[cfg(test)]
mod tests {
    use playhouse_infer::mosaic::read;
    use playhouse_sense::geometry::Rect;

    use super::*;

    fn shot(cell: usize, place: Rect) -> Shot {
        Shot { track: 1, place, cell, last: false }
    }

    /// A picture that is red on the left and blue on the right.
    fn halves() -> Picture {
        let pixel = |at: usize| if at % 64 < 32 { [250, 0, 0] } else { [0, 0, 250] };
        Picture::new(64, 48, (0..64 * 48).flat_map(pixel).collect()).expect("as many pixels as it says")
    }

    fn middle(mosaic: &Picture, cell: usize) -> [u8; 3] {
        let at = ((60 + cell / 2 * 120) * 320 + 80 + cell % 2 * 160) * 3;
        mosaic.rgb()[at..at + 3].try_into().expect("three parts")
    }

    #[test]
    fn each_crop_is_in_its_cell() {
        let left = Rect { left: 0.0, top: 0.0, right: 0.5, bottom: 1.0 };
        let right = Rect { left: 0.5, top: 0.0, right: 1.0, bottom: 1.0 };
        let mut mosaic = Mosaic::default();
        mosaic.lay(&shot(0, left), &halves());
        mosaic.lay(&shot(3, right), &halves());
        // No cell, and no picture.
        mosaic.lay(&shot(4, right), &halves());
        mosaic.lay(&shot(1, right), &Picture::black(0, 0));
        let jpeg = mosaic.jpeg().unwrap();
        assert!(jpeg.len() < 16 * 1024, "{}", jpeg.len());
        let read = read(&jpeg).unwrap();
        let [one, two, three, four] = [0, 1, 2, 3].map(|cell| middle(&read, cell));
        assert!(one[0] > 200 && one[2] < 60 && four[2] > 200 && four[0] < 60, "{one:?} {four:?}");
        assert!(two.iter().chain(&three).all(|part| *part < 9), "{two:?} {three:?}");
    }

    #[test]
    fn places_at_the_very_edge_are_crops_of_a_pixel() {
        let mut mosaic = Mosaic::default();
        for place in [
            Rect { left: 1.0, top: 1.0, right: 1.0, bottom: 1.0 },
            Rect { left: 0.9, top: 0.5, right: 0.1, bottom: 0.4 },
            Rect { left: f32::NAN, top: -3.0, right: 7.0, bottom: f32::NAN },
        ] {
            mosaic.lay(&shot(2, place), &halves());
        }
    }
}
