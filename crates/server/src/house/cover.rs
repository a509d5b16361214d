//! Covers for titles without a picture: pattern, colours and initials drawn from the id, always the same.
//!
//! Colours keep a dark ground and one warm light, as the rest of the house does, so that a shelf of drawn covers
//! stands together.

use std::f64::consts::TAU;

use crate::markup::{add, escape};

/// Width of the drawing: 16:9, as games have it.
const WIDTH: f64 = 640.0;
/// Height of the drawing.
const HEIGHT: f64 = 360.0;

/// Random numbers that follow from the id.
struct Dice([u8; 32], usize);

impl Dice {
    fn new(id: &str) -> Self {
        let mut bytes = [0; 32];
        let hash = playhouse_store::id::hash(id);
        for (byte, pair) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
            *byte = std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .unwrap_or(0);
        }
        Self(bytes, 0)
    }

    fn byte(&mut self) -> u8 {
        let byte = self.0[self.1 % 32].wrapping_add(u8::try_from(self.1 / 32).unwrap_or(0).wrapping_mul(97));
        self.1 += 1;
        byte
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(self.byte()) / 255.0
    }

    fn of(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }
}

/// The first letters of up to two words of a name.
fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let mut letters: Vec<char> = words.filter_map(|word| word.chars().next()).collect();
    // Small words do not count beside large ones: Battle for Wesnoth is BW.
    if letters.iter().filter(|letter| !letter.is_lowercase()).count() > 1 {
        letters.retain(|letter| !letter.is_lowercase());
    }
    if letters.len() == 1 {
        // A name of one word shows its first capital after the first as well: OpenTTD is OT.
        letters.extend(name.chars().skip(1).find(|c| c.is_uppercase()));
    }
    letters.truncate(2);
    letters.into_iter().flat_map(char::to_uppercase).collect()
}

/// The cover of a title, as SVG.
pub(crate) fn draw(id: &str, name: &str) -> String {
    let mut dice = Dice::new(id);
    // From teal over blue and violet to amber: dark yellow and green grounds look like mud.
    let hue = dice.between(165.0, 395.0).rem_euclid(360.0);
    // The accent lies a third of the circle away or next to the ground: both go together.
    let accent = (hue + [28.0, 120.0, -32.0, 180.0][dice.of(4)]).rem_euclid(360.0);
    let (light_x, light_y) = (dice.between(0.15, 0.85), dice.between(-0.1, 0.25));
    let pattern = match dice.of(6) {
        0 => rings(&mut dice),
        1 => waves(&mut dice),
        2 => tiles(&mut dice),
        3 => beams(&mut dice),
        4 => dots(&mut dice),
        _ => hills(&mut dice),
    };
    let (name, letters) = (escape(name), escape(&initials(name)));
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" role="img" aria-label="{name}">
<defs>
<linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="hsl({hue:.0},46%,27%)"/><stop offset="1" stop-color="hsl({far:.0},52%,11%)"/></linearGradient>
<radialGradient id="l" cx="{light_x:.2}" cy="{light_y:.2}" r=".9"><stop offset="0" stop-color="#f4b740" stop-opacity=".42"/><stop offset=".55" stop-color="#f4b740" stop-opacity=".06"/><stop offset="1" stop-color="#f4b740" stop-opacity="0"/></radialGradient>
<linearGradient id="v" x1="0" y1="0" x2="0" y2="1"><stop offset=".45" stop-color="#110e17" stop-opacity="0"/><stop offset="1" stop-color="#110e17" stop-opacity=".72"/></linearGradient>
</defs>
<rect width="640" height="360" fill="url(#g)"/>
<g fill="hsl({accent:.0},70%,62%)" stroke="hsl({accent:.0},70%,62%)" stroke-width="0">{pattern}</g>
<rect width="640" height="360" fill="url(#l)"/>
<rect width="640" height="360" fill="url(#v)"/>
<text x="40" y="316" font-family="Inter, system-ui, sans-serif" font-size="132" font-weight="800" letter-spacing="-4" fill="#f4f1fa">{letters}</text>
</svg>
"##,
        far = (hue + 36.0).rem_euclid(360.0),
    )
}

fn rings(dice: &mut Dice) -> String {
    let mut out = String::new();
    let (x, y) = (dice.between(380.0, 600.0), dice.between(40.0, 260.0));
    for ring in 0..7_u8 {
        let radius = 26.0 + f64::from(ring) * dice.between(34.0, 46.0);
        let opacity = 0.5 - f64::from(ring) * 0.06;
        add(
            &mut out,
            format_args!(
                r#"<circle cx="{x:.0}" cy="{y:.0}" r="{radius:.0}" fill="none" stroke-width="14" stroke-opacity="{opacity:.2}"/>"#
            ),
        );
    }
    out
}

