//! DASH: a manifest of the whole film (ISO/IEC 23009-1).

use std::fmt::{self, Write};
use std::time::Duration;

use super::times;
use crate::film::sidecar::{Contents, Plan};
use crate::film::{Kind, Part, Track};

/// The manifest.
pub(in crate::film) fn manifest(contents: &Contents) -> String {
    fmt::from_fn(|f| write_manifest(f, contents)).to_string()
}

fn write_manifest(f: &mut fmt::Formatter<'_>, contents: &Contents) -> fmt::Result {
    let duration = Seconds(contents.duration);
    writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        f,
        r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT4S" mediaPresentationDuration="{duration}">"#
    )?;
    writeln!(f, r#"<Period id="0" start="PT0S" duration="{duration}">"#)?;
    for (number, (track, plan)) in contents.tracks.iter().zip(&contents.plans).enumerate() {
        adaptation_set(f, number, track, plan)?;
    }
    f.write_str("</Period>\n</MPD>\n")
}

/// A track: what a person chooses, with one quality of it.
fn adaptation_set(f: &mut fmt::Formatter<'_>, number: usize, track: &Track, plan: &Plan) -> fmt::Result {
    let (kind, codec) =
        (if let Kind::Video { .. } = track.kind { "video" } else { "audio" }, Text(&track.codec));
    write!(f, r#"<AdaptationSet id="{number}" contentType="{kind}" mimeType="{kind}/mp4""#)?;
    write!(f, r#" segmentAlignment="true" startWithSAP="1""#)?;
    if let Some(language) = &track.language {
        write!(f, r#" lang="{}""#, Text(language))?;
    }
    writeln!(f, ">")?;
    if let Some(name) = &track.name {
        writeln!(f, "<Label>{}</Label>", Text(name))?;
    }
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
    f.write_str("</SegmentTemplate>\n</Representation>\n</AdaptationSet>\n")
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
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
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
