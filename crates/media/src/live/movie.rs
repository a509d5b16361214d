//! Segments of a live stream as a film: one MP4 that holds the same samples, and a header that says where they lie.

use std::ops::Range;

use super::record::{Lane, Record};
use super::{Placed, Track};
use crate::mp4::atom::{atom, count, full, put16, put32, put32s, put64};
use crate::mp4::headers::{UPRIGHT, data_information, media_header, track_header};

/// Ticks per second of the film as a whole: milliseconds, in which 49 days fit into 32 bits.
const RATE: u32 = 1_000;
/// Tracks of the film begin together where they begin this little apart, in milliseconds.
const TOGETHER: u64 = 5;

/// Why no film can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMovie {
    /// There are no segments.
    #[error("nothing was recorded in that time")]
    Nothing,
    /// The segments do not belong to the same tracks.
    #[error(
        "the publisher changed what it sends in that time; keep what was before that, or what came after"
    )]
    Mixed,
    /// It lasts longer than its tables can say.
    #[error("it is too long for one film; keep less of it")]
    TooLong,
}

/// Bytes that a film takes from a segment's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The segment.
    pub segment: u64,
    /// Where in its file.
    pub range: Range<u64>,
}

/// A film: what stands in front, and the samples that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movie {
    /// `ftyp`, `moov` and the beginning of `mdat`.
    pub header: Vec<u8>,
    /// What follows, in this order.
    pub pieces: Vec<Piece>,
    /// Milliseconds that it plays.
    pub millis: u64,
}

/// A track of the film.
struct Lines<'a> {
    track: &'a Track,
    samples: Vec<Placed>,
    /// How many samples of which segment lie together, each a chunk.
    chunks: Vec<(u64, usize)>,
    /// When it begins to be decoded, in ticks since the recording began.
    start: u64,
}

impl Lines<'_> {
    /// Ticks from the first sample's decoding to when something is shown.
    fn delay(&self) -> u64 {
        self.samples.first().map_or(0, |first| u64::try_from(first.composition).unwrap_or(0))
    }

    /// When something is shown, in milliseconds since the recording began.
    fn shown(&self) -> u64 {
        (self.start + self.delay()) * u64::from(RATE) / u64::from(self.track.timescale)
    }

    fn ticks(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.ticks)).sum()
    }

    fn millis(&self) -> u64 {
        self.ticks() * u64::from(RATE) / u64::from(self.track.timescale)
    }
}

impl Movie {
    /// The film of those segments, which follow each other and have these tracks.
    ///
    /// # Errors
    /// See [`NoMovie`].
    pub fn new(tracks: &[Track], segments: &[Record]) -> Result<Self, NoMovie> {
        if segments.iter().any(|segment| segment.lanes.len() != tracks.len()) {
            return Err(NoMovie::Mixed);
        }
        let lines: Vec<Lines<'_>> =
            (0..).zip(tracks).filter_map(|(at, track)| line(track, segments, at)).collect();
        if lines.is_empty() {
            return Err(NoMovie::Nothing);
        }
        let pieces = pieces(segments, tracks.len());
        let payload: u64 = pieces.iter().map(|piece| piece.range.end - piece.range.start).sum();
        let millis = lines.iter().map(Lines::millis).max().unwrap_or(0);
        if millis > u64::from(u32::MAX / 2) {
            return Err(NoMovie::TooLong);
        }
        // Offsets have the same length whatever they say, so that a first try tells where the samples begin.
        let begin = build(&lines, tracks.len(), 0, payload, millis).len() as u64;
        Ok(Self { header: build(&lines, tracks.len(), begin, payload, millis), pieces, millis })
    }
}

