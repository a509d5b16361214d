//! The scene: a small theatre. A painted sky drifts behind a turning wheel, lights wander, curtains sway; in the
//! middle hangs the board with barcode and mark.
//!
//! It is made to be as much work for an encoder as a busy game, and as little as possible for the processor: what
//! moves is pasted row by row from pictures that were made at the start.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "places and angles stay far below 2^31, and what lies outside of the picture is not painted"
)]

use playhouse_media::frame::Size;

use crate::barcode::Reading;
use crate::layout::{BARCODE, BORDER, CROSSHAIR, MARK, Rect};
use crate::paint::Canvas;
use crate::texture::{Pixel, Texture, blend, hash, noise, shade};

const BLACK: Pixel = [0; 4];
const WHITE: Pixel = [255, 255, 255, 0];

// Colours of the house, 0xRRGGBB.
const HOUSE: u32 = 0x11_0e17;
const VELVET: u32 = 0xa8_1c2c;
const MARQUEE: u32 = 0xf4_b740;
const SENSE: u32 = 0x45_cdb8;
const DUSK: u32 = 0x5b_3a8c;
const NIGHT: u32 = 0x1d_2a5c;
const WOOD: u32 = 0x8a_5a34;

/// Angles in a full turn.
const TURN: usize = 1024;

/// What is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What the picture says of itself.
    pub reading: Reading,
    /// How far the scene has moved, in steps of a sixtieth of a second.
    pub phase: u32,
    /// Where the crosshair is, in pixels.
    pub pointer: Option<(u32, u32)>,
}

/// Everything that a picture of one size is made from.
#[derive(Debug)]
pub struct Scene {
    size: Size,
    sky: Texture,
    velvet: Texture,
    wheel: Texture,
    wood: Texture,
    light: Vec<Pixel>,
    sine: Vec<i32>,
}

impl Scene {
    /// A scene for pictures of `size`; the same `seed` gives the same scene.
    pub fn new(size: Size, seed: u32) -> Self {
        let sine =
            (0..TURN).map(|at| (1024.0 * (at as f32 * std::f32::consts::TAU / TURN as f32).sin()) as i32);
        Self {
            size,
            sky: Texture::new(1024, 512, |x, y| sky(seed, x, y)),
            velvet: Texture::new(512, 256, |x, y| velvet(seed, x, y)),
            wheel: Texture::new(512, 512, |x, y| wheel(seed, x, y)),
            wood: Texture::new(1024, 128, |x, y| wood(seed, x, y)),
            light: light(size.height / 5),
            sine: sine.collect(),
        }
    }

    /// The size of its pictures.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Paints `state` over the whole of `data`: `width × height × 4`, BGRX, no gaps between rows.
    pub fn paint(&self, state: &State, data: &mut [u8]) {
        let mut canvas = Canvas::new(self.size, data);
        let phase = i64::from(state.phase);
        let Size { width, height } = self.size;
        let (wing, floor) = (width / 7, height * 5 / 6);
        for y in 0..floor {
            let sway = self.sine(phase * 4 + i64::from(y) * 3) * 24 / 1024;
            self.sky.paste(phase * 2 + sway, i64::from(y) + phase / 2, canvas.row(y, wing, width - wing));
        }
        for y in floor..height {
            // Nearer boards pass faster.
            let depth = i64::from(y - floor) + 24;
            self.wood.paste(phase * depth / 32, depth * depth / 48, canvas.row(y, wing, width - wing));
        }
        self.turn_wheel(phase, &mut canvas);
        for (at, speed) in [(0, 3), (TURN as i64 / 2, 5)] {
            let across = self.sine(phase * speed / 2 + at) * i64::from(width / 4) / 1024;
            let down = self.sine(phase * 2 + at + 200) * i64::from(height / 5) / 1024;
            self.shine(i64::from(width / 2) + across, i64::from(height / 2) + down, &mut canvas);
        }
        for y in 0..height {
            let sway = self.sine(phase * 5 + i64::from(y)) * i64::from(y) * 20 / i64::from(height) / 1024;
            self.velvet.paste(sway, i64::from(y), canvas.row(y, 0, wing));
            self.velvet.paste(-sway + 200, i64::from(y), canvas.row(y, width - wing, width));
        }
        self.valance(phase, &mut canvas);
        self.board(state, &mut canvas);
        self.crosshair(state, &mut canvas);
    }

