//! What light and sensor make of a drawn room: brightness, tint, noise.

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::figure::to_colour;

/// The light of a scene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// Daylight, with a cloud now and then.
    #[default]
    Day,
    /// Evening: darker and bluish, slowly less and more.
    Dusk,
    /// Lamps that flicker, and go off for a moment every other while.
    Flicker,
}

impl Light {
    /// How bright red, green and blue are at a time, as factors.
    pub(super) fn gain(self, seed: u64, seconds: f32) -> [f32; 3] {
        let wave = |period: f32, n: u64| {
            let phase = Chance::of(&[seed, 0x11, n]).unit();
            ((seconds / period + phase) * std::f32::consts::TAU).sin()
        };
        match self {
            Self::Day => [1.0 + 0.06 * wave(23.0, 0) + 0.03 * wave(7.0, 1); 3],
            Self::Dusk => {
                let light = 0.45 + 0.12 * wave(40.0, 2);
                [light * 0.88, light * 0.95, light * 1.12]
            }
            Self::Flicker => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "time is not negative"
                )]
                let (tick, while_) = ((seconds * 12.5) as u64, (seconds / 6.0) as u64);
                let flicker = 0.1 * Chance::of(&[seed, 0x12, tick]).bell();
                let off = Chance::of(&[seed, 0x13, while_]).is(0.25) && seconds % 6.0 < 1.2;
                let light = (if off { 0.5 } else { 0.95 } + flicker).clamp(0.25, 1.3);
                [light * 1.04, light, light * 0.9]
            }
        }
    }
}

/// Noise for whole frames, drawn once: rows take it from different places.
pub(super) struct Noise {
    values: Vec<i8>,
}

/// How much of it there is; a prime, so that no row's length divides it.
const VALUES: usize = 65_521;

/// The longest piece that is taken of it at once.
const PIECE: usize = 4096;

impl Noise {
    /// Noise of so many grey levels (standard deviation).
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of an i8")]
    pub(super) fn new(seed: u64, levels: f32) -> Self {
        let mut chance = Chance::of(&[seed, 0x21]);
        let values =
            (0..VALUES).map(|_| (chance.bell() * levels).round().clamp(-127.0, 127.0) as i8).collect();
        Self { values }
    }

    /// Lights a frame and lays its noise over it.
    pub(super) fn expose(&self, rgb: &mut [u8], gain: [f32; 3], mut chance: Chance) {
        let curves =
            gain.map(|gain| std::array::from_fn::<u8, 256, _>(|value| to_colour(value as f32 * gain + 0.5)));
        // A piece begins with red: its length is a multiple of three.
        for piece in rgb.chunks_mut(PIECE / 3 * 3) {
            let start = chance.below(VALUES - PIECE);
            for (pixel, noise) in piece.chunks_exact_mut(3).zip(self.values[start..].chunks_exact(3)) {
                for part in 0..3 {
                    let value = i16::from(curves[part][pixel[part] as usize]) + i16::from(noise[part]);
                    pixel[part] = clamped(value);
                }
            }
        }
    }
}

#[expect(clippy::cast_sign_loss, reason = "clamped to the range of a u8")]
fn clamped(value: i16) -> u8 {
    value.clamp(0, 255) as u8
}
