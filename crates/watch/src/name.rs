//! What the name of a film's file says: title, year, show, season and episode, as the usual media servers read it.

/// Endings of files that are taken for films.
const FILMS: [&str; 16] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "m2ts", "mpg", "mpeg", "wmv", "flv", "ogv", "3gp",
    "asf", "vob",
];

/// Words that belong to a release and not to a title; everything from the first one on is dropped.
const RELEASE: [&str; 45] = [
    "480p",
    "540p",
    "576p",
    "720p",
    "1080i",
    "1080p",
    "1440p",
    "2160p",
    "4320p",
    "4k",
    "8k",
    "uhd",
    "web",
    "web-dl",
    "webdl",
    "webrip",
    "bluray",
    "blu-ray",
    "bdrip",
    "brrip",
    "dvdrip",
    "dvd",
    "hdtv",
    "hdrip",
    "remux",
    "x264",
    "x265",
    "h264",
    "h265",
    "h",
    "hevc",
    "avc",
    "av1",
    "xvid",
    "divx",
    "aac",
    "ac3",
    "dts",
    "10bit",
    "hdr",
    "hdr10",
    "proper",
    "repack",
    "unrated",
    "remastered",
];

/// Longest title that is kept, in characters; names of files end at 255 bytes.
const LONGEST: usize = 200;

/// The first film is of 1888.
const YEARS: std::ops::RangeInclusive<u16> = 1888..=2100;

/// What a name says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The film's title, or the episode's.
    pub title: String,
    /// The year it is from.
    pub year: Option<u16>,
    /// The show that an episode belongs to.
    pub show: Option<String>,
    /// The show's season; 0 has the specials.
    pub season: Option<u16>,
    /// The episode in its season.
    pub episode: Option<u16>,
}

/// Whether a file is taken for a film, by its ending.
pub fn is_film(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && FILMS.iter().any(|known| known.eq_ignore_ascii_case(ending))
    })
}

/// Reads the path of a film, relative to its folder, with `/` between its parts.
pub fn parse(path: &str) -> Name {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let file = parts.pop().unwrap_or_default();
    let stem = if is_film(file) { file.rsplit_once('.').map_or(file, |(stem, _)| stem) } else { file };
    let text = spaced(stem);
    let season_folder = parts.last().and_then(|folder| season_of(folder));
    if season_folder.is_some() {
        parts.pop();
    }
    let folder = parts.last().map(|folder| spaced(folder));
    let episode = marker(&text).or_else(|| season_folder.and_then(|season| numbered(&text, season)));
    match episode {
        Some(found) => of_episode(&text, &found, folder.as_deref()),
        None => of_film(&text, folder.as_deref()),
    }
}

