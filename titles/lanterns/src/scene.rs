//! What is seen of the sky's state, painted 60 times a second: only what moves is painted anew.

use std::f32::consts::TAU;

use probe::layout::Rect;
use probe::play::Change;

use crate::canvas::{Canvas, Pixel, SIZE, Sprite};
use crate::effects::Effects;
use crate::ground::{Changed, Ground};
use crate::paint::{Light, chance};
use crate::props;
use crate::sky::{BOATS, Event, Lantern, Sky, WATER, WIDTH};
use crate::words::Words;

pub use crate::words::WORDS;

/// Bytes of a picture.
pub const BYTES: usize = SIZE.0 * SIZE.1 * 4;

/// Where boats swim.
const AFLOAT: f32 = 628.0;
/// Pixels that may be shown again in vain where that saves a part.
const SPARE: u32 = 4000;
/// Stars that twinkle, and glints of the moon on the water.
const TWINKLES: u32 = 18;
const GLINTS: u32 = 16;

/// The painter.
pub struct Scene {
    ground: Ground,
    effects: Effects,
    words: Words,
    lanterns: Vec<Vec<Sprite>>,
    shines: Vec<Sprite>,
    boats: [Sprite; BOATS],
    halo: Sprite,
    wake: Sprite,
    star: Sprite,
    glint: Sprite,
    token: Sprite,
    /// How much each boat is there.
    there: [f32; BOATS],
    /// Seconds, which pass between rounds as well.
    time: f32,
    before: Vec<Rect>,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// Paints all that is needed; takes some tenths of a second.
    pub fn new() -> Self {
        let tilts = |colour| {
            let tilt = |at: usize| props::TILT * (2.0 * at as f32 / (props::TILTS - 1) as f32 - 1.0);
            (0..props::TILTS).map(|at| props::lantern(colour, tilt(at))).collect()
        };
        Self {
            ground: Ground::new(),
            effects: Effects::new(),
            words: Words::new(),
            lanterns: (0..=props::GOLD).map(tilts).collect(),
            shines: (0..=props::GOLD).map(props::shine).collect(),
            boats: [false, true].map(props::boat),
            halo: props::glow(120.0, 1.7, Light::hex(0xff_a6_48).times(0.42)),
            wake: props::glow(13.0, 9.0, Light::hex(0xff_c8_88).times(0.3)),
            star: props::glow(5.0, 1.0, Light::hex(0xe8_ec_ff)),
            glint: props::glow(3.2, 9.0, Light::hex(0xd4_d8_ff).times(0.5)),
            token: props::token(true),
            there: [0.0; BOATS],
            time: 0.0,
            before: Vec::new(),
        }
    }

    /// Paints the next picture, 1280 × 720 × 4, BGRX, `seconds` after the one before.
    pub fn paint(&mut self, sky: &Sky, events: &[Event], seconds: f32, data: &mut [u8]) -> Change {
        self.time += seconds;
        self.effects.step(seconds);
        for event in events {
            self.effects.add(event);
        }
        let changed = self.ground.step(sky, seconds);
        for (there, boat) in self.there.iter_mut().zip(&sky.boats) {
            let wanted = f32::from(u8::from(boat.manned));
            *there += (wanted - *there).clamp(-2.5 * seconds, 2.5 * seconds);
        }
        let pixels: &mut [Pixel] = data.as_chunks_mut().0;
        let count = pixels.len().min(self.ground.pixels().len());
        pixels[..count].copy_from_slice(&self.ground.pixels()[..count]);
        let mut canvas = Canvas::new(pixels);
        self.heavens(&mut canvas);
        for lantern in &sky.lanterns {
            self.shine(&mut canvas, lantern);
        }
        self.effects.below(&mut canvas);
        self.fleet(&mut canvas, sky);
        for lantern in &sky.lanterns {
            self.lantern(&mut canvas, lantern);
        }
        self.effects.above(&mut canvas);
        self.words.lay(&mut canvas, sky, self.time, seconds);
        let touched = canvas.touched();
        let mut parts = std::mem::replace(&mut self.before, touched);
        parts.extend(&self.before);
        match changed {
            Changed::Everything => return Change::Everything,
            Changed::Corners(corners) => parts.extend(corners),
            Changed::Nothing => {}
        }
        Change::Parts(joined(parts))
    }

