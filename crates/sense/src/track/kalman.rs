//! Where something is and how it moves, from measurements that are a little off: a Kalman filter for each coordinate of a
//! box's middle (place and speed) and for its size.

use crate::geometry::{Point, Rect};

/// How far off a detector's box is, in sizes of the thing (standard deviation).
const MEASURED: f32 = 0.065;

/// How much a speed may change in a second, in sizes of the thing (standard deviation).
const HURRY: f32 = 1.4;

/// How much a size may change in a second, as a fraction of itself (standard deviation).
const GROWTH: f32 = 0.25;

/// How fast a thing may be when it is first seen, in its sizes a second (standard deviation).
const FIRST_SPEED: f32 = 1.5;

/// A hidden thing's speed is believed for about so long, in seconds.
const MEMORY: f32 = 2.5;

/// Smaller than this nothing is, in widths or heights of the picture.
const LEAST_SIZE: f32 = 0.005;

/// A coordinate with its speed, and how uncertain both are (covariance).
#[derive(Clone, Copy, Debug)]
struct Axis {
    at: f32,
    speed: f32,
    at_at: f32,
    at_speed: f32,
    speed_speed: f32,
}

impl Axis {
    /// `size`: how long the box is this way; `body`: what speeds are measured in.
    fn new(at: f32, size: f32, body: f32) -> Self {
        Self {
            at,
            speed: 0.0,
            at_at: (MEASURED * size).powi(2),
            at_speed: 0.0,
            speed_speed: (FIRST_SPEED * body).powi(2),
        }
    }

    /// `seconds` later.
    fn predict(&mut self, seconds: f32, body: f32) {
        let noise = (HURRY * body).powi(2);
        self.at += self.speed * seconds;
        self.at_at +=
            seconds * (2.0 * self.at_speed + seconds * self.speed_speed) + noise * seconds.powi(3) / 3.0;
        self.at_speed += seconds * self.speed_speed + noise * seconds.powi(2) / 2.0;
        self.speed_speed += noise * seconds;
    }

    /// The variance of a measurement around `at`.
    fn spread(&self, size: f32) -> f32 {
        self.at_at + (MEASURED * size).powi(2)
    }

    fn update(&mut self, measured: f32, size: f32) {
        let spread = self.spread(size);
        let (gain, speed_gain) = (self.at_at / spread, self.at_speed / spread);
        let off = measured - self.at;
        self.at += gain * off;
        self.speed += speed_gain * off;
        self.speed_speed -= speed_gain * self.at_speed;
        self.at_speed -= gain * self.at_speed;
        self.at_at -= gain * self.at_at;
    }
}

/// A size, without a speed: what comes nearer grows slowly.
#[derive(Clone, Copy, Debug)]
struct Extent {
    size: f32,
    variance: f32,
}

impl Extent {
    fn new(size: f32) -> Self {
        let size = size.max(LEAST_SIZE);
        Self { size, variance: (MEASURED * 2.0 * size).powi(2) }
    }

    fn predict(&mut self, seconds: f32) {
        self.variance += (GROWTH * self.size).powi(2) * seconds;
    }

    fn update(&mut self, measured: f32) {
        let gain = self.variance / (self.variance + (MEASURED * 1.5 * self.size).powi(2));
        self.size = (self.size + gain * (measured - self.size)).max(LEAST_SIZE);
        self.variance *= 1.0 - gain;
    }
}

/// A box that moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    x: Axis,
    y: Axis,
    width: Extent,
    height: Extent,
}

impl Motion {
    pub(super) fn new(place: &Rect) -> Self {
        let centre = place.centre();
        let (width, height) = (Extent::new(place.width()), Extent::new(place.height()));
        let body = body(width, height);
        let (x, y) = (Axis::new(centre.x, width.size, body), Axis::new(centre.y, height.size, body));
        Self { x, y, width, height }
    }

    /// `seconds` later; `hidden`: nobody saw it since.
    pub(super) fn predict(&mut self, seconds: f32, hidden: bool) {
        let body = body(self.width, self.height);
        for axis in [&mut self.x, &mut self.y] {
            axis.predict(seconds, body);
            if hidden {
                axis.speed *= (-seconds / MEMORY).exp();
            }
        }
        self.width.predict(seconds);
        self.height.predict(seconds);
    }

    /// It was seen here.
    pub(super) fn update(&mut self, place: &Rect) {
        let centre = place.centre();
        self.x.update(centre.x, self.width.size);
        self.y.update(centre.y, self.height.size);
        self.width.update(place.width());
        self.height.update(place.height());
    }

    /// It stands still.
    pub(super) fn stop(&mut self) {
        (self.x.speed, self.y.speed) = (0.0, 0.0);
    }

    pub(super) fn place(&self) -> Rect {
        Rect::around(Point { x: self.x.at, y: self.y.at }, self.width.size, self.height.size)
    }

    /// In widths and heights of the picture a second.
    pub(super) fn speed(&self) -> Point {
        Point { x: self.x.speed, y: self.y.speed }
    }

    /// How far off a place is, in standard deviations, squared (Mahalanobis; two degrees of freedom).
    pub(super) fn surprise(&self, place: &Rect) -> f32 {
        let centre = place.centre();
        (centre.x - self.x.at).powi(2) / self.x.spread(self.width.size)
            + (centre.y - self.y.at).powi(2) / self.y.spread(self.height.size)
    }
}

/// A length that something's speed goes by, whatever its pose: people are three times as high as wide.
fn body(width: Extent, height: Extent) -> f32 {
    width.size.max(height.size / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32) -> Rect {
        Rect::around(Point { x, y: 0.5 }, 0.1, 0.3)
    }

    #[test]
    fn a_walk_is_foreseen_after_a_second() {
        let mut motion = Motion::new(&at(0.1));
        for frame in 1_u8..=15 {
            motion.predict(1.0 / 15.0, false);
            motion.update(&at(0.1 + 0.01 * f32::from(frame)));
        }
        assert!((motion.speed().x - 0.15).abs() < 0.01, "{:?}", motion.speed());
        motion.predict(0.2, true);
        assert!((motion.place().centre().x - 0.28).abs() < 0.01, "{:?}", motion.place());
    }

    #[test]
    fn the_longer_something_is_hidden_the_less_is_a_surprise() {
        let mut motion = Motion::new(&at(0.5));
        for _ in 0..15 {
            motion.predict(1.0 / 15.0, false);
            motion.update(&at(0.5));
        }
        let soon = motion.surprise(&at(0.6));
        motion.predict(1.0, true);
        assert!(motion.surprise(&at(0.6)) < soon / 4.0);
    }
}
