//! Painting in light, once, before the game begins: shapes with soft edges, in numbers that can be brighter than a screen.

use crate::canvas::{Pixel, Sprite};

/// Red, green and blue, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Light(pub(crate) [f32; 3]);

impl Light {
    /// From a number as pages write colours, such as `0xf4_b7_40`.
    pub(crate) const fn hex(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self([r as f32 / 255.0, g as f32 / 255.0, b as f32 / 255.0])
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        Self(self.0.map(|channel| channel * factor))
    }

    /// Towards `other`, by `share` of the way.
    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self(std::array::from_fn(|i| self.0[i] + (other.0[i] - self.0[i]) * share))
    }
}

pub(crate) type Point = (f32, f32);

/// A picture in the making: light, and how much of what is below is hidden.
pub(crate) struct Paint {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Paint {
    /// An empty one.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 4]; width * height] }
    }

    /// As another one is.
    pub(crate) fn copy(other: &Self) -> Self {
        Self { width: other.width, height: other.height, pixels: other.pixels.clone() }
    }

    /// Asks for each pixel between two corners how much of a colour covers it.
    pub(crate) fn cover(&mut self, corners: [Point; 2], paint: impl Fn(f32, f32) -> (Light, f32)) {
        self.each(corners, |pixel, x, y| {
            let (light, share) = paint(x, y);
            let share = share.clamp(0.0, 1.0);
            for (channel, light) in pixel.iter_mut().zip(light.0.into_iter().chain([1.0])) {
                *channel += (light - *channel) * share;
            }
        });
    }

    /// As [`Paint::cover`], everywhere.
    pub(crate) fn fill(&mut self, paint: impl Fn(f32, f32) -> (Light, f32)) {
        self.cover([(0.0, 0.0), (self.width as f32, self.height as f32)], paint);
    }

    /// Light around a point, which fades to nothing at `radius`, wider or narrower by `stretch`.
    pub(crate) fn glow(&mut self, (cx, cy): Point, radius: f32, stretch: f32, light: Light) {
        let wide = radius * stretch;
        self.each([(cx - wide, cy - radius), (cx + wide, cy + radius)], |pixel, x, y| {
            let share = (1.0 - ((x - cx) / stretch).hypot(y - cy) / radius).max(0.0);
            for (channel, light) in pixel.iter_mut().zip(light.0) {
                *channel += light * share * share;
            }
        });
    }

    /// An ellipse.
    pub(crate) fn disc(&mut self, (cx, cy): Point, (rx, ry): Point, light: Light) {
        self.cover([(cx - rx - 1.0, cy - ry - 1.0), (cx + rx + 1.0, cy + ry + 1.0)], |x, y| {
            let away = ((x - cx) / rx).hypot((y - cy) / ry);
            (light, (1.0 - away) * rx.min(ry) + 0.5)
        });
    }

    /// A line with round ends.
    pub(crate) fn stroke(&mut self, from: Point, to: Point, width: f32, light: Light) {
        self.line(&[from, to], width, light);
    }

    /// A line through all these points, with round ends.
    pub(crate) fn line(&mut self, points: &[Point], width: f32, light: Light) {
        let reach = width / 2.0 + 1.0;
        let ((left, right), (top, bottom)) = (far(points, |point| point.0), far(points, |point| point.1));
        self.cover([(left - reach, top - reach), (right + reach, bottom + reach)], |x, y| {
            let away = points.windows(2).map(|pair| distance((x, y), pair[0], pair[1]));
            (light, width / 2.0 - away.fold(f32::MAX, f32::min) + 0.5)
        });
    }