/// A title as a shelf sorts it: without case and leading article, and with numbers in the order of their size.
pub fn sorted(title: &str) -> String {
    let lower = title.trim().to_lowercase();
    let rest = ["the ", "a ", "an "].iter().find_map(|article| lower.strip_prefix(article)).unwrap_or(&lower);
    let mut out = String::with_capacity(rest.len());
    let mut digits = String::new();
    for letter in rest.trim_start().chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if !digits.is_empty() {
            out.push_str(&format!("{digits:0>8}"));
            digits.clear();
        }
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

/// Dots and underscores stand for spaces where a name has none.
fn spaced(stem: &str) -> String {
    let clean: String = stem.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if clean.contains(' ') { clean } else { clean.replace(['.', '_'], " ") }
}

/// Where an episode's number stands in a text, and what it says.
struct Marker {
    /// Bytes from `from` to `to`.
    from: usize,
    to: usize,
    season: u16,
    episode: u16,
}

/// A number of at most `longest` digits at the start of a text; gives what follows as well.
fn number(text: &str, longest: usize) -> Option<(u16, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 || len > longest {
        return None;
    }
    Some((text[..len].parse().ok()?, &text[len..]))
}

/// `S01E02`, `s1 e2` or `1x02`, standing for itself.
fn marker(text: &str) -> Option<Marker> {
    let starts = text.char_indices().scan(' ', |before, (at, letter)| {
        let word = !std::mem::replace(before, letter).is_alphanumeric();
        Some((at, word))
    });
    starts.filter(|(_, word)| *word).find_map(|(from, _)| {
        let rest = &text[from..];
        let (season, episode, after) = if let Some(rest) = rest.strip_prefix(['S', 's']) {
            let (season, rest) = number(rest, 2)?;
            let rest = rest.trim_start_matches([' ', '.', '_', '-']);
            let (episode, after) = number(rest.strip_prefix(['E', 'e'])?, 3)?;
            (season, episode, after)
        } else {
            let (season, rest) = number(rest, 2)?;
            let rest = rest.strip_prefix(['x', 'X'])?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (episode, after) = number(rest, 3).filter(|_| digits >= 2)?;
            (season, episode, after)
        };
        // `S01E02E03` and `S01E02-E03` hold two episodes; the first one names the file.
        let ends = after
            .chars()
            .next()
            .is_none_or(|letter| !letter.is_alphanumeric() || matches!(letter, 'e' | 'E'));
        ends.then(|| Marker { from, to: text.len() - after.len(), season, episode })
    })
}

/// `02 - Name` or `Episode 2` in the folder of a season.
fn numbered(text: &str, season: u16) -> Option<Marker> {
    let start = text.trim_start();
    let lower = start.to_ascii_lowercase();
    let word =
        ["episode ", "ep ", "e"].iter().find(|word| lower.starts_with(**word)).map_or(0, |word| word.len());
    let (episode, after) = number(&start[word..], 3)?;
    let ends = after.chars().next().is_none_or(|letter| !letter.is_alphanumeric());
    ends.then(|| Marker { from: 0, to: text.len() - after.len(), season, episode })
}

/// `Season 01`, `Staffel 1`, `S01` or `Specials`.
fn season_of(folder: &str) -> Option<u16> {
    let lower = spaced(folder).trim().to_lowercase();
    if lower == "specials" {
        return Some(0);
    }
    let rest = ["season", "series", "staffel", "s"].iter().find_map(|word| lower.strip_prefix(word))?;
    number(rest.trim_start(), 3).filter(|(_, rest)| rest.trim().is_empty()).map(|(season, _)| season)
}

fn of_episode(text: &str, found: &Marker, folder: Option<&str>) -> Name {
    let before = of_film(&text[..found.from], None);
    let (show, year) = if before.title.is_empty() {
        let folder = of_film(folder.unwrap_or_default(), None);
        (folder.title, folder.year)
    } else {
        (before.title, before.year)
    };
    // A second number right behind the first belongs to it.
    let mut after = &text[found.to..];
    while let Some(rest) = after.trim_start_matches('-').strip_prefix(['E', 'e']) {
        let Some((_, rest)) = number(rest, 3) else { break };
        after = rest;
    }
    // Behind a dash stands a title, whatever it begins with; without one a release's word is no title.
    let title = tidy(until(after, !after.trim_start().starts_with('-')));
    let title = if title.is_empty() { format!("Episode {}", found.episode) } else { title };
    Name {
        title,
        year,
        show: (!show.is_empty()).then_some(show),
        season: Some(found.season),
        episode: Some(found.episode),
    }
}

fn of_film(text: &str, folder: Option<&str>) -> Name {
    let (title, year) = titled(text);
    if year.is_none()
        && let Some((folder_title, Some(folder_year))) = folder.map(titled)
        && !folder_title.is_empty()
    {
        return Name { title: folder_title, year: Some(folder_year), ..Name::default() };
    }
    Name { title, year, ..Name::default() }
}

/// Title and year of a text. A year in brackets wins over one without, a later over an earlier.
fn titled(text: &str) -> (String, Option<u16>) {
    let bracketed = years(text, true).last();
    let bare = || {
        let head = until_release(text).len();
        years(text, false).filter(|(at, _)| *at <= head && !tidy(&text[..*at]).is_empty()).last()
    };
    match bracketed.or_else(bare) {
        Some((at, year)) if !tidy(&text[..at]).is_empty() => (tidy(&text[..at]), Some(year)),
        _ => {
            let title = tidy(until_release(text));
            // A name that is nothing but a release's words is the best title there is.
            (if title.is_empty() { tidy(text) } else { title }, None)
        }
    }
}

/// Years in a text with where they (or their brackets) start.
fn years(text: &str, bracketed: bool) -> impl DoubleEndedIterator<Item = (usize, u16)> + '_ {
    let bytes = text.as_bytes();
    (0..bytes.len()).filter_map(move |at| {
        let digits = bytes.get(at..at + 4)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + 4).copied();
        let year = std::str::from_utf8(digits).ok()?.parse().ok().filter(|year| YEARS.contains(year))?;
        if bracketed {
            let pair = matches!((before, after), (Some(b'('), Some(b')')) | (Some(b'['), Some(b']')));
            return pair.then(|| (at - 1, year));
        }
        let edge = |byte: Option<u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'.' | b'_' | b'-'));
        (edge(before) && edge(after)).then_some((at, year))
    })
}

