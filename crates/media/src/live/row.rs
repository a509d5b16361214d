//! The samples of one track on their way into parts.

use std::sync::Arc;

use crate::film::{self, cmaf};
use crate::time::Timestamp;

use super::mux::PART;
use super::{Sample, Track};

/// Sound that comes this much earlier or later than the frames before it make out, in thousandths of a second, comes
/// when they do: publishers round times, and nobody hears 30 ms.
const TOLERANCE_MS: u64 = 30;
/// What a picture lasts where nothing says it: a thirtieth of a second.
const PICTURE: u32 = 3_000;

/// A sample within a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where its bytes begin, in bytes of the part.
    pub at: u64,
    /// How many they are.
    pub bytes: u32,
    /// How many ticks it lasts.
    pub ticks: u32,
    /// How many ticks later it is shown than decoded.
    pub composition: i32,
    /// Whether decoding can begin here.
    pub sync: bool,
}

/// A partial segment: `moof` and `mdat` (RFC 8216bis, section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The track, pictures first.
    pub track: usize,
    /// The media sequence number of its segment.
    pub segment: u64,
    /// Which of the segment's parts it is, from 0.
    pub index: u32,
    /// When it is decoded, in ticks since the recording began.
    pub start: u64,
    /// How long it lasts.
    pub ticks: u64,
    /// Whether decoding can begin with it.
    pub independent: bool,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Where its samples are in them.
    pub samples: Vec<Placed>,
}

/// A sample whose duration is not known yet.
#[derive(Debug)]
struct Pending {
    data: Arc<[u8]>,
    dts: u64,
    composition: i32,
    sync: bool,
    /// How long such samples usually last.
    ticks: u32,
}

/// The samples of one track on their way into parts.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) track: Track,
    number: usize,
    pending: Option<Pending>,
    /// When the next sample is expected.
    next: u64,
    /// What the open part has: when it begins, and how long it is by now.
    start: u64,
    ticks: u64,
    open: Vec<film::Sample>,
    data: Vec<u8>,
    /// Parts since the row began, and of this segment.
    sequence: u32,
    index: u32,
    /// Ticks and bytes of this segment, all but the pending sample.
    pub(super) length: u64,
    pub(super) bytes: usize,
}

impl Row {
    pub(super) fn new(track: Track, number: usize) -> Self {
        Self {
            track,
            number,
            pending: None,
            next: 0,
            start: 0,
            ticks: 0,
            open: Vec::new(),
            data: Vec::new(),
            sequence: 0,
            index: 0,
            length: 0,
            bytes: 0,
        }
    }

    /// Takes a sample that is decoded at `dts` ticks and gives the part that is over by that. The sample waits for the
    /// next one, which says how long it lasts.
    pub(super) fn push(&mut self, sample: &Sample, dts: u64, segment: u64, parts: &mut Vec<Part>) {
        let said = self.track.ticks(sample);
        let tolerance = u64::from(self.track.timescale) * TOLERANCE_MS / 1000;
        let mut dts = dts;
        if said.is_some() && self.next > 0 {
            if dts + tolerance < self.next {
                // Its time is over already.
                return;
            }
            if dts <= self.next + tolerance {
                dts = self.next;
            }
        }
        dts = dts.max(self.pending.as_ref().map_or(self.next, |pending| pending.dts + 1));
        let usual = said.or_else(|| {
            let pending = self.pending.as_ref()?;
            u32::try_from(dts - pending.dts).ok()
        });
        self.settle(Some(dts), segment, parts);
        let composition =
            sample.pts.since(sample.dts).as_micros() * u128::from(self.track.timescale) / 1_000_000;
        self.pending = Some(Pending {
            data: Arc::clone(&sample.data),
            dts,
            composition: i32::try_from(composition).unwrap_or(0),
            sync: sample.keyframe,
            ticks: usual.unwrap_or(PICTURE).max(1),
        });
        self.next = dts + u64::from(usual.unwrap_or(0));
    }

    /// The pending sample lasts until `end`, or as long as such samples usually do.
    fn settle(&mut self, end: Option<u64>, segment: u64, parts: &mut Vec<Part>) {
        let Some(pending) = self.pending.take() else { return };
        let until = |end: u64| u32::try_from(end.saturating_sub(pending.dts).max(1)).unwrap_or(u32::MAX);
        let ticks = end.map_or(pending.ticks, until);
        let most = (Timestamp::ZERO + PART).in_ticks(self.track.timescale);
        if self.ticks + u64::from(ticks) > most {
            self.flush(segment, parts);
        }
        if self.open.is_empty() {
            self.start = pending.dts;
        }
        self.next = pending.dts + u64::from(ticks);
        self.open.push(film::Sample {
            at: self.data.len() as u64,
            bytes: u32::try_from(pending.data.len()).unwrap_or(u32::MAX),
            ticks,
            composition: pending.composition,
            sync: pending.sync,
        });
        self.data.extend_from_slice(&pending.data);
        self.ticks += u64::from(ticks);
        self.length += u64::from(ticks);
        self.bytes += pending.data.len();
        // Another one as long would be too much: what there is can go now.
        if self.ticks + u64::from(ticks) > most {
            self.flush(segment, parts);
        }
    }

    /// Ends the open part.
    fn flush(&mut self, segment: u64, parts: &mut Vec<Part>) {
        let Some(first) = self.open.first() else { return };
        let independent = first.sync;
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::with_capacity(self.data.len() + 128 + self.open.len() * 16);
        cmaf::fragment(&mut bytes, self.sequence, self.start, 0, &self.open);
        let head = bytes.len() as u64;
        bytes.append(&mut self.data);
        let samples = self.open.drain(..).map(|film::Sample { at, bytes, ticks, composition, sync }| {
            Placed { at: head + at, bytes, ticks, composition, sync }
        });
        parts.push(Part {
            track: self.number,
            segment,
            index: self.index,
            start: self.start,
            ticks: self.ticks,
            independent,
            samples: samples.collect(),
            bytes: bytes.into(),
        });
        self.index += 1;
        self.ticks = 0;
    }

    /// Ends the segment, in which the pending sample is the last one; it lasts until `end` where that is known.
    pub(super) fn close(&mut self, end: Option<u64>, segment: u64, parts: &mut Vec<Part>) {
        self.settle(end, segment, parts);
        self.flush(segment, parts);
        self.index = 0;
        self.length = 0;
        self.bytes = 0;
    }

    /// Ticks of this segment, were it to end at `dts`.
    pub(super) fn length_until(&self, dts: u64) -> u64 {
        self.length + self.pending.as_ref().map_or(0, |pending| dts.saturating_sub(pending.dts))
    }
}
