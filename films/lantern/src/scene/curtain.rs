//! The curtain, its folds, and a spotlight that looks for the title.

use std::f32::consts::TAU;

use super::chance;
use crate::canvas::{Canvas, Light};

const CLOTH: u32 = 0x8e_1b_2c;
/// Folds per height of the picture.
const FOLDS: f32 = 9.0;

/// Draws both halves; `open` is 0 for closed and 1 for gone.
pub(super) fn draw(canvas: &mut Canvas, open: f32, now: f32) {
    let aspect = canvas.aspect();
    let half = aspect / 2.0 * (1.0 - open) + 0.02;
    // Cloth that is pushed together has its folds nearer to each other.
    let along = |x: f32| x.min(aspect - x) / half * aspect / 2.0;
    let fold = |x: f32, turn: f32| (TAU * (along(x) * FOLDS / 2.0 + turn)).sin();
    canvas.cloth(
        |x| {
            let hem = 0.965 + 0.012 * fold(x, 0.25);
            if x.min(aspect - x) < half { hem } else { 0.0 }
        },
        |x| {
            let sway = 0.05 * (now * 0.9 + along(x) * 3.0).sin();
            Light::hex(CLOTH).times(0.22 + 0.5 * (0.5 + 0.5 * fold(x, sway)))
        },
    );
    if open <= 0.0 {
        canvas.rows(0.975, 1.0, |_| Light::hex(0x1b_0f_10));
    }
    spotlight(canvas, now, 1.0 - open);
}

/// Lights the cloth where the title stands; what is outside stays in the dark.
fn spotlight(canvas: &mut Canvas, now: f32, strength: f32) {
    let aspect = canvas.aspect();
    let search = (1.0 - now / 2.0).clamp(0.0, 1.0);
    let x = aspect / 2.0 + search * aspect * 0.3 * (now * 2.3 + TAU * chance(0, 1)).sin();
    let y = 0.42 - search * 0.1;
    canvas.dim(|at_x, at_y| {
        let away = ((at_x - x) / 1.5).hypot(at_y - y);
        let lit = 1.0 - ((away - 0.3) / 0.22).clamp(0.0, 1.0);
        1.0 - strength * (1.0 - (0.22 + 1.08 * lit))
    });
}
