//! Notes about a film in XML, as Kodi writes them (`.nfo`): title, plot, year, genres, actors, age rating.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

/// Bytes of a file that is read at most: a long cast is some 50 KB.
pub const MOST_BYTES: u64 = 1 << 20;

/// Elements within each other at most; notes have three.
const DEEPEST: usize = 16;

/// Genres and actors that are kept at most.
const MOST: usize = 50;

/// Characters of a line, and of a plot, that are kept at most.
const LINE: usize = 200;
const PLOT: usize = 5_000;

/// Somebody who plays in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// Whom they play; empty where nobody says.
    pub role: String,
}

/// What notes say about a film.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Its title.
    pub title: Option<String>,
    /// What it is about.
    pub plot: Option<String>,
    /// The year it is from.
    pub year: Option<u16>,
    /// Its genres.
    pub genres: Vec<String>,
    /// Who plays in it.
    pub actors: Vec<Actor>,
    /// Years that somebody should have to see it.
    pub age: Option<u8>,
}

/// Reads notes; nothing where the file is none. What is damaged ends them.
pub fn read(bytes: &[u8]) -> Option<Notes> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = false;
    let mut notes = Notes::default();
    let mut path: Vec<String> = Vec::new();
    let mut words = String::new();
    let mut known = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).to_ascii_lowercase());
                if path.len() > DEEPEST {
                    break;
                }
                words.clear();
                known |= matches!(path[0].as_str(), "movie" | "episodedetails" | "tvshow" | "musicvideo");
                if path.len() == 2 && path[1] == "actor" && notes.actors.len() < MOST {
                    notes.actors.push(Actor::default());
                }
            }
            Ok(Event::Text(text)) => words.push_str(&text.decode().unwrap_or_default()),
            Ok(Event::CData(text)) => words.push_str(&String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(reference)) => {
                let name = reference.decode().unwrap_or_default();
                let character = reference.resolve_char_ref().ok().flatten();
                let named = quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                words.push_str(&character.map(String::from).or(named).unwrap_or_default());
            }
            Ok(Event::End(_)) => {
                notes.take(&path.iter().map(String::as_str).collect::<Vec<_>>(), &words);
                words.clear();
                if path.pop().is_none() || path.is_empty() {
                    break;
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
        if words.len() > PLOT * 8 {
            break;
        }
    }
    notes.actors.retain(|actor| !actor.name.is_empty());
    known.then_some(notes)
}

impl Notes {
    /// Takes what an element says.
    fn take(&mut self, path: &[&str], words: &str) {
        let text = clean(words, LINE);
        if text.is_empty() {
            return;
        }
        match path {
            [_, "title"] => self.title = Some(text),
            [_, "plot"] => self.plot = Some(clean(words, PLOT)),
            [_, "outline"] if self.plot.is_none() => self.plot = Some(clean(words, PLOT)),
            [_, "year"] => self.year = text.parse().ok().filter(|year| (1870..2200).contains(year)),
            [_, "premiered" | "aired"] if self.year.is_none() => {
                self.year = text.get(..4).and_then(|year| year.parse().ok());
            }
            [_, "genre"] => {
                let genres = text.split('/').map(str::trim).filter(|genre| !genre.is_empty());
                for genre in genres.map(str::to_owned) {
                    if self.genres.len() < MOST && !self.genres.contains(&genre) {
                        self.genres.push(genre);
                    }
                }
            }
            [_, "mpaa" | "certification"] => self.age = self.age.max(age(&text)),
            [_, "actor", "name"] => {
                if let Some(actor) = self.actors.last_mut() {
                    actor.name = text;
                }
            }
            [_, "actor", "role"] => {
                if let Some(actor) = self.actors.last_mut() {
                    actor.role = text;
                }
            }
            _ => {}
        }
    }
}

/// Words with single blanks between them, so long at most.
fn clean(words: &str, most: usize) -> String {
    let joined = words.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Years that a rating asks for: those of the USA (MPA, TV Parental Guidelines) by name, others by their number (`FSK
/// 12`, `UK:15`). Of several the highest counts; nothing where none is known.
pub fn age(rating: &str) -> Option<u8> {
    let of = |rating: &str| {
        let rating = rating.rsplit(':').next().unwrap_or_default().trim().to_ascii_uppercase();
        let rating = rating.strip_prefix("RATED ").unwrap_or(&rating);
        let name = rating.split([' ', '(']).next().unwrap_or_default();
        match name {
            "G" | "TV-Y" | "TV-G" | "U" | "AL" => Some(0),
            "PG" | "TV-Y7" | "TV-PG" => Some(7),
            "PG-13" => Some(13),
            "TV-14" => Some(14),
            "R" => Some(17),
            "NC-17" | "TV-MA" | "X" => Some(18),
            _ => {
                let digits: String = rating.chars().skip_while(|c| !c.is_ascii_digit()).collect();
                let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok().filter(|age| *age <= 21)
            }
        }
    };
    rating.split(['/', ',', ';']).filter_map(of).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn notes_of_kodi_are_read() {
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<movie><title>Sherlock &amp; Jr.</title>\
            <originaltitle>Other</originaltitle><plot>A <![CDATA[<projectionist>]]> dreams.&#10;Twice.</plot>\
            <year>1924</year><genre>Comedy / Fantasy</genre><genre>Comedy</genre><mpaa>DE:FSK 6</mpaa>\
            <actor><name>Buster Keaton</name><role>The boy</role><thumb>x</thumb></actor><actor><role>Nobody</role></actor>\
            <set><title>Not this</title></set></movie>\nhttps://example.org/tt0015324\n";
        let notes = read(xml.as_bytes()).unwrap();
        assert_eq!(notes.title.as_deref(), Some("Sherlock & Jr."));
        assert_eq!(notes.plot.as_deref(), Some("A <projectionist> dreams. Twice."));
        assert_eq!((notes.year, notes.age), (Some(1924), Some(6)));
        assert_eq!(notes.genres, ["Comedy", "Fantasy"]);
        let keaton = Actor { name: "Buster Keaton".to_owned(), role: "The boy".to_owned() };
        assert_eq!(notes.actors, [keaton]);
        assert_eq!(read(b"https://example.org/tt0015324"), None);
        assert_eq!(read(b"<html><title>No</title></html>"), None);
    }

    #[test]
    fn ratings_become_ages() {
        let table = [
            ("Rated PG-13", Some(13)),
            ("USA:R / Germany:FSK 16", Some(17)),
            ("TV-MA", Some(18)),
            ("12A", Some(12)),
            ("FSK 0", Some(0)),
            ("Not Rated", None),
            ("", None),
            ("99999", None),
        ];
        for (rating, years) in table {
            assert_eq!(age(rating), years, "{rating}");
        }
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), tail in ".{0,80}") {
            read(&bytes);
            read(format!("<movie><title>{tail}</title><actor><name>{tail}").as_bytes());
            age(&tail);
        }
    }
}
