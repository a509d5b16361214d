//! The picture of a moment: small pictures laid onto it, and which parts they touched.

use probe::layout::Rect;

use crate::sky::{HEIGHT, WIDTH};

/// A pixel: blue, green, red, and how much of what is below it hides. What gives light alone hides nothing.
pub(crate) type Pixel = [u8; 4];

/// Columns and rows of the picture.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers")]
pub(crate) const SIZE: (usize, usize) = (WIDTH as usize, HEIGHT as usize);

/// A small picture around a middle, with colours multiplied by what they hide.
#[derive(Clone)]
pub(crate) struct Sprite {
    pub(crate) width: usize,
    pub(crate) pixels: Vec<Pixel>,
    /// Column and row of the middle.
    pub(crate) middle: (f32, f32),
}

/// Rows of BGRX, [`SIZE`].
pub(crate) struct Canvas<'a> {
    pixels: &'a mut [Pixel],
    touched: Vec<Rect>,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(pixels: &'a mut [Pixel]) -> Self {
        Self { pixels, touched: Vec::new() }
    }

    /// Parts that were painted.
    pub(crate) fn touched(self) -> Vec<Rect> {
        self.touched
    }

    /// Lays a sprite with its middle at a place; `strength` is 0 for not at all to 1.
    pub(crate) fn lay(&mut self, sprite: &Sprite, (x, y): (f32, f32), strength: f32) {
        let height = sprite.pixels.len() / sprite.width.max(1);
        let (left, top) = (whole(x - sprite.middle.0), whole(y - sprite.middle.1));
        let strength = whole(strength.clamp(0.0, 1.0) * 256.0).unsigned_abs();
        let (columns, rows) = (clip(left, sprite.width, SIZE.0), clip(top, height, SIZE.1));
        if strength == 0 || columns.is_empty() || rows.is_empty() {
            return;
        }
        let first = columns.start.saturating_add_signed(left);
        for row in rows.clone() {
            let to = row.saturating_add_signed(top) * SIZE.0 + first;
            let from = row * sprite.width;
            let to = self.pixels.get_mut(to..to + columns.len()).unwrap_or_default();
            blend(to, &sprite.pixels[from + columns.start..from + columns.end], strength);
        }
        let side = |side: usize| u32::try_from(side).unwrap_or(0);
        let (x, y) = (side(first), side(rows.start.saturating_add_signed(top)));
        self.touched.push(Rect { x, y, width: side(columns.len()), height: side(rows.len()) });
    }
}

/// The part of a sprite's side that lies on a picture's side.
fn clip(at: isize, len: usize, side: usize) -> std::ops::Range<usize> {
    let from = at.min(0).unsigned_abs();
    let to = side.saturating_add_signed(-at).min(len);
    from.min(to)..if at > side.cast_signed() { from.min(to) } else { to }
}

fn whole(at: f32) -> isize {
    #[expect(clippy::cast_possible_truncation, reason = "places on a picture")]
    let whole = at.round() as isize;
    whole
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a byte, or a share of one")]
fn blend(to: &mut [Pixel], from: &[Pixel], strength: usize) {
    let strength = strength as u16;
    for (to, from) in to.iter_mut().zip(from) {
        let hidden = (u16::from(from[3]) * strength) >> 8;
        let left = 256 - hidden - (hidden >> 7);
        // The fourth channel, which no screen shows, comes along: four are as quick as one.
        *to = std::array::from_fn(|i| {
            (((u16::from(from[i]) * strength) >> 8) + ((u16::from(to[i]) * left) >> 8)).min(255) as u8
        });
    }
}

/// Between two pictures of one size: `share` of 256 parts of the second.
pub(crate) fn mix(to: &mut [Pixel], first: &[Pixel], second: &[Pixel], share: u16) {
    let share = share.min(256);
    let (first, second) = (first.as_flattened(), second.as_flattened());
    for ((to, first), second) in to.as_flattened_mut().iter_mut().zip(first).zip(second) {
        *to = ((u16::from(*first) * (256 - share) + u16::from(*second) * share) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sprite_may_lie_anywhere_and_only_what_is_on_the_picture_is_painted() {
        let sprite = Sprite { width: 8, pixels: vec![[9, 9, 9, 255]; 48], middle: (4.0, 3.0) };
        let mut pixels = vec![[0; 4]; SIZE.0 * SIZE.1];
        for x in [-2000.0, -4.0, -1.0, 0.0, 640.0, 1279.0, 1283.0, 1290.0, 9000.0] {
            for y in [-2000.0, -3.0, 0.0, 360.0, 719.0, 722.0, 730.0, 9000.0] {
                let mut canvas = Canvas::new(&mut pixels);
                canvas.lay(&sprite, (x, y), 1.0);
                for rect in canvas.touched() {
                    assert!(rect.x + rect.width <= 1280 && rect.y + rect.height <= 720, "{x} {y} {rect:?}");
                }
            }
        }
        assert_eq!(pixels[0][..3], [9; 3]);
        assert_eq!(pixels.last().unwrap()[..3], [9; 3]);
        assert_eq!(pixels[SIZE.0 * 100 + 300], [0; 4]);
    }

    #[test]
    fn light_adds_up_and_paint_hides() {
        let mut pixels = [[100, 100, 100, 0]; 2];
        blend(&mut pixels[..1], &[[200, 10, 0, 0]], 256);
        blend(&mut pixels[1..], &[[50, 60, 70, 255]], 256);
        assert_eq!(pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]), [[255, 110, 100], [50, 60, 70]]);
    }
}