    /// Paints what stands for the game where games are chosen: its name over the valley, without any hint.
    pub fn cover(&mut self, sky: &Sky, data: &mut [u8]) {
        self.ground = Ground::new();
        self.there = sky.boats.map(|boat| f32::from(u8::from(boat.manned)));
        self.ground.step(sky, 0.0);
        let pixels: &mut [Pixel] = data.as_chunks_mut().0;
        pixels.copy_from_slice(self.ground.pixels());
        let mut canvas = Canvas::new(pixels);
        self.heavens(&mut canvas);
        for lantern in &sky.lanterns {
            self.shine(&mut canvas, lantern);
        }
        self.fleet(&mut canvas, sky);
        for lantern in &sky.lanterns {
            self.lantern(&mut canvas, lantern);
        }
        self.words.title(&mut canvas);
    }

    /// Stars that twinkle and the moon's light on the water.
    fn heavens(&self, canvas: &mut Canvas<'_>) {
        for star in 0..TWINKLES {
            let at = (chance(star, 31) * WIDTH, 12.0 + chance(star, 32) * 270.0);
            let pace = 0.5 + 1.3 * chance(star, 33);
            let bright = 0.5 + 0.5 * (self.time * pace + TAU * chance(star, 34)).sin();
            canvas.lay(&self.star, at, 0.12 + 0.8 * bright * bright);
        }
        for glint in 0..GLINTS {
            let near = chance(glint, 35);
            let sway = (self.time * (0.5 + chance(glint, 36)) + TAU * chance(glint, 37)).sin();
            let x = crate::scenery::MOON.0 + (8.0 + 30.0 * near) * sway;
            let bright = 0.5 + 0.5 * (self.time * 1.7 * (0.6 + chance(glint, 38)) + TAU * near).sin();
            canvas.lay(&self.glint, (x, crate::scenery::SHORE + 8.0 + 200.0 * near), 0.65 * bright);
        }
    }

    /// A lantern's light on the water grows as it comes down.
    fn shine(&self, canvas: &mut Canvas<'_>, lantern: &Lantern) {
        let (x, y) = lantern.at;
        let near = ((y - 120.0) / (WATER - 120.0)).clamp(0.0, 1.0);
        let Some(sprite) = self.shines.get(colour(lantern)) else { return };
        canvas.lay(sprite, (x, WATER + 14.0 + 46.0 * (1.0 - near)), near * near);
    }

    fn lantern(&self, canvas: &mut Canvas<'_>, lantern: &Lantern) {
        let tilt = f32::midpoint(lantern.tilt / props::TILT, 1.0).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let tilt = (tilt * (props::TILTS - 1) as f32).round() as usize;
        let Some(sprite) = self.lanterns.get(colour(lantern)).and_then(|tilts| tilts.get(tilt)) else {
            return;
        };
        canvas.lay(sprite, lantern.at, 1.0);
    }

    fn fleet(&self, canvas: &mut Canvas<'_>, sky: &Sky) {
        for (number, (boat, sprite)) in sky.boats.iter().zip(&self.boats).enumerate() {
            // An empty boat waits for the first one to come.
            let waits = if number == 0 && sky.waits() { 0.6 } else { 0.0 };
            let there = self.there[number].max(waits);
            let bob = 2.6 * (self.time * 1.5 + 2.0 * number as f32).sin();
            let at = (boat.x, AFLOAT + bob);
            let light = self.ground.light();
            canvas.lay(&self.wake, (at.0, AFLOAT + 34.0), there * (0.4 + 0.6 * light));
            canvas.lay(&self.halo, (at.0, at.1 - 10.0), there * (0.25 + 0.75 * light));
            canvas.lay(sprite, at, there);
            // What was caught lies in the boat.
            for (place, aboard) in [-46.0, 46.0, -70.0, 70.0, -26.0, 26.0].into_iter().zip(1_u8..) {
                if light * 7.0 >= f32::from(aboard) {
                    let rim = (place / 30.0_f32).powi(2);
                    canvas.lay(&self.token, (at.0 + place, at.1 - 7.0 - rim), there);
                }
            }
        }
    }
}

fn colour(lantern: &Lantern) -> usize {
    if lantern.golden { props::GOLD } else { lantern.colour }
}

/// Fewer parts that cover the same: what overlaps becomes one as long as that covers hardly more.
fn joined(parts: Vec<Rect>) -> Vec<Rect> {
    let area = |rect: &Rect| rect.width * rect.height;
    let mut whole: Vec<Rect> = Vec::with_capacity(parts.len());
    for part in parts {
        let around = |other: &Rect| {
            let (x, y) = (part.x.min(other.x), part.y.min(other.y));
            let (right, bottom) = (
                (part.x + part.width).max(other.x + other.width),
                (part.y + part.height).max(other.y + other.height),
            );
            Rect { x, y, width: right - x, height: bottom - y }
        };
        match whole.iter_mut().find(|other| area(&around(other)) <= area(&part) + area(other) + SPARE) {
            Some(other) => *other = around(other),
            None => whole.push(part),
        }
    }
    whole
}
