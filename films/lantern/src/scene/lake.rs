//! The lake by night: sky, hills, their mirror, a boat with a lantern, and those who come along.

use std::f32::consts::TAU;

use super::{chance, ease, ramp};
use crate::canvas::{Canvas, Light, Point};

/// Where the water begins.
const SHORE: f32 = 0.62;

/// The sky's colours from top to shore, at these shares of the night.
const SKIES: [(f32, u32, u32); 5] = [
    (0.0, 0x2a_1f_4d, 0xd9_6b_4e),
    (0.18, 0x14_12_33, 0x4a_2f_63),
    (0.5, 0x08_0a_1e, 0x1b_20_47),
    (0.78, 0x1a_21_4f, 0x6d_4a_7c),
    (1.0, 0x5f_8f_cf, 0xff_c9_8a),
];

/// Hills from far to near: height, roughness, how fast they pass, and how dark they are.
const HILLS: [(f32, f32, f32, f32); 3] =
    [(0.2, 1.3, 0.012, 0.62), (0.13, 2.4, 0.03, 0.38), (0.06, 5.0, 0.07, 0.2)];

/// Draws it; `night` goes from 0 at dusk to 1 in the morning, `now` is in seconds.
pub(super) fn draw(canvas: &mut Canvas, night: f32, now: f32) {
    let (top, low) = sky(night);
    let dark = (1.0 - ((night - 0.48) / 0.36).abs()).clamp(0.0, 1.0);
    canvas.rows(0.0, SHORE, |y| top.mix(low, (y / SHORE).powf(1.6)));
    stars(canvas, now, dark);
    moon(canvas, night);
    sun(canvas, night);
    for (layer, (height, rough, pace, dim)) in HILLS.iter().enumerate() {
        let (seed, along) = (layer as f32 * 7.3, now * pace);
        let light = low.mix(top, 0.4).times(*dim).mix(Light([0.0; 3]), 0.15);
        canvas.columns(SHORE, light, |x| SHORE - height * ridge((x + along) * rough + seed));
    }
    canvas.mirror(SHORE, top.times(0.6), |depth| {
        0.5 * depth.sqrt() * 0.03 * ((depth * 90.0).sqrt() * 6.0 + now * 2.1).sin()
    });
    boat(canvas, night, now);
    fireflies(canvas, now, dark);
}

fn sky(night: f32) -> (Light, Light) {
    let after = SKIES.iter().position(|(at, ..)| *at >= night).unwrap_or(SKIES.len() - 1).max(1);
    let ((from, top, low), (to, next_top, next_low)) = (SKIES[after - 1], SKIES[after]);
    let share = ease(ramp(night, (from, to)));
    (Light::hex(top).mix(Light::hex(next_top), share), Light::hex(low).mix(Light::hex(next_low), share))
}

/// The outline of hills, 0 to 1.
fn ridge(x: f32) -> f32 {
    let waves = [(1.0, 0.5), (2.17, 0.26), (4.3, 0.14), (9.1, 0.1)];
    waves.iter().map(|(pace, share)| share * (0.5 + 0.5 * (x * pace + share * 9.0).sin())).sum()
}

fn stars(canvas: &mut Canvas, now: f32, dark: f32) {
    if dark <= 0.0 {
        return;
    }
    for star in 0..170 {
        let at = (chance(star, 1) * canvas.aspect(), chance(star, 2) * SHORE * 0.85);
        let twinkle = 0.65 + 0.35 * (now * (0.6 + 2.0 * chance(star, 3)) + TAU * chance(star, 4)).sin();
        let size = 0.002 + 0.004 * chance(star, 5).powi(3);
        canvas.glow(at, size, Light::hex(0xdf_e8_ff).times(dark * twinkle * 1.4));
    }
    shooting_star(canvas, ramp(now, (31.0, 33.2)));
}

/// The one that comes along.
fn shooting_star(canvas: &mut Canvas, way: f32) {
    if way <= 0.0 || way >= 1.0 {
        return;
    }
    for step in 0_u8..26 {
        let behind = way - f32::from(step) * 0.012;
        if behind < 0.0 {
            break;
        }
        let at = (canvas.aspect() * (0.15 + 0.5 * behind), 0.06 + 0.42 * behind * behind);
        canvas.glow(at, 0.011, Light::hex(0xff_f2_cc).times((1.0 - f32::from(step) / 26.0) * 0.9));
    }
}

fn moon(canvas: &mut Canvas, night: f32) {
    let up = ramp(night, (0.15, 0.9));
    let at = (canvas.aspect() * (0.86 - 0.5 * up), 0.66 - 0.52 * (TAU / 2.0 * up).sin());
    if up <= 0.0 || up >= 1.0 {
        return;
    }
    canvas.glow(at, 0.3, Light::hex(0x8f_a4_e8).times(0.3));
    canvas.disc(at, 0.042, Light::hex(0xf3_f0_df));
    for (x, y, size) in [(-0.012, -0.008, 0.009), (0.014, 0.006, 0.007), (-0.004, 0.018, 0.005)] {
        canvas.disc((at.0 + x, at.1 + y), size, Light::hex(0xdd_d8_c4));
    }
}

