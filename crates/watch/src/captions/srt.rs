//! `SubRip`: numbered blocks of a line of times and lines of words, with some tags of HTML.

use super::{Cue, MOST_CUES, Words, place, time};

/// The cues of a file.
pub(super) fn read(text: &str) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if cues.len() == MOST_CUES {
            break;
        }
        let Some((start_ms, end_ms)) = times(line) else { continue };
        let mut words = Vec::new();
        // Words go up to the next block: a number alone, with times below it, is its beginning.
        while let Some(line) = lines.peek() {
            if line.trim().is_empty() || times(line).is_some() {
                break;
            }
            words.push(*line);
            lines.next();
        }
        if lines.peek().is_some_and(|line| times(line).is_some())
            && words.last().is_some_and(|last| last.trim().bytes().all(|byte| byte.is_ascii_digit()))
        {
            words.pop();
        }
        let (settings, text) = settings(&words.join("\n"));
        cues.push(Cue { start_ms, end_ms, settings, text });
    }
    cues
}

/// The times of a line that has them.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once("-->")?;
    // Coordinates may follow.
    Some((time(start)?, time(end.split_whitespace().next()?)?))
}

/// Where the words stand, and the words: players took `{\an8}` over from `SubStation`.
fn settings(text: &str) -> (String, String) {
    let mut words = Words::default();
    let mut rest = text;
    let mut settings = String::new();
    while let Some(at) = rest.find("{\\") {
        let Some(end) = rest[at..].find('}') else { break };
        words.add_html(&rest[..at]);
        let keypad = rest[at..at + end].strip_prefix("{\\an").and_then(|number| number.parse().ok());
        settings = keypad.map_or(settings, place);
        rest = &rest[at + end + 1..];
    }
    words.add_html(rest);
    (settings, words.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subrip_is_read_as_people_write_it() {
        let text = "\n1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> & <font color=\"red\">you</font>\nthere\n\n\
            2\n00:00:03,000 --> 00:00:04,000 X1:1 X2:2\n{\\an8}Above 1 < 2\n3\n00:00:05,000 --> 00:00:06,000\n\
            <B>no end\n\nnothing\n00:00:07,000 --> x\nlost\n";
        let cues: Vec<_> = read(text).into_iter().map(|cue| (cue.start_ms, cue.settings, cue.text)).collect();
        assert_eq!(
            cues,
            [
                (1_000, String::new(), "<i>Hello</i> &amp; you\nthere".to_owned()),
                (3_000, "line:5%".to_owned(), "Above 1 &lt; 2".to_owned()),
                (5_000, String::new(), "<b>no end</b>".to_owned()),
            ]
        );
    }
}
