//! `WebVTT`: its cues, without notes, styles and regions.

use super::{Cue, MOST_CUES, Words, time};

/// The cues of a file.
pub(super) fn read(text: &str) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if cues.len() == MOST_CUES {
            break;
        }
        let Some((start, rest)) = line.split_once("-->") else { continue };
        let rest = rest.trim_start();
        let (end, settings) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (Some(start_ms), Some(end_ms)) = (time(start), time(end)) else { continue };
        let mut words = Words::default();
        for (number, line) in lines.by_ref().take_while(|line| !line.is_empty()).enumerate() {
            if number > 0 {
                words.add("\n");
            }
            words.add_html(line);
        }
        let settings = settings.split_whitespace().filter(|setting| known(setting));
        let settings = settings.collect::<Vec<_>>().join(" ");
        cues.push(Cue { start_ms, end_ms, settings, text: words.finish() });
    }
    cues
}

/// Whether a setting is one of those that need no region (section 3.4).
fn known(setting: &str) -> bool {
    let Some((name, value)) = setting.split_once(':') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | '%' | '-');
    matches!(name, "vertical" | "line" | "position" | "size" | "align") && value.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webvtt_keeps_its_cues_and_loses_its_styles() {
        let text = "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnothing\n\n\
            name\n00:01.000 --> 00:02.000 line:0 region:x align:left evil<b>\n<v Bob>Hi <c.red>all</c></v> &amp; one\n\n\
            01:00:00.000 --> 01:00:01.000\n- <i>two\n- lines</i>\n";
        let cues: Vec<_> = read(text).into_iter().map(|cue| (cue.start_ms, cue.settings, cue.text)).collect();
        assert_eq!(
            cues,
            [
                (1_000, "line:0 align:left".to_owned(), "Hi all &amp; one".to_owned()),
                (3_600_000, String::new(), "- <i>two\n- lines</i>".to_owned()),
            ]
        );
    }
}
