//! HLS: a multivariant playlist, and a media playlist for each track (RFC 8216bis).

use std::fmt::{self, Formatter};

use super::micros;
use crate::film::sidecar::Plan;
use crate::film::{Kind, Part, Track};

/// Segments of fragmented MP4 with `EXT-X-MAP` take version 6, and what CMAF adds to it 7.
const VERSION: u32 = 7;

/// Sound in one coding: a player chooses among the tracks of a group, and a group when it chooses a picture.
struct Group<'a> {
    codec: &'a str,
    /// With their numbers.
    tracks: Vec<(usize, &'a Track)>,
}

/// The multivariant playlist.
pub(in crate::film) fn master(tracks: &[Track]) -> String {
    fmt::from_fn(|f| write_master(f, tracks)).to_string()
}

/// The media playlist of a track.
pub(in crate::film) fn media(track: usize, plan: &Plan) -> String {
    fmt::from_fn(|f| write_media(f, track, plan)).to_string()
}

fn write_master(f: &mut Formatter<'_>, tracks: &[Track]) -> fmt::Result {
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS")?;
    let numbered = || tracks.iter().enumerate();
    let picture = numbered().find(|(_, track)| matches!(track.kind, Kind::Video { .. }));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (number, track) in numbered().filter(|(_, track)| matches!(track.kind, Kind::Audio { .. })) {
        match groups.iter_mut().find(|group| group.codec == track.codec) {
            Some(group) => group.tracks.push((number, track)),
            None => groups.push(Group { codec: &track.codec, tracks: vec![(number, track)] }),
        }
    }
    // A single sound without a picture is the variant itself.
    if picture.is_some() || tracks.len() > 1 {
        for group in &groups {
            media_group(f, group)?;
        }
        for group in &groups {
            variant(f, picture, Some(group), true)?;
        }
        if groups.is_empty() {
            variant(f, picture, None, false)?;
        }
        return Ok(());
    }
    variant(f, None, groups.first(), false)
}

fn media_group(f: &mut Formatter<'_>, group: &Group<'_>) -> fmt::Result {
    let mut names: Vec<String> = Vec::new();
    for (place, &(number, track)) in group.tracks.iter().enumerate() {
        let named = track.name.clone().or_else(|| track.language.clone());
        let mut name = quoted(&named.unwrap_or_else(|| format!("Audio {}", place + 1)));
        if names.contains(&name) {
            name = format!("{name} ({})", place + 1);
        }
        let default = if place == 0 { "YES" } else { "NO" };
        write!(f, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{name}\"", group.codec)?;
        if let Some(language) = &track.language {
            write!(f, ",LANGUAGE=\"{language}\"")?;
        }
        write!(f, ",DEFAULT={default},AUTOSELECT=YES")?;
        if let Kind::Audio { channels, .. } = track.kind {
            write!(f, ",CHANNELS=\"{channels}\"")?;
        }
        writeln!(f, ",URI=\"{}\"", Part::Playlist(number))?;
        names.push(name);
    }
    Ok(())
}

/// A picture with the sound of a group, or one of both.
fn variant(
    f: &mut Formatter<'_>,
    picture: Option<(usize, &Track)>,
    group: Option<&Group<'_>>,
    named: bool,
) -> fmt::Result {
    let sound = group.map(|group| group.tracks.as_slice()).unwrap_or_default();
    let pictures = picture.map(|(_, track)| track);
    // The most that may be played at once: the picture, and one of the tracks of sound.
    let most = |rate: fn(&Track) -> u64| {
        let sound = sound.iter().map(|(_, track)| rate(track)).max().unwrap_or(0);
        pictures.map_or(0, rate).saturating_add(sound)
    };
    let (peak, average) = (most(|track| track.peak), most(|track| track.average));
    let codecs = [pictures.map(|track| track.codec.as_str()), group.map(|group| group.codec)];
    let codecs = codecs.into_iter().flatten().collect::<Vec<_>>().join(",");
    write!(f, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"")?;
    if let Some(Kind::Video { size, rate }) = pictures.map(|track| track.kind) {
        write!(f, ",RESOLUTION={}x{},FRAME-RATE={rate:.3}", size.width, size.height)?;
    }
    if let Some(group) = group.filter(|_| named) {
        write!(f, ",AUDIO=\"{}\"", group.codec)?;
    }
    let first = picture.or_else(|| sound.first().copied()).map_or(0, |(number, _)| number);
    writeln!(f, "\n{}", Part::Playlist(first))
}

fn write_media(f: &mut Formatter<'_>, track: usize, plan: &Plan) -> fmt::Result {
    // A track that begins late does so within its first segment: players add durations up.
    let mut before = 0;
    let since = |end: u64| end.saturating_sub(std::mem::replace(&mut before, end));
    let durations: Vec<u64> = micros(plan).into_iter().skip(1).map(since).collect();
    let longest = durations.iter().max().map_or(0, |&longest| (longest + 500_000) / 1_000_000).max(1);
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{longest}")?;
    writeln!(f, "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:0")?;
    writeln!(f, "#EXT-X-MAP:URI=\"{}\"", Part::Init(track))?;
    for (number, duration) in (0..).zip(durations) {
        let (seconds, micros) = (duration / 1_000_000, duration % 1_000_000);
        writeln!(f, "#EXTINF:{seconds}.{micros:06},\n{}", Part::Segment(track, number))?;
    }
    f.write_str("#EXT-X-ENDLIST\n")
}

/// Text within quotes, which cannot hold any (section 4.2).
fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect()
}
