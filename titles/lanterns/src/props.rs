//! What moves: lanterns, boats, light on the water, sparks.

use crate::canvas::Sprite;
use crate::paint::{Light, Paint, Point};

/// Paper of the lanterns: the light of its middle, and of its edge. The last is gold.
const PAPER: [(u32, u32); 5] = [
    (0xff_df_8e, 0xe8_87_26),
    (0xff_b8_92, 0xd8_48_3c),
    (0xff_c2_d8, 0xb8_48_90),
    (0xb8_f4_dc, 0x22_94_88),
    (0xff_fa_d8, 0xf4_b7_40),
];

/// Golden lanterns' place among the colours.
pub(crate) const GOLD: usize = 4;
/// Pictures of a lantern from its farthest to one side to that to the other.
pub(crate) const TILTS: usize = 9;
/// Farthest, in radians.
pub(crate) const TILT: f32 = 0.24;

/// Half the size of a lantern's picture.
const HALF: f32 = 92.0;

/// A lantern that hangs tilted.
pub(crate) fn lantern(colour: usize, tilt: f32) -> Sprite {
    let (middle, edge) = PAPER[colour.min(GOLD)];
    let (middle, edge) = (Light::hex(middle), Light::hex(edge));
    let side = 2.0 * HALF;
    let mut paint = square(side);
    let turn =
        |(x, y): Point| (HALF + x * tilt.cos() - y * tilt.sin(), HALF + x * tilt.sin() + y * tilt.cos());
    let gold = colour == GOLD;
    paint.glow((HALF, HALF + 4.0), HALF, 1.0, edge.times(if gold { 0.5 } else { 0.36 }));
    paint.glow((HALF, HALF + 4.0), HALF * 0.55, 1.0, middle.times(0.22));
    let wood = Light::hex(0x38_1c_17);
    // The tassel and its cord.
    for (x, length) in [(-3.0, 46.0), (0.0, 50.0), (3.0, 46.0)] {
        paint.stroke(turn((x * 0.4, 32.0)), turn((x, length)), 1.8, edge.times(0.75));
    }
    paint.stroke(turn((0.0, -32.0)), turn((0.0, -41.0)), 1.6, wood.mix(edge, 0.3));
    paint.fill(|px, py| {
        let (dx, dy) = (px - HALF, py - HALF);
        let (x, y) = (dx * tilt.cos() + dy * tilt.sin(), dy * tilt.cos() - dx * tilt.sin());
        // A barrel, fuller above its middle.
        let wide = 25.0 * (1.0 - (y / 33.0 + 0.08).abs().powf(2.6) * 0.42);
        let inside = (wide - x.abs()).min(27.0 - y.abs()) + 0.5;
        let round = (x / wide).powi(2);
        let fire = (1.0 - ((x / 22.0).powi(2) + ((y - 9.0) / 27.0).powi(2)).sqrt()).max(0.0);
        let rib = ((y + 27.0) / 54.0 * 6.0).fract();
        let fold = 0.86 + 0.14 * (rib * std::f32::consts::PI).sin();
        let light = middle.mix(edge, 0.35 + 0.65 * round).times(0.96 * fold);
        (light.mix(Light::hex(0xff_fb_ea), (fire * 1.15).powf(1.2)), inside)
    });
    for (y, half) in [(-28.0, 14.5), (28.0, 13.0)] {
        paint.stroke(turn((-half, y)), turn((half, y)), 4.6, wood);
        paint.stroke(turn((-half, y - 1.0)), turn((half, y - 1.0)), 1.3, wood.mix(middle, 0.4));
    }
    paint.sprite((HALF, HALF))
}

/// A lantern of a few pixels, for counting.
pub(crate) fn token(lit: bool) -> Sprite {
    let mut paint = square(44.0);
    let paper = Light::hex(if lit { 0xf4_b7_40 } else { 0x3c_35_50 });
    if lit {
        paint.glow((22.0, 22.0), 21.0, 1.0, paper.times(0.4));
    }
    paint.disc((22.0, 22.0), (8.5, 9.5), paper);
    if lit {
        paint.disc((22.0, 24.0), (4.5, 5.0), Light::hex(0xff_ec_b8));
    }
    for y in [12.5, 31.5] {
        paint.stroke((18.0, y), (26.0, y), 2.4, Light::hex(if lit { 0x5a_30_1c } else { 0x2a_24_36 }));
    }
    paint.stroke((22.0, 32.0), (22.0, 37.0), 1.6, paper.times(0.8));
    paint.sprite((22.0, 22.0))
}

