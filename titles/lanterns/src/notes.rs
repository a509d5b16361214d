//! What it sounds like: a bell for each lantern, on a scale on which nothing is wrong, over a quiet night.
//!
//! Pure: notes and time go in, samples come out.

use std::f32::consts::TAU;

use probe::sound::RATE;

use crate::sky::{COLUMNS, Event};

/// The major pentatonic scale over two octaves from C4, in semitones: left is low.
const SCALE: [f32; COLUMNS] = [0.0, 2.0, 4.0, 7.0, 9.0, 12.0, 14.0, 16.0, 19.0, 21.0];
/// C4, in hertz.
const ROOT: f32 = 261.63;
/// Notes that sound at once.
const VOICES: usize = 24;
/// Below this nothing is heard.
const SILENT: f32 = 0.0005;

/// A tone that fades.
struct Voice {
    /// Turns per sample.
    pitch: f32,
    turn: f32,
    loud: f32,
    /// What is left of it from sample to sample.
    fade: f32,
    /// Share of the left side.
    left: f32,
    /// Share of its overtones.
    bright: f32,
    /// Samples until it begins, and then those of its soft beginning.
    wait: u32,
    rise: f32,
}

/// All that sounds.
#[derive(Default)]
pub struct Notes {
    voices: Vec<Voice>,
    samples: u64,
    wind: f32,
    noise: u32,
}

impl Notes {
    /// Something happened that is heard.
    pub fn add(&mut self, event: &Event) {
        match *event {
            Event::Caught { column, golden, .. } => {
                let step = SCALE[column.min(COLUMNS - 1)];
                let side = column as f32 / (COLUMNS - 1) as f32;
                self.bell(step, 0.20, 1.5, side, 0.0);
                if golden {
                    [4.0, 7.0, 12.0].iter().zip(1_u8..).for_each(|(up, place)| {
                        self.bell(step + up, 0.12, 1.5, side, f32::from(place) * 0.09);
                    });
                }
            }
            Event::Dropped { at } => {
                let side = at.0 / crate::sky::WIDTH;
                self.tone(-24.0, 0.34, 0.9, side, 0.0, 0.25);
                self.tone(-17.0, 0.10, 0.5, side, 0.0, 0.1);
            }
            Event::Began => {
                for (step, place) in [0.0, 7.0, 12.0].into_iter().zip(0_u8..) {
                    self.bell(step, 0.14, 1.6, 0.5, f32::from(place) * 0.16);
                }
            }
            Event::Ended { best } => {
                let steps = if best { [12.0, 16.0, 19.0, 24.0] } else { [9.0, 7.0, 4.0, 0.0] };
                for (step, place) in steps.into_iter().zip(0_u8..) {
                    self.bell(step, 0.15, 2.2, 0.5, 0.25 + f32::from(place) * 0.22);
                }
                self.tone(-12.0, 0.14, 3.0, 0.5, 0.25, 0.1);
            }
        }
    }

    fn bell(&mut self, step: f32, loud: f32, seconds: f32, side: f32, wait: f32) {
        self.tone(step, loud, seconds, side, wait, 0.34);
    }