    /// A polygon without holes, its corners in order.
    pub(crate) fn polygon(&mut self, corners: &[Point], light: impl Fn(f32, f32) -> Light) {
        let ((left, right), (top, bottom)) =
            (far(corners, |corner| corner.0), far(corners, |corner| corner.1));
        self.cover([(left - 1.0, top - 1.0), (right + 1.0, bottom + 1.0)], |x, y| {
            let sides = || corners.iter().zip(corners.iter().cycle().skip(1));
            let crosses = |(from, to): &(&Point, &Point)| {
                (from.1 <= y) != (to.1 <= y) && x < from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0)
            };
            let inside = sides().filter(crosses).count() % 2 == 1;
            let edge = sides().map(|(from, to)| distance((x, y), *from, *to)).fold(1.0, f32::min);
            (light(x, y), if inside { 0.5 + edge } else { 0.5 - edge })
        });
    }

    /// Lays another picture of this size over this one, `strength` of it.
    pub(crate) fn lay(&mut self, over: &Self, strength: f32) {
        for (pixel, over) in self.pixels.iter_mut().zip(&over.pixels) {
            let left = 1.0 - over[3] * strength;
            *pixel = std::array::from_fn(|i| pixel[i] * left + over[i] * strength);
        }
    }

    /// The light at a place; the nearest one where it lies outside.
    pub(crate) fn at(&self, x: f32, y: f32) -> Light {
        let pixel = self.pixels[index(y, self.height) * self.width + index(x, self.width)];
        Light([pixel[0], pixel[1], pixel[2]])
    }

    fn each(&mut self, [first, last]: [Point; 2], paint: impl Fn(&mut [f32; 4], f32, f32)) {
        let side = |at: f32, side: usize| index(at + 1.0, side + 1);
        let columns = index(first.0, self.width)..side(last.0, self.width);
        for y in index(first.1, self.height)..side(last.1, self.height) {
            let row = &mut self.pixels[y * self.width..][columns.clone()];
            for (pixel, x) in row.iter_mut().zip(columns.clone()) {
                paint(pixel, x as f32 + 0.5, y as f32 + 0.5);
            }
        }
    }

    /// Pixels for a screen. A dither of less than a step keeps dark slopes from showing bands.
    pub(crate) fn pixels(&self, dither: f32) -> Vec<Pixel> {
        let pixel = |(at, [r, g, b, hidden]): (usize, &[f32; 4])| {
            let noise = dither * (chance(u32::try_from(at).unwrap_or(0), 77) - 0.5) / 255.0;
            [b + noise, g + noise, r + noise, *hidden].map(byte)
        };
        self.pixels.iter().enumerate().map(pixel).collect()
    }

    /// As a sprite around `middle`.
    pub(crate) fn sprite(&self, middle: Point) -> Sprite {
        Sprite { width: self.width, pixels: self.pixels(0.0), middle }
    }
}

/// The least and the greatest.
fn far(points: &[Point], pick: impl Fn(&Point) -> f32) -> (f32, f32) {
    points.iter().map(pick).fold((f32::MAX, f32::MIN), |(low, high), at| (low.min(at), high.max(at)))
}

/// From a point to the nearest one of a line.
fn distance(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).max(f32::EPSILON);
    let along = (((at.0 - from.0) * dx + (at.1 - from.1) * dy) / length).clamp(0.0, 1.0);
    (at.0 - from.0 - along * dx).hypot(at.1 - from.1 - along * dy)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 0 and 255")]
fn byte(channel: f32) -> u8 {
    (channel.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the side")]
fn index(at: f32, side: usize) -> usize {
    at.clamp(0.0, side.saturating_sub(1) as f32) as usize
}

/// A number from 0 to 1 that is the same whenever it is asked for.
pub(crate) fn chance(index: u32, kind: u32) -> f32 {
    let mut x = index.wrapping_mul(0x9E37_79B9) ^ kind.wrapping_mul(0x85EB_CA6B);
    x = (x ^ (x >> 15)).wrapping_mul(0x2C1B_3C6D);
    x = (x ^ (x >> 12)).wrapping_mul(0x297A_2D39);
    ((x ^ (x >> 15)) >> 8) as f32 / 16_777_216.0
}