/// What stands before the first word of a release. A title may begin with such a word: “Web of Lies”.
fn until_release(text: &str) -> &str {
    until(text, false)
}

/// The same, where also the first word may be a release's.
fn until(text: &str, first: bool) -> &str {
    let mut at = 0;
    for word in text.split_inclusive([' ', '[', ']', '(', ')']) {
        let bare = word.trim_matches([' ', '[', ']', '(', ')', '-', '.', ',']);
        let release = |word: &str| RELEASE.iter().any(|known| known.eq_ignore_ascii_case(word));
        // `h 264` is two words once dots are spaces; a lone H is a letter of the title.
        let next = text[at + word.len()..].trim_start();
        let lone = bare.eq_ignore_ascii_case("h") && !(next.starts_with("264") || next.starts_with("265"));
        let dashed =
            bare.split_once('-').is_some_and(|(head, _)| !head.eq_ignore_ascii_case("h") && release(head));
        if !lone && (release(bare) || dashed) && (first || !tidy(&text[..at]).is_empty()) {
            return &text[..at];
        }
        at += word.len();
    }
    text
}

/// Without what frames a title: separators, empty brackets, tags of those who released it.
fn tidy(text: &str) -> String {
    let mut text = text.trim_matches([' ', '.', '_', '-']);
    while let Some(rest) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(_, rest)| rest)
    {
        text = rest.trim_matches([' ', '.', '_', '-']);
    }
    while let Some((rest, _)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        text = rest.trim_matches([' ', '.', '_', '-']);
    }
    let text = text.trim_end_matches([' ', '.', '_', '-', '(', '[']);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(title: &str, year: Option<u16>) -> Name {
        Name { title: title.to_owned(), year, ..Name::default() }
    }

    fn episode(show: &str, season: u16, episode: u16, title: &str) -> Name {
        Name {
            title: title.to_owned(),
            year: None,
            show: Some(show.to_owned()),
            season: Some(season),
            episode: Some(episode),
        }
    }

    #[test]
    fn films_are_named_as_people_name_them() {
        let table = [
            ("Title (2019).mp4", film("Title", Some(2019))),
            ("Title.2019.1080p.WEB.mp4", film("Title", Some(2019))),
            ("The_Long_Way_Home.mkv", film("The Long Way Home", None)),
            ("A Film.mp4", film("A Film", None)),
            ("Mr. Right (2015).mp4", film("Mr. Right", Some(2015))),
            ("Blade.Runner.2049.2017.2160p.BluRay.x265-GRP.mkv", film("Blade Runner 2049", Some(2017))),
            ("Blade Runner 2049 (2017).mkv", film("Blade Runner 2049", Some(2017))),
            ("1917.2019.mp4", film("1917", Some(2019))),
            ("1984.mp4", film("1984", None)),
            ("2001 A Space Odyssey (1968).mp4", film("2001 A Space Odyssey", Some(1968))),
            ("Web of Lies.mp4", film("Web of Lies", None)),
            ("Project.H.1080p.WEB-DL.H.264.mp4", film("Project H", None)),
            ("[Group] Title [1080p].mkv", film("Title", None)),
            ("Title [2003] [720p].mkv", film("Title", Some(2003))),
            ("Title (2019)/Title (2019).mp4", film("Title", Some(2019))),
            ("Title (2019)/film.mp4", film("Title", Some(2019))),
            ("Home Videos/Beach.mov", film("Beach", None)),
            ("千と千尋の神隠し (2001).mp4", film("千と千尋の神隠し", Some(2001))),
            ("Das Boot - Director's Cut (1981).mp4", film("Das Boot - Director's Cut", Some(1981))),
            ("1080p.mp4", film("1080p", None)),
            ("Title.9999.mp4", film("Title 9999", None)),
        ];
        for (path, name) in table {
            assert_eq!(parse(path), name, "{path}");
        }
    }

    #[test]
    fn episodes_are_named_as_people_name_them() {
        let table = [
            ("Show/Season 01/Show - S01E02 - Name.mkv", episode("Show", 1, 2, "Name")),
            ("Show.S01E02.mp4", episode("Show", 1, 2, "Episode 2")),
            ("show.s1.e2.720p.mp4", episode("show", 1, 2, "Episode 2")),
            ("Show Name/Season 2/S02E10.mkv", episode("Show Name", 2, 10, "Episode 10")),
            ("Show/Season 1/03 - The Third.mkv", episode("Show", 1, 3, "The Third")),
            ("Show/Specials/Episode 4.mkv", episode("Show", 0, 4, "Episode 4")),
            ("Show.1x05.The.Fifth.HDTV.mkv", episode("Show", 1, 5, "The Fifth")),
            ("Show.S01E02E03.Two.at.Once.mkv", episode("Show", 1, 2, "Two at Once")),
            ("Show - S01E03 - Web of Lies.mkv", episode("Show", 1, 3, "Web of Lies")),
            ("Show - S01E02-E03 - Two.mkv", episode("Show", 1, 2, "Two")),
        ];
        for (path, name) in table {
            assert_eq!(parse(path), name, "{path}");
        }
        let dated = Name { year: Some(2005), ..episode("Show", 1, 1, "Rose") };
        assert_eq!(parse("Show (2005)/Season 1/Show (2005) - S01E01 - Rose.mkv"), dated);
        assert_eq!(parse("Show (2005)/Season 1/S01E01 - Rose.mkv"), dated);
        assert_eq!(parse("Ships 1920x1080.mp4").episode, None);
    }

    #[test]
    fn a_shelf_sorts_without_articles_and_by_the_size_of_numbers() {
        let mut titles = ["Part 10", "The Apple", "an Ant", "Part 2", "Theory"];
        titles.sort_by_key(|title| sorted(title));
        assert_eq!(titles, ["an Ant", "The Apple", "Part 2", "Part 10", "Theory"]);
    }

    #[test]
    fn only_films_are_taken_for_films() {
        for (file, film) in
            [("a.mp4", true), ("a.MKV", true), (".mp4", false), ("a.srt", false), ("mp4", false)]
        {
            assert_eq!(is_film(file), film, "{file}");
        }
    }

    proptest! {
        #[test]
        fn every_name_has_a_title_and_hurts_nobody(path in "[\\PC/]{0,60}", ending in "(\\.mp4)?") {
            let name = parse(&format!("{path}{ending}"));
            prop_assert!(name.title.chars().count() <= LONGEST);
            prop_assert!(name.episode.is_none() || !name.title.is_empty());
            sorted(&name.title);
        }

        #[test]
        fn what_was_written_with_a_year_is_read_with_it(title in "[A-Z][a-z]{2,9}( [A-Z][a-z]{2,9}){0,3}", year in 1900_u16..2100) {
            prop_assume!(until_release(&title) == title);
            let name = parse(&format!("{title} ({year}).mp4"));
            prop_assert_eq!((name.title, name.year), (title, Some(year)));
        }
    }
}
