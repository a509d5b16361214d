//! HLS: a multivariant playlist, and a media playlist for each track (RFC 8216bis).

use std::fmt::{self, Formatter};
use std::time::Duration;

use super::micros;
use crate::film::sidecar::Plan;
use crate::film::{Kind, Part, Text, Track};

/// Segments of fragmented MP4 with `EXT-X-MAP` take version 6, and what CMAF adds to it 7.
const VERSION: u32 = 7;
/// The name of the group of texts.
const TEXTS: &str = "texts";

/// Sound in one coding: a player chooses among the tracks of a group, and a group when it chooses a picture.
struct Group<'a> {
    codec: &'a str,
    /// With their numbers.
    tracks: Vec<(usize, &'a Track)>,
}

/// The multivariant playlist. Each picture is a variant, with each coding of sound.
pub(in crate::film) fn master(tracks: &[&Track], texts: &[Text]) -> String {
    fmt::from_fn(|f| write_master(f, tracks, texts)).to_string()
}

/// The media playlist of a track.
pub(in crate::film) fn media(track: usize, plan: &Plan) -> String {
    fmt::from_fn(|f| write_media(f, track, plan)).to_string()
}

/// The media playlist of a text: all of it is one segment, as long as the film.
pub(in crate::film) fn text(text: usize, duration: Duration) -> String {
    let longest = duration.as_secs() + 1;
    let (seconds, micros) = (duration.as_secs(), duration.subsec_micros());
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:{seconds}.{micros:06},\n{}\n#EXT-X-ENDLIST\n",
        Part::Text(text)
    )
}

fn write_master(f: &mut Formatter<'_>, tracks: &[&Track], texts: &[Text]) -> fmt::Result {
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS")?;
    let numbered = || tracks.iter().copied().enumerate();
    let pictures: Vec<_> = numbered().filter(|(_, track)| matches!(track.kind, Kind::Video { .. })).collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (number, track) in numbered().filter(|(_, track)| matches!(track.kind, Kind::Audio { .. })) {
        match groups.iter_mut().find(|group| group.codec == track.codec) {
            Some(group) => group.tracks.push((number, track)),
            None => groups.push(Group { codec: &track.codec, tracks: vec![(number, track)] }),
        }
    }
    // A single sound without a picture is the variant itself.
    if pictures.is_empty() && tracks.len() <= 1 {
        return variant(f, None, groups.first(), false, false);
    }
    for group in &groups {
        media_group(f, group)?;
    }
    text_group(f, texts)?;
    let texts = !texts.is_empty();
    for group in &groups {
        if pictures.is_empty() {
            variant(f, None, Some(group), true, texts)?;
        }
        for picture in &pictures {
            variant(f, Some(*picture), Some(group), true, texts)?;
        }
    }
    if groups.is_empty() {
        for picture in &pictures {
            variant(f, Some(*picture), None, false, texts)?;
        }
    }
    Ok(())
}

/// The group of texts (section 4.4.6.1). Nothing is shown unless it is asked for, but for what is forced.
fn text_group(f: &mut Formatter<'_>, texts: &[Text]) -> fmt::Result {
    let mut names: Vec<String> = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let named = text.name.clone().or_else(|| text.language.clone());
        let mut name = quoted(&named.unwrap_or_else(|| format!("Subtitles {}", number + 1)));
        if names.contains(&name) {
            name = format!("{name} ({})", number + 1);
        }
        write!(f, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"{TEXTS}\",NAME=\"{name}\"")?;
        if let Some(language) = &text.language {
            write!(f, ",LANGUAGE=\"{}\"", quoted(language))?;
        }
        let forced = if text.forced { "YES" } else { "NO" };
        writeln!(f, ",DEFAULT=NO,AUTOSELECT=YES,FORCED={forced},URI=\"{}\"", Part::Texts(number))?;
        names.push(name);
    }
    Ok(())
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
    texts: bool,
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
    if texts {
        write!(f, ",SUBTITLES=\"{TEXTS}\"")?;
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
