//! Lists of channels as M3U: read from others, written for players.
//!
//! There is no standard but use: extended M3U, with the attributes that IPTV players agree on (`tvg-id`, `tvg-logo`,
//! `tvg-chno`, `group-title`), as Kodi's IPTV Simple Client documents them.

use std::fmt::{self, Write as _};

/// Channels that are read of one list: lists with more are of whole continents, and nobody's guide.
pub const MOST_CHANNELS: usize = 2000;

/// Characters of a name, and of an address, that are kept.
const LONGEST_NAME: usize = 200;
const LONGEST_ADDRESS: usize = 2048;

/// A channel of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Where it plays.
    pub address: String,
    /// Its id in guides.
    pub id: Option<String>,
    /// The address of its logo.
    pub logo: Option<String>,
    /// The heading that it stands under.
    pub group: Option<String>,
    /// Its number.
    pub number: Option<u32>,
}

/// A list of channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The channels.
    pub channels: Vec<Entry>,
    /// The address of a guide to them.
    pub guide: Option<String>,
    /// Channels that were left out: their address is none, or there were too many.
    pub left_out: usize,
}

/// Why a text is no list, in a sentence for whoever brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not begin as one.
    #[error("This is no M3U list: it does not begin with `#EXTM3U`.")]
    NoList,
    /// It is the playlist of one stream.
    #[error("This is the playlist of a single stream (HLS), not a list of channels.")]
    Stream,
    /// It has no channel.
    #[error("The list has no channel with an address that begins with http or https.")]
    Empty,
}

/// Text without control characters, not longer than that, or nothing.
fn tidy(text: &str, longest: usize) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(longest).collect();
    (!text.is_empty()).then_some(text)
}

fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let known = ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    });
    let plain = text.len() <= LONGEST_ADDRESS && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    (known && plain).then(|| text.to_owned())
}

/// The attributes of a line, and what stands behind them: `key="value"`, with any key.
fn attributes(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some((key, after)) = rest.split_once("=\"") else { return (found, rest) };
        let Some((value, after)) = after.split_once('"') else { return (found, rest) };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return (found, rest);
        }
        found.push((key, value));
        rest = after;
    }
}

fn value<'a>(attributes: &[(&str, &'a str)], keys: &[&str]) -> Option<&'a str> {
    let of = |key: &&str| {
        attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| *value)
    };
    keys.iter().find_map(of).map(str::trim).filter(|value| !value.is_empty())
}

/// Reads a list. Any bytes at all are read or refused; what is not UTF-8 is replaced.
///
/// # Errors
/// A sentence, see [`Error`].
pub fn read(bytes: &[u8]) -> Result<List, Error> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines =
        text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    let head = lines.next().and_then(|line| line.strip_prefix("#EXTM3U")).ok_or(Error::NoList)?;
    let (head, _) = attributes(head);
    let guide = value(&head, &["url-tvg", "x-tvg-url"]);
    let guide = guide.and_then(|all| all.split(',').find_map(address));
    let mut list = List { guide, ..List::default() };
    let mut next: Option<Entry> = None;
    for line in lines {
        if line.starts_with("#EXT-X-") {
            return Err(Error::Stream);
        } else if let Some(rest) = line.strip_prefix("#EXTINF:") {
            next = Some(entry(rest));
        } else if let Some(group) = line.strip_prefix("#EXTGRP:") {
            if let Some(entry) = &mut next
                && entry.group.is_none()
            {
                entry.group = tidy(group, LONGEST_NAME);
            }
        } else if !line.starts_with('#') {
            let entry = next.take().unwrap_or_default();
            match address(line) {
                Some(address) if list.channels.len() < MOST_CHANNELS => {
                    let name = if entry.name.is_empty() { address.clone() } else { entry.name };
                    list.channels.push(Entry { name, address, ..entry });
                }
                _ => list.left_out += 1,
            }
        }
    }
    if list.channels.is_empty() { Err(Error::Empty) } else { Ok(list) }
}

/// What `#EXTINF:` says: a duration, attributes, and behind a comma the name.
fn entry(line: &str) -> Entry {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    let (attributes, rest) = attributes(line);
    let name = rest.split_once(',').map(|(_, name)| name);
    let name = name.and_then(|name| tidy(name, LONGEST_NAME));
    let name = name.or_else(|| value(&attributes, &["tvg-name"]).and_then(|name| tidy(name, LONGEST_NAME)));
    Entry {
        name: name.unwrap_or_default(),
        address: String::new(),
        id: value(&attributes, &["tvg-id"]).and_then(|id| tidy(id, LONGEST_NAME)),
        logo: value(&attributes, &["tvg-logo"]).and_then(address),
        group: value(&attributes, &["group-title"]).and_then(|group| tidy(group, LONGEST_NAME)),
        number: value(&attributes, &["tvg-chno", "ch-number"]).and_then(|number| number.parse().ok()),
    }
}

