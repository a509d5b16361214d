//! What is seen at each moment: a stage, its curtain, and on it the lake.

mod curtain;
mod lake;

use crate::canvas::{Canvas, Light};
use crate::letters::write;

/// All that is written in the film.
pub(crate) const TITLES: [&str; 3] = ["PLAYHOUSE", "THE LITTLE LANTERN", "THE END"];

/// When the curtain begins to open and is open; when it begins to close and is closed. Seconds.
const OPENS: (f32, f32) = (6.5, 10.0);
const CLOSES: (f32, f32) = (54.5, 57.5);
/// When the light of the house fades for good.
const DARK: (f32, f32) = (58.8, 60.0);

/// Draws the picture of `now`, seconds from the beginning.
pub(crate) fn draw(canvas: &mut Canvas, now: f32) {
    let open = ease(ramp(now, OPENS)) - ease(ramp(now, CLOSES));
    if open > 0.0 {
        lake::draw(canvas, ramp(now, (OPENS.0, CLOSES.1)), now);
    }
    if open < 1.0 {
        curtain::draw(canvas, open, now);
    }
    let middle = canvas.aspect() / 2.0;
    let gold = Light::hex(0xf4_b7_40);
    let mut title = |text: &str, y: f32, height: f32, times: [f32; 4]| {
        let shown = ramp(now, (times[0], times[1])) - ramp(now, (times[2], times[3]));
        if shown > 0.0 {
            write(canvas, text, (middle, y), height, Light::hex(0x5a_12_1c).mix(gold, shown));
        }
    };
    title(TITLES[0], 0.34, 0.035, [1.2, 2.0, 5.8, 6.4]);
    title(TITLES[1], 0.45, 0.07, [2.2, 3.2, 5.8, 6.4]);
    title(TITLES[2], 0.42, 0.06, [57.3, 57.9, 58.8, 59.6]);
    let lit = ramp(now, (0.0, 1.2)) - ramp(now, DARK);
    if lit < 1.0 {
        canvas.dim(|_, _| lit);
    }
}

/// Draws the poster: the lake at its darkest, and the name of the film.
pub(crate) fn poster(canvas: &mut Canvas) {
    const MOMENT: f32 = 41.0;
    lake::draw(canvas, 0.5, MOMENT);
    let (middle, gold) = (canvas.aspect() / 2.0, Light::hex(0xf4_b7_40));
    for (line, word) in TITLES[1].split(' ').enumerate() {
        write(canvas, word, (middle, 0.24 + 0.095 * line as f32), 0.06, gold);
    }
}

/// How far `now` is between two moments, 0 to 1.
fn ramp(now: f32, (from, to): (f32, f32)) -> f32 {
    ((now - from) / (to - from)).clamp(0.0, 1.0)
}

/// Slow at both ends.
fn ease(share: f32) -> f32 {
    share * share * (3.0 - 2.0 * share)
}

/// A number from 0 to 1 that is the same whenever it is asked for.
fn chance(index: u32, kind: u32) -> f32 {
    let mut x = index.wrapping_mul(0x9E37_79B9) ^ kind.wrapping_mul(0x85EB_CA6B);
    x = (x ^ (x >> 15)).wrapping_mul(0x2C1B_3C6D);
    x = (x ^ (x >> 12)).wrapping_mul(0x297A_2D39);
    ((x ^ (x >> 15)) >> 8) as f32 / 16_777_216.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(now: f32) -> Vec<u8> {
        let mut canvas = Canvas::new((160, 90));
        draw(&mut canvas, now);
        canvas.pixels().to_vec()
    }

    fn brightness(now: f32) -> f32 {
        let pixels = picture(now);
        pixels.iter().map(|byte| f32::from(*byte)).sum::<f32>() / pixels.len() as f32
    }

    #[test]
    fn a_moment_looks_the_same_each_time_and_another_one_does_not() {
        for now in [3.0, 8.0, 20.0, 33.0, 50.0, 56.0] {
            assert_eq!(picture(now), picture(now));
            assert_ne!(picture(now), picture(now + 0.5), "nothing moves at {now}");
        }
    }

    #[test]
    fn it_begins_and_ends_in_the_dark_and_the_morning_is_bright() {
        assert!(brightness(0.0) < 1.0 && brightness(60.0) < 1.0);
        assert!(brightness(53.0) > 2.0 * brightness(28.0));
    }
}
