//! DASH: a manifest of the window's segments, a period for each run of equal tracks (ISO/IEC 23009-1).

use std::fmt::{self, Formatter};
use std::time::Duration;

use super::{Moment, pictures, rates};
use crate::live::window::{Era, Held, Window, micros};
use crate::live::{Format, Track};

/// How many target durations players stay behind: a segment is listed when it is over, and one more is for the way.
const DELAY: u32 = 3;

/// The manifest at `now`, in microseconds since 1970, with lower qualities of the picture and where their files are.
pub(in crate::live) fn manifest(window: &Window, now: u64, lower: &[(String, &Window)]) -> String {
    fmt::from_fn(|f| write_manifest(f, window, now, lower)).to_string()
}

/// A length as XML has it.
struct Length(Duration);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "PT{}.{:03}S", self.0.as_secs(), self.0.subsec_millis())
    }
}

fn write_manifest(
    f: &mut Formatter<'_>,
    window: &Window,
    now: u64,
    lower: &[(String, &Window)],
) -> fmt::Result {
    let ended = window.edge().ended;
    let target = window.target();
    let begin = window.eras.front().map_or(0, |era| era.wall);
    writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    write!(
        f,
        r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="{}""#,
        Length(target)
    )?;
    let all: Duration = window.listed().map(|held| held.length).sum();
    if ended {
        writeln!(f, r#" type="static" mediaPresentationDuration="{}">"#, Length(all))?;
    } else {
        write!(
            f,
            r#" type="dynamic" availabilityStartTime="{}" publishTime="{}""#,
            Moment(begin),
            Moment(now)
        )?;
        write!(f, r#" minimumUpdatePeriod="{}" timeShiftBufferDepth="{}""#, Length(target), Length(all))?;
        writeln!(f, r#" suggestedPresentationDelay="{}">"#, Length(target * DELAY))?;
    }
    let mut passed = Duration::ZERO;
    for era in &window.eras {
        let held = || window.listed().filter(|held| held.era == era.number);
        let Some(first) = held().next() else { continue };
        // What is over plays from its first segment on, without the pauses between eras.
        let (start, origin) = if ended {
            (passed, first.at)
        } else {
            (Duration::from_micros(era.wall.saturating_sub(begin)), era.at)
        };
        passed += held().map(|held| held.length).sum::<Duration>();
        writeln!(f, r#"<Period id="{}" start="{}">"#, era.first, Length(start))?;
        for (number, track) in era.tracks.iter().enumerate() {
            if held().all(|held| held.lanes[number].is_gap()) {
                continue;
            }
            let kind = if track.size().is_some() { "video" } else { "audio" };
            write!(f, r#"<AdaptationSet id="{number}" contentType="{kind}" mimeType="{kind}/mp4""#)?;
            writeln!(f, r#" segmentAlignment="true" startWithSAP="1">"#)?;
            let own = Place { id: number.to_string(), base: "", track: number };
            representation(f, window, era, track, &own, origin, held())?;
            for (base, lower) in lower.iter().filter(|_| number == 0 && kind == "video") {
                let Some(era) = lower.eras.iter().find(|other| other.number == era.number) else { continue };
                let held = || lower.listed().filter(|held| held.era == era.number);
                let Some(track) = era.tracks.first().filter(|_| held().next().is_some()) else { continue };
                let id = base.trim_end_matches('/').replace('/', "-");
                representation(f, lower, era, track, &Place { id, base, track: 0 }, origin, held())?;
            }
            writeln!(f, "</AdaptationSet>")?;
        }
        writeln!(f, "</Period>")?;
    }
    if !ended {
        writeln!(f, r#"<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="{}"/>"#, Moment(now))?;
    }
    f.write_str("</MPD>\n")
}

/// Where the files of a quality are, and what it is called.
struct Place<'a> {
    id: String,
    base: &'a str,
    track: usize,
}

fn representation<'a>(
    f: &mut Formatter<'_>,
    window: &Window,
    era: &Era,
    track: &Track,
    place: &Place<'_>,
    origin: Duration,
    held: impl Iterator<Item = &'a Held>,
) -> fmt::Result {
    let number = place.track;
    write!(
        f,
        r#"<Representation id="{}" codecs="{}" bandwidth="{}""#,
        place.id,
        track.codec,
        rates(window, number).0
    )?;
    match &track.format {
        Format::Video { size, .. } => {
            write!(f, r#" width="{}" height="{}""#, size.width, size.height)?;
            if let Some(rate) = pictures(window, number) {
                write!(f, r#" frameRate="{:.0}/1000""#, rate * 1000.0)?;
            }
            writeln!(f, ">")?;
        }
        Format::Audio { channels, sample_rate, .. } => {
            writeln!(f, r#" audioSamplingRate="{sample_rate}">"#)?;
            let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
            writeln!(f, r#"<AudioChannelConfiguration schemeIdUri="{scheme}" value="{channels}"/>"#)?;
        }
    }
    let offset = u128::from(micros(origin)) * u128::from(track.timescale) / 1_000_000;
    let mut runs: Vec<(u64, u64, u32)> = Vec::new();
    let mut start_number = None;
    for (lane, segment) in held.map(|held| (&held.lanes[number], held.number)) {
        // A time line with a hole numbers on; players ask for the hole in vain, and go on behind it.
        start_number.get_or_insert(segment);
        match runs.last_mut() {
            Some((start, ticks, more))
                if *ticks == lane.ticks && *start + *ticks * (u64::from(*more) + 1) == lane.start =>
            {
                *more += 1;
            }
            _ => runs.push((lane.start, lane.ticks, 0)),
        }
    }
    write!(
        f,
        r#"<SegmentTemplate timescale="{}" presentationTimeOffset="{offset}" startNumber="{}""#,
        track.timescale,
        start_number.unwrap_or(0)
    )?;
    let folder = format!("{}{number}", place.base);
    writeln!(f, r#" initialization="{folder}/init-{}.mp4" media="{folder}/$Number$.m4s">"#, era.first)?;
    writeln!(f, "<SegmentTimeline>")?;
    for (start, ticks, more) in runs {
        write!(f, r#"<S t="{start}" d="{ticks}""#)?;
        if more > 0 {
            write!(f, r#" r="{more}""#)?;
        }
        writeln!(f, "/>")?;
    }
    f.write_str("</SegmentTimeline>\n</SegmentTemplate>\n</Representation>\n")
}
