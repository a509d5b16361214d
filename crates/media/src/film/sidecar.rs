//! The sidecar: a header, a record for each sample, and a tail that says what the records are.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `PLAYFILM`, written last, so that half a sidecar is none |
//! | 4 | version |
//! | 4 + 8 | length of the tail, and where it begins |
//! | 8 | length of the film |
//! | 16 each | records, track after track |
//! | tail | tracks, their sample entries, and where their segments begin |
//!
//! All numbers are big-endian.

use std::time::Duration;

use super::cut::{Cut, MOST_SAMPLES, MOST_SEGMENTS};
use super::fields::Fields;
use super::source::Sample;
use super::{Error, Kind, ReadAt, Track};
use crate::frame::Size;
use crate::mp4::atom::{count, put16, put32, put32s, put64};

const MAGIC: [u8; 8] = *b"PLAYFILM";
/// Changes with every change of the format: an index is made anew in seconds, so that no other version is read.
const VERSION: u32 = 1;
/// Bytes of the header.
pub(super) const HEADER: usize = 32;
/// Bytes of a record.
pub(super) const RECORD: usize = 16;
/// Bytes of a tail: 64 tracks of as many segments as there may be come to this.
const MOST_TAIL: u32 = 1 << 27;
/// Bits of a record: where a sample lies (4 TiB), its length (256 MiB), how long it lasts, how much later it is shown
/// than decoded, and whether decoding can begin with it.
const PLACE: u32 = 42;
const BYTES: u32 = 28;
const TICKS: u32 = 28;
const COMPOSITION: u32 = 29;
/// Most ticks that a time in the tail has, so that sums of them stay within 64 bits.
const MOST_TICKS: u64 = 1 << 56;

/// What serving a track takes beside its description.
#[derive(Debug)]
pub(super) struct Plan {
    /// The sample entry, a whole box.
    pub(super) entry: Vec<u8>,
    /// Ticks per second.
    pub(super) timescale: u32,
    /// Ticks by which a sample is presented earlier than it says; negative for later.
    pub(super) shift: i64,
    /// Ticks that make the most negative offset of a sample none.
    pub(super) lift: i32,
    /// How the picture is turned, and its width and height in 1/65536 pixels.
    pub(super) display: [u32; 11],
    /// Where its records begin.
    pub(super) records: u64,
    /// How many there are.
    pub(super) samples: u32,
    /// When the last of it has been presented, in ticks since the film begins.
    pub(super) end: i64,
    /// Where its segments begin.
    pub(super) cuts: Vec<Cut>,
}

/// Everything but the records.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) film_len: u64,
    pub(super) duration: Duration,
    pub(super) tracks: Vec<Track>,
    pub(super) plans: Vec<Plan>,
}

/// A sample as a record; none where it does not fit.
pub(super) fn pack(sample: &Sample) -> Option<[u8; RECORD]> {
    let fits = sample.at >> PLACE == 0 && sample.bytes >> BYTES == 0 && sample.ticks >> TICKS == 0;
    let half = 1_i32 << (COMPOSITION - 1);
    let composition = u32::try_from(sample.composition.checked_add(half)?).ok()?;
    if !fits || composition >> COMPOSITION != 0 {
        return None;
    }
    let mut record = u128::from(sample.at);
    record = record << BYTES | u128::from(sample.bytes);
    record = record << TICKS | u128::from(sample.ticks);
    record = record << COMPOSITION | u128::from(composition);
    record = record << 1 | u128::from(sample.sync);
    Some(record.to_be_bytes())
}

/// A record as a sample; any bytes are one.
pub(super) fn unpack(record: [u8; RECORD]) -> Sample {
    let mut record = u128::from_be_bytes(record);
    let mut take = |bits: u32| {
        let field = u64::try_from(record & ((1 << bits) - 1)).unwrap_or(0);
        record >>= bits;
        field
    };
    let small = |field: u64| u32::try_from(field).unwrap_or(0);
    let sync = take(1) == 1;
    let composition = small(take(COMPOSITION)).cast_signed() - (1 << (COMPOSITION - 1));
    let (ticks, bytes) = (small(take(TICKS)), small(take(BYTES)));
    Sample { at: take(PLACE), bytes, ticks, composition, sync }
}

/// The header of a sidecar whose tail lies there.
pub(super) fn header(tail: u64, length: usize, film_len: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put32s(&mut out, &[VERSION, count(length)]);
    put64(&mut out, tail);
    put64(&mut out, film_len);
    out
}

impl Contents {
    /// The tail.
    pub(super) fn tail(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put64(&mut out, u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX));
        put32(&mut out, count(self.tracks.len()));
        for (track, plan) in self.tracks.iter().zip(&self.plans) {
            put_track(&mut out, track);
            put_plan(&mut out, plan);
        }
        out
    }

    /// Reads all of a sidecar but its records.
    pub(super) fn read(sidecar: &impl ReadAt) -> Result<Self, Error> {
        let mut header = [0; HEADER];
        read(sidecar, &mut header, 0)?;
        let mut fields = Fields(&header);
        if fields.array() != Some(MAGIC) {
            return Err(Error::NoIndex);
        }
        let found = fields.u32().unwrap_or(0);
        if found != VERSION {
            return Err(Error::Version { found, known: VERSION });
        }
        let length = fields.u32().filter(|&length| length <= MOST_TAIL).ok_or(Error::NoIndex)?;
        let (tail, film_len) = fields.u64().zip(fields.u64()).ok_or(Error::NoIndex)?;
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(0)];
        read(sidecar, &mut buffer, tail)?;
        Self::parse(Fields(&buffer), tail, film_len).ok_or(Error::NoIndex)
    }

    fn parse(mut fields: Fields<'_>, tail: u64, film_len: u64) -> Option<Self> {
        let duration = Duration::from_micros(fields.u64()?);
        let number = fields.u32()?;
        let (mut tracks, mut plans) = (Vec::new(), Vec::new());
        for _ in 0..number {
            tracks.push(track(&mut fields)?);
            plans.push(plan(&mut fields).filter(|plan| plan.holds(tail))?);
        }
        Some(Self { film_len, duration, tracks, plans })
    }
}

