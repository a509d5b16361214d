//! The empty room: a wall with shelves and posters, a doorway, a floor of tiles. The same for the same seed.

use super::chance::Chance;
use super::figure::to_colour;
use super::shape::{Colour, Fill, Form, Shape};
use crate::picture::Picture;

/// Where the wall ends and the floor begins, in heights of the picture.
const EDGE: f32 = 0.36;

/// Draws it, at daylight.
pub(super) fn draw(picture: &mut Picture, seed: u64) {
    let mut chance = Chance::of(&[seed, 0x5007]);
    let wall = tint(&mut chance, 120.0, 225.0);
    let floor = tint(&mut chance, 80.0, 190.0);
    let grout = chance.between(0.75, 0.95);
    let (width, height) = (picture.width(), picture.height());
    let aspect = width as f32 / height.max(1) as f32;
    for y in 0..height {
        let down = (y as f32 + 0.5) / height as f32;
        for x in 0..width {
            let across = (x as f32 + 0.5) / height as f32;
            let (colour, light) = if down < EDGE {
                (wall, 0.82 + 0.5 * down)
            } else {
                let tile = tile(across - aspect / 2.0, down);
                (floor, if tile { grout } else { 1.0 } * (0.8 + 0.3 * down))
            };
            let grain = 1.0 + 0.05 * speck(x, y, seed);
            let place = (y * width + x) * 3;
            for (value, part) in picture.rgb_mut()[place..place + 3].iter_mut().zip(colour) {
                *value = to_colour(f32::from(part) * light * grain);
            }
        }
    }
    furniture(picture, &mut chance, aspect);
}

/// What stands and hangs at the wall, some of it as upright as a person.
fn furniture(picture: &mut Picture, chance: &mut Chance, aspect: f32) {
    let block = |left: f32, top: f32, right: f32, bottom: f32| Form::Block((left, top), (right, bottom), 0.0);
    let middle = aspect / 2.0;
    let frame = tint(chance, 40.0, 120.0);
    Shape::plain(block(middle - 0.17, 0.08, middle + 0.17, EDGE), frame).draw(picture);
    Shape::plain(block(middle - 0.14, 0.11, middle + 0.14, EDGE), tint(chance, 150.0, 240.0)).draw(picture);
    for side in [0.0, aspect - 0.36] {
        let left = side + chance.between(0.0, 0.08);
        match chance.below(3) {
            0 => {
                let fill = Fill::Stripes(tint(chance, 60.0, 230.0), 0.06);
                let form = block(left, 0.1, left + 0.28, EDGE + 0.02);
                Shape { form, colour: tint(chance, 60.0, 160.0), fill }.draw(picture);
            }
            1 => {
                for n in 0..3u8 {
                    let left = left + f32::from(n) * 0.1;
                    Shape::plain(block(left, 0.12, left + 0.07, 0.27), tint(chance, 60.0, 240.0))
                        .draw(picture);
                }
            }
            _ => {
                let pot = block(left + 0.06, EDGE - 0.06, left + 0.14, EDGE + 0.04);
                let leaves = Form::Ellipse((left + 0.1, EDGE - 0.13), (0.07, 0.1));
                Shape::plain(leaves, [40, to_colour(chance.between(80.0, 130.0)), 44]).draw(picture);
                Shape::plain(pot, tint(chance, 60.0, 160.0)).draw(picture);
            }
        }
    }
    // A mat in the doorway and a pillar at the side.
    Shape::plain(block(middle - 0.2, EDGE + 0.01, middle + 0.2, EDGE + 0.06), tint(chance, 30.0, 110.0))
        .draw(picture);
    if chance.is(0.5) {
        let left = if chance.is(0.5) { 0.42 } else { aspect - 0.5 };
        Shape::plain(block(left, 0.05, left + 0.06, EDGE + 0.05), tint(chance, 120.0, 220.0)).draw(picture);
    }
}

/// A colour of so much light, not too gaudy.
fn tint(chance: &mut Chance, low: f32, high: f32) -> Colour {
    let grey = chance.between(low, high);
    [(); 3].map(|()| to_colour(grey * chance.between(0.8, 1.1)))
}

/// Whether a place of the floor lies between two tiles.
fn tile(across: f32, down: f32) -> bool {
    let far = 1.0 / (down - 0.12).max(0.02);
    let (u, v) = (across * far * 1.4, far * 1.6);
    u.rem_euclid(1.0) < 0.06 || v.rem_euclid(1.0) < 0.06
}

/// The grain of a surface, -1 to 1.
#[expect(clippy::cast_possible_truncation, reason = "of a hash any bits do")]
fn speck(x: usize, y: usize, seed: u64) -> f32 {
    let mut hash = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed as u32;
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
    (hash >> 16) as f32 / 32_768.0 - 1.0
}