    /// `step` is in semitones from the root, `seconds` until a tenth of it is left, `side` from 0 on the left to 1.
    fn tone(&mut self, step: f32, loud: f32, seconds: f32, side: f32, wait: f32, bright: f32) {
        if self.voices.len() >= VOICES {
            self.voices.remove(0);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than a second")]
        let wait = (wait * RATE as f32) as u32;
        self.voices.push(Voice {
            pitch: ROOT * (step / 12.0).exp2() / RATE as f32,
            turn: 0.0,
            loud,
            fade: 0.1_f32.powf(1.0 / (seconds * RATE as f32)),
            left: 0.75 - 0.5 * side.clamp(0.0, 1.0),
            bright,
            wait,
            rise: 0.0,
        });
    }

    /// The next samples: two channels of 16 bits, little-endian.
    pub fn fill(&mut self, samples: &mut [u8]) {
        for sample in samples.as_chunks_mut::<4>().0 {
            let night = self.night();
            let (mut left, mut right) = (night, night);
            for voice in &mut self.voices {
                let level = voice.next();
                left += level * voice.left;
                right += level * (1.0 - voice.left);
            }
            let [l0, l1] = level(left);
            let [r0, r1] = level(right);
            *sample = [l0, l1, r0, r1];
        }
        self.voices.retain(|voice| voice.loud > SILENT);
    }

    /// Two far strings that come and go, and wind over the water.
    fn night(&mut self) -> f32 {
        self.samples += 1;
        #[expect(clippy::cast_precision_loss, reason = "an hour of samples, and slow waves")]
        let now = (self.samples % (u64::from(RATE) * 3600)) as f64 / f64::from(RATE);
        #[expect(clippy::cast_possible_truncation, reason = "between -1 and 1")]
        let wave = |pitch: f64| (now * pitch).fract() as f32;
        let sine = |pitch: f64| (TAU * wave(pitch)).sin();
        let swell = |pace: f64| 0.55 + 0.45 * sine(pace);
        let strings = 0.016 * sine(65.4) * swell(0.05)
            + 0.012 * sine(98.0) * swell(0.071)
            + 0.006 * sine(130.9) * swell(0.043);
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (self.noise >> 8) as f32 / 16_777_216.0 - 0.5;
        self.wind += (hiss - self.wind) * 0.018;
        strings + self.wind * 0.07 * swell(0.083)
    }
}

impl Voice {
    fn next(&mut self) -> f32 {
        if self.wait > 0 {
            self.wait -= 1;
            return 0.0;
        }
        self.turn = (self.turn + self.pitch).fract();
        self.loud *= self.fade;
        // Some five milliseconds, so that nothing clicks.
        self.rise += (1.0 - self.rise) * 0.008;
        let sine = (TAU * self.turn).sin();
        // The first overtones follow from the sine itself; they fade sooner than it does.
        let cosine = (TAU * self.turn).cos();
        let over = 2.0 * sine * cosine + 0.5 * sine * (3.0 - 4.0 * sine * sine);
        self.loud * self.rise * (sine + self.bright * over * (self.loud * 4.0).min(1.0))
    }
}

/// A sample that bends before it breaks.
fn level(level: f32) -> [u8; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
    let level = (level.tanh() * 30_000.0) as i16;
    level.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How loud both sides are over the next tenth of a second.
    fn heard(notes: &mut Notes) -> (f32, f32) {
        let mut samples = vec![0; RATE as usize / 10 * 4];
        notes.fill(&mut samples);
        let level = |a, b| f32::from(i16::from_le_bytes([a, b])).powi(2);
        let frames = samples.as_chunks::<4>().0;
        let power =
            frames.iter().fold((0.0, 0.0), |sum, &[a, b, c, d]| (sum.0 + level(a, b), sum.1 + level(c, d)));
        let mean = |power: f32| (power / frames.len() as f32).sqrt();
        (mean(power.0), mean(power.1))
    }

    #[test]
    fn a_catch_stands_out_of_the_night_on_its_side_and_fades() {
        let mut notes = Notes::default();
        heard(&mut notes);
        let quiet = heard(&mut notes).0;
        assert!(quiet > 1.0 && quiet < 1500.0, "{quiet}");
        notes.add(&Event::Caught { column: 0, at: (40.0, 580.0), golden: true });
        heard(&mut notes);
        let (left, right) = heard(&mut notes);
        assert!(left > 3.0 * quiet && left > 1.5 * right, "{left} {right}");
        (0..60).for_each(|_| assert!(heard(&mut notes).0 < 30_001.0));
        assert!(heard(&mut notes).0 < 2.5 * quiet);
        assert!(notes.voices.is_empty());
    }

    #[test]
    fn columns_go_up_and_any_number_of_notes_is_bearable() {
        assert!(SCALE.is_sorted());
        let mut notes = Notes::default();
        for column in 0..400 {
            notes.add(&Event::Caught { column, at: (0.0, 0.0), golden: true });
        }
        assert!(notes.voices.len() <= VOICES);
        assert!(heard(&mut notes).0 < 30_001.0);
    }
}
