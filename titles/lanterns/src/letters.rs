//! Letters and numbers: strokes on a grid of 4 by 6 with their corners rounded off, as a brush would write them.

use crate::canvas::{Canvas, Sprite};
use crate::paint::{Light, Paint, Point};

/// Strokes of a letter, each through the corners that it names as pairs of digits; the grid's y goes down.
fn strokes(letter: char) -> &'static [&'static [u8]] {
    match letter {
        'A' => &[b"062046", b"1434"],
        'B' => &[b"0006364544330333", b"03334241302000"],
        'C' => &[b"4130100105163645"],
        'D' => &[b"000626444220", b"0020"],
        'E' => &[b"40000646", b"0333"],
        'F' => &[b"400006", b"0333"],
        'G' => &[b"41301001051636454323"],
        'H' => &[b"0006", b"4046", b"0343"],
        'I' => &[b"2026"],
        'K' => &[b"0006", b"4003", b"1246"],
        'L' => &[b"000646"],
        'M' => &[b"0600234046"],
        'N' => &[b"06004640"],
        'O' | '0' => &[b"2010010204051636454442413020"],
        'P' => &[b"06003041423303"],
        'R' => &[b"06003041423303", b"2346"],
        'S' => &[b"413010010213334445361605"],
        'T' => &[b"0040", b"2026"],
        'U' => &[b"000516364540"],
        'V' => &[b"002640"],
        'W' => &[b"0016223640"],
        'Y' => &[b"002340", b"2326"],
        '1' => &[b"112026"],
        '2' => &[b"0110304142330646"],
        '3' => &[b"01103041423313", b"334445361605"],
        '4' => &[b"36300444"],
        '5' => &[b"40000232434445361605"],
        '6' => &[b"413010010516364544331304"],
        '7' => &[b"004016"],
        '8' => &[b"231201103041322314051636453423"],
        '9' => &[b"423313020110304145361605"],
        _ => &[],
    }
}

/// Pixels around a line of text, for its shadow.
const ROOM: f32 = 12.0;

/// Strokes with so many corners are meant to be bows.
const BOWS: usize = 6;

/// Width of a letter in heights, and from letter to letter.
fn advance(letter: char) -> f32 {
    match letter {
        'I' | '1' => 0.46,
        ' ' => 0.5,
        'M' | 'W' => 0.98,
        _ => 0.86,
    }
}

fn corners(stroke: &[u8]) -> Vec<Point> {
    let digits: Vec<f32> =
        stroke.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| f32::from(byte - b'0')).collect();
    digits.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Chaikin's corner cutting, twice, of what has bows; both ends stay.
fn rounded(mut line: Vec<Point>) -> Vec<Point> {
    let times = if line.len() >= BOWS { 2 } else { 0 };
    for _ in 0..times {
        let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else { break };
        let between = |from: Point, to: Point, share: f32| {
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        };
        let cut = line.windows(2).flat_map(|pair| [0.25, 0.75].map(|share| between(pair[0], pair[1], share)));
        line = [first].into_iter().chain(cut).chain([last]).collect();
    }
    line
}

/// A line of text `height` tall in pixels, with a soft shadow, around its middle.
pub(crate) fn write(text: &str, height: f32, light: Light) -> Sprite {
    let width: f32 = text.chars().map(|letter| advance(letter) * height).sum::<f32>() - 0.24 * height;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the size of a line of text")]
    let [columns, rows] = [width.max(1.0), height].map(|side| (side + 2.0 * ROOM).ceil() as usize);
    let mut paint = Paint::new(columns, rows);
    let dark = Light::hex(0x0a_08_14);
    for (thick, light, strength) in [(0.34, dark, 0.22), (0.22, dark, 0.3), (0.105, light, 1.0)] {
        let mut layer = Paint::new(columns, rows);
        let mut left = ROOM;
        for letter in text.chars() {
            let wide = (advance(letter) - 0.24) * height;
            for stroke in strokes(letter) {
                let narrow = matches!(letter, 'I' | '1');
                let place = |(x, y): Point| {
                    let across = if narrow { 0.5 + (x - 2.0) * 0.8 } else { x / 4.0 };
                    (left + across * wide, ROOM + y / 6.0 * height)
                };
                let line: Vec<Point> = rounded(corners(stroke)).into_iter().map(place).collect();
                layer.line(&line, (height * thick).max(2.2), light);
            }
            left += advance(letter) * height;
        }
        paint.lay(&layer, strength);
    }
    paint.sprite((columns as f32 / 2.0, rows as f32 / 2.0))
}

/// Digits, written once for numbers that change often.
pub(crate) struct Digits {
    height: f32,
    sprites: [Sprite; 10],
}

impl Digits {
    pub(crate) fn new(height: f32, light: Light) -> Self {
        let digit = |digit: usize| write(&digit.to_string(), height, light);
        Self { height, sprites: std::array::from_fn(digit) }
    }

    /// A number from its left edge on.
    pub(crate) fn lay(&self, canvas: &mut Canvas<'_>, number: u32, (mut left, y): Point) {
        for letter in number.to_string().chars() {
            let digit = letter.to_digit(10).and_then(|digit| self.sprites.get(digit as usize));
            let Some(sprite) = digit else { continue };
            canvas.lay(sprite, (left + sprite.middle.0 - ROOM, y), 1.0);
            left += advance(letter) * self.height;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_game_says_can_be_written() {
        let words = crate::scene::WORDS.iter().flat_map(|line| line.chars());
        for letter in words.chain('0'..='9').filter(|letter| *letter != ' ') {
            let strokes = strokes(letter);
            assert!(!strokes.is_empty(), "`{letter}` has no strokes");
            for stroke in strokes {
                let digits = stroke.iter().filter(|byte| byte.is_ascii_digit()).count();
                assert!(digits % 2 == 0 && digits >= 4, "`{letter}` has half a corner");
                assert!(corners(stroke).iter().all(|(x, y)| *x <= 4.0 && *y <= 6.0), "`{letter}`");
            }
        }
    }
}
