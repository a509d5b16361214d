//! HLS of films that follow one another on a clock: a media playlist that slides (RFC 8216bis, section 6.2.2).
//!
//! Segments are those of the films themselves, so that nothing is stored or encoded for it. Which ones the playlist has,
//! and how they are numbered, follows from the window alone: whoever asks for the same moment reads the same text.

use std::fmt::{self, Formatter};

use crate::film::Part;

/// As films have it: fragments with `EXT-X-MAP`.
const VERSION: u32 = 7;

/// A showing of a film.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Where the film is served, without a slash at the end: `/api/films/abc`.
    pub base: String,
    /// Which track of the film.
    pub track: usize,
    /// When it begins, in microseconds since 1970.
    pub start: i64,
    /// Showings before it.
    pub discontinuity: u64,
    /// Segments before its first.
    pub sequence: u64,
    /// When its segments begin and the last ends, in microseconds since the film begins.
    pub times: Vec<u64>,
}

/// The part of time that a playlist shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when on, in microseconds since 1970: the segment of that moment is the first.
    pub from: i64,
    /// Where players begin: now.
    pub now: i64,
    /// Up to when, which is after now: the segment of that moment is the last.
    pub to: i64,
    /// The longest segment that the channel ever has, in seconds, rounded.
    pub target: u32,
}

/// The media playlist of one kind of track. `after` is put behind each address, such as `?token=abc`. Showings follow one
/// another; those outside of the window may be left out.
pub fn sliding(shown: &[Shown], window: Window, after: &str) -> String {
    fmt::from_fn(|f| write(f, shown, window, after)).to_string()
}

fn micros(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Writes the playlist, if there is anything in the window.
fn write(f: &mut Formatter<'_>, shown: &[Shown], window: Window, after: &str) -> fmt::Result {
    let mut lines = Vec::new();
    let (mut first, mut end) = (None, window.from);
    for shown in shown {
        let mut begun = false;
        for (number, span) in (0_u32..).zip(shown.times.windows(2)) {
            let &[from, to] = span else { continue };
            let at = shown.start.saturating_add(micros(from));
            let until = shown.start.saturating_add(micros(to));
            // The last of a film that is shorter than its showing stays until the next one comes.
            if until <= window.from || at > window.to {
                continue;
            }
            if !begun {
                begun = true;
                match first {
                    Some(_) => lines.push("#EXT-X-DISCONTINUITY".to_owned()),
                    None => first = Some((shown.sequence + u64::from(number), shown.discontinuity)),
                }
                let init = Part::Init(shown.track);
                lines.push(format!("#EXT-X-MAP:URI=\"{}/{init}{after}\"", shown.base));
                lines.push(format!("#EXT-X-PROGRAM-DATE-TIME:{}", date(at)));
            }
            let (seconds, rest) = ((to - from) / 1_000_000, (to - from) % 1_000_000);
            let segment = Part::Segment(shown.track, number);
            lines.push(format!("#EXTINF:{seconds}.{rest:06},\n{}/{segment}{after}", shown.base));
            end = until;
        }
    }
    let (sequence, discontinuity) = first.unwrap_or_default();
    let target = window.target;
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{target}")?;
    writeln!(f, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    writeln!(f, "#EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}")?;
    // Everybody begins at this moment, not at the edge of what may be loaded ahead.
    let ahead = end.saturating_sub(window.now).max(0);
    writeln!(f, "#EXT-X-START:TIME-OFFSET=-{}.{:06},PRECISE=YES", ahead / 1_000_000, ahead % 1_000_000)?;
    for line in lines {
        writeln!(f, "{line}")?;
    }
    Ok(())
}

/// A moment as ISO 8601 has it, in UTC and to the millisecond. The calendar is Howard Hinnant's
/// (`chrono`-Compatible Low-Level Date Algorithms, `civil_from_days`).
fn date(micros: i64) -> String {
    let millis = micros.div_euclid(1000);
    let (days, millis) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(base: &str, start: i64, discontinuity: u64, sequence: u64) -> Shown {
        let times = vec![0, 4_000_000, 8_000_000, 10_000_000];
        Shown { base: base.to_owned(), track: 1, start, discontinuity, sequence, times }
    }

    #[test]
    fn two_films_follow_one_another_as_players_read_it() {
        let films = [shown("/a", 0, 7, 100), shown("/b", 10_000_000, 8, 103)];
        let window = Window { from: 5_000_000, now: 9_500_000, to: 15_000_000, target: 4 };
        let text = sliding(&films, window, "?t=1");
        assert_eq!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA-SEQUENCE:101\n#EXT-X-DISCONTINUITY-SEQUENCE:7\n\
             #EXT-X-START:TIME-OFFSET=-8.500000,PRECISE=YES\n\
             #EXT-X-MAP:URI=\"/a/1/init.mp4?t=1\"\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:04.000Z\n\
             #EXTINF:4.000000,\n/a/1/1.m4s?t=1\n#EXTINF:2.000000,\n/a/1/2.m4s?t=1\n\
             #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"/b/1/init.mp4?t=1\"\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10.000Z\n\
             #EXTINF:4.000000,\n/b/1/0.m4s?t=1\n#EXTINF:4.000000,\n/b/1/1.m4s?t=1\n"
        );
    }

    #[test]
    fn a_later_window_numbers_the_same_segments_in_the_same_way() {
        let films = [shown("/a", 0, 0, 0), shown("/b", 10_000_000, 1, 3), shown("/c", 20_000_000, 2, 6)];
        let numbered = |from: i64| {
            let window = Window { from, now: from, to: from + 9_000_000, target: 4 };
            let text = sliding(&films, window, "");
            let mut number: u64 = 0;
            let mut segments = Vec::new();
            for line in text.lines() {
                if let Some(sequence) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
                    number = sequence.parse().unwrap();
                } else if !line.starts_with('#') {
                    segments.push((number, line.to_owned()));
                    number += 1;
                }
            }
            segments
        };
        let mut all: Vec<(u64, String)> = Vec::new();
        for second in 0..20 {
            for segment in numbered(second * 1_000_000) {
                match all.iter().find(|(number, _)| *number == segment.0) {
                    Some(known) => assert_eq!(*known, segment),
                    None => all.push(segment),
                }
            }
        }
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(date(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(date(1_798_761_599_999_999), "2026-12-31T23:59:59.999Z");
    }
}
