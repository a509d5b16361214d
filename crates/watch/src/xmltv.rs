//! Guides as XMLTV: read from others as they stream in, written for players.
//!
//! Source: `xmltv.dtd` of the XMLTV project, 0.6.

mod write;

use std::io::BufRead;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

pub use write::{Channel, write};

/// Programmes of one guide: two weeks of a hundred channels come to some 70 000.
pub const MOST_PROGRAMMES: usize = 200_000;

/// Characters that are kept of what a programme says of itself.
const LONGEST_TEXT: usize = 4000;
const LONGEST_TITLE: usize = 300;

/// What is on a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programme {
    /// The channel's id in the guide.
    pub channel: String,
    /// When it begins, in milliseconds since 1970.
    pub start: i64,
    /// When it ends; none where the guide leaves that to what follows.
    pub stop: Option<i64>,
    /// What it is.
    pub title: String,
    /// Which part of it.
    pub subtitle: Option<String>,
    /// What happens.
    pub description: Option<String>,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// The season, from 1.
    pub season: Option<u32>,
    /// The episode, from 1.
    pub episode: Option<u32>,
}

/// Why a guide was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no XML, or damaged.
    #[error("The guide is no XML, or damaged, at byte {at}: {problem}.")]
    Xml {
        /// Where.
        at: u64,
        /// What the parser says.
        problem: String,
    },
    /// It is something else.
    #[error("This is no XMLTV guide: its first element is not `tv`.")]
    NoGuide,
    /// It has more than is taken.
    #[error(
        "The guide has more than {MOST_PROGRAMMES} programmes, which is the limit; take one for fewer channels."
    )]
    TooMuch,
}

/// The element whose text is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Title,
    Subtitle,
    Description,
    Category,
    Onscreen,
    Numbered,
}

/// Reads a guide, and gives each programme as it comes; those that cannot be read are left out.
///
/// # Errors
/// See [`Error`]: what was given before stands.
pub fn read(from: impl BufRead, mut give: impl FnMut(Programme)) -> Result<(), Error> {
    let mut reader = Reader::from_reader(from);
    reader.config_mut().check_end_names = false;
    let (mut buffer, mut text) = (Vec::new(), String::new());
    let (mut begun, mut count) = (false, 0_usize);
    let mut programme: Option<Programme> = None;
    let mut field: Option<Field> = None;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let event =
            event.map_err(|error| Error::Xml { at: reader.error_position(), problem: error.to_string() })?;
        match event {
            Event::Eof if begun => return Ok(()),
            Event::Eof => return Err(Error::NoGuide),
            Event::Start(start) if !begun => {
                if start.local_name().as_ref() != b"tv" {
                    return Err(Error::NoGuide);
                }
                begun = true;
            }
            Event::Start(start) if start.local_name().as_ref() == b"programme" => {
                programme = begin(&start);
                field = None;
            }
            Event::Start(start) if programme.is_some() => {
                field = which(&start);
                text.clear();
            }
            Event::Text(part) if field.is_some() => add(&mut text, &part.decode().unwrap_or_default()),
            Event::CData(part) if field.is_some() => add(&mut text, &part.decode().unwrap_or_default()),
            Event::GeneralRef(part) if field.is_some() => add(&mut text, &entity(&part)),
            Event::End(end) if end.local_name().as_ref() == b"programme" => {
                field = None;
                if let Some(done) = programme.take().filter(|programme| !programme.title.is_empty()) {
                    count += 1;
                    if count > MOST_PROGRAMMES {
                        return Err(Error::TooMuch);
                    }
                    give(done);
                }
            }
            Event::End(_) => {
                if let (Some(programme), Some(field)) = (&mut programme, field.take()) {
                    set(programme, field, &text);
                }
            }
            _ => {}
        }
    }
}

fn add(text: &mut String, part: &str) {
    let room = LONGEST_TEXT.saturating_sub(text.chars().count());
    text.extend(part.chars().take(room));
}

