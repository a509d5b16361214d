//! DASH: a manifest of the whole film (ISO/IEC 23009-1).

use std::fmt::{self, Write};
use std::time::Duration;

use super::times;
use crate::film::sidecar::Plan;
use crate::film::{Kind, Part, Text, Track};

/// The manifest. Pictures of one coding whose segments begin at the same times are qualities of one thing.
pub(in crate::film) fn manifest(duration: Duration, tracks: &[(&Track, &Plan)], texts: &[Text]) -> String {
    fmt::from_fn(|f| write_manifest(f, duration, tracks, texts)).to_string()
}

/// Tracks among which a player may change at any segment, with their numbers.
type Set<'a> = Vec<(usize, &'a Track, &'a Plan)>;

fn sets<'a>(tracks: &[(&'a Track, &'a Plan)]) -> Vec<Set<'a>> {
    let mut sets: Vec<Set<'a>> = Vec::new();
    for (number, &(track, plan)) in tracks.iter().enumerate() {
        let alike = |set: &&mut Set<'a>| {
            set.first().is_some_and(|(_, other, others)| {
                matches!((track.kind, other.kind), (Kind::Video { .. }, Kind::Video { .. }))
                    && track.codec.split('.').next() == other.codec.split('.').next()
                    && plan.timescale == others.timescale
                    && times(plan).eq(times(others))
            })
        };
        match sets.iter_mut().find(alike) {
            Some(set) => set.push((number, track, plan)),
            None => sets.push(vec![(number, track, plan)]),
        }
    }
    sets
}

fn write_manifest(
    f: &mut fmt::Formatter<'_>,
    duration: Duration,
    tracks: &[(&Track, &Plan)],
    texts: &[Text],
) -> fmt::Result {
    let duration = Seconds(duration);
    writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        f,
        r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT4S" mediaPresentationDuration="{duration}">"#
    )?;
    writeln!(f, r#"<Period id="0" start="PT0S" duration="{duration}">"#)?;
    for set in sets(tracks) {
        adaptation_set(f, &set)?;
    }
    for (number, text) in texts.iter().enumerate() {
        text_set(f, tracks.len() + number, number, text)?;
    }
    f.write_str("</Period>\n</MPD>\n")
}

/// A text: one file, as long as the film.
fn text_set(f: &mut fmt::Formatter<'_>, id: usize, number: usize, text: &Text) -> fmt::Result {
    write!(f, r#"<AdaptationSet id="{id}" contentType="text" mimeType="text/vtt""#)?;
    if let Some(language) = &text.language {
        write!(f, r#" lang="{}""#, Xml(language))?;
    }
    writeln!(f, ">")?;
    if let Some(name) = &text.name {
        writeln!(f, "<Label>{}</Label>", Xml(name))?;
    }
    let role = if text.forced { "forced-subtitle" } else { "subtitle" };
    writeln!(f, r#"<Role schemeIdUri="urn:mpeg:dash:role:2011" value="{role}"/>"#)?;
    writeln!(f, r#"<Representation id="s{number}" bandwidth="1000">"#)?;
    writeln!(f, "<BaseURL>{}</BaseURL>", Part::Text(number))?;
    f.write_str("</Representation>\n</AdaptationSet>\n")
}

/// What a person chooses, with its qualities.
fn adaptation_set(f: &mut fmt::Formatter<'_>, set: &Set<'_>) -> fmt::Result {
    let Some(&(number, track, _)) = set.first() else { return Ok(()) };
    let kind = if let Kind::Video { .. } = track.kind { "video" } else { "audio" };
    write!(f, r#"<AdaptationSet id="{number}" contentType="{kind}" mimeType="{kind}/mp4""#)?;
    write!(f, r#" segmentAlignment="true" startWithSAP="1""#)?;
    if let Some(language) = &track.language {
        write!(f, r#" lang="{}""#, Xml(language))?;
    }
    writeln!(f, ">")?;
    if let Some(name) = &track.name {
        writeln!(f, "<Label>{}</Label>", Xml(name))?;
    }
    for (number, track, plan) in set {
        representation(f, *number, track, plan)?;
    }
    f.write_str("</AdaptationSet>\n")
}

fn representation(f: &mut fmt::Formatter<'_>, number: usize, track: &Track, plan: &Plan) -> fmt::Result {
    let codec = Xml(&track.codec);
    write!(f, r#"<Representation id="{number}" codecs="{codec}" bandwidth="{}""#, track.peak)?;
    match track.kind {
        Kind::Video { size, rate } => {
            let rate = fraction(rate);
            write!(f, r#" width="{}" height="{}" frameRate="{rate}">"#, size.width, size.height)?;
        }
        Kind::Audio { channels, sample_rate } => {
            writeln!(f, r#" audioSamplingRate="{sample_rate}">"#)?;
            let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
            write!(f, r#"<AudioChannelConfiguration schemeIdUri="{scheme}" value="{channels}"/>"#)?;
        }
    }
    let (init, segments) = (Part::Init(number), format!("{number}/$Number$.m4s"));
    writeln!(f)?;
    writeln!(
        f,
        r#"<SegmentTemplate timescale="{}" startNumber="0" initialization="{init}" media="{segments}">"#,
        plan.timescale
    )?;
    timeline(f, plan)?;
    f.write_str("</SegmentTemplate>\n</Representation>\n")
}

/// How long each segment lasts, equal neighbours together.
fn timeline(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let times: Vec<u64> = times(plan).collect();
    let mut runs: Vec<(u64, u32)> = Vec::new();
    for pair in times.windows(2) {
        let duration = pair[1].saturating_sub(pair[0]);
        match runs.last_mut() {
            Some((same, repeats)) if *same == duration => *repeats += 1,
            _ => runs.push((duration, 0)),
        }
    }
    f.write_str("<SegmentTimeline>\n")?;
    let mut start = times.first().copied();
    for (duration, repeats) in runs {
        f.write_str("<S")?;
        if let Some(start) = start.take() {
            write!(f, r#" t="{start}""#)?;
        }
        write!(f, r#" d="{duration}""#)?;
        if repeats > 0 {
            write!(f, r#" r="{repeats}""#)?;
        }
        f.write_str("/>\n")?;
    }
    f.write_str("</SegmentTimeline>\n")
}

/// Pictures per second as a fraction: of 1001 where it is one of television's.
fn fraction(rate: f64) -> String {
    let near = |other: f64| (rate - other).abs() < 0.002;
    let television = (rate * 1.001).round();
    if near(rate.round()) {
        format!("{rate:.0}")
    } else if near(television / 1.001) {
        format!("{television:.0}000/1001")
    } else {
        format!("{:.0}/1000", rate * 1000.0)
    }
}

/// A duration of ISO 8601.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PT{}.{:06}S", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// Text of XML, in and outside of attributes.
struct Xml<'a>(&'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c if c.is_control() => {}
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
