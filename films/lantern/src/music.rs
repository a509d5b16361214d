//! The music: a music box over soft chords, and the water of the lake.

use std::f32::consts::TAU;

/// Samples per second, of two channels.
const RATE: u32 = 48_000;
/// Seconds from beat to beat of the waltz.
const BEAT: f32 = 0.5;
/// When the music box begins, and when it has come to rest.
const BEGIN: f32 = 4.0;
const END: f32 = 56.0;

/// The melody by bars of three beats: semitones above A4, and nothing where it rests.
const MELODY: [[Option<i8>; 3]; 16] = [
    [Some(0), Some(3), Some(7)],
    [Some(12), None, Some(10)],
    [Some(8), Some(7), Some(3)],
    [Some(5), None, None],
    [Some(5), Some(8), Some(12)],
    [Some(15), None, Some(14)],
    [Some(12), Some(10), Some(7)],
    [Some(8), None, None],
    [Some(3), Some(7), Some(10)],
    [Some(15), None, Some(17)],
    [Some(15), Some(12), Some(10)],
    [Some(12), None, None],
    [Some(8), Some(7), Some(5)],
    [Some(7), None, Some(3)],
    [Some(2), Some(3), Some(5)],
    [Some(0), None, None],
];
/// The chord of each bar, semitones above A2.
const CHORDS: [[i8; 3]; 16] = [
    [0, 7, 15],
    [0, 7, 15],
    [8, 15, 20],
    [5, 12, 20],
    [5, 12, 20],
    [3, 10, 19],
    [3, 10, 19],
    [8, 15, 24],
    [3, 10, 19],
    [3, 10, 19],
    [0, 7, 15],
    [0, 7, 15],
    [8, 15, 20],
    [3, 10, 19],
    [7, 14, 19],
    [0, 7, 15],
];

/// A WAV file of so many seconds.
pub(crate) fn wave(seconds: u32) -> Vec<u8> {
    let samples = compose(seconds);
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(samples.len() * 2 + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 4).to_le_bytes());
    file.extend_from_slice(b"\x04\0\x10\0data");
    file.extend_from_slice(&bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Both channels in turns.
#[expect(clippy::cast_possible_truncation, reason = "it is within 16 bits")]
fn compose(seconds: u32) -> Vec<i16> {
    let count = (seconds * RATE) as usize;
    let mut dry = vec![[0.0_f32; 2]; count];
    for (bar, at) in
        (0..).map(|bar| (bar, BEGIN + bar as f32 * 3.0 * BEAT)).take_while(|(_, at)| *at < END - 3.0 * BEAT)
    {
        let turn: usize = bar % MELODY.len();
        for (beat, note) in MELODY[turn].iter().enumerate() {
            let Some(note) = note else { continue };
            pluck(
                &mut dry,
                at + beat as f32 * BEAT,
                pitch(440.0, *note),
                0.16,
                0.35 + 0.3 * (beat % 2) as f32,
            );
        }
        for (voice, note) in CHORDS[turn].iter().enumerate() {
            swell(&mut dry, at, pitch(110.0, *note), 0.045, 0.25 + 0.25 * voice as f32);
        }
    }
    let mut room = Room::new();
    let mut lake = Lake::new();
    dry.into_iter()
        .enumerate()
        .flat_map(|(index, sound)| {
            let now = index as f32 / RATE as f32;
            let water = lake.next(now);
            let heard = room.hear([sound[0] + water[0], sound[1] + water[1]]);
            // The film begins and ends in silence.
            let fade = (now / 1.5).min((seconds as f32 - now) / 2.5).clamp(0.0, 1.0);
            heard.map(|channel| ((channel * fade * 1.5).tanh() * 32_000.0) as i16)
        })
        .collect()
}

fn pitch(base: f32, semitones: i8) -> f32 {
    base * (f32::from(semitones) / 12.0).exp2()
}

/// A tooth of a music box: it rings with overtones that are not quite in tune, and dies away.
fn pluck(out: &mut [[f32; 2]], at: f32, frequency: f32, loud: f32, left: f32) {
    mix(out, at, 2.4, left, |time| {
        let partials: [(f32, f32, f32); 4] =
            [(1.0, 1.0, 2.2), (2.0, 0.35, 3.5), (3.01, 0.18, 6.0), (5.43, 0.09, 11.0)];
        let ring: f32 = partials
            .iter()
            .map(|(ratio, share, decay)| {
                (TAU * frequency * ratio * time).sin() * share * (-decay * time).exp()
            })
            .sum();
        ring * loud * (time / 0.003).min(1.0)
    });
}

/// A soft voice that comes and goes with its bar.
fn swell(out: &mut [[f32; 2]], at: f32, frequency: f32, loud: f32, left: f32) {
    let length = 3.0 * BEAT + 0.7;
    mix(out, at, length, left, |time| {
        let shape = (TAU / 2.0 * (time / length)).sin();
        let voice = (TAU * frequency * time).sin() + 0.3 * (TAU * frequency * 2.003 * time).sin();
        voice * loud * shape * shape
    });
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a film")]
fn mix(out: &mut [[f32; 2]], at: f32, length: f32, left: f32, sound: impl Fn(f32) -> f32) {
    let first = (at * RATE as f32) as usize;
    let count = (length * RATE as f32) as usize;
    for (index, both) in out.iter_mut().skip(first).take(count).enumerate() {
        let sample = sound(index as f32 / RATE as f32);
        both[0] += sample * left;
        both[1] += sample * (1.0 - left);
    }
}

/// Echoes of a room, each channel's a little different.
struct Room {
    lines: [[Vec<f32>; 3]; 2],
    at: usize,
}

impl Room {
    fn new() -> Self {
        let lines =
            [[1931, 2473, 3083], [2053, 2297, 3299]].map(|lengths| lengths.map(|length| vec![0.0; length]));
        Self { lines, at: 0 }
    }

    fn hear(&mut self, sound: [f32; 2]) -> [f32; 2] {
        self.at += 1;
        std::array::from_fn(|channel| {
            let echoes: f32 = self.lines[channel]
                .iter_mut()
                .map(|line| {
                    let at = self.at % line.len();
                    let echo = line[at];
                    line[at] = sound[channel] * 0.4 + echo * 0.72;
                    echo
                })
                .sum();
            sound[channel] + echoes * 0.22
        })
    }
}

/// Noise, made dull and moved by slow waves.
struct Lake {
    seed: u32,
    dull: [f32; 2],
}

impl Lake {
    fn new() -> Self {
        Self { seed: 1, dull: [0.0; 2] }
    }

    fn next(&mut self, now: f32) -> [f32; 2] {
        std::array::from_fn(|channel| {
            self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (self.seed >> 8) as f32 / 8_388_608.0 - 1.0;
            self.dull[channel] += (noise - self.dull[channel]) * 0.035;
            let wave = 0.5 + 0.5 * (TAU * (now / 5.3 + 0.3 * channel as f32)).sin();
            self.dull[channel] * (0.06 + 0.1 * wave)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_heard_and_never_too_loud() {
        let samples = compose(12);
        assert_eq!(samples.len(), 12 * RATE as usize * 2);
        let level = |part: &[i16]| {
            let sum: f64 = part.iter().map(|sample| f64::from(*sample).powi(2)).sum();
            (sum / part.len() as f64).sqrt()
        };
        let second = RATE as usize * 2;
        assert!(level(&samples[..second / 10]) < 50.0, "it begins in silence");
        assert!(level(&samples[6 * second..8 * second]) > 1000.0, "the music is heard");
        assert!(samples.iter().all(|sample| sample.unsigned_abs() < 32_700));
    }
}
