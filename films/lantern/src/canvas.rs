//! A picture, and what is drawn with: light that adds up, shapes with soft edges.

/// Red, green and blue, 0 to 1; more is brighter than the picture can show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Light(pub(crate) [f32; 3]);

impl Light {
    /// From a number as pages write colours, such as `0xf4_b7_40`.
    pub(crate) fn hex(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self([r, g, b].map(|channel| f32::from(channel) / 255.0))
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

/// A point: x from 0 on the left to the picture's aspect ratio, y from 0 at the top to 1.
pub(crate) type Point = (f32, f32);

/// A picture of 8-bit RGB.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A black one of `width × height` pixels.
    pub(crate) fn new((width, height): (usize, usize)) -> Self {
        Self { width, height, pixels: vec![0; width * height * 3] }
    }

    /// `width × height × 3` bytes, RGB.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Width by height.
    pub(crate) fn aspect(&self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// Rows from y `top` to `bottom`, each of one colour.
    pub(crate) fn rows(&mut self, top: f32, bottom: f32, colour: impl Fn(f32) -> Light) {
        for row in self.row(top)..self.row(bottom) {
            let light = bytes(colour((row as f32 + 0.5) / self.height as f32));
            let start = row * self.width * 3;
            for pixel in self.pixels[start..start + self.width * 3].as_chunks_mut().0 {
                *pixel = light;
            }
        }
    }

    /// Columns that reach from their own y to `bottom`, such as hills.
    pub(crate) fn columns(&mut self, bottom: f32, light: Light, top: impl Fn(f32) -> f32) {
        let (end, unit) = (self.row(bottom), self.height as f32);
        let colour = bytes(light);
        for column in 0..self.width {
            let y = top((column as f32 + 0.5) / unit) * unit;
            let first = to_index(y.ceil(), end);
            if first > 0 && first < end {
                // The pixel that the edge passes through.
                self.blend(column, first - 1, light, first as f32 - y);
            }
            for row in first..end {
                self.put(column, row, colour);
            }
        }
    }

    /// Columns that hang from the top to their own y, each in its own colour.
    pub(crate) fn cloth(&mut self, bottom: impl Fn(f32) -> f32, colour: impl Fn(f32) -> Light) {
        for column in 0..self.width {
            let x = (column as f32 + 0.5) / self.height as f32;
            let (end, light) = (self.row(bottom(x)), bytes(colour(x)));
            for row in 0..end {
                self.put(column, row, light);
            }
        }
    }

    /// What is above `line` mirrored below it, moved sideways by `shift(y)` and tinted.
    pub(crate) fn mirror(&mut self, line: f32, tint: Light, shift: impl Fn(f32) -> f32) {
        let line = self.row(line);
        for row in line..self.height {
            let depth = (row - line) as f32 / self.height as f32;
            let moved = (shift(depth) * self.height as f32).round();
            let source = line.saturating_sub(row - line + 1) * self.width;
            for column in 0..self.width {
                let from = source + to_index(column as f32 + moved, self.width - 1);
                let seen: [u8; 3] = std::array::from_fn(|i| self.pixels[from * 3 + i]);
                let seen = Light(seen.map(|channel| f32::from(channel) / 255.0));
                self.put(column, row, bytes(seen.times(0.55).mix(tint, 0.35)));
            }
        }
    }

    /// Light around a point, which fades to nothing at `radius`.
    pub(crate) fn glow(&mut self, centre: Point, radius: f32, light: Light) {
        self.around(centre, radius, |canvas, column, row, distance| {
            let share = 1.0 - distance / radius;
            canvas.add(column, row, light.times(share * share));
        });
    }

    /// A filled disc.
    pub(crate) fn disc(&mut self, centre: Point, radius: f32, light: Light) {
        let edge = 1.0 / self.height as f32;
        self.around(centre, radius + edge, |canvas, column, row, distance| {
            canvas.blend(column, row, light, ((radius - distance) / edge + 0.5).clamp(0.0, 1.0));
        });
    }

    /// A line with round ends.
    pub(crate) fn stroke(&mut self, from: Point, to: Point, width: f32, light: Light) {
        let edge = 1.0 / self.height as f32;
        let reach = width / 2.0 + edge;
        let corners = [
            (from.0.min(to.0) - reach, from.1.min(to.1) - reach),
            (from.0.max(to.0) + reach, from.1.max(to.1) + reach),
        ];
        self.within(corners, |canvas, column, row, at| {
            let away = distance(at, from, to);
            canvas.blend(column, row, light, ((width / 2.0 - away) / edge + 0.5).clamp(0.0, 1.0));
        });
    }

    /// A filled polygon of any shape.
    pub(crate) fn polygon(&mut self, corners: &[Point], light: Light) {
        let unit = self.height as f32;
        let ys = || corners.iter().map(|corner| corner.1);
        let top = to_index((ys().fold(f32::MAX, f32::min) * unit).floor(), self.height);
        let bottom = to_index((ys().fold(f32::MIN, f32::max) * unit).ceil(), self.height);
        let colour = bytes(light);
        for row in top..bottom {
            let y = (row as f32 + 0.5) / unit;
            let mut crossings: Vec<f32> = sides(corners)
                .filter(|(from, to)| (from.1 <= y) != (to.1 <= y))
                .map(|(from, to)| from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0))
                .collect();
            crossings.sort_by(f32::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let [first, last] = [pair[0], pair[1]].map(|x| to_index((x * unit).round(), self.width));
                for column in first..last {
                    self.put(column, row, colour);
                }
            }
        }
        for (from, to) in sides(corners) {
            self.stroke(from, to, 1.5 / unit, light);
        }
    }

    /// Everything becomes darker: 1 leaves it as it is.
    pub(crate) fn dim(&mut self, share: impl Fn(f32, f32) -> f32) {
        let unit = self.height as f32;
        for row in 0..self.height {
            for column in 0..self.width {
                let share = share((column as f32 + 0.5) / unit, (row as f32 + 0.5) / unit);
                let at = (row * self.width + column) * 3;
                for channel in &mut self.pixels[at..at + 3] {
                    *channel = byte(f32::from(*channel) / 255.0 * share);
                }
            }
        }
    }

    /// Calls `paint` for each pixel nearer than `radius`, with its distance.
    fn around(&mut self, (x, y): Point, radius: f32, paint: impl Fn(&mut Self, usize, usize, f32)) {
        self.within([(x - radius, y - radius), (x + radius, y + radius)], |canvas, column, row, at| {
            let away = (at.0 - x).hypot(at.1 - y);
            if away < radius {
                paint(canvas, column, row, away);
            }
        });
    }

    /// Calls `paint` for each pixel between two corners, with its middle.
    fn within(&mut self, [first, last]: [Point; 2], paint: impl Fn(&mut Self, usize, usize, Point)) {
        let unit = self.height as f32;
        let columns = to_index(first.0 * unit, self.width)..to_index(last.0 * unit + 1.0, self.width);
        let rows = to_index(first.1 * unit, self.height)..to_index(last.1 * unit + 1.0, self.height);
        for row in rows {
            for column in columns.clone() {
                paint(self, column, row, ((column as f32 + 0.5) / unit, (row as f32 + 0.5) / unit));
            }
        }
    }

    fn row(&self, y: f32) -> usize {
        to_index((y * self.height as f32).round(), self.height)
    }

    fn put(&mut self, column: usize, row: usize, colour: [u8; 3]) {
        let at = (row * self.width + column) * 3;
        self.pixels[at..at + 3].copy_from_slice(&colour);
    }

    fn add(&mut self, column: usize, row: usize, light: Light) {
        let at = (row * self.width + column) * 3;
        for (channel, more) in self.pixels[at..at + 3].iter_mut().zip(light.0) {
            *channel = byte(f32::from(*channel) / 255.0 + more);
        }
    }

    fn blend(&mut self, column: usize, row: usize, light: Light, share: f32) {
        let at = (row * self.width + column) * 3;
        for (channel, wanted) in self.pixels[at..at + 3].iter_mut().zip(light.0) {
            let before = f32::from(*channel) / 255.0;
            *channel = byte(before + (wanted - before) * share);
        }
    }
}

fn sides(corners: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// From a point to the nearest one of a line.
fn distance(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).max(f32::EPSILON);
    let along = (((at.0 - from.0) * dx + (at.1 - from.1) * dy) / length).clamp(0.0, 1.0);
    (at.0 - from.0 - along * dx).hypot(at.1 - from.1 - along * dy)
}

fn bytes(light: Light) -> [u8; 3] {
    light.0.map(byte)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 0 and 255")]
fn byte(channel: f32) -> u8 {
    (channel.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 0 and `most`")]
fn to_index(value: f32, most: usize) -> usize {
    value.clamp(0.0, most as f32) as usize
}