/// A boat with somebody in a straw hat; its middle is where lanterns land.
pub(crate) fn boat(second: bool) -> Sprite {
    let (width, height) = (260, 150);
    let (x, y) = (130.0, 78.0);
    let mut paint = Paint::new(width, height);
    let at = |(dx, dy): Point| (x + dx, y + dy);
    let accent = Light::hex(if second { 0x45_cd_b8 } else { 0xf4_b7_40 });
    let wood = Light::hex(0x3a_20_1a);
    let hull = [
        (-106.0, -19.0),
        (-84.0, -7.0),
        (-40.0, 0.0),
        (40.0, 0.0),
        (84.0, -7.0),
        (106.0, -19.0),
        (92.0, 8.0),
        (66.0, 27.0),
        (0.0, 33.0),
        (-66.0, 27.0),
        (-92.0, 8.0),
    ];
    // The one who stands in it: robe, arms up to the lanterns, hat.
    let robe = Light::hex(if second { 0x1c_4a_52 } else { 0x6a_2a_38 });
    let skin = Light::hex(0xd8_9a_72);
    for side in [-1.0, 1.0] {
        paint.stroke(at((side * 6.0, -26.0)), at((side * 19.0, -38.0)), 6.4, robe);
        paint.stroke(at((side * 19.0, -38.0)), at((side * 21.0, -47.0)), 4.4, robe.mix(skin, 0.5));
        paint.disc(at((side * 21.5, -50.0)), (3.3, 3.3), skin);
    }
    paint.polygon(&[(-8.0, -32.0), (8.0, -32.0), (15.0, 6.0), (-15.0, 6.0)].map(at), |_, py| {
        robe.mix(accent, ((py - y) / 60.0 + 0.3).max(0.0))
    });
    paint.stroke(at((-9.0, -14.0)), at((9.0, -14.0)), 3.6, accent.times(0.85));
    paint.disc(at((0.0, -40.0)), (7.2, 7.6), skin);
    paint.polygon(&[(-20.0, -41.0), (0.0, -57.0), (20.0, -41.0), (0.0, -38.0)].map(at), |px, _| {
        Light::hex(0xd8_ae_6a).mix(Light::hex(0x7a_54_30), ((px - x) / 30.0 + 0.4).clamp(0.0, 1.0))
    });
    paint.polygon(&hull.map(at), |_, py| {
        let down = ((py - y + 18.0) / 52.0).clamp(0.0, 1.0);
        let plank = if ((py - y) / 8.5).rem_euclid(1.0) < 0.13 { 0.72 } else { 1.0 };
        wood.mix(Light::hex(0x7c_48_2c), 1.0 - down).times(plank)
    });
    for pair in hull[..6].windows(2) {
        paint.stroke(at(pair[0]), at(pair[1]), 4.2, accent.mix(wood, 0.35));
    }
    // A lamp at each end.
    for side in [-1.0, 1.0] {
        let lamp = at((side * 104.0, -32.0));
        paint.stroke(at((side * 104.0, -20.0)), (lamp.0, lamp.1 + 4.0), 2.4, wood);
        paint.glow(lamp, 24.0, 1.0, accent.times(0.5));
        paint.disc(lamp, (4.8, 5.8), accent.mix(Light::hex(0xff_ff_ee), 0.5));
    }
    paint.sprite((x, y))
}

/// Light that fades to nothing all around, wider or narrower by `stretch`.
pub(crate) fn glow(radius: f32, stretch: f32, light: Light) -> Sprite {
    let (wide, tall) = ((radius * stretch).ceil(), radius.ceil());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the size of a small picture"
    )]
    let mut paint = Paint::new(2 * wide as usize, 2 * tall as usize);
    paint.glow((wide, tall), radius, stretch, light);
    paint.sprite((wide, tall))
}

/// A lantern's light on the water, in pieces.
pub(crate) fn shine(colour: usize) -> Sprite {
    let (middle, edge) = PAPER[colour.min(GOLD)];
    let light = Light::hex(middle).mix(Light::hex(edge), 0.5);
    let mut paint = Paint::new(110, 100);
    for step in 0..8_u8 {
        let down = f32::from(step) / 8.0;
        let sway = 6.0 * (f32::from(step) * 2.3).sin() * (0.4 + down);
        paint.glow((55.0 + sway, 8.0 + 84.0 * down), 7.0, 3.2 + 2.4 * down, light.times(0.5 * (1.0 - down)));
    }
    paint.sprite((55.0, 0.0))
}

/// A ring on the water that grows with `age`, 0 to 1.
pub(crate) fn ring(age: f32) -> Sprite {
    let (wide, tall) = (120.0, 40.0);
    let mut paint = Paint::new(240, 80);
    for behind in [0.0, 0.22] {
        let far = age - behind;
        if far <= 0.0 {
            continue;
        }
        let reach = 12.0 + 100.0 * far.sqrt();
        paint.cover([(0.0, 0.0), (240.0, 80.0)], |x, y| {
            let away = (x - wide).hypot((y - tall) * 3.2);
            let line = (1.0 - (away - reach).abs() / 5.0).max(0.0);
            (Light::hex(0xbf_c4_f0), line * 0.5 * (1.0 - age))
        });
    }
    paint.sprite((wide, tall))
}

fn square(side: f32) -> Paint {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the size of a small picture"
    )]
    let side = side.ceil() as usize;
    Paint::new(side, side)
}
