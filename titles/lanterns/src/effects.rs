//! What follows a catch or a drop: sparks that rise, rings on the water, and the light that goes with them.

use std::f32::consts::TAU;

use crate::canvas::{Canvas, Sprite};
use crate::paint::{Light, chance};
use crate::props;
use crate::sky::{Event, WATER};

/// Seconds that sparks and rings are seen.
const SPARKS: f32 = 0.9;
const RINGS: f32 = 1.5;
/// Pictures of a ring from its first to its last.
const AGES: u8 = 20;
/// Effects at a time.
const MOST: usize = 24;

struct Effect {
    at: (f32, f32),
    age: f32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Sparks { golden: bool, seed: u32 },
    Ring,
}

/// All of them.
pub(crate) struct Effects {
    running: Vec<Effect>,
    begun: u32,
    rings: Vec<Sprite>,
    spark: [Sprite; 2],
    flash: [Sprite; 2],
}

impl Effects {
    pub(crate) fn new() -> Self {
        let warm = [Light::hex(0xff_b4_58), Light::hex(0xff_e9_a0)];
        Self {
            running: Vec::new(),
            begun: 0,
            rings: (0..AGES).map(|age| props::ring((f32::from(age) + 0.5) / f32::from(AGES))).collect(),
            spark: warm.map(|light| props::glow(7.0, 1.0, light)),
            flash: warm.map(|light| props::glow(120.0, 1.2, light.times(0.6))),
        }
    }

    /// Something happened.
    pub(crate) fn add(&mut self, event: &Event) {
        let (at, kind) = match *event {
            Event::Caught { at, golden, .. } => (at, Kind::Sparks { golden, seed: self.begun }),
            Event::Dropped { at } => (at, Kind::Ring),
            Event::Began | Event::Ended { .. } => return,
        };
        self.begun = self.begun.wrapping_add(1);
        if self.running.len() < MOST {
            self.running.push(Effect { at, age: 0.0, kind });
        }
    }

    /// Time passes.
    pub(crate) fn step(&mut self, seconds: f32) {
        for effect in &mut self.running {
            effect.age += seconds;
        }
        self.running.retain(|effect| effect.age < if effect.kind == Kind::Ring { RINGS } else { SPARKS });
    }

    /// What lies on the water.
    pub(crate) fn below(&self, canvas: &mut Canvas<'_>) {
        for effect in self.running.iter().filter(|effect| effect.kind == Kind::Ring) {
            let last = self.rings.len().saturating_sub(1) as f32;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in the list"
            )]
            let place = (effect.age / RINGS * last) as usize;
            let Some(ring) = self.rings.get(place) else { continue };
            canvas.lay(ring, (effect.at.0, WATER + 26.0), 1.0);
        }
    }

    /// What flies.
    pub(crate) fn above(&self, canvas: &mut Canvas<'_>) {
        for effect in &self.running {
            let Kind::Sparks { golden, seed } = effect.kind else { continue };
            let left = 1.0 - effect.age / SPARKS;
            canvas.lay(&self.flash[usize::from(golden)], effect.at, left.powi(3));
            for spark in 0..if golden { 22 } else { 12 } {
                let roll = |kind| chance(seed.wrapping_mul(31).wrapping_add(spark), kind);
                let (turn, speed) = (TAU * roll(51), 50.0 + 130.0 * roll(52));
                let far = speed * effect.age * (1.0 - 0.35 * effect.age);
                let rise = 46.0 * effect.age * effect.age;
                let at = (effect.at.0 + turn.cos() * far, effect.at.1 + turn.sin() * far * 0.7 - rise);
                canvas.lay(&self.spark[usize::from(golden)], at, left * (0.4 + 0.6 * roll(53)));
            }
        }
    }
}
