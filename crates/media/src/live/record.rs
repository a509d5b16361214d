//! A segment as it lies on a disk: a header with all its samples, and behind it the parts of each track.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 + 4 | `PLAYLIVE`, version |
//! | 4 | bytes of the header |
//! | 8 + 8 | media sequence number, and that of the first segment of its era |
//! | 4 | tracks |
//! | 8 + 8 + 8 + 4 | of each track: start and length in ticks, bytes, samples |
//! | 16 each | samples: place among the track's bytes, length with the highest bit set where decoding can begin, ticks, composition |
//!
//! An era lies in a file of its own, beside its segments. All numbers are big-endian.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::window::micros;
use super::{AudioCodec, Era, Format, Placed, Track, VideoCodec, Window};
use crate::film::fields::Fields;
use crate::frame::Size;
use crate::mp4::atom::{count, put16, put32, put64};

const MAGIC: [u8; 8] = *b"PLAYLIVE";
const ERA: [u8; 8] = *b"PLAYERA1";
const VERSION: u32 = 1;
/// Set in the length of a sample with which decoding can begin.
const SYNC: u32 = 1 << 31;
/// Tracks, and samples of each, that a segment can have: pictures and four sounds; a thousand pictures a second.
const MOST_TRACKS: u32 = 8;
const MOST_SAMPLES: u32 = 1 << 14;
/// Bytes of a header at most, as follows from that.
pub const MOST_HEADER: usize = 3 << 20;
/// Bytes in front of the header's length.
pub const PREFIX: usize = 16;
/// Bytes of a decoder's configuration at most.
const MOST_CONFIG: u32 = 1 << 16;
/// Most ticks and microseconds that a time has, so that sums of them stay within 64 bits.
const MOST_TIME: u64 = 1 << 52;

/// One track of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// When it is decoded, in ticks since the recording began.
    pub start: u64,
    /// How long it lasts.
    pub ticks: u64,
    /// Where it is in the file.
    pub place: Range<u64>,
    /// Its samples; their places are in bytes of the file.
    pub samples: Vec<Placed>,
}

/// What a segment's file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The media sequence number.
    pub segment: u64,
    /// That of the first segment of its era.
    pub era: u64,
    /// Its tracks.
    pub lanes: Vec<Lane>,
}

/// A segment's file: what stands in front, the parts, and where each track will be.
#[derive(Clone, Debug)]
pub struct Packed {
    /// What stands in front.
    pub header: Vec<u8>,
    /// What follows.
    pub parts: Vec<Arc<[u8]>>,
    /// Where each track is in the file.
    pub places: Vec<Range<u64>>,
}

/// Packs a segment of a window that is over. None where its parts are not in memory any more.
pub fn pack(window: &Window, segment: u64) -> Option<Packed> {
    let (held, era) = window.pieces(segment)?;
    let mut header = Vec::new();
    header.extend_from_slice(&MAGIC);
    put32(&mut header, VERSION);
    put32(&mut header, 0);
    put64(&mut header, held.number);
    put64(&mut header, era.first);
    put32(&mut header, count(held.lanes.len()));
    let mut parts = Vec::new();
    let mut lengths = Vec::new();
    for lane in &held.lanes {
        let samples: usize = lane.parts.iter().map(|part| part.samples().len()).sum();
        if lane.bytes > 0 && samples == 0 {
            return None;
        }
        put64(&mut header, lane.start);
        put64(&mut header, lane.ticks);
        put64(&mut header, lane.bytes);
        put32(&mut header, count(samples));
        let mut before = 0;
        for part in &lane.parts {
            for sample in part.samples() {
                put32(&mut header, u32::try_from(before + sample.at).ok()?);
                put32(&mut header, sample.bytes & !SYNC | if sample.sync { SYNC } else { 0 });
                put32(&mut header, sample.ticks);
                put32(&mut header, sample.composition.cast_unsigned());
            }
            before += part.bytes().len() as u64;
            parts.push(Arc::clone(part.bytes()));
        }
        lengths.push(before);
    }
    let length = count(header.len());
    header[12..16].copy_from_slice(&length.to_be_bytes());
    let mut at = header.len() as u64;
    let places = lengths.into_iter().map(|length| {
        at += length;
        at - length..at
    });
    Some(Packed { places: places.collect(), header, parts })
}

