//! The valley by night: sky, moon, hills and the lake, once in the dark and once in the light of many lanterns.

use std::f32::consts::TAU;

use crate::canvas::{Pixel, SIZE};
use crate::paint::{Light, Paint, chance};
use crate::village;

/// Row where the lake begins.
pub(crate) const SHORE: f32 = 500.0;
/// Where the moon stands.
pub(crate) const MOON: (f32, f32) = (1010.0, 128.0);

/// Colours of the sky from top to shore: row, in the dark, in the light.
const SKY: [(f32, u32, u32); 5] = [
    (0.0, 0x07_07_14, 0x0d_0c_26),
    (170.0, 0x0d_0c_22, 0x1d_18_43),
    (320.0, 0x18_14_34, 0x4a_2f_6a),
    (430.0, 0x25_1c_40, 0xa0_54_78),
    (500.0, 0x2f_22_45, 0xf0_96_65),
];

/// Hills from far to near: height, roughness, colour in the dark, in the light.
const HILLS: [(f32, f32, u32, u32); 4] = [
    (190.0, 0.0042, 0x1d_18_38, 0x6c_40_70),
    (128.0, 0.0075, 0x16_12_2c, 0x40_2a_56),
    (78.0, 0.0130, 0x10_0d_21, 0x2a_1d_3f),
    (34.0, 0.0300, 0x0a_08_17, 0x17_11_26),
];

/// The picture that all else is laid onto.
pub(crate) fn paint(lit: bool) -> Vec<Pixel> {
    let mut paint = Paint::new(SIZE.0, SIZE.1);
    paint.fill(|_, y| (sky(y, lit), 1.0));
    stars(&mut paint, lit);
    moon(&mut paint);
    for (layer, (height, rough, dark, bright)) in HILLS.iter().enumerate() {
        let light = Light::hex(if lit { *bright } else { *dark });
        let haze = sky(SHORE - 20.0, lit);
        let seed = layer as f32 * 2.9 + 1.3;
        paint.cover([(0.0, SHORE - height * 1.1), (SIZE.0 as f32, SHORE)], |x, y| {
            let top = SHORE - height * ridge(x, *rough, seed) - trees(x, layer);
            // Mist lies in the valleys, more of it far away.
            let mist = ((y - SHORE + 60.0) / 60.0).clamp(0.0, 1.0) * (0.34 - 0.1 * layer as f32).max(0.0);
            (light.mix(haze, mist), y - top + 0.5)
        });
    }
    village::paint(&mut paint, lit);
    lake(&mut paint, lit);
    paint.pixels(1.6)
}

fn sky(y: f32, lit: bool) -> Light {
    let colour = |(_, dark, bright): (f32, u32, u32)| Light::hex(if lit { bright } else { dark });
    let next = SKY.iter().position(|(row, ..)| *row >= y).unwrap_or(SKY.len() - 1).max(1);
    let (from, to) = (SKY[next - 1], SKY[next]);
    colour(from).mix(colour(to), (y - from.0) / (to.0 - from.0))
}

/// The outline of hills, 0 to 1.
fn ridge(x: f32, rough: f32, seed: f32) -> f32 {
    let waves = [(1.0, 0.52), (2.17, 0.26), (4.3, 0.14), (9.1, 0.08)];
    waves
        .iter()
        .map(|(pace, share)| share * (0.5 + 0.5 * (x * rough * pace + seed + share * 9.0).sin()))
        .sum()
}

/// The tops of firs on the nearest hills.
fn trees(x: f32, layer: usize) -> f32 {
    if layer < 2 {
        return 0.0;
    }
    let wide = if layer == 2 { 9.0 } else { 15.0 };
    let (tree, within) = ((x / wide).floor(), (x / wide).fract());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred trees")]
    let tall = chance(tree as u32, 20 + layer as u32);
    (1.0 - (within - 0.5).abs() * 2.0) * (4.0 + 15.0 * tall * tall) * if layer == 2 { 0.6 } else { 1.0 }
}

