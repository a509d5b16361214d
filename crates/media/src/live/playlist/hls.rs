//! HLS with low latency: a multivariant playlist, and a media playlist for each track (RFC 8216bis).

use std::fmt::{self, Formatter};
use std::time::Duration;

use super::{Moment, pictures, rates};
use crate::frame::Size;
use crate::live::window::{Held, Window, duration};
use crate::live::{File, Track, Variant};

/// `EXT-X-SKIP` takes version 9.
const VERSION: u32 = 9;
/// A segment is skipped once it is this many target durations from the end: six are the least (section 4.4.3.8).
const SKIP_FROM: u32 = 6;
/// Parts are listed of segments that begin less than so many target durations before the end (section 6.2.2).
const PARTS_FROM: u32 = 3;
/// How many parts players stay behind: three are asked for (section 4.4.3.8), and half a part is for the way.
const HOLD_BACK: f64 = 3.5;

/// The multivariant playlist, with lower qualities of the picture behind the stream's own.
pub(in crate::live) fn master(window: &Window, lower: &[Variant]) -> Option<String> {
    let tracks = &window.era()?.tracks;
    Some(fmt::from_fn(|f| write_master(f, window, tracks, lower)).to_string())
}

fn write_master(f: &mut Formatter<'_>, window: &Window, tracks: &[Track], lower: &[Variant]) -> fmt::Result {
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}")?;
    if window.listed().all(|held| held.lanes.first().is_none_or(|lane| lane.independent)) {
        writeln!(f, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    let sounds = || tracks.iter().enumerate().filter(|(_, track)| track.size().is_none());
    let picture = tracks.first().filter(|track| track.size().is_some());
    let grouped = picture.is_some() || sounds().count() > 1;
    if grouped {
        for (place, (number, track)) in sounds().enumerate() {
            let default = if place == 0 { "YES" } else { "NO" };
            write!(f, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Audio {}\"", place + 1)?;
            write!(f, ",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{}\"", channels(track))?;
            writeln!(f, ",URI=\"{}\"", File::Playlist(number))?;
        }
    }
    let sound = sounds().next();
    let heard = sound.map_or((0, 0), |(number, _)| rates(window, number));
    let group = if grouped && sound.is_some() { ",AUDIO=\"sound\"" } else { "" };
    let mut variant =
        |codec: Option<&str>, own: (u64, u64), size: Option<Size>, rate: Option<f64>, base: &str| {
            let codecs = codec.into_iter().chain(sound.map(|(_, track)| track.codec.as_str()));
            let codecs = codecs.collect::<Vec<_>>().join(",");
            let (peak, average) = (own.0 + heard.0, own.1 + heard.1);
            write!(f, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"")?;
            if let Some(size) = size {
                write!(f, ",RESOLUTION={}x{}", size.width, size.height)?;
            }
            if let Some(rate) = rate {
                write!(f, ",FRAME-RATE={rate:.3}")?;
            }
            writeln!(f, "{group}\n{base}{}", File::Playlist(0))
        };
    let own = picture.map_or((0, 0), |_| rates(window, 0));
    let codec = picture.map(|track| track.codec.as_str());
    variant(codec, own, picture.and_then(Track::size), pictures(window, 0), "")?;
    for lower in lower.iter().filter(|_| picture.is_some()) {
        let rates = (lower.peak, lower.average);
        variant(Some(&lower.codec), rates, Some(lower.size), lower.rate, &lower.base)?;
    }
    Ok(())
}

fn channels(track: &Track) -> u16 {
    match track.format {
        crate::live::Format::Audio { channels, .. } => channels,
        crate::live::Format::Video { .. } => 0,
    }
}

/// The media playlist of a track, of which there are other qualities.
pub(in crate::live) fn media(window: &Window, track: usize, skip: bool, others: &[Variant]) -> String {
    fmt::from_fn(|f| write_media(f, window, track, skip, others)).to_string()
}

/// Seconds to the microsecond.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

fn write_media(
    f: &mut Formatter<'_>,
    window: &Window,
    track: usize,
    skip: bool,
    others: &[Variant],
) -> fmt::Result {
    let ended = window.edge().ended;
    let target = window.target();
    let skip_until = target * SKIP_FROM;
    writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{}", target.as_secs())?;
    if window.whole {
        // It only grows (RFC 8216, section 4.3.3.5), by whole segments.
        writeln!(f, "#EXT-X-PLAYLIST-TYPE:EVENT")?;
        // It is watched from its start, though it is live.
        writeln!(f, "#EXT-X-START:TIME-OFFSET=0")?;
        if !ended {
            writeln!(f, "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={}.0", skip_until.as_secs())?;
        }
    } else if !ended {
        writeln!(
            f,
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={:.3},CAN-SKIP-UNTIL={}.0",
            window.longest_part.as_secs_f64() * HOLD_BACK,
            skip_until.as_secs()
        )?;
        writeln!(f, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(window.longest_part))?;
    }
    let all = || window.listed();
    let first = all().next().or(window.open.as_ref());
    writeln!(f, "#EXT-X-MEDIA-SEQUENCE:{}", first.map_or(0, |held| held.number))?;
    writeln!(f, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", first.map_or(0, |held| held.era))?;
    if all().filter_map(|held| held.lanes.get(track)).all(|lane| lane.independent || lane.is_gap()) {
        writeln!(f, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    let end =
        window.open.as_ref().or(window.segments.back()).map_or(Duration::ZERO, |held| held.at + held.length);
    let old = |held: &&Held| end.saturating_sub(held.at) > skip_until;
    let skipped = if skip && !ended { all().take_while(old).count() } else { 0 };
    if skipped > 0 {
        writeln!(f, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")?;
    }
    let mut before = skipped.checked_sub(1).and_then(|last| all().nth(last)).map(|held| held.era);
    for held in all().skip(skipped) {
        border(f, window, track, held, &mut before)?;
        if !ended && !window.whole && end.saturating_sub(held.at) < target * PARTS_FROM {
            parts(f, window, track, held)?;
        }
        segment(f, window, track, held)?;
    }
    if ended {
        return writeln!(f, "#EXT-X-ENDLIST");
    }
    if window.whole {
        return Ok(());
    }
    if let Some(open) = &window.open {
        border(f, window, track, open, &mut before)?;
        parts(f, window, track, open)?;
    }
    let (current, made) = (window.current(), window.parts_of_current(track));
    let next = File::Part(track, current, u32::try_from(made).unwrap_or(0));
    writeln!(f, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{next}\"")?;
    reports(f, window, track)?;
    for other in others {
        report(f, &format!("{}{}", other.base, File::Playlist(0)), other.newest)?;
    }
    Ok(())
}

/// What stands before a segment: its time of day, and its tracks where they are others than before.
fn border(
    f: &mut Formatter<'_>,
    window: &Window,
    track: usize,
    held: &Held,
    before: &mut Option<u64>,
) -> fmt::Result {
    let Some(era) = window.era_of(held) else { return Ok(()) };
    let known = before.replace(era.number);
    if known != Some(era.number) {
        if known.is_some() {
            writeln!(f, "#EXT-X-DISCONTINUITY")?;
        }
        if era.tracks.len() > track {
            writeln!(f, "#EXT-X-MAP:URI=\"{}\"", File::Init(track, era.first))?;
        }
    }
    match window.wall(held) {
        Some(at) => writeln!(f, "#EXT-X-PROGRAM-DATE-TIME:{}", Moment(at)),
        None => Ok(()),
    }
}

fn parts(f: &mut Formatter<'_>, window: &Window, track: usize, held: &Held) -> fmt::Result {
    let Some(timescale) = timescale(window, track, held) else { return Ok(()) };
    for (index, part) in (0_u32..).zip(&held.lanes[track].parts) {
        write!(f, "#EXT-X-PART:DURATION={}", Seconds(duration(part.ticks, timescale)))?;
        if part.independent {
            write!(f, ",INDEPENDENT=YES")?;
        }
        writeln!(f, ",URI=\"{}\"", File::Part(track, held.number, index))?;
    }
    Ok(())
}

fn segment(f: &mut Formatter<'_>, window: &Window, track: usize, held: &Held) -> fmt::Result {
    // In an era without that track there is nothing of it, for as long as the segment lasts.
    let lane = timescale(window, track, held).zip(held.lanes.get(track));
    if lane.is_none_or(|(_, lane)| lane.is_gap()) {
        writeln!(f, "#EXT-X-GAP")?;
    }
    let length = Seconds(lane.map_or(held.length, |(timescale, lane)| duration(lane.ticks, timescale)));
    writeln!(f, "#EXTINF:{length},\n{}", File::Segment(track, held.number))
}

fn timescale(window: &Window, track: usize, held: &Held) -> Option<u32> {
    window.era_of(held).and_then(|era| era.tracks.get(track)).map(|track| track.timescale)
}

/// How far the other tracks are, for a player that changes to one of them.
fn reports(f: &mut Formatter<'_>, window: &Window, track: usize) -> fmt::Result {
    let tracks = window.era().map_or(0, |era| era.tracks.len());
    for other in (0..tracks).filter(|other| *other != track) {
        report(f, &File::Playlist(other).to_string(), window.newest_part(other))?;
    }
    Ok(())
}

fn report(f: &mut Formatter<'_>, address: &str, newest: Option<(u64, Option<usize>)>) -> fmt::Result {
    let Some((segment, part)) = newest else { return Ok(()) };
    write!(f, "#EXT-X-RENDITION-REPORT:URI=\"{address}\",LAST-MSN={segment}")?;
    if let Some(part) = part {
        write!(f, ",LAST-PART={part}")?;
    }
    writeln!(f)
}