/// How long the header of a file is that begins so; none where it is no segment's.
pub fn header_len(prefix: &[u8; PREFIX]) -> Option<usize> {
    let mut fields = Fields(prefix);
    let known = fields.array()? == MAGIC && fields.u32()? == VERSION;
    let length = usize::try_from(fields.u32()?).ok()?;
    (known && (PREFIX..=MOST_HEADER).contains(&length)).then_some(length)
}

/// Reads the header of a file of `len` bytes. None where it is no whole segment.
pub fn parse(header: &[u8], len: u64) -> Option<Record> {
    let mut fields = Fields(header);
    if fields.array()? != MAGIC || fields.u32()? != VERSION || fields.u32()? as usize != header.len() {
        return None;
    }
    let (segment, era, tracks) = (fields.u64()?, fields.u64()?, fields.u32()?);
    if tracks > MOST_TRACKS || era > segment || segment > MOST_TIME {
        return None;
    }
    let mut lanes = Vec::new();
    let mut at = header.len() as u64;
    for _ in 0..tracks {
        let (start, ticks, bytes, number) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u32()?);
        if number > MOST_SAMPLES || start > MOST_TIME || ticks > MOST_TIME || bytes > len {
            return None;
        }
        let mut samples = Vec::new();
        for _ in 0..number {
            let [place, bytes_and_sync, ticks, composition] =
                [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
            let length = bytes_and_sync & !SYNC;
            if u64::from(place) + u64::from(length) > bytes {
                return None;
            }
            samples.push(Placed {
                at: at + u64::from(place),
                bytes: length,
                ticks,
                composition: composition.cast_signed(),
                sync: bytes_and_sync & SYNC != 0,
            });
        }
        lanes.push(Lane { start, ticks, place: at..at + bytes, samples });
        at += bytes;
    }
    (fields.0.is_empty() && at == len).then_some(Record { segment, era, lanes })
}

/// An era's file.
pub fn pack_era(era: &Era) -> Vec<u8> {
    let mut out = ERA.to_vec();
    put64(&mut out, era.number);
    put64(&mut out, era.first);
    put64(&mut out, era.wall);
    put64(&mut out, micros(era.at));
    put32(&mut out, count(era.tracks.len()));
    for track in &era.tracks {
        let (codec, a, b, config) = match &track.format {
            Format::Video { codec, size, config } => {
                let codec = match codec {
                    VideoCodec::H264 => 0,
                    VideoCodec::Hevc => 1,
                    VideoCodec::Av1 => 2,
                };
                (codec, size.width, size.height, config)
            }
            Format::Audio { codec, channels, sample_rate, config } => {
                let codec = match codec {
                    AudioCodec::Aac => 16,
                    AudioCodec::Opus => 17,
                };
                (codec, u32::from(*channels), *sample_rate, config)
            }
        };
        put16(&mut out, codec);
        put32(&mut out, a);
        put32(&mut out, b);
        put32(&mut out, count(config.len()));
        out.extend_from_slice(config);
    }
    out
}

/// Reads an era's file.
pub fn parse_era(file: &[u8]) -> Option<Era> {
    let mut fields = Fields(file);
    if fields.array()? != ERA {
        return None;
    }
    let [number, first, wall, at] = [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
    let tracks = fields.u32()?;
    if tracks > MOST_TRACKS || [number, first, wall, at].iter().any(|&value| value > MOST_TIME) {
        return None;
    }
    let mut known = Vec::new();
    for _ in 0..tracks {
        let (codec, a, b, length) = (fields.u16()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let config: Arc<[u8]> = fields.take(usize::try_from(length.min(MOST_CONFIG)).ok()?)?.into();
        let format = match codec {
            0..=2 => Format::Video {
                codec: [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1][usize::from(codec)],
                size: Size::new(a, b),
                config,
            },
            16 | 17 => Format::Audio {
                codec: [AudioCodec::Aac, AudioCodec::Opus][usize::from(codec - 16)],
                channels: u16::try_from(a).ok()?,
                sample_rate: b,
                config,
            },
            _ => return None,
        };
        known.push(Track::new(&format)?);
    }
    let whole = fields.0.is_empty() && !known.is_empty();
    whole.then(|| Era { number, first, wall, at: Duration::from_micros(at), tracks: known })
}
