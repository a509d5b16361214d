//! CMAF: the beginning of a track, and the heads of its segments (ISO/IEC 23000-19; 14496-12, section 8.8).

use std::ops::Range;

use super::cut::Cut;
use super::sidecar::Plan;
use super::source::Sample;
use super::{Kind, Segment, Track};
use crate::mp4::atom::{atom, count, full, put32, put32s, put64};
use crate::mp4::headers::{UPRIGHT, data_information, media_header, track_header};

/// The number of the only track in each file.
const TRACK: u32 = 1;
/// Flags of a sample at which decoding can begin, and of one that depends on others (section 8.8.3.1).
const SYNC: u32 = 0x0200_0000;
const DEPENDS: u32 = 0x0101_0000;
/// What `tfhd` gives for all samples, beside that offsets count from `moof` (section 8.8.7).
const BASE_IS_MOOF: u32 = 0x02_0000;
const ALL_TICKS: u32 = 0x08;
const ALL_FLAGS: u32 = 0x20;
/// What `trun` gives, of the first sample or of each (section 8.8.8).
const OFFSET: u32 = 0x01;
const FIRST_FLAGS: u32 = 0x04;
const EACH_TICKS: u32 = 0x100;
const EACH_SIZE: u32 = 0x200;
const EACH_FLAGS: u32 = 0x400;
const EACH_COMPOSITION: u32 = 0x800;

/// How a track's own clock becomes the film's, in which the presentation begins at 0.
///
/// A track that begins late is decoded late; of one that begins early, an edit list leaves the beginning out. Offsets
/// that are negative are made positive, and the edit list longer by as much: libav takes a fragment with negative ones
/// for later than it is.
struct Clock {
    /// Ticks that decoding is later.
    delay: u64,
    /// Ticks that the edit list leaves out.
    left_out: u64,
    /// Ticks that are added to the offset of each sample.
    lift: i32,
}

impl Clock {
    fn new(plan: &Plan) -> Self {
        let shift = plan.shift + i64::from(plan.lift);
        let [delay, left_out] = [-shift, shift].map(|ticks| u64::try_from(ticks).unwrap_or(0));
        Self { delay, left_out, lift: plan.lift }
    }

    /// How much later a sample is presented than decoded.
    fn composition(&self, sample: &Sample) -> i32 {
        sample.composition.saturating_add(self.lift)
    }
}

/// `ftyp` and `moov` of a track.
pub(super) fn init(track: &Track, plan: &Plan) -> Vec<u8> {
    let clock = Clock::new(plan);
    let video = matches!(track.kind, Kind::Video { .. });
    let mut out = Vec::new();
    atom(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"iso6");
        put32(out, 0);
        out.extend_from_slice(b"iso6cmfcmp41");
    });
    atom(&mut out, *b"moov", |out| {
        full(out, *b"mvhd", 0, 0, |out| {
            put32s(out, &[0, 0, plan.timescale, 0, 0x1_0000, 0x0100_0000, 0, 0]);
            put32s(out, &UPRIGHT);
            put32s(out, &[0, 0, 0, 0, 0, 0, TRACK + 1]);
        });
        atom(out, *b"trak", |out| {
            let [matrix @ .., width, height] = plan.display;
            track_header(out, TRACK, 0, if video { 0 } else { 0x0100 }, (&matrix, [width, height]));
            if clock.left_out > 0 {
                atom(out, *b"edts", |out| {
                    full(out, *b"elst", 1, 0, |out| {
                        put32(out, 1);
                        // To the end, however long it is.
                        put64(out, 0);
                        put64(out, clock.left_out);
                        put32(out, 0x1_0000);
                    });
                });
            }
            atom(out, *b"mdia", |out| media(out, plan, video));
        });
        atom(out, *b"mvex", |out| {
            let ticks = u64::try_from(plan.end).unwrap_or(0);
            full(out, *b"mehd", 1, 0, |out| put64(out, ticks));
            full(out, *b"trex", 0, 0, |out| put32s(out, &[TRACK, 1, 0, 0, 0]));
        });
    });
    out
}

fn media(out: &mut Vec<u8>, plan: &Plan, video: bool) {
    let (kind, name) = if video { (*b"vide", &b"Picture\0"[..]) } else { (*b"soun", &b"Sound\0"[..]) };
    media_header(out, plan.timescale, 0, kind, name);
    atom(out, *b"minf", |out| {
        if video {
            full(out, *b"vmhd", 0, 1, |out| put32s(out, &[0, 0]));
        } else {
            full(out, *b"smhd", 0, 0, |out| put32(out, 0));
        }
        data_information(out);
        atom(out, *b"stbl", |out| {
            full(out, *b"stsd", 0, 0, |out| {
                put32(out, 1);
                out.extend_from_slice(&plan.entry);
            });
            full(out, *b"stts", 0, 0, |out| put32(out, 0));
            full(out, *b"stsc", 0, 0, |out| put32(out, 0));
            full(out, *b"stsz", 0, 0, |out| put32s(out, &[0, 0]));
            full(out, *b"stco", 0, 0, |out| put32(out, 0));
        });
    });
}