impl Plan {
    /// Whether what follows from it can be computed without a second look.
    fn holds(&self, tail: u64) -> bool {
        let ends = self.cuts.iter().skip(1).map(|cut| cut.first).chain([self.samples]);
        let in_order = self.cuts.first().is_some_and(|cut| cut.first == 0)
            && self.cuts.len() <= MOST_SEGMENTS
            && self
                .cuts
                .iter()
                .zip(ends)
                .all(|(cut, end)| cut.first < end && end - cut.first <= MOST_SAMPLES);
        let bounded = |ticks: i64| ticks.unsigned_abs() <= MOST_TICKS;
        let times = self.cuts.iter().all(|cut| cut.dts <= MOST_TICKS && bounded(cut.pts));
        let records = u64::from(self.samples) * RECORD as u64;
        let inside = self.records.checked_add(records).is_some_and(|end| end <= tail);
        in_order && times && bounded(self.end) && bounded(self.shift) && self.timescale > 0 && inside
    }
}

/// Fills `buffer`; a sidecar that ends before is none.
pub(super) fn read(sidecar: &impl ReadAt, buffer: &mut [u8], at: u64) -> Result<(), Error> {
    sidecar.read_exact_at(buffer, at).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::NoIndex,
        _ => Error::Read(error),
    })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.floor_char_boundary(usize::from(u16::MAX))];
    put16(out, u16::try_from(bytes.len()).unwrap_or(0));
    out.extend_from_slice(bytes);
}

fn text(fields: &mut Fields<'_>) -> Option<String> {
    let length = fields.u16()?;
    String::from_utf8(fields.take(length.into())?.to_vec()).ok()
}

fn put_track(out: &mut Vec<u8>, track: &Track) {
    match track.kind {
        Kind::Video { size, rate } => {
            out.push(0);
            put32s(out, &[size.width, size.height]);
            put64(out, rate.to_bits());
        }
        Kind::Audio { channels, sample_rate } => {
            out.push(1);
            put16(out, channels);
            put32(out, sample_rate);
        }
    }
    put_text(out, &track.codec);
    put_text(out, track.language.as_deref().unwrap_or_default());
    put_text(out, track.name.as_deref().unwrap_or_default());
    for number in [track.bytes, track.average, track.peak] {
        put64(out, number);
    }
}

fn track(fields: &mut Fields<'_>) -> Option<Track> {
    let kind = match fields.u8()? {
        0 => Kind::Video {
            size: Size::new(fields.u32()?, fields.u32()?),
            rate: Some(f64::from_bits(fields.u64()?)).filter(|rate| rate.is_finite() && *rate >= 0.0)?,
        },
        1 => Kind::Audio { channels: fields.u16()?, sample_rate: fields.u32()? },
        _ => return None,
    };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Some(Track {
        kind,
        codec: text(fields)?,
        language: text(fields).map(some)?,
        name: text(fields).map(some)?,
        bytes: fields.u64()?,
        average: fields.u64()?,
        peak: fields.u64()?,
    })
}

fn put_plan(out: &mut Vec<u8>, plan: &Plan) {
    put32(out, count(plan.entry.len()));
    out.extend_from_slice(&plan.entry);
    put32(out, plan.timescale);
    put64(out, plan.shift.cast_unsigned());
    put32(out, plan.lift.cast_unsigned());
    put32s(out, &plan.display);
    put64(out, plan.records);
    put32(out, plan.samples);
    put64(out, plan.end.cast_unsigned());
    put32(out, count(plan.cuts.len()));
    for cut in &plan.cuts {
        put32(out, cut.first);
        put64(out, cut.dts);
        put64(out, cut.pts.cast_unsigned());
    }
}

fn plan(fields: &mut Fields<'_>) -> Option<Plan> {
    let length = fields.u32()?;
    let entry = fields.take(usize::try_from(length).ok()?)?.to_vec();
    let (timescale, shift, lift) = (fields.u32()?, fields.i64()?, fields.u32()?.cast_signed());
    let mut display = [0; 11];
    for word in &mut display {
        *word = fields.u32()?;
    }
    let (records, samples, end) = (fields.u64()?, fields.u32()?, fields.i64()?);
    let number = fields.u32()?;
    let mut cuts = Vec::new();
    for _ in 0..number {
        cuts.push(Cut { first: fields.u32()?, dts: fields.u64()?, pts: fields.i64()? });
    }
    Some(Plan { entry, timescale, shift, lift, display, records, samples, end, cuts })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_says_what_the_sample_is(
            at in 0_u64..1 << PLACE,
            bytes in 0_u32..1 << BYTES,
            ticks in 0_u32..1 << TICKS,
            composition in -(1_i32 << (COMPOSITION - 1))..1 << (COMPOSITION - 1),
            sync: bool,
        ) {
            let sample = Sample { at, bytes, ticks, composition, sync };
            prop_assert_eq!(unpack(pack(&sample).unwrap()), sample);
        }

        #[test]
        fn what_does_not_fit_makes_no_record(at: u64, bytes: u32, ticks: u32, composition: i32) {
            let sample = Sample { at, bytes, ticks, composition, sync: true };
            prop_assert!(pack(&sample).is_none_or(|record| unpack(record) == sample));
        }
    }
}