fn waves(dice: &mut Dice) -> String {
    let mut out = String::new();
    let phase = dice.between(0.0, TAU);
    for row in 0..6_u8 {
        let base = 60.0 + f64::from(row) * 52.0;
        let height = dice.between(14.0, 34.0);
        let opacity = 0.10 + f64::from(row) * 0.05;
        let mut path = format!("M-20 {base:.0}");
        for step in 0..6_u8 {
            let x = -20.0 + f64::from(step) * 120.0;
            let up = base + height * (phase + f64::from(step + row)).sin();
            add(&mut path, format_args!(" Q{:.0} {up:.0} {:.0} {base:.0}", x + 60.0, x + 120.0));
        }
        add(&mut out, format_args!(r#"<path d="{path} L720 380 L-20 380 Z" fill-opacity="{opacity:.2}"/>"#));
    }
    out
}

/// The four ways to halve a tile from corner to corner.
const HALVES: [[(f64, f64); 3]; 4] = [
    [(0.0, 0.0), (64.0, 0.0), (0.0, 64.0)],
    [(64.0, 0.0), (64.0, 64.0), (0.0, 0.0)],
    [(64.0, 64.0), (0.0, 64.0), (64.0, 0.0)],
    [(0.0, 64.0), (0.0, 0.0), (64.0, 64.0)],
];

fn tiles(dice: &mut Dice) -> String {
    let mut out = String::new();
    for row in 0..6_u8 {
        for column in 0..11_u8 {
            let (x, y) = (f64::from(column) * 64.0, f64::from(row) * 64.0);
            let opacity = dice.between(0.02, 0.34);
            let corners = HALVES[dice.of(4)].map(|(dx, dy)| format!("{:.0} {:.0}", x + dx, y + dy));
            add(
                &mut out,
                format_args!(r#"<path d="M{} Z" fill-opacity="{opacity:.2}"/>"#, corners.join(" L")),
            );
        }
    }
    out
}

fn beams(dice: &mut Dice) -> String {
    let mut out = String::new();
    let x = dice.between(120.0, 520.0);
    let turn = dice.between(0.0, 0.3);
    for beam in 0..9_u8 {
        let middle = 0.25 + turn + f64::from(beam) * 0.33;
        let (from, to) = (middle - 0.06, middle + 0.06);
        let reach = WIDTH * 1.3;
        let opacity = dice.between(0.08, 0.34);
        add(
            &mut out,
            format_args!(
                r#"<path d="M{x:.0} -30 L{:.0} {:.0} L{:.0} {:.0} Z" fill-opacity="{opacity:.2}"/>"#,
                x + reach * from.cos(),
                -30.0 + reach * from.sin(),
                x + reach * to.cos(),
                -30.0 + reach * to.sin()
            ),
        );
    }
    out
}

fn dots(dice: &mut Dice) -> String {
    let mut out = String::new();
    let (x, y) = (dice.between(300.0, 620.0), dice.between(20.0, 300.0));
    for row in 0..10_u8 {
        for column in 0..17_u8 {
            let (cx, cy) = (
                f64::from(column) * 40.0 + if row % 2 == 0 { 0.0 } else { 20.0 },
                f64::from(row) * 38.0 + 9.0,
            );
            let near = 1.0 - ((cx - x).hypot(cy - y) / 460.0).min(1.0);
            let radius = 2.0 + 13.0 * near;
            add(
                &mut out,
                format_args!(
                    r#"<circle cx="{cx:.0}" cy="{cy:.0}" r="{radius:.1}" fill-opacity="{:.2}"/>"#,
                    0.10 + 0.40 * near
                ),
            );
        }
    }
    out
}

fn hills(dice: &mut Dice) -> String {
    let mut out = String::new();
    add(
        &mut out,
        format_args!(
            r#"<circle cx="{:.0}" cy="{:.0}" r="{:.0}" fill-opacity=".55"/>"#,
            dice.between(380.0, 560.0),
            dice.between(70.0, 130.0),
            dice.between(34.0, 62.0)
        ),
    );
    for range in 0..4_u8 {
        let base = 170.0 + f64::from(range) * 46.0;
        let opacity = 0.14 + f64::from(range) * 0.08;
        let mut path = format!("M-20 {HEIGHT:.0}");
        for step in 0..9_u8 {
            let y = base + dice.between(-46.0, 40.0);
            add(&mut path, format_args!(" L{:.0} {y:.0}", f64::from(step) * 85.0 - 20.0));
        }
        add(&mut out, format_args!(r#"<path d="{path} L680 {HEIGHT:.0} Z" fill-opacity="{opacity:.2}"/>"#));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_always_has_the_same_cover_and_no_other_title_has_it() {
        assert_eq!(draw("freedoom", "Freedoom"), draw("freedoom", "Freedoom"));
        assert_ne!(draw("freedoom", "Freedoom"), draw("openttd", "Freedoom"));
    }

    #[test]
    fn a_name_cannot_break_out_of_the_drawing() {
        let svg = draw("x", "\"><script>&");
        assert!(!svg.contains("<script"));
        assert!(svg.contains("&lt;script&gt;&amp;"));
    }

    #[test]
    fn initials_are_short() {
        assert_eq!(initials("Extreme Tux Racer"), "ET");
        assert_eq!(initials("OpenTTD"), "OT");
        assert_eq!(initials("Battle for Wesnoth"), "BW");
        assert_eq!(initials("frozen bubble"), "FB");
        assert_eq!(initials("Freedoom"), "F");
        assert_eq!(initials("0 A.D."), "0A");
        assert_eq!(initials("!!"), "");
        assert_eq!(initials("élan"), "É");
    }
}
