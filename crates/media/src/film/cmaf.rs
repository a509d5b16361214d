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
}

/// What the beginning of a track says.
pub(crate) struct Head<'a> {
    /// The sample entry, a whole box.
    pub(crate) entry: &'a [u8],
    /// Whether it is pictures.
    pub(crate) video: bool,
    /// Ticks per second.
    pub(crate) timescale: u32,
    /// How the picture is turned.
    pub(crate) matrix: &'a [u32; 9],
    /// Its width and height in 1/65536 pixels.
    pub(crate) size: [u32; 2],
    /// Ticks that an edit list leaves out.
    pub(crate) left_out: u64,
    /// Ticks of all segments, where that is known.
    pub(crate) ticks: Option<u64>,
}

/// `ftyp` and `moov` of a track.
pub(super) fn init(track: &Track, plan: &Plan) -> Vec<u8> {
    let [matrix @ .., width, height] = plan.display;
    head(&Head {
        entry: &plan.entry,
        video: matches!(track.kind, Kind::Video { .. }),
        timescale: plan.timescale,
        matrix: &matrix,
        size: [width, height],
        left_out: Clock::new(plan).left_out,
        ticks: Some(u64::try_from(plan.end).unwrap_or(0)),
    })
}

/// `ftyp` and `moov` of a track that comes in fragments.
pub(crate) fn head(head: &Head<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    atom(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"iso6");
        put32(out, 0);
        out.extend_from_slice(b"iso6cmfcmp41");
    });
    atom(&mut out, *b"moov", |out| {
        full(out, *b"mvhd", 0, 0, |out| {
            put32s(out, &[0, 0, head.timescale, 0, 0x1_0000, 0x0100_0000, 0, 0]);
            put32s(out, &UPRIGHT);
            put32s(out, &[0, 0, 0, 0, 0, 0, TRACK + 1]);
        });
        atom(out, *b"trak", |out| {
            track_header(out, TRACK, 0, if head.video { 0 } else { 0x0100 }, (head.matrix, head.size));
            if head.left_out > 0 {
                atom(out, *b"edts", |out| {
                    full(out, *b"elst", 1, 0, |out| {
                        put32(out, 1);
                        // To the end, however long it is.
                        put64(out, 0);
                        put64(out, head.left_out);
                        put32(out, 0x1_0000);
                    });
                });
            }
            atom(out, *b"mdia", |out| media(out, head));
        });
        atom(out, *b"mvex", |out| {
            if let Some(ticks) = head.ticks {
                full(out, *b"mehd", 1, 0, |out| put64(out, ticks));
            }
            full(out, *b"trex", 0, 0, |out| put32s(out, &[TRACK, 1, 0, 0, 0]));
        });
    });
    out
}

fn media(out: &mut Vec<u8>, head: &Head<'_>) {
    let (kind, name) = if head.video { (*b"vide", &b"Picture\0"[..]) } else { (*b"soun", &b"Sound\0"[..]) };
    media_header(out, head.timescale, 0, kind, name);
    atom(out, *b"minf", |out| {
        if head.video {
            full(out, *b"vmhd", 0, 1, |out| put32s(out, &[0, 0]));
        } else {
            full(out, *b"smhd", 0, 0, |out| put32(out, 0));
        }
        data_information(out);
        atom(out, *b"stbl", |out| {
            full(out, *b"stsd", 0, 0, |out| {
                put32(out, 1);
                out.extend_from_slice(head.entry);
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
    let mut head = Vec::new();
    atom(&mut head, *b"styp", |out| {
        out.extend_from_slice(b"msdh");
        put32(out, 0);
        out.extend_from_slice(b"msdhcmfs");
    });
    let payload = fragment(&mut head, number + 1, cut.dts + clock.delay, clock.lift, samples);
    let len = head.len() as u64 + payload;
    Segment { head, ranges: ranges(samples), len }
}

/// Appends `moof` and the beginning of `mdat`, and gives how many bytes of samples are to follow. The first of them is
/// decoded at `dts`, and each is presented `lift` ticks later than it says.
pub(crate) fn fragment(out: &mut Vec<u8>, sequence: u32, dts: u64, lift: i32, samples: &[Sample]) -> u64 {
    let payload: u64 = samples.iter().map(|sample| u64::from(sample.bytes)).sum();
    let moof = out.len();
    let mut offset = 0;
    atom(out, *b"moof", |out| {
        full(out, *b"mfhd", 0, 0, |out| put32(out, sequence));
        atom(out, *b"traf", |out| {
            let run = Run::new(samples, lift);
            run.header(out);
            full(out, *b"tfdt", 1, 0, |out| put64(out, dts));
            offset = run.write(out);
        });
    });
    let short = u32::try_from(payload + 8).ok();
    put32(out, short.unwrap_or(1));
    out.extend_from_slice(b"mdat");
    if short.is_none() {
        put64(out, payload + 16);
    }
    let data = out.len() - moof;
    out[offset..offset + 4].copy_from_slice(&count(data).to_be_bytes());
    payload
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
    /// Ticks that are added to the offset of each.
    lift: i32,
    /// What all of them last.
    ticks: Option<u32>,
    /// Flags of all of them but perhaps the first.
    flags: Option<u32>,
    /// Whether any is presented at another time than it is decoded.
    composed: bool,
}

impl<'a> Run<'a> {
    fn new(samples: &'a [Sample], lift: i32) -> Self {
        let later = samples.get(1..).unwrap_or_default();
        Self {
            samples,
            lift,
            ticks: same(samples.iter().map(|sample| sample.ticks)),
            flags: same(if later.is_empty() { samples } else { later }.iter().map(flags)),
            composed: samples.iter().any(|sample| composition(sample, lift) != 0),
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
    fn write(&self, out: &mut Vec<u8>) -> usize {
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
                    put32(out, composition(sample, self.lift).cast_unsigned());
                }
            }
        });
        offset
    }
}

/// How much later a sample is presented than decoded.
fn composition(sample: &Sample, lift: i32) -> i32 {
    sample.composition.saturating_add(lift)
}

fn flags(sample: &Sample) -> u32 {
    if sample.sync { SYNC } else { DEPENDS }
}

/// The value, if it is the same for all.
fn same(mut values: impl Iterator<Item = u32>) -> Option<u32> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
