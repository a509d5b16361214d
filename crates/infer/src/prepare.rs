//! Brings a picture into the shape that a model takes.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use playhouse_sense::card::{Fit, Input, Order, Values};
use playhouse_sense::geometry::Rect;
use playhouse_sense::picture::Picture;

/// The bars beside a picture of other proportions: what the YOLO family is trained with.
const GREY: u8 = 114;

/// Turns pictures into a model's input; keeps its memory from picture to picture.
pub(crate) struct Prepare {
    input: Input,
    resizer: Resizer,
    scaled: Image<'static>,
    /// The input's numbers.
    values: Vec<f32>,
    /// What a byte of a picture is in the input.
    levels: [f32; 256],
}

impl Prepare {
    #[expect(clippy::cast_possible_truncation, reason = "a card's sizes are at most 2048")]
    pub(crate) fn new(input: Input) -> Self {
        let white = if input.values == Values::Unit { 255.0 } else { 1.0 };
        Self {
            input,
            resizer: Resizer::new(),
            scaled: Image::new(input.width as u32, input.height as u32, PixelType::U8x3),
            values: vec![0.0; input.width * input.height * 3],
            levels: std::array::from_fn(|level| level as f32 / white),
        }
    }

    /// The numbers of an input, and the part of it that shows the picture (as fractions of the input). `None` where the
    /// picture has no pixels.
    #[expect(clippy::cast_possible_truncation, reason = "pictures have fewer than 2^32 pixels in a row")]
    pub(crate) fn take(&mut self, picture: &Picture) -> Option<(&[f32], Rect)> {
        let (width, height) = (picture.width(), picture.height());
        if width == 0 || height == 0 {
            return None;
        }
        let (wide, high) = (self.input.width, self.input.height);
        if (width, height) == (wide, high) {
            spread(picture.rgb(), self.input.order, &self.levels, &mut self.values);
            return Some((&self.values, Rect { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 }));
        }
        let source = ImageRef::new(width as u32, height as u32, picture.rgb(), PixelType::U8x3).ok()?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        let part = match self.input.fit {
            Fit::Stretch => {
                self.resizer.resize(&source, &mut self.scaled, &options).ok()?;
                Rect { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 }
            }
            Fit::Letterbox => {
                let (inner, left, top) = inside((width, height), (wide, high));
                let mut small = Image::new(inner.0 as u32, inner.1 as u32, PixelType::U8x3);
                self.resizer.resize(&source, &mut small, &options).ok()?;
                let whole = self.scaled.buffer_mut();
                whole.fill(GREY);
                for (row, line) in small.buffer().chunks_exact(inner.0 * 3).enumerate() {
                    let start = ((top + row) * wide + left) * 3;
                    whole[start..start + line.len()].copy_from_slice(line);
                }
                let (wide, high) = (wide as f32, high as f32);
                Rect {
                    left: left as f32 / wide,
                    top: top as f32 / high,
                    right: (left + inner.0) as f32 / wide,
                    bottom: (top + inner.1) as f32 / high,
                }
            }
        };
        spread(self.scaled.buffer(), self.input.order, &self.levels, &mut self.values);
        Some((&self.values, part))
    }
}

/// How large a picture is in the middle of a frame, and where its upper left corner is.
fn inside(picture: (usize, usize), frame: (usize, usize)) -> ((usize, usize), usize, usize) {
    // Compared crosswise, so that nothing is rounded.
    let inner = if picture.0 * frame.1 >= picture.1 * frame.0 {
        (frame.0, (picture.1 * frame.0 / picture.0).max(1))
    } else {
        ((picture.0 * frame.1 / picture.1).max(1), frame.1)
    };
    (inner, (frame.0 - inner.0) / 2, (frame.1 - inner.1) / 2)
}

/// Bytes of pixels as numbers in the model's order.
fn spread(rgb: &[u8], order: Order, levels: &[f32; 256], values: &mut [f32]) {
    match order {
        Order::Nhwc => {
            for (value, byte) in values.iter_mut().zip(rgb) {
                *value = levels[usize::from(*byte)];
            }
        }
        Order::Nchw => {
            let area = values.len() / 3;
            let (red, rest) = values.split_at_mut(area);
            let (green, blue) = rest.split_at_mut(area);
            for (((pixel, red), green), blue) in rgb.chunks_exact(3).zip(red).zip(green).zip(blue) {
                *red = levels[usize::from(pixel[0])];
                *green = levels[usize::from(pixel[1])];
                *blue = levels[usize::from(pixel[2])];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(width: usize, height: usize) -> Input {
        Input { width, height, order: Order::Nchw, values: Values::Unit, fit: Fit::Stretch }
    }

    /// Red grows to the right, green downwards.
    fn slope(width: usize, height: usize) -> Picture {
        let rgb = (0..width * height).flat_map(|n| {
            let (x, y) = (n % width * 255 / width, n / width * 255 / height);
            [u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 7]
        });
        Picture::new(width, height, rgb.collect()).unwrap()
    }

    #[test]
    fn colours_go_where_the_model_expects_them() {
        let picture = slope(8, 8);
        let mut prepare = Prepare::new(input(8, 8));
        let (values, _) = prepare.take(&picture).unwrap();
        assert_eq!(values.len(), 192);
        assert!((values[64 + 8] - f32::from(picture.rgb()[8 * 3 + 1]) / 255.0).abs() < 1e-6);
        let mut prepare = Prepare::new(Input { order: Order::Nhwc, values: Values::Byte, ..input(8, 8) });
        let (values, _) = prepare.take(&picture).unwrap();
        assert!((values[3 * 9] - f32::from(picture.rgb()[3 * 9])).abs() < 1e-6);
    }

    #[test]
    fn pictures_of_any_size_are_scaled() {
        let mut prepare = Prepare::new(input(32, 24));
        for (width, height) in [(320, 240), (16, 12), (640, 480), (1, 1), (33, 700)] {
            let picture = slope(width, height);
            let (values, part) = prepare.take(&picture).unwrap();
            assert!((part.area() - 1.0).abs() < 1e-6);
            assert!(width < 8 || values[31] > values[0] + 0.8, "red at {width}x{height}");
            assert!(values[1536..].iter().all(|blue| (blue - 7.0 / 255.0).abs() < 0.005));
        }
        assert!(prepare.take(&Picture::black(0, 10)).is_none());
    }

    #[test]
    fn a_wide_picture_gets_grey_bars_above_and_below() {
        let mut prepare = Prepare::new(Input { fit: Fit::Letterbox, ..input(32, 32) });
        let picture = slope(64, 32);
        let (values, part) = prepare.take(&picture).unwrap();
        assert!((part.top - 0.25).abs() < 1e-6 && (part.bottom - 0.75).abs() < 1e-6 && part.width() >= 1.0);
        assert!((values[0] - 114.0 / 255.0).abs() < 1e-6 && (values[2048] - 114.0 / 255.0).abs() < 1e-6);
        assert!((values[2048 + 16 * 32] - 7.0 / 255.0).abs() < 0.01);
        let tall = slope(10, 200);
        let (_, part) = prepare.take(&tall).unwrap();
        assert!(part.height() >= 1.0 && part.width() < 0.1);
    }
}
