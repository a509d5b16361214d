//! Subtitles of others as `WebVTT` (W3C): from `SubRip`, from Advanced `SubStation` Alpha, and from `WebVTT` itself.
//!
//! Bold, italic, underlined and the place on the screen are kept; fonts, colours and drawings are not: how large and on
//! which ground letters are shown is for whoever reads them.

mod ass;
mod srt;
mod vtt;

use crate::sidecar::Subtitles;

/// Cues that are read at most: one a second of the longest film.
pub const MOST_CUES: usize = 40_000;

/// Bytes of a file that is read at most: a film's words are some 100 KB.
pub const MOST_BYTES: u64 = 8 << 20;

/// Characters of one cue at most.
const MOST_TEXT: usize = 4_000;

/// Words that are shown for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cue {
    /// Milliseconds from the film's beginning.
    pub start_ms: u64,
    /// When they go, in milliseconds; later than `start_ms`.
    pub end_ms: u64,
    /// Where they stand, as `WebVTT` says it: `line:0 align:left`; often empty.
    pub settings: String,
    /// The words as `WebVTT` has them: escaped, with no tags but `b`, `i` and `u`.
    pub text: String,
}

/// Reads the cues of a file, in the order of their time. What is damaged is left out.
pub fn read(format: Subtitles, bytes: &[u8]) -> Vec<Cue> {
    let text = decode(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut cues = match format {
        Subtitles::Srt => srt::read(&text),
        Subtitles::Vtt => vtt::read(&text),
        Subtitles::Ass => ass::read(&text),
    };
    cues.retain(|cue| cue.end_ms > cue.start_ms && !cue.text.trim().is_empty());
    cues.truncate(MOST_CUES);
    cues.sort_by_key(|cue| cue.start_ms);
    cues
}

/// Cues as a file.
pub fn write(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n");
    for cue in cues {
        let settings = if cue.settings.is_empty() { String::new() } else { format!(" {}", cue.settings) };
        let line = format!("\n{} --> {}{settings}\n{}\n", clock(cue.start_ms), clock(cue.end_ms), cue.text);
        out.push_str(&line);
    }
    out
}

/// A time as `WebVTT` has it.
pub(crate) fn clock(millis: u64) -> String {
    let (seconds, minutes) = (millis / 1000, millis / 60_000);
    format!("{:02}:{:02}:{:02}.{:03}", minutes / 60, minutes % 60, seconds % 60, millis % 1000)
}

/// Text of a file: UTF-8, UTF-16 with its mark, or what western Windows wrote before both.
fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        String::from_utf16_lossy(&pairs.iter().map(|pair| of(*pair)).collect::<Vec<_>>())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => match str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| western(byte)).collect(),
        },
    }
}