/// One of the five entities that XML has of itself, or a character by its number; others stand for nothing.
fn entity(part: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = part.resolve_char_ref() {
        return character.to_string();
    }
    match part.decode().unwrap_or_default().as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok()??;
    let text = String::from_utf8_lossy(&found.value);
    let plain =
        quick_xml::escape::unescape(&text).map_or_else(|_| text.to_string(), std::borrow::Cow::into_owned);
    Some(plain.trim().chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect())
}

fn begin(start: &BytesStart<'_>) -> Option<Programme> {
    Some(Programme {
        channel: attribute(start, "channel").filter(|channel| !channel.is_empty())?,
        start: time(&attribute(start, "start")?)?,
        stop: attribute(start, "stop").and_then(|stop| time(&stop)),
        ..Programme::default()
    })
}

fn which(start: &BytesStart<'_>) -> Option<Field> {
    match start.local_name().as_ref() {
        b"title" => Some(Field::Title),
        b"sub-title" => Some(Field::Subtitle),
        b"desc" => Some(Field::Description),
        b"category" => Some(Field::Category),
        b"episode-num" => match attribute(start, "system").as_deref() {
            Some("xmltv_ns") => Some(Field::Numbered),
            None | Some("onscreen") => Some(Field::Onscreen),
            Some(_) => None,
        },
        _ => None,
    }
}

/// Takes the first of each, which is in the language that the guide likes best.
fn set(programme: &mut Programme, field: Field, text: &str) {
    let text: String =
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    if text.is_empty() {
        return;
    }
    let short = || text.chars().take(LONGEST_TITLE).collect::<String>();
    match field {
        Field::Title if programme.title.is_empty() => programme.title = short(),
        Field::Subtitle if programme.subtitle.is_none() => programme.subtitle = Some(short()),
        Field::Description if programme.description.is_none() => programme.description = Some(text),
        Field::Category if programme.category.is_none() => programme.category = Some(short()),
        Field::Numbered => (programme.season, programme.episode) = numbered(&text),
        Field::Onscreen if programme.episode.is_none() => {
            (programme.season, programme.episode) = onscreen(&text);
        }
        _ => {}
    }
}

/// `season.episode.part`, each from 0 and perhaps with `/total`.
fn numbered(text: &str) -> (Option<u32>, Option<u32>) {
    let mut parts = text.split('.').map(|part| {
        let number = part.split('/').next().unwrap_or_default().trim();
        number.parse::<u32>().ok().and_then(|number| number.checked_add(1))
    });
    (parts.next().flatten(), parts.next().flatten())
}

/// `S02E05`, in any case.
fn onscreen(text: &str) -> (Option<u32>, Option<u32>) {
    let text = text.to_ascii_uppercase();
    let number = |after: &str| {
        let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let episode = text.rsplit_once('E').and_then(|(_, after)| number(after));
    let season = text.strip_prefix('S').and_then(number);
    (season.filter(|_| episode.is_some()), episode)
}

/// `20261130201500 +0100`; without an offset UTC, and what is left out at the end is none.
fn time(text: &str) -> Option<i64> {
    let (digits, zone) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    if !matches!(digits.len(), 8 | 10 | 12 | 14) {
        return None;
    }
    let field = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |part| part.parse::<i8>().ok());
    let year: i16 = digits.get(..4)?.parse().ok()?;
    let moment = DateTime::new(
        year,
        field(4, 6)?,
        field(6, 8)?,
        field(8, 10)?,
        field(10, 12)?,
        field(12, 14)?.min(59),
        0,
    )
    .ok()?;
    let zone = offset(zone.trim())?;
    Some(moment.to_zoned_datetime(TimeZone::fixed(zone)).ok()?.timestamp().as_millisecond())
}

fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "" | "Z" | "UTC" | "GMT") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let all: i32 = digits.parse().ok()?;
    Offset::from_seconds(sign * (all / 100 * 3600 + all % 100 * 60)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<Programme> {
        let mut all = Vec::new();
        read(text.as_bytes(), |programme| all.push(programme)).unwrap();
        all
    }

    #[test]
    fn a_guide_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE tv SYSTEM "xmltv.dtd">
            <tv generator-info-name="x"><channel id="one.tv"><display-name>One</display-name></channel>
            <programme start="20261130201500 +0100" stop="20261130211500 +0100" channel="one.tv">
              <title lang="en">Tom &amp; Jerry &#8211; again</title><title lang="de">Anders</title>
              <sub-title>The <![CDATA[<Cat>]]></sub-title><desc>Long
                 story.</desc><category>Cartoon</category><icon src="x"/>
              <episode-num system="xmltv_ns">1 . 4/12 . </episode-num></programme>
            <programme start="20261130211500" channel="one.tv"><title>Next</title><episode-num>S03E12</episode-num></programme>
            <programme start="soon" channel="one.tv"><title>Unreadable</title></programme>
            <programme start="20261130" channel="one.tv"/></tv>"#;
        let programmes = all(text);
        assert_eq!(programmes.len(), 2);
        assert_eq!(
            programmes[0],
            Programme {
                channel: "one.tv".to_owned(),
                start: 1_796_066_100_000,
                stop: Some(1_796_069_700_000),
                title: "Tom & Jerry – again".to_owned(),
                subtitle: Some("The <Cat>".to_owned()),
                description: Some("Long story.".to_owned()),
                category: Some("Cartoon".to_owned()),
                season: Some(2),
                episode: Some(5),
            }
        );
        assert_eq!((programmes[1].season, programmes[1].episode), (Some(3), Some(12)));
    }

    #[test]
    fn what_is_no_guide_is_refused_in_a_sentence() {
        let refused = |text: &str| read(text.as_bytes(), drop).unwrap_err().to_string();
        assert!(refused("<html></html>").contains("no XMLTV"));
        assert!(refused("").contains("no XMLTV"));
        assert!(refused("<tv><programme").contains("damaged"));
    }

    #[test]
    fn an_entity_of_its_own_stands_for_nothing() {
        let text = r#"<!DOCTYPE tv [<!ENTITY big "aaaaaaaaaa"><!ENTITY file SYSTEM "file:///etc/passwd">]>
            <tv><programme start="20260101" channel="c"><title>x&big;&file;y</title></programme></tv>"#;
        assert_eq!(all(text)[0].title, "xy");
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(bytes: Vec<u8>, start: String, inner: String) {
            drop(read(&*bytes, drop));
            let text = format!("<tv><programme start=\"{start}\" channel=\"x\"><title>{inner}</title></programme></tv>");
            drop(read(text.as_bytes(), drop));
        }

        #[test]
        fn what_is_written_is_read_again(
            title in "[a-zA-Z<>&\"' äöü]{1,20}",
            subtitle in prop::option::of("[a-z<&]{1,9}"),
            start in 0_i64..4_000_000_000,
            length in 1_i64..100_000,
            numbers in prop::option::of((1_u32..99, 1_u32..999)),
        ) {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assume!(!title.is_empty());
            let programme = Programme {
                channel: "a.b".to_owned(),
                start: start * 1000,
                stop: Some((start + length) * 1000),
                title,
                subtitle,
                description: Some("<![CDATA[ & ]]>".to_owned()),
                category: None,
                season: numbers.map(|(season, _)| season),
                episode: numbers.map(|(_, episode)| episode),
            };
            let channel = Channel { id: "a.b".to_owned(), name: "A & B".to_owned(), number: Some(3), logo: None };
            let mut text = Vec::new();
            write(&mut text, &[channel], std::slice::from_ref(&programme)).unwrap();
            prop_assert_eq!(all(std::str::from_utf8(&text).unwrap()), vec![programme]);
        }
    }
}
