//! The village on the shore: its houses are part of the valley, and its windows light up one by one.

use crate::canvas::Sprite;
use crate::paint::{Light, Paint, chance};
use crate::scenery::SHORE;

/// A house: left edge, width, height of its walls, height of its roof.
const HOUSES: [(f32, f32, f32, f32); 19] = [
    (28.0, 46.0, 24.0, 20.0),
    (80.0, 38.0, 34.0, 18.0),
    (124.0, 56.0, 22.0, 22.0),
    (196.0, 40.0, 28.0, 18.0),
    (246.0, 50.0, 20.0, 20.0),
    (420.0, 44.0, 22.0, 18.0),
    (470.0, 36.0, 32.0, 16.0),
    (514.0, 54.0, 24.0, 22.0),
    (580.0, 42.0, 20.0, 18.0),
    (634.0, 48.0, 30.0, 20.0),
    (690.0, 40.0, 20.0, 16.0),
    (760.0, 46.0, 24.0, 20.0),
    (812.0, 38.0, 34.0, 16.0),
    (858.0, 50.0, 20.0, 20.0),
    (1052.0, 42.0, 24.0, 18.0),
    (1100.0, 52.0, 32.0, 22.0),
    (1158.0, 36.0, 22.0, 16.0),
    (1200.0, 46.0, 26.0, 20.0),
    (1250.0, 40.0, 20.0, 16.0),
];

/// The pagoda: its middle, and from the ground up each storey's half width.
const PAGODA: (f32, [f32; 5]) = (346.0, [38.0, 33.0, 28.0, 23.0, 17.0]);
const STOREY: f32 = 27.0;

/// Draws the walls and roofs.
pub(crate) fn paint(paint: &mut Paint, lit: bool) {
    let wall = Light::hex(if lit { 0x2c_1e_34 } else { 0x0e_0b_1b });
    let roof = Light::hex(if lit { 0x1b_12_25 } else { 0x08_06_12 });
    let rim = Light::hex(if lit { 0xc0_7a_60 } else { 0x2c_28_4c });
    for (left, wide, walls, tall) in HOUSES {
        let (right, eaves) = (left + wide, SHORE - walls);
        paint.polygon(&[(left, SHORE), (left, eaves), (right, eaves), (right, SHORE)], |_, _| wall);
        // Roofs swing upward at their ends.
        let top = eaves - tall;
        let ends =
            [(left - 9.0, eaves - 2.0), (left + 4.0, eaves - 6.0), (left + 13.0, top), (right - 13.0, top)];
        let corners = [
            &ends[..],
            &[
                (right - 4.0, eaves - 6.0),
                (right + 9.0, eaves - 2.0),
                (right, eaves + 3.0),
                (left, eaves + 3.0),
            ],
        ]
        .concat();
        paint.polygon(&corners, |_, _| roof);
        paint.stroke(ends[2], ends[3], 1.6, rim);
    }
    let (middle, storeys) = PAGODA;
    for (storey, half) in (0_u8..).zip(storeys) {
        let foot = SHORE - f32::from(storey) * STOREY;
        let (eaves, in_half) = (foot - STOREY + 7.0, half * 0.68);
        let walls = [(-in_half, foot), (-in_half, eaves), (in_half, eaves), (in_half, foot)];
        paint.polygon(&walls.map(|(x, y)| (middle + x, y)), |_, _| wall);
        let curve = [
            (-half - 8.0, eaves - 4.0),
            (-half * 0.8, eaves - 6.0),
            (-half * 0.5, eaves - 13.0),
            (half * 0.5, eaves - 13.0),
            (half * 0.8, eaves - 6.0),
            (half + 8.0, eaves - 4.0),
            (half * 0.7, eaves + 2.0),
            (-half * 0.7, eaves + 2.0),
        ];
        paint.polygon(&curve.map(|(x, y)| (middle + x, y)), |_, _| roof);
        paint.stroke((middle - half * 0.5, eaves - 13.0), (middle + half * 0.5, eaves - 13.0), 1.4, rim);
    }
    let tip = SHORE - STOREY * storeys.len() as f32 - 4.0;
    paint.stroke((middle, tip), (middle, tip - 24.0), 2.6, roof);
    paint.disc((middle, tip - 12.0), (4.0, 4.0), roof);
}

/// Where windows are, in the order in which they light up.
pub(crate) fn windows() -> Vec<(f32, f32)> {
    let mut windows: Vec<(f32, f32)> = Vec::new();
    for (left, wide, walls, _) in HOUSES {
        let columns = if wide > 44.0 { 3_u8 } else { 2 };
        let rows = if walls > 28.0 { 2_u8 } else { 1 };
        for column in 0..columns {
            for row in 0..rows {
                let x = left + wide * (f32::from(column) + 0.5) / f32::from(columns);
                windows.push((x, SHORE - walls + 11.0 + 13.0 * f32::from(row)));
            }
        }
    }
    for storey in 0..PAGODA.1.len() {
        let y = SHORE - storey as f32 * STOREY - 9.0;
        windows.extend([-8.0, 8.0].map(|x| (PAGODA.0 + x * (1.0 - 0.09 * storey as f32), y)));
    }
    let mut order: Vec<(u32, (f32, f32))> = (0..).zip(windows).collect();
    order.sort_by(|a, b| chance(a.0, 41).total_cmp(&chance(b.0, 41)));
    order.into_iter().map(|(_, window)| window).collect()
}

/// A lit window, and its light on the lake far below.
pub(crate) fn window() -> Sprite {
    let mut paint = Paint::new(40, 40);
    paint.glow((20.0, 20.0), 19.0, 1.0, Light::hex(0xff_a8_4a).times(0.34));
    paint.cover([(16.0, 16.0), (24.0, 25.0)], |x, y| {
        let cross = (x - 20.0).abs() < 0.6 || (y - 20.0).abs() < 0.5;
        (Light::hex(if cross { 0x8a_4c_22 } else { 0xff_d9_8c }), 1.0)
    });
    paint.sprite((20.0, 20.0))
}

/// The light of a window on the lake.
pub(crate) fn gleam() -> Sprite {
    let mut paint = Paint::new(24, 76);
    for step in 0..9_u8 {
        let y = 6.0 + f32::from(step) * 7.4;
        let sway = 2.0 * (f32::from(step) * 2.1).sin();
        let light = Light::hex(0xff_b0_58).times(0.34 * (1.0 - f32::from(step) / 9.5));
        paint.glow((12.0 + sway, y), 4.4, 2.0, light);
    }
    paint.sprite((12.0, 0.0))
}