/// A character of Windows-1252, whose second column of controls are quotation marks and dashes.
fn western(byte: u8) -> char {
    const MARKS: [char; 32] = [
        '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’', '“',
        '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xa0 => MARKS[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// A time of `h:mm:ss.fff`, of which the hours may be missing, in milliseconds; `,` is a point too.
fn time(text: &str) -> Option<u64> {
    let (whole, part) = text.trim().split_once(['.', ',']).unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 6;
    let mut seconds = 0_u64;
    let fields: Vec<&str> = whole.split(':').collect();
    if !(2..=3).contains(&fields.len()) {
        return None;
    }
    for field in fields {
        if field.is_empty() || !digits(field) {
            return None;
        }
        seconds = seconds * 60 + field.parse::<u64>().ok()?;
    }
    if !digits(part) {
        return None;
    }
    let millis: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    Some(seconds * 1000 + millis)
}

/// How letters look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    italic: bool,
    underlined: bool,
}

impl Look {
    /// What both have.
    fn both(self, other: Self) -> Self {
        Self {
            bold: self.bold && other.bold,
            italic: self.italic && other.italic,
            underlined: self.underlined && other.underlined,
        }
    }
}

/// The words of a cue, as they are written.
#[derive(Debug, Default)]
struct Words {
    out: String,
    /// How the letters that come look, and how those before do.
    look: Look,
    now: Look,
}

impl Words {
    /// Adds what is no markup.
    fn add(&mut self, text: &str) {
        for character in text.chars() {
            if self.out.len() > MOST_TEXT {
                return;
            }
            // Before they look like anything: tags around nothing are no words.
            if character.is_control() && character != '\n' {
                continue;
            }
            if self.look != self.now {
                // Blanks look like nothing: what ends before them ends, and what begins waits for a letter.
                let blank = character.is_whitespace();
                self.change(if blank { self.look.both(self.now) } else { self.look });
            }
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                // An empty line would end the cue.
                '\n' if self.out.is_empty() || self.out.ends_with('\n') => {}
                '\n' => self.out.push('\n'),
                other => self.out.push(other),
            }
        }
    }

    fn change(&mut self, look: Look) {
        if look == self.now {
            return;
        }
        let tags = |look: Look| [(look.bold, "b"), (look.italic, "i"), (look.underlined, "u")];
        for (_, tag) in tags(self.now).into_iter().rev().filter(|(on, _)| *on) {
            self.out.extend(["</", tag, ">"]);
        }
        for (_, tag) in tags(look).into_iter().filter(|(on, _)| *on) {
            self.out.extend(["<", tag, ">"]);
        }
        self.now = look;
    }

    /// Adds words with the tags and entities of HTML, of which `b`, `i` and `u` count.
    fn add_html(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '&']) {
            self.add(&rest[..at]);
            let marked = &rest[at..];
            let end = if marked.starts_with('<') { marked.find('>') } else { marked.find(';') };
            // An opening mark that nothing closes soon is one that somebody wrote.
            let Some(end) = end.filter(|&end| end < 200) else {
                self.add(&marked[..1]);
                rest = &marked[1..];
                continue;
            };
            if marked.starts_with('<') {
                self.tag(&marked[1..end]);
                rest = &marked[end + 1..];
            } else if let Some(character) = entity(&marked[1..end]) {
                self.add(character.encode_utf8(&mut [0; 4]));
                rest = &marked[end + 1..];
            } else {
                self.add("&");
                rest = &marked[1..];
            }
        }
        self.add(rest);
    }

    fn tag(&mut self, tag: &str) {
        let (on, name) = tag.strip_prefix('/').map_or((true, tag), |name| (false, name));
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "b" => self.look.bold = on,
            "i" | "em" => self.look.italic = on,
            "u" => self.look.underlined = on,
            _ => {}
        }
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.change(Look::default());
        self.out
    }
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "nbsp" => '\u{a0}',
        "quot" => '"',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => return None,
    })
}

/// The place that a number of the keypad stands for (`SubStation`'s `\an`): 2 is below in the middle, as usual.
fn place(keypad: u8) -> String {
    let line = match keypad {
        4..=6 => "line:50%",
        7..=9 => "line:5%",
        _ => "",
    };
    let align = match keypad {
        1 | 4 | 7 => "align:left position:5%",
        3 | 6 | 9 => "align:right position:95%",
        _ => "",
    };
    [line, align].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_of_any_time_are_read() {
        let srt = |bytes: &[u8]| read(Subtitles::Srt, bytes).first().map(|cue| cue.text.clone());
        let line = "1\n00:00:01,000 --> 00:00:02,000\nGrüße\n";
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(line.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let western: Vec<u8> = line.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        for bytes in [line.as_bytes().to_vec(), format!("\u{feff}{line}").into_bytes(), wide, western] {
            assert_eq!(srt(&bytes).as_deref(), Some("Grüße"));
        }
    }

    #[test]
    fn times_are_what_they_say() {
        let table = [
            ("00:00:01,500", Some(1_500)),
            ("1:02:03.04", Some(3_723_040)),
            ("02:03.5", Some(123_500)),
            ("00:00:01", Some(1_000)),
            ("1", None),
            ("-1:00:00.0", None),
            ("1:2:3:4", None),
            ("9999999:00:00", None),
            ("::", None),
        ];
        for (text, millis) in table {
            assert_eq!(time(text), millis, "{text}");
        }
        assert_eq!(clock(3_723_040), "01:02:03.040");
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for format in [Subtitles::Srt, Subtitles::Vtt, Subtitles::Ass] {
                write(&read(format, &bytes));
            }
        }

        #[test]
        fn what_is_written_is_read_again(
            text in "(<[biu]>|[ -~äß\n\x12<>&{}\\\\]){0,80}", start in 0..10_000_000_u64, length in 1..10_000_u64,
        ) {
            for format in [Subtitles::Srt, Subtitles::Ass] {
                let file = match format {
                    Subtitles::Ass => format!("[Events]\nFormat: Start, End, Text\nDialogue: {},{},{}\n",
                        clock(start / 10 * 10), clock(start / 10 * 10 + length.max(10)), text.replace('\n', "\\N")),
                    _ => format!("1\n{} --> {}\n{text}\n", clock(start), clock(start + length)),
                };
                let cues = read(format, file.as_bytes());
                let vtt = write(&cues);
                prop_assert_eq!(vtt.matches("-->").count(), cues.len());
                prop_assert_eq!(read(Subtitles::Vtt, vtt.as_bytes()), cues, "{}", vtt);
            }
        }
    }
}
