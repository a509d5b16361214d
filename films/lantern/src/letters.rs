//! Letters of the titles: strokes on a grid of 4 by 6, as a sign painter would put them.

use crate::canvas::{Canvas, Light, Point};

/// Strokes of a letter, each through the corners that it names; the grid's y goes down.
fn strokes(letter: char) -> Option<&'static [&'static [(u8, u8)]]> {
    Some(match letter {
        'A' => &[&[(0, 6), (2, 0), (4, 6)], &[(1, 4), (3, 4)]],
        'D' => &[&[(0, 0), (0, 6), (2, 6), (4, 4), (4, 2), (2, 0), (0, 0)]],
        'E' => &[&[(4, 0), (0, 0), (0, 6), (4, 6)], &[(0, 3), (3, 3)]],
        'H' => &[&[(0, 0), (0, 6)], &[(4, 0), (4, 6)], &[(0, 3), (4, 3)]],
        'I' => &[&[(2, 0), (2, 6)]],
        'L' => &[&[(0, 0), (0, 6), (4, 6)]],
        'N' => &[&[(0, 6), (0, 0), (4, 6), (4, 0)]],
        'O' => &[&[(1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0)]],
        'P' => &[&[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)]],
        'R' => &[&[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)], &[(2, 3), (4, 6)]],
        'S' => &[&[
            (4, 1),
            (3, 0),
            (1, 0),
            (0, 1),
            (0, 2),
            (1, 3),
            (3, 3),
            (4, 4),
            (4, 5),
            (3, 6),
            (1, 6),
            (0, 5),
        ]],
        'T' => &[&[(0, 0), (4, 0)], &[(2, 0), (2, 6)]],
        'U' => &[&[(0, 0), (0, 5), (1, 6), (3, 6), (4, 5), (4, 0)]],
        'Y' => &[&[(0, 0), (2, 3), (4, 0)], &[(2, 3), (2, 6)]],
        ' ' => &[],
        _ => return None,
    })
}

/// From letter to letter, in heights.
const STEP: f32 = 0.98;
/// Width of a letter, in heights.
const WIDTH: f32 = 0.58;

/// Draws a line of text around `middle`, `height` tall.
pub(crate) fn write(canvas: &mut Canvas, text: &str, middle: Point, height: f32, light: Light) {
    let count = text.chars().count() as f32;
    let left = middle.0 - ((count - 1.0) * STEP + WIDTH) * height / 2.0;
    for (place, letter) in text.chars().enumerate() {
        let at = |(x, y): (u8, u8)| {
            let x = left + (place as f32 * STEP + f32::from(x) / 4.0 * WIDTH) * height;
            (x, middle.1 + (f32::from(y) / 6.0 - 0.5) * height)
        };
        for stroke in strokes(letter).unwrap_or_default() {
            for pair in stroke.windows(2) {
                canvas.stroke(at(pair[0]), at(pair[1]), height * 0.1, light);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::TITLES;

    #[test]
    fn every_letter_of_the_titles_can_be_drawn() {
        for letter in TITLES.iter().flat_map(|title| title.chars()) {
            assert!(strokes(letter).is_some(), "`{letter}` has no strokes");
        }
    }
}