/// Writes a list.
pub fn write(list: &List) -> String {
    fmt::from_fn(|f| {
        f.write_str("#EXTM3U")?;
        if let Some(guide) = &list.guide {
            write!(f, " url-tvg=\"{0}\" x-tvg-url=\"{0}\"", quoted(guide))?;
        }
        f.write_char('\n')?;
        for entry in &list.channels {
            f.write_str("#EXTINF:-1")?;
            let number = entry.number.map(|number| number.to_string());
            let attributes = [
                ("tvg-id", entry.id.as_deref()),
                ("tvg-chno", number.as_deref()),
                ("tvg-logo", entry.logo.as_deref()),
                ("group-title", entry.group.as_deref()),
            ];
            for (key, value) in attributes {
                if let Some(value) = value {
                    write!(f, " {key}=\"{}\"", quoted(value))?;
                }
            }
            writeln!(f, ",{}\n{}", line(&entry.name), line(&entry.address))?;
        }
        Ok(())
    })
    .to_string()
}

fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn quoted(text: &str) -> String {
    line(text).replace('"', "'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_of_channels_is_read() {
        let text = "\u{feff}#EXTM3U url-tvg=\"https://tv.example/guide.xml.gz\"\r\n\
            #EXTINF:-1 tvg-id=\"one.tv\" tvg-logo=\"https://tv.example/1.png\" tvg-chno=\"7\" group-title=\"News, and more\",One, the first\r\n\
            #EXTVLCOPT:http-user-agent=x\r\nhttps://tv.example/one.m3u8\r\n\
            #EXTINF:-1,Two\n#EXTGRP:Films\nHTTP://tv.example/two.m3u8\n\
            #EXTINF:-1,Gone\nrtp://239.0.0.1:5000\nhttps://tv.example/bare.m3u8\n";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(list.guide.as_deref(), Some("https://tv.example/guide.xml.gz"));
        assert_eq!(list.left_out, 1);
        assert_eq!(
            list.channels[0],
            Entry {
                name: "One, the first".to_owned(),
                address: "https://tv.example/one.m3u8".to_owned(),
                id: Some("one.tv".to_owned()),
                logo: Some("https://tv.example/1.png".to_owned()),
                group: Some("News, and more".to_owned()),
                number: Some(7),
            }
        );
        assert_eq!(list.channels[1].group.as_deref(), Some("Films"));
        assert_eq!(list.channels[2].name, "https://tv.example/bare.m3u8");
    }

    #[test]
    fn what_is_no_list_is_refused_in_a_sentence() {
        assert_eq!(read(b"<html>"), Err(Error::NoList));
        assert_eq!(read(b""), Err(Error::NoList));
        assert_eq!(read(b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n"), Err(Error::Stream));
        assert_eq!(read(b"#EXTM3U\n#EXTINF:-1,File\nfile:///etc/passwd\n"), Err(Error::Empty));
    }

    #[test]
    fn a_list_that_is_too_long_is_cut() {
        let mut text = "#EXTM3U\n".to_owned();
        for number in 0..MOST_CHANNELS + 5 {
            writeln!(text, "https://tv.example/{number}").unwrap();
        }
        let list = read(text.as_bytes()).unwrap();
        assert_eq!((list.channels.len(), list.left_out), (MOST_CHANNELS, 5));
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(bytes: Vec<u8>, lines in prop::collection::vec("(#EXTINF:|#EXTGRP:|http://|tvg-id=\"|,|\"|[^\n]){0,9}", 0..9)) {
            drop(read(&bytes));
            drop(read(format!("#EXTM3U {}", lines.join("\n")).as_bytes()));
        }

        #[test]
        fn what_is_written_is_read_again(
            names in prop::collection::vec(("[a-zA-Z0-9 ,äöü]{1,9}", prop::option::of("[a-z.]{1,9}"), prop::option::of(0_u32..999)), 1..9),
        ) {
            let entry = |(name, id, number): &(String, Option<String>, Option<u32>)| Entry {
                name: name.trim().to_owned(),
                address: "https://tv.example/x".to_owned(),
                id: id.clone(),
                number: *number,
                ..Entry::default()
            };
            let list = List { channels: names.iter().map(entry).filter(|entry| !entry.name.is_empty()).collect(), ..List::default() };
            prop_assume!(!list.channels.is_empty());
            prop_assert_eq!(read(write(&list).as_bytes()).unwrap(), list);
        }
    }
}