    /// Sine of an angle in 1/[`TURN`], times 1024.
    fn sine(&self, angle: i64) -> i64 {
        i64::from(self.sine[angle.cast_unsigned() as usize % TURN])
    }

    fn turn_wheel(&self, phase: i64, canvas: &mut Canvas<'_>) {
        let radius = i64::from(self.size.height) / 4;
        let (cx, cy) = (i64::from(self.size.width / 2), i64::from(self.size.height / 2));
        // 1/65,536 of a texture's pixel for each of the picture, so that the wheel fills the texture at any size.
        let zoom = (250 << 16) / radius.max(1);
        let (sin, cos) = (self.sine(phase * 3) * zoom / 1024, self.sine(phase * 3 + 256) * zoom / 1024);
        for dy in -radius..radius {
            let half = (radius * radius - dy * dy).isqrt();
            let (mut u, mut v) = ((256 << 16) - half * cos - dy * sin, (256 << 16) - half * sin + dy * cos);
            let row = canvas.row((cy + dy) as u32, (cx - half) as u32, (cx + half) as u32);
            for pixel in row {
                *pixel = self.wheel.at(u as i32, v as i32);
                u += cos;
                v += sin;
            }
        }
    }

    fn shine(&self, cx: i64, cy: i64, canvas: &mut Canvas<'_>) {
        let radius = self.size.height / 5;
        let side = 2 * radius as usize;
        let left = (cx - i64::from(radius)).max(0) as u32;
        for (y, light) in self.light.chunks_exact(side.max(1)).enumerate() {
            let Ok(y) = u32::try_from(cy - i64::from(radius) + y as i64) else { continue };
            let row = canvas.row(y, left, left + side as u32);
            for (pixel, light) in row.as_flattened_mut().iter_mut().zip(light.as_flattened()) {
                *pixel = pixel.saturating_add(*light);
            }
        }
    }

    /// The curtain's upper edge: a row of scallops.
    fn valance(&self, phase: i64, canvas: &mut Canvas<'_>) {
        let Size { width, height } = self.size;
        let (depth, scallop) = (height / 14, width / 10);
        for y in 0..2 * depth {
            for left in (0..width).step_by(scallop.max(1) as usize) {
                let below = i64::from(y.saturating_sub(depth)) * 1024 / i64::from(depth.max(1));
                // The width of a circle's chord.
                let part = i64::from(scallop / 2) * (1024 * 1024 - below * below).isqrt() / 1024;
                let middle = i64::from(left + scallop / 2);
                let sway = self.sine(phase * 4 + i64::from(left)) * 3 / 1024;
                let row = canvas.row(y, (middle - part) as u32, (middle + part) as u32);
                self.velvet.paste(middle - part + sway, i64::from(y), row);
            }
        }
    }

    fn board(&self, state: &State, canvas: &mut Canvas<'_>) {
        let gold = shade(MARQUEE, 1.0);
        for rect in [BARCODE, MARK] {
            let ground = rect.scaled(self.size).grown(BORDER);
            canvas.fill(ground.grown(3), gold);
            canvas.fill(ground, BLACK);
        }
        for (rect, _) in state.reading.cells().filter(|(_, white)| *white) {
            canvas.fill(rect.scaled(self.size), WHITE);
        }
        if state.reading.inputs % 2 == 1 {
            canvas.fill(MARK.scaled(self.size), WHITE);
        }
        // Bulbs that chase each other above and below the barcode.
        let frame = BARCODE.scaled(self.size).grown(BORDER + 14);
        for at in 0..frame.width / 24 {
            let lit = (at + state.phase / 12).is_multiple_of(3);
            let bulb = shade(MARQUEE, if lit { 1.2 } else { 0.4 });
            for y in [frame.y, frame.y + frame.height - 6] {
                canvas.fill(Rect { x: frame.x + at * 24 + 9, y, width: 6, height: 6 }, bulb);
            }
        }
    }

    fn crosshair(&self, state: &State, canvas: &mut Canvas<'_>) {
        let Some((x, y)) = state.pointer else { return };
        let x = x.min(self.size.width.saturating_sub(1));
        let y = y.min(self.size.height.saturating_sub(1));
        for (thick, pixel) in [(3, BLACK), (1, WHITE)] {
            let (long, thin) = (CROSSHAIR + thick / 2, thick / 2);
            let across =
                Rect { x: x.saturating_sub(long), y: y.saturating_sub(thin), width: 2 * long, height: thick };
            let down =
                Rect { x: x.saturating_sub(thin), y: y.saturating_sub(long), width: thick, height: 2 * long };
            canvas.fill(across, pixel);
            canvas.fill(down, pixel);
        }
    }
}

