//! How lanterns and boats move. Pure, as all of the rules are.

use crate::sky::WIDTH;

/// A boat covers all but a small part of the way to its place in this time.
const SMOOTH: f32 = 0.07;
/// How far lanterns stay away from the picture's sides.
pub(crate) const MARGIN: f32 = 72.0;
/// How far boats do, so that nothing of them is cut off.
const BERTH: f32 = 110.0;

/// A lantern in the sky.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lantern {
    /// Its middle.
    pub at: (f32, f32),
    /// How it hangs, in radians.
    pub tilt: f32,
    /// One of four colours.
    pub colour: usize,
    /// Worth three.
    pub golden: bool,
    /// The middle of its sway.
    pub(crate) home: f32,
    /// Pixels per second downward.
    pub(crate) pace: f32,
    /// How wide it sways, how fast, and from where.
    pub(crate) sway: (f32, f32, f32),
}

/// A boat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boat {
    /// Its middle.
    pub x: f32,
    /// Pixels per second to the right.
    pub speed: f32,
    /// Whether somebody steers it.
    pub manned: bool,
}

impl Boat {
    /// Goes on by `seconds` to where it is wanted.
    pub(crate) fn steer(&mut self, place: Option<f32>, seconds: f32) {
        self.manned = place.is_some();
        let Some(place) = place.filter(|place| place.is_finite()) else {
            self.speed = 0.0;
            return;
        };
        let wanted = (WIDTH / 2.0 * (1.0 + place)).clamp(BERTH, WIDTH - BERTH);
        let before = self.x;
        self.x += (wanted - self.x) * (1.0 - (-seconds / SMOOTH).exp());
        if seconds > 0.0 {
            self.speed = (self.x - before) / seconds;
        }
    }
}

impl Lantern {
    /// Goes on by `seconds`.
    pub(crate) fn drift(&mut self, time: f32, wind: f32, seconds: f32) {
        let (wide, pace, turn) = self.sway;
        let swing = time * pace * 2.0 + turn;
        self.home = (self.home + wind * seconds).clamp(MARGIN, WIDTH - MARGIN);
        let x = (self.home + wide * swing.sin()).clamp(MARGIN / 2.0, WIDTH - MARGIN / 2.0);
        self.at = (x, self.at.1 + self.pace * seconds);
        self.tilt = -0.14 * swing.cos() * (wide / 40.0) - wind * 0.002;
    }
}

/// Pixels per second to the right.
pub(crate) fn wind(time: f32) -> f32 {
    22.0 * (time * 0.21).sin() + 12.0 * (time * 0.53 + 1.0).sin()
}
