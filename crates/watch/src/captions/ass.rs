//! Advanced `SubStation` Alpha: events with styles, and codes within braces that change them.

use std::collections::HashMap;

use super::{Cue, Look, MOST_CUES, Words, place, time};

/// Styles that are kept at most: a file has a dozen.
const MOST_STYLES: usize = 1_000;

/// Pixels of the screen that places are given in, where a file does not say.
const SCREEN: (f64, f64) = (384.0, 288.0);

#[derive(Clone, Copy, Debug, Default)]
struct Style {
    look: Look,
    /// The place by the keypad.
    keypad: u8,
}

/// The cues of a file.
pub(super) fn read(text: &str) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut styles: HashMap<String, Style> = HashMap::new();
    let (mut screen, mut section, mut columns) = (SCREEN, String::new(), Vec::new());
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with('[') {
            section = line.trim_end().to_ascii_lowercase();
            columns.clear();
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim_start();
        match (section.as_str(), name) {
            ("[script info]", "PlayResX") => screen.0 = pixels(value).unwrap_or(screen.0),
            ("[script info]", "PlayResY") => screen.1 = pixels(value).unwrap_or(screen.1),
            (_, "Format") => columns = value.split(',').map(|name| name.trim().to_owned()).collect(),
            ("[v4+ styles]" | "[v4 styles]", "Style") if styles.len() < MOST_STYLES => {
                let row = Row::new(&columns, value);
                let on = |name| row.get(name).is_some_and(|value| !matches!(value, "0" | ""));
                let look = Look { bold: on("Bold"), italic: on("Italic"), underlined: on("Underline") };
                let keypad = row.get("Alignment").and_then(|value| value.parse().ok()).unwrap_or(2);
                let keypad = if section == "[v4 styles]" { legacy(keypad) } else { keypad };
                styles.insert(row.get("Name").unwrap_or_default().to_owned(), Style { look, keypad });
            }
            ("[events]", "Dialogue") if cues.len() < MOST_CUES => {
                cues.extend(cue(&Row::new(&columns, value), &styles, screen));
            }
            _ => {}
        }
    }
    cues
}

fn pixels(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|pixels| (1.0..100_000.0).contains(pixels))
}

/// The keypad's number of an alignment of the older format, in which 5 and 9 begin the upper and the middle row.
fn legacy(alignment: u8) -> u8 {
    match alignment {
        5..=7 => alignment + 2,
        9..=11 => alignment - 5,
        other => other,
    }
}

/// Values by the names of their columns; the last one has all commas that are left.
struct Row<'a> {
    columns: &'a [String],
    values: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn new(columns: &'a [String], line: &'a str) -> Self {
        Self { columns, values: line.splitn(columns.len().max(1), ',').collect() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|column| column == name)?;
        // The words may begin with a blank.
        self.values.get(at).map(|value| if name == "Text" { value } else { value.trim() })
    }
}

fn cue(row: &Row<'_>, styles: &HashMap<String, Style>, screen: (f64, f64)) -> Option<Cue> {
    let (start_ms, end_ms) = (time(row.get("Start")?)?, time(row.get("End")?)?);
    let name = row.get("Style").unwrap_or_default().trim_start_matches('*');
    let style = styles.get(name).copied().unwrap_or_default();
    let mut words = Words { look: style.look, ..Words::default() };
    let (mut settings, mut drawing) = (place(style.keypad), false);
    let mut rest = row.get("Text")?;
    while let Some(at) = rest.find('{') {
        let Some(end) = rest[at..].find('}') else { break };
        say(&mut words, &rest[..at], drawing);
        for code in rest[at + 1..at + end].split('\\').skip(1) {
            let number = |name: &str| code.strip_prefix(name).and_then(|value| value.parse::<u16>().ok());
            if let Some(keypad) = number("an") {
                settings = place(u8::try_from(keypad).unwrap_or(2));
            } else if let Some(at) = code.strip_prefix("pos(").or_else(|| code.strip_prefix("move(")) {
                settings = pinned(at, screen).unwrap_or(settings);
            } else if let Some(weight) = number("b") {
                words.look.bold = weight == 1 || weight >= 600;
            } else if let Some(on) = number("i") {
                words.look.italic = on != 0;
            } else if let Some(on) = number("u") {
                words.look.underlined = on != 0;
            } else if let Some(scale) = number("p") {
                drawing = scale != 0;
            } else if code == "r" || code.starts_with('r') {
                let of = styles.get(&code[1..]).copied().unwrap_or(style);
                words.look = of.look;
            }
        }
        rest = &rest[at + end + 1..];
    }
    say(&mut words, rest, drawing);
    Some(Cue { start_ms, end_ms, settings, text: words.finish() })
}

fn say(words: &mut Words, text: &str, drawing: bool) {
    if !drawing {
        words.add(&text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", "\u{a0}"));
    }
}

/// Where `\pos(x,y)` stands, in percent of the screen.
fn pinned(at: &str, screen: (f64, f64)) -> Option<String> {
    let mut numbers = at.trim_end_matches(')').split(',').map(|number| number.trim().parse::<f64>());
    let (x, y) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let percent = |at: f64, of: f64| (at / of * 100.0).clamp(0.0, 100.0);
    // A line at the very bottom would stand below it.
    let (x, y) = (percent(x, screen.0), percent(y, screen.1).min(90.0));
    (x.is_finite() && y.is_finite()).then(|| format!("line:{y:.0}% position:{x:.0}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substation_keeps_what_it_emphasises_and_where_it_stands() {
        let text = "[Script Info]\nPlayResX: 640\nPlayResY: 360\n[V4+ Styles]\n\
            Format: Name, Fontname, Bold, Italic, Alignment\nStyle: Default,Arial,0,0,2\nStyle: Sign,Arial,-1,0,8\n\
            [Events]\nFormat: Layer, Start, End, Style, Text\n\
            Dialogue: 0,0:00:01.00,0:00:02.50,Default,Hello, {\\i1}you{\\i0} there\\Nand <b>& all\n\
            Comment: 0,0:00:01.00,0:00:02.50,Default,nothing\n\
            Dialogue: 0,0:00:03.00,0:00:04.00,Sign,{\\fad(1,2)}Station\n\
            Dialogue: 0,0:00:05.00,0:00:06.00,Default,{\\pos(320,36)\\b1}Pinned{\\p1}m 0 0 l 1 1{\\p0}\n\
            Dialogue: 0,broken,0:00:06.00,Default,lost\n";
        let cues: Vec<_> = read(text).into_iter().map(|cue| (cue.start_ms, cue.settings, cue.text)).collect();
        assert_eq!(
            cues,
            [
                (1_000, String::new(), "Hello, <i>you</i> there\nand &lt;b&gt;&amp; all".to_owned()),
                (3_000, "line:5%".to_owned(), "<b>Station</b>".to_owned()),
                (5_000, "line:10% position:50%".to_owned(), "<b>Pinned</b>".to_owned()),
            ]
        );
    }
}