fn sun(canvas: &mut Canvas, night: f32) {
    let up = ramp(night, (0.84, 1.0));
    if up <= 0.0 {
        return;
    }
    let at = (canvas.aspect() * 0.72, SHORE + 0.05 - 0.16 * ease(up));
    canvas.glow(at, 0.75, Light::hex(0xff_b0_5a).times(0.55 * up));
    canvas.disc(at, 0.055, Light::hex(0xff_e9_b8));
}

/// The boat crosses the lake from left to right; gives nothing back but light on the water.
fn boat(canvas: &mut Canvas, night: f32, now: f32) {
    let x = canvas.aspect() * (0.12 + 0.62 * ease(night));
    let y = 0.765 + 0.006 * (now * 1.4).sin();
    let tilt = 0.03 * (now * 1.1).sin();
    let turn = |(dx, dy): Point| (x + dx - dy * tilt, y + dy + dx * tilt);
    let flicker = 1.0 + 0.08 * (now * 9.0).sin() * (now * 5.3).sin();
    let warm = Light::hex(0xff_c4_5e);
    let lamp = turn((0.055, -0.135));
    // Its light on the water, broken by the waves.
    for step in 0_u8..16 {
        let down = f32::from(step) * 0.0125;
        let sway = 0.012 * (now * 2.7 + f32::from(step) * 1.3).sin();
        let share = (1.0 - f32::from(step) / 16.0) * 0.2 * flicker;
        canvas.glow((lamp.0 + sway, y + 0.035 + down), 0.03 + 0.02 * down, warm.times(share));
    }
    let wood = Light::hex(0x2a_17_12);
    let hull = [(-0.13, -0.03), (0.13, -0.03), (0.1, 0.012), (0.06, 0.03), (-0.07, 0.03), (-0.105, 0.012)];
    canvas.polygon(&hull.map(turn), wood);
    canvas.stroke(turn((-0.14, -0.034)), turn((0.14, -0.034)), 0.008, Light::hex(0x6b_3d_24));
    // A pole that bends over, and the lantern on it.
    canvas.stroke(turn((-0.02, -0.03)), turn((0.0, -0.2)), 0.007, wood.mix(warm, 0.12));
    canvas.stroke(turn((0.0, -0.2)), turn((0.055, -0.19)), 0.006, wood.mix(warm, 0.2));
    canvas.stroke(turn((0.055, -0.19)), turn((0.055, -0.16)), 0.003, wood.mix(warm, 0.3));
    canvas.glow(lamp, 0.3 * flicker, warm.times(0.42));
    let glass = [(-0.017, -0.022), (0.017, -0.022), (0.021, 0.02), (-0.021, 0.02)];
    canvas.polygon(&glass.map(|(dx, dy)| (lamp.0 + dx, lamp.1 + dy)), Light::hex(0xff_e2_9a));
    canvas.glow(lamp, 0.035, Light::hex(0xff_ff_e6).times(0.8 * flicker));
    for dy in [-0.024, 0.023] {
        canvas.stroke((lamp.0 - 0.022, lamp.1 + dy), (lamp.0 + 0.022, lamp.1 + dy), 0.006, wood);
    }
}

/// They come one after the other, each on a way of its own around the lantern.
fn fireflies(canvas: &mut Canvas, now: f32, dark: f32) {
    let centre = canvas.aspect() * (0.12 + 0.62 * ease(ramp(now, (6.5, 57.5)))) + 0.05;
    for fly in 0..26 {
        let here = ramp(now, (33.0 + chance(fly, 11) * 8.0, 36.0 + chance(fly, 11) * 8.0));
        if here <= 0.0 {
            continue;
        }
        let own = now * (0.3 + 0.4 * chance(fly, 12)) + TAU * chance(fly, 13);
        let far = (1.0 - ease(here)) * 0.5;
        let (wide, tall) = (0.1 + 0.35 * chance(fly, 14) + far, 0.05 + 0.14 * chance(fly, 15));
        let at = (centre + wide * own.sin(), 0.6 + tall * (own * 1.7).cos() - 0.1 * chance(fly, 16));
        let blink = (0.5 + 0.5 * (now * 2.0 + TAU * chance(fly, 17)).sin()).powi(2);
        canvas.glow(
            at,
            0.016,
            Light::hex(0xd8_ff_7a).times(here * (0.25 + 0.75 * blink) * (0.3 + 0.7 * dark)),
        );
    }
}