/// The samples of one track.
fn line<'a>(track: &'a Track, segments: &[Record], at: usize) -> Option<Lines<'a>> {
    let lanes = || segments.iter().filter_map(|segment| Some((segment.segment, segment.lanes.get(at)?)));
    let heard = || lanes().filter(|(_, lane)| !lane.samples.is_empty());
    let start = heard().next()?.1.start;
    let mut samples: Vec<Placed> = Vec::new();
    let mut chunks = Vec::new();
    let mut next = start;
    for (segment, lane) in heard() {
        // A hole before a segment is filled by what was there last.
        if let Some(last) = samples.last_mut() {
            last.ticks =
                last.ticks.saturating_add(u32::try_from(lane.start.saturating_sub(next)).unwrap_or(0));
        }
        samples.extend(&lane.samples);
        chunks.push((segment, lane.samples.len()));
        next = lane.start + lane.samples.iter().map(|sample| u64::from(sample.ticks)).sum::<u64>();
    }
    Some(Lines { track, samples, chunks, start })
}

/// The samples alone, without the boxes around them, track after track of each segment.
fn pieces(segments: &[Record], tracks: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for segment in segments {
        for lane in segment.lanes.iter().take(tracks) {
            for range in ranges(lane) {
                match pieces.last_mut() {
                    Some(last) if last.segment == segment.segment && last.range.end == range.start => {
                        last.range.end = range.end;
                    }
                    _ => pieces.push(Piece { segment: segment.segment, range }),
                }
            }
        }
    }
    pieces
}

fn ranges(lane: &Lane) -> impl Iterator<Item = Range<u64>> {
    lane.samples
        .iter()
        .filter(|sample| sample.bytes > 0)
        .map(|sample| sample.at..sample.at + u64::from(sample.bytes))
}

fn build(lines: &[Lines<'_>], tracks: usize, begin: u64, payload: u64, millis: u64) -> Vec<u8> {
    let mut out = Vec::new();
    atom(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"isom");
        put32(out, 512);
        out.extend_from_slice(b"isomiso2mp41");
    });
    let first = lines.iter().map(Lines::shown).min().unwrap_or(0);
    atom(&mut out, *b"moov", |out| {
        full(out, *b"mvhd", 0, 0, |out| {
            put32s(out, &[0, 0, RATE, short(millis), 0x1_0000, 0x0100_0000, 0, 0]);
            put32s(out, &UPRIGHT);
            put32s(out, &[0, 0, 0, 0, 0, 0, count(tracks) + 1]);
        });
        for (number, line) in (1..).zip(lines) {
            let offsets = offsets(lines, number as usize - 1, begin);
            atom(out, *b"trak", |out| track(out, number, line, &offsets, line.shown() - first));
        }
    });
    put32(&mut out, 1);
    out.extend_from_slice(b"mdat");
    put64(&mut out, payload + 16);
    out
}

