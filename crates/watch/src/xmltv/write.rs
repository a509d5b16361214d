//! Writing a guide, its elements in the order that the DTD wants.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Programme;

/// A channel of a guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The id that programmes name.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its number.
    pub number: Option<u32>,
    /// The address of its logo.
    pub logo: Option<String>,
}

/// A moment as `20261130191500 +0000`.
fn time(millis: i64) -> String {
    let moment = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    let clock = moment.to_zoned_datetime(TimeZone::UTC).datetime();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02} +0000",
        clock.year(),
        clock.month(),
        clock.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

/// Text that XML 1.0 can hold (section 2.2).
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// Writes a guide.
///
/// # Errors
/// Where writing fails.
pub fn write(to: impl Write, channels: &[Channel], programmes: &[Programme]) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(to, b' ', 1);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.write_event(Event::DocType(BytesText::from_escaped("tv SYSTEM \"xmltv.dtd\"")))?;
    let tv = writer.create_element("tv").with_attribute(("generator-info-name", "Playhouse"));
    tv.write_inner_content(|writer| {
        for channel in channels {
            let id = plain(&channel.id);
            let element = writer.create_element("channel").with_attribute(("id", id.as_str()));
            element.write_inner_content(|writer| {
                text(writer, "display-name", &channel.name)?;
                if let Some(number) = channel.number {
                    text(writer, "display-name", &number.to_string())?;
                }
                if let Some(logo) = &channel.logo {
                    let logo = plain(logo);
                    writer.create_element("icon").with_attribute(("src", logo.as_str())).write_empty()?;
                }
                Ok(())
            })?;
        }
        programmes.iter().try_for_each(|programme| one(writer, programme))
    })?;
    Ok(())
}

fn text<W: Write>(writer: &mut Writer<W>, name: &str, content: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&plain(content)))?;
    Ok(())
}

fn one<W: Write>(writer: &mut Writer<W>, programme: &Programme) -> io::Result<()> {
    let (start, stop) = (time(programme.start), programme.stop.map(time));
    let channel = plain(&programme.channel);
    let mut element = writer.create_element("programme").with_attribute(("start", start.as_str()));
    if let Some(stop) = &stop {
        element = element.with_attribute(("stop", stop.as_str()));
    }
    element.with_attribute(("channel", channel.as_str())).write_inner_content(|writer| {
        text(writer, "title", &programme.title)?;
        let fields = [
            ("sub-title", &programme.subtitle),
            ("desc", &programme.description),
            ("category", &programme.category),
        ];
        for (name, content) in fields {
            if let Some(content) = content {
                text(writer, name, content)?;
            }
        }
        if programme.season.is_some() || programme.episode.is_some() {
            let number =
                |number: Option<u32>| number.map(|n| n.saturating_sub(1).to_string()).unwrap_or_default();
            let numbers = format!("{}.{}.", number(programme.season), number(programme.episode));
            let element = writer.create_element("episode-num").with_attribute(("system", "xmltv_ns"));
            element.write_text_content(BytesText::new(&numbers))?;
        }
        Ok(())
    })?;
    Ok(())
}