/// Clouds of dusk with stars between them.
fn sky(seed: u32, x: u32, y: u32) -> Pixel {
    let octave = |cell: u32, salt: u32| noise(seed ^ salt, cell, (1024, 512), x, y);
    let cloud = octave(128, 1) * 0.5 + octave(32, 2) * 0.3 + octave(8, 3) * 0.2;
    let colour = blend(NIGHT, DUSK, (cloud - 0.3) * 3.0);
    let colour = blend(colour, SENSE, (octave(64, 4) - 0.6) * 1.5);
    if hash(seed ^ x << 12 ^ y).is_multiple_of(900) && cloud < 0.5 {
        return shade(MARQUEE, 1.0);
    }
    shade(colour, 0.75 + 0.5 * octave(4, 5))
}

/// Red velvet in folds.
fn velvet(seed: u32, x: u32, y: u32) -> Pixel {
    let fold = (x as f32 * std::f32::consts::TAU / 64.0
        + 0.8 * (x as f32 * std::f32::consts::TAU / 256.0).sin())
    .sin();
    let pile = noise(seed ^ 0x11, 4, (512, 256), x, y) - 0.5;
    shade(VELVET, 0.55 + 0.4 * fold + 0.22 * pile)
}

/// A wheel of sectors and rings.
fn wheel(seed: u32, x: u32, y: u32) -> Pixel {
    let (dx, dy) = (x as f32 - 256.0, y as f32 - 256.0);
    let (radius, angle) = (dx.hypot(dy), dy.atan2(dx) / std::f32::consts::TAU + 0.5);
    let sector = (angle * 24.0) as u32 % 24;
    let ring = (radius / 50.0) as u32;
    let colour = match (sector + ring) % 4 {
        0 => MARQUEE,
        1 => VELVET,
        2 => SENSE,
        _ => HOUSE,
    };
    let rim = if radius > 240.0 || radius % 50.0 < 3.0 { 0.3 } else { 1.0 };
    shade(colour, rim * (0.6 + 0.5 * noise(seed ^ 0x21, 8, (512, 512), x, y)))
}

/// Boards with their grain.
fn wood(seed: u32, x: u32, y: u32) -> Pixel {
    let board = (x / 128).wrapping_mul(7) + y / 32 * 3;
    let grain = noise(seed ^ 0x31 ^ board, 8, (1024, 512), x, y * 4) * 0.4
        + noise(seed ^ 0x32, 2, (512, 128), x / 4 * 2, y) * 0.2;
    let gap = if x % 128 < 2 { 0.4 } else { 1.0 };
    shade(WOOD, gap * (0.5 + grain + (hash(board) % 100) as f32 / 500.0))
}

/// What a spotlight adds: a soft disc of warm light.
fn light(radius: u32) -> Vec<Pixel> {
    let side = radius * 2;
    let rows = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    rows.map(|(x, y)| {
        let away = (x as f32 - radius as f32).hypot(y as f32 - radius as f32) / radius as f32;
        shade(0x80_6a40, (1.0 - away * away).max(0.0))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(scene: &Scene, phase: u32) -> Vec<u8> {
        let mut data = vec![0; scene.size.bgra_len()];
        scene.paint(&State { phase, ..State::default() }, &mut data);
        data
    }

    #[test]
    fn two_runs_of_one_seed_show_the_same_and_the_scene_moves() {
        let size = Size::new(640, 360);
        let (scene, again) = (Scene::new(size, 5), Scene::new(size, 5));
        assert_eq!(paint(&scene, 100), paint(&again, 100));
        assert_ne!(paint(&scene, 100), paint(&scene, 101));
    }

    #[test]
    fn no_size_moment_or_pointer_is_out_of_bounds() {
        for (width, height) in [(320, 240), (2, 2), (640, 1080), (1922, 480)] {
            let size = Size::new(width, height);
            let scene = Scene::new(size, 1);
            for phase in [0, 1, 77_777, u32::MAX] {
                for pointer in [None, Some((0, 0)), Some((width, height)), Some((u32::MAX, 3))] {
                    let mut data = vec![0; size.bgra_len()];
                    scene.paint(&State { phase, pointer, ..State::default() }, &mut data);
                }
            }
        }
    }
}
