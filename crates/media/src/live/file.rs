//! The files that a live stream is served as, and their names, relative to one folder.

use std::fmt;
use std::str::FromStr;

use crate::film::part::number;

/// One of the files that a live stream is served as.
///
/// Its [`Display`](fmt::Display) is the name that the playlists use, and [`FromStr`] reads it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// `master.m3u8`: an HLS multivariant playlist.
    Master,
    /// `manifest.mpd`: the same for DASH.
    Manifest,
    /// `{track}.m3u8`: an HLS media playlist.
    Playlist(usize),
    /// `{track}/init-{era}.mp4`: the beginning of the track from that segment on.
    Init(usize, u64),
    /// `{track}/{segment}.m4s`: a segment by its media sequence number.
    Segment(usize, u64),
    /// `{track}/{segment}.{part}.m4s`: a part of a segment.
    Part(usize, u64, u32),
}

impl File {
    /// What HTTP calls its contents.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Master | Self::Playlist(_) => "application/vnd.apple.mpegurl",
            Self::Manifest => "application/dash+xml",
            Self::Init(..) | Self::Segment(..) | Self::Part(..) => "video/mp4",
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("master.m3u8"),
            Self::Manifest => f.write_str("manifest.mpd"),
            Self::Playlist(track) => write!(f, "{track}.m3u8"),
            Self::Init(track, era) => write!(f, "{track}/init-{era}.mp4"),
            Self::Segment(track, segment) => write!(f, "{track}/{segment}.m4s"),
            Self::Part(track, segment, part) => write!(f, "{track}/{segment}.{part}.m4s"),
        }
    }
}

/// A name that no file of a live stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no file of a live stream has that name")]
pub struct NoFile;

impl FromStr for File {
    type Err = NoFile;

    fn from_str(name: &str) -> Result<Self, NoFile> {
        let file = match name {
            "master.m3u8" => Some(Self::Master),
            "manifest.mpd" => Some(Self::Manifest),
            _ => match name.split_once('/') {
                None => name.strip_suffix(".m3u8").and_then(number).map(Self::Playlist),
                Some((track, file)) => number(track).and_then(|track| of_track(track, file)),
            },
        };
        file.ok_or(NoFile)
    }
}

fn of_track(track: usize, name: &str) -> Option<File> {
    if let Some(era) = name.strip_prefix("init-") {
        return era.strip_suffix(".mp4").and_then(number).map(|era| File::Init(track, era));
    }
    let name = name.strip_suffix(".m4s")?;
    match name.split_once('.') {
        None => number(name).map(|segment| File::Segment(track, segment)),
        Some((segment, part)) => {
            number(segment).zip(number(part)).map(|(segment, part)| File::Part(track, segment, part))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rubbish_is_survived_and_no_file_has_two_names(name in "(master|[0-9]{1,21}|init-|[./m3u84sp-]){0,5}") {
            if let Ok(file) = name.parse::<File>() {
                prop_assert_eq!(file.to_string(), name);
            }
        }
    }

    #[test]
    fn every_file_is_found_by_the_name_it_is_given() {
        let files = [
            File::Master,
            File::Manifest,
            File::Playlist(1),
            File::Init(0, 1_700_000_000),
            File::Segment(1, 0),
            File::Part(0, 1_700_000_001, 9),
        ];
        for file in files {
            assert_eq!(file.to_string().parse(), Ok(file));
        }
        for name in
            ["", "00.m3u8", "0/init-.mp4", "0/1.m3u8", "0/1.2.3.m4s", "0/01.m4s", "../0.m3u8", "0/-1.m4s"]
        {
            assert_eq!(name.parse::<File>(), Err(NoFile), "{name}");
        }
    }
}