fn stars(paint: &mut Paint, lit: bool) {
    let strength = if lit { 0.85 } else { 0.62 };
    for star in 0..330 {
        let at = (chance(star, 1) * SIZE.0 as f32, chance(star, 2).powf(1.3) * 400.0);
        let size = 1.1 + 2.0 * chance(star, 3).powi(6);
        let colour = Light::hex(0xdf_e6_ff).mix(Light::hex(0xff_e2_b8), chance(star, 4));
        let fade = 1.0 - at.1 / 460.0;
        paint.glow(
            at,
            size + 0.8,
            1.0,
            colour.times(strength * fade * (0.25 + chance(star, 5).powi(2) * 1.1)),
        );
    }
    // The milky way, which is more felt than seen.
    for cloud in 0..70 {
        let along = chance(cloud, 6);
        let at = (90.0 + 760.0 * along, 330.0 - 330.0 * along + 90.0 * (chance(cloud, 7) - 0.5));
        let size = 40.0 + 70.0 * chance(cloud, 8);
        paint.glow(at, size, 1.3, Light::hex(0x7c_78_c8).times(0.022 * strength));
    }
}

fn moon(paint: &mut Paint) {
    paint.glow(MOON, 330.0, 1.0, Light::hex(0x8f_9c_e8).times(0.17));
    paint.glow(MOON, 96.0, 1.0, Light::hex(0xcf_d4_ff).times(0.3));
    paint.disc(MOON, (37.0, 37.0), Light::hex(0xf3_ee_dc));
    for (x, y, size, share) in [
        (-11.0, -8.0, 10.0, 0.6),
        (13.0, 4.0, 7.0, 0.5),
        (-3.0, 16.0, 6.0, 0.6),
        (9.0, -18.0, 4.5, 0.5),
        (-19.0, 7.0, 4.0, 0.4),
    ] {
        let light = Light::hex(0xf3_ee_dc).mix(Light::hex(0xc6_c0_b4), share);
        paint.disc((MOON.0 + x, MOON.1 + y), (size, size * 0.94), light);
    }
}

/// The valley upside down, broken by waves that grow towards us, and darker towards us.
fn lake(paint: &mut Paint, lit: bool) {
    let above = Paint::copy(paint);
    let deep = Light::hex(if lit { 0x1a_16_3c } else { 0x09_08_18 });
    paint.cover([(0.0, SHORE), (SIZE.0 as f32, SIZE.1 as f32)], |x, y| {
        let depth = y - SHORE;
        let near = depth / (SIZE.1 as f32 - SHORE);
        let wave = (depth.sqrt() * 5.3 + (x * 0.006).sin() * 1.4).sin();
        let across = x + wave * (1.0 + 9.0 * near);
        let up = SHORE - 1.0 - depth * 1.75 - wave * 2.0 * near;
        // No stars that far above, and no moon: its road is painted by hand.
        let seen = if up < MOON.1 + 110.0 { sky(up, lit) } else { above.at(across, up) }.times(0.62);
        let mut light = seen.mix(deep, 0.3 + 0.5 * near);
        let crest =
            ((depth.sqrt() * 7.0 + (x * 0.011 + 1.0).sin() * 2.0 + (x * 0.031).sin()).sin() - 0.8).max(0.0);
        light = light
            .mix(Light::hex(if lit { 0xe0_a4_98 } else { 0x5c_60_98 }), crest * 0.35 * (1.0 - near * 0.6));
        (light, 1.0)
    });
    // The moon's road.
    for step in 0..46_u8 {
        let near = f32::from(step) / 46.0;
        let y = SHORE + 6.0 + 210.0 * near.powf(1.25);
        let sway = 16.0 * (f32::from(step) * 2.4).sin() * (0.3 + near);
        let wide = (10.0 + 34.0 * near) * (0.6 + 0.6 * chance(step.into(), 9));
        let light = Light::hex(0xc8_cc_ff).times(0.2 * (1.0 - near * 0.7));
        paint.glow((MOON.0 + sway, y), 2.6 + 1.6 * near, wide / 2.6, light);
    }
    let edge = Light::hex(if lit { 0xff_c9_96 } else { 0x6a_64_9c });
    paint.cover([(0.0, SHORE - 1.0), (SIZE.0 as f32, SHORE + 2.0)], |x, y| {
        (edge, 0.24 * (1.0 - (y - SHORE).abs() / 2.0) * (0.6 + 0.4 * (x * TAU / 320.0).sin()))
    });
}