/// The segment of those samples.
pub(super) fn segment(number: u32, cut: &Cut, plan: &Plan, samples: &[Sample]) -> Segment {
    let clock = Clock::new(plan);
    let payload: u64 = samples.iter().map(|sample| u64::from(sample.bytes)).sum();
    let mut head = Vec::new();
    atom(&mut head, *b"styp", |out| {
        out.extend_from_slice(b"msdh");
        put32(out, 0);
        out.extend_from_slice(b"msdhcmfs");
    });
    let moof = head.len();
    let mut offset = 0;
    atom(&mut head, *b"moof", |out| {
        full(out, *b"mfhd", 0, 0, |out| put32(out, number + 1));
        atom(out, *b"traf", |out| {
            let run = Run::new(samples, &clock);
            run.header(out);
            full(out, *b"tfdt", 1, 0, |out| put64(out, cut.dts + clock.delay));
            offset = run.write(out, &clock);
        });
    });
    let short = u32::try_from(payload + 8).ok();
    put32(&mut head, short.unwrap_or(1));
    head.extend_from_slice(b"mdat");
    if short.is_none() {
        put64(&mut head, payload + 16);
    }
    let data = head.len() - moof;
    head[offset..offset + 4].copy_from_slice(&count(data).to_be_bytes());
    let len = head.len() as u64 + payload;
    Segment { head, ranges: ranges(samples), len }
}

/// Where samples lie, those together that lie together.
fn ranges(samples: &[Sample]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.bytes > 0) {
        let end = sample.at + u64::from(sample.bytes);
        match ranges.last_mut() {
            Some(range) if range.end == sample.at => range.end = end,
            _ => ranges.push(sample.at..end),
        }
    }
    ranges
}

/// Samples of a segment, and what need not be said of each of them.
struct Run<'a> {
    samples: &'a [Sample],
    /// What all of them last.
    ticks: Option<u32>,
    /// Flags of all of them but perhaps the first.
    flags: Option<u32>,
    /// Whether any is presented at another time than it is decoded.
    composed: bool,
}

impl<'a> Run<'a> {
    fn new(samples: &'a [Sample], clock: &Clock) -> Self {
        let later = samples.get(1..).unwrap_or_default();
        Self {
            samples,
            ticks: same(samples.iter().map(|sample| sample.ticks)),
            flags: same(if later.is_empty() { samples } else { later }.iter().map(flags)),
            composed: samples.iter().any(|sample| clock.composition(sample) != 0),
        }
    }

    /// `tfhd`.
    fn header(&self, out: &mut Vec<u8>) {
        let given = [self.ticks.map(|_| ALL_TICKS), self.flags.map(|_| ALL_FLAGS)];
        let given = given.into_iter().flatten().fold(BASE_IS_MOOF, |all, flag| all | flag);
        full(out, *b"tfhd", 0, given, |out| {
            put32(out, TRACK);
            for value in [self.ticks, self.flags].into_iter().flatten() {
                put32(out, value);
            }
        });
    }

    /// `trun`, and where in `out` the place of the first sample is to be written.
    fn write(&self, out: &mut Vec<u8>, clock: &Clock) -> usize {
        let first =
            self.samples.first().map(flags).filter(|&first| self.flags.is_some_and(|flags| flags != first));
        let given = [
            (first.is_some(), FIRST_FLAGS),
            (self.ticks.is_none(), EACH_TICKS),
            (self.flags.is_none(), EACH_FLAGS),
            (self.composed, EACH_COMPOSITION),
        ];
        let given = given
            .into_iter()
            .filter(|(given, _)| *given)
            .fold(OFFSET | EACH_SIZE, |all, (_, flag)| all | flag);
        let mut offset = 0;
        full(out, *b"trun", 1, given, |out| {
            put32(out, count(self.samples.len()));
            offset = out.len();
            put32(out, 0);
            if let Some(first) = first {
                put32(out, first);
            }
            for sample in self.samples {
                if self.ticks.is_none() {
                    put32(out, sample.ticks);
                }
                put32(out, sample.bytes);
                if self.flags.is_none() {
                    put32(out, flags(sample));
                }
                if self.composed {
                    put32(out, clock.composition(sample).cast_unsigned());
                }
            }
        });
        offset
    }
}

fn flags(sample: &Sample) -> u32 {
    if sample.sync { SYNC } else { DEPENDS }
}

/// The value, if it is the same for all.
fn same(mut values: impl Iterator<Item = u32>) -> Option<u32> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