/// Where each chunk of a track begins: segment after segment, and track after track in each of them.
fn offsets(lines: &[Lines<'_>], wanted: usize, begin: u64) -> Vec<u64> {
    let mut cursors: Vec<(usize, usize)> = vec![(0, 0); lines.len()];
    let mut offsets = Vec::new();
    let mut at = begin;
    loop {
        let next = lines.iter().zip(&cursors).filter_map(|(line, (chunk, _))| line.chunks.get(*chunk));
        let Some(segment) = next.map(|(segment, _)| *segment).min() else { return offsets };
        for (number, (line, (chunk, sample))) in lines.iter().zip(&mut cursors).enumerate() {
            let Some((_, length)) = line.chunks.get(*chunk).filter(|(of, _)| *of == segment) else {
                continue;
            };
            if number == wanted {
                offsets.push(at);
            }
            let samples = &line.samples[*sample..*sample + length];
            at += samples.iter().map(|sample| u64::from(sample.bytes)).sum::<u64>();
            *sample += length;
            *chunk += 1;
        }
    }
}

fn track(out: &mut Vec<u8>, number: u32, line: &Lines<'_>, offsets: &[u64], late: u64) {
    let video = line.track.size().is_some();
    let size = line.track.size().map_or([0, 0], |size| [size.width << 16, size.height << 16]);
    let millis = short(line.millis());
    let late = if late > TOGETHER { short(late) } else { 0 };
    track_header(out, number, millis.saturating_add(late), if video { 0 } else { 0x0100 }, (&UPRIGHT, size));
    atom(out, *b"edts", |out| {
        full(out, *b"elst", 0, 0, |out| {
            put32(out, if late > 0 { 2 } else { 1 });
            if late > 0 {
                put32s(out, &[late, u32::MAX, 0x1_0000]);
            }
            put32s(out, &[millis, short(line.delay()), 0x1_0000]);
        });
    });
    atom(out, *b"mdia", |out| {
        let (kind, name) = if video { (*b"vide", &b"Picture\0"[..]) } else { (*b"soun", &b"Sound\0"[..]) };
        media_header(out, line.track.timescale, short(line.ticks()), kind, name);
        atom(out, *b"minf", |out| {
            if video {
                full(out, *b"vmhd", 0, 1, |out| put32s(out, &[0, 0]));
            } else {
                full(out, *b"smhd", 0, 0, |out| put32(out, 0));
            }
            data_information(out);
            atom(out, *b"stbl", |out| tables(out, line, offsets, video));
        });
    });
}

/// What fits into 32 bits; [`Movie::new`] takes no film that lasts longer.
fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn tables(out: &mut Vec<u8>, line: &Lines<'_>, offsets: &[u64], video: bool) {
    full(out, *b"stsd", 0, 0, |out| {
        put32(out, 1);
        out.extend_from_slice(line.track.entry());
    });
    runs(out, *b"stts", line.samples.iter().map(|sample| sample.ticks));
    if line.samples.iter().any(|sample| sample.composition != 0) {
        runs(out, *b"ctts", line.samples.iter().map(|sample| sample.composition.cast_unsigned()));
    }
    if video {
        let keyframes = || (1_u32..).zip(&line.samples).filter(|(_, sample)| sample.sync);
        full(out, *b"stss", 0, 0, |out| {
            put32(out, count(keyframes().count()));
            for (number, _) in keyframes() {
                put32(out, number);
            }
        });
    } else if line.track.codec == "opus" {
        // 80 ms of Opus are decoded after a jump before it is itself again (RFC 7845, section 4.6).
        full(out, *b"sgpd", 1, 0, |out| {
            out.extend_from_slice(b"roll");
            put32s(out, &[2, 1]);
            put16(out, (-4_i16).cast_unsigned());
        });
        full(out, *b"sbgp", 0, 0, |out| {
            out.extend_from_slice(b"roll");
            put32s(out, &[1, count(line.samples.len()), 1]);
        });
    }
    let mut chunks: Vec<[u32; 3]> = Vec::new();
    for (number, (_, length)) in (1..).zip(&line.chunks) {
        if chunks.last().is_none_or(|run| run[1] != count(*length)) {
            chunks.push([number, count(*length), 1]);
        }
    }
    full(out, *b"stsc", 0, 0, |out| {
        put32(out, count(chunks.len()));
        put32s(out, chunks.as_flattened());
    });
    full(out, *b"stsz", 0, 0, |out| {
        put32s(out, &[0, count(line.samples.len())]);
        for sample in &line.samples {
            put32(out, sample.bytes);
        }
    });
    full(out, *b"co64", 0, 0, |out| {
        put32(out, count(offsets.len()));
        for &offset in offsets {
            put64(out, offset);
        }
    });
}

/// A table of values, equal neighbours together.
fn runs(out: &mut Vec<u8>, name: [u8; 4], values: impl Iterator<Item = u32>) {
    let mut runs: Vec<[u32; 2]> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some([number, same]) if *same == value => *number += 1,
            _ => runs.push([1, value]),
        }
    }
    full(out, name, 0, 0, |out| {
        put32(out, count(runs.len()));
        put32s(out, runs.as_flattened());
    });
}
