//! The files that a film is served as, and their names, relative to one folder.

use std::fmt;
use std::str::FromStr;

/// One of the files that a film is served as.
///
/// Its [`Display`](fmt::Display) is the name that the playlists use, and [`FromStr`] reads it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `master.m3u8`, [`Index::master`](super::Index::master): an HLS multivariant playlist.
    Master,
    /// `manifest.mpd`, [`Index::manifest`](super::Index::manifest): the same for DASH.
    Manifest,
    /// `{track}.m3u8`, [`Index::playlist`](super::Index::playlist): an HLS media playlist.
    Playlist(usize),
    /// `{track}/init.mp4`, [`Index::init`](super::Index::init).
    Init(usize),
    /// `{track}/{number}.m4s`, [`Index::segment`](super::Index::segment).
    Segment(usize, u32),
    /// `s{text}.m3u8`, [`Presentation::text_playlist`](super::Presentation::text_playlist): the HLS playlist of a text.
    Texts(usize),
    /// `s{text}.vtt`: the text itself, as `WebVTT`.
    Text(usize),
}

impl Part {
    /// What HTTP calls its contents.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Master | Self::Playlist(_) | Self::Texts(_) => "application/vnd.apple.mpegurl",
            Self::Manifest => "application/dash+xml",
            Self::Init(_) | Self::Segment(..) => "video/mp4",
            Self::Text(_) => "text/vtt; charset=utf-8",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("master.m3u8"),
            Self::Manifest => f.write_str("manifest.mpd"),
            Self::Playlist(track) => write!(f, "{track}.m3u8"),
            Self::Init(track) => write!(f, "{track}/init.mp4"),
            Self::Segment(track, number) => write!(f, "{track}/{number}.m4s"),
            Self::Texts(text) => write!(f, "s{text}.m3u8"),
            Self::Text(text) => write!(f, "s{text}.vtt"),
        }
    }
}

/// A name that no part of a film has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no part of a film has that name")]
pub struct NoPart;

impl FromStr for Part {
    type Err = NoPart;

    fn from_str(name: &str) -> Result<Self, NoPart> {
        let part = match name {
            "master.m3u8" => Some(Self::Master),
            "manifest.mpd" => Some(Self::Manifest),
            _ => match name.split_once('/') {
                None => match name.strip_prefix('s') {
                    Some(text) => text
                        .strip_suffix(".m3u8")
                        .and_then(number)
                        .map(Self::Texts)
                        .or_else(|| text.strip_suffix(".vtt").and_then(number).map(Self::Text)),
                    None => name.strip_suffix(".m3u8").and_then(number).map(Self::Playlist),
                },
                Some((track, "init.mp4")) => number(track).map(Self::Init),
                Some((track, segment)) => number(track)
                    .zip(segment.strip_suffix(".m4s").and_then(number))
                    .map(|(track, number)| Self::Segment(track, number)),
            },
        };
        part.ok_or(NoPart)
    }
}

/// A number as it is written here: one name for one part, so that caches hold each of them once.
pub(crate) fn number<N: FromStr>(text: &str) -> Option<N> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_by_the_name_it_is_given() {
        let parts = [
            Part::Master,
            Part::Manifest,
            Part::Playlist(0),
            Part::Init(12),
            Part::Segment(3, 0),
            Part::Segment(0, 270),
            Part::Texts(0),
            Part::Text(11),
        ];
        for part in parts {
            assert_eq!(part.to_string().parse(), Ok(part));
        }
    }

    #[test]
    fn no_part_has_a_second_name() {
        for name in [
            "",
            "x",
            "00.m3u8",
            "s00.vtt",
            "s.m3u8",
            "ss1.vtt",
            "+1.m3u8",
            "1/01.m4s",
            "1//2.m4s",
            "1/2/3.m4s",
            "../1.m3u8",
            "-1/init.mp4",
            "1/4294967296.m4s",
        ] {
            assert_eq!(name.parse::<Part>(), Err(NoPart), "{name}");
        }
    }
}
