//! Cuts a stream's samples into parts and segments, each track by itself, all segments at the same places.
//!
//! A part goes out as soon as it is known that another sample would make it too long, so that whatever is hinted at
//! exists: the sample that comes next is there already.

use std::time::Duration;

use crate::time::Timestamp;

use super::row::{Part, Row};
use super::{Format, Sample, Track};

/// The longest part (`PART-TARGET`): four pictures at 24 and 25 a second, five at 30, ten at 60, seven frames of AAC, each of
/// them over the 85 % of it that RFC 8216bis asks for (section 4.4.4.9).
pub const PART: Duration = Duration::from_millis(170);
/// A segment ends at the first keyframe after this long: of keyframes each second, every other one begins a segment.
const SHORTEST: Duration = Duration::from_millis(1_800);
/// A segment ends after this long, keyframe or not, so that a publisher without keyframes fills no memory.
pub const LONGEST: Duration = Duration::from_secs(12);
/// Bytes of a segment after which it ends, for the same reason: twelve seconds at 20 Mbit/s.
const MOST_BYTES: usize = 32 << 20;
/// A clock that goes this much forward was set; one that stands still while nothing moves is not.
const JUMP: Duration = Duration::from_secs(10);
/// A clock that goes this much back was set; less is a publisher that mixes up its samples.
const BACK: Duration = Duration::from_secs(1);
/// Tracks of sound that are sent; the others are left out.
const MOST_SOUNDS: usize = 4;

/// Where a run of segments begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// The media sequence number of its first segment.
    pub segment: u64,
    /// Its place in the recording.
    pub at: Duration,
}

/// What comes out of a [`Muxer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A part.
    Part(Part),
    /// The segment of that number has all its parts, in all tracks.
    Segment(u64),
}

/// Cuts the samples of one set of formats.
#[derive(Debug)]
pub struct Muxer {
    rows: Vec<Row>,
    /// Which row the samples of a format belong to.
    places: Vec<Option<usize>>,
    /// When each row's last sample came.
    last: Vec<Option<Timestamp>>,
    begin: Begin,
    /// What the stream's clock says where the recording is at `begin`; none before the first sample.
    origin: Option<Timestamp>,
    segment: u64,
    /// Whether decoding can go on only at a keyframe.
    broken: bool,
}

impl Muxer {
    /// Cuts streams of these formats. None where none of them can be sent.
    pub fn new(formats: &[Format], begin: Begin) -> Option<Self> {
        let mut places = vec![None; formats.len()];
        let mut rows = Vec::new();
        let numbered = || formats.iter().enumerate();
        let pictures = numbered().filter(|(_, format)| format.is_video());
        let sounds = numbered().filter(|(_, format)| !format.is_video());
        let usable = |(place, format)| Some((place, Track::new(format)?));
        for (place, track) in
            pictures.filter_map(usable).take(1).chain(sounds.filter_map(usable).take(MOST_SOUNDS))
        {
            places[place] = Some(rows.len());
            rows.push(Row::new(track, rows.len()));
        }
        let last = vec![None; rows.len()];
        (!rows.is_empty()).then_some(Self {
            rows,
            places,
            last,
            begin,
            origin: None,
            segment: begin.segment,
            broken: true,
        })
    }

    /// The tracks, in the order of their numbers: pictures first. Segments are cut where the first has keyframes.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.rows.iter().map(|row| &row.track)
    }

    /// Whether anything was taken yet.
    pub const fn has_begun(&self) -> bool {
        self.origin.is_some()
    }

    /// Where the next run of segments may begin.
    pub fn end(&self) -> Begin {
        let latest = self.last.iter().flatten().max();
        let length = self.origin.zip(latest).map_or(Duration::ZERO, |(origin, latest)| latest.since(origin));
        Begin { segment: self.segment, at: self.begin.at + length }
    }

    /// Samples were lost: pictures go on at the next keyframe.
    pub fn lost(&mut self) {
        self.broken = true;
    }

    /// Whether the publisher's clock was set before this sample, so that it belongs to a new run of segments.
    pub fn jumps(&self, sample: &Sample) -> bool {
        let Some(row) = self.row(sample) else { return false };
        let Some(last) = self.last[row] else { return false };
        let latest = self.last.iter().flatten().max().copied().unwrap_or(last);
        last.since(sample.dts) > BACK || sample.dts.since(latest) > JUMP
    }

    fn row(&self, sample: &Sample) -> Option<usize> {
        self.places.get(sample.track).copied().flatten()
    }

    /// Takes a sample, and appends what is finished by that.
    pub fn push(&mut self, sample: &Sample, cuts: &mut Vec<Cut>) {
        let Some(number) = self.row(sample) else { return };
        let lead = number == 0;
        if lead && self.broken {
            if !sample.keyframe {
                return;
            }
            self.broken = false;
        }
        if self.origin.is_none() && lead {
            self.origin = Some(sample.dts);
        }
        // Nothing is heard before there is something to see, nor what comes by another clock.
        let Some(origin) = self.origin else { return };
        let since = sample.dts.since(origin);
        if self.last[number].is_none() && (sample.dts < origin || since > JUMP) {
            return;
        }
        let last = self.last[number].get_or_insert(sample.dts);
        *last = (*last).max(sample.dts);
        let timescale = self.rows[number].track.timescale;
        let dts = (Timestamp::ZERO + (self.begin.at + since)).in_ticks(timescale);
        let mut parts = Vec::new();
        if self.ends(number, sample, dts) {
            for (other, row) in self.rows.iter_mut().enumerate() {
                row.close((other == number).then_some(dts).filter(|_| lead), self.segment, &mut parts);
            }
            cuts.extend(parts.drain(..).map(Cut::Part));
            cuts.push(Cut::Segment(self.segment));
            self.segment += 1;
        }
        self.rows[number].push(sample, dts, self.segment, &mut parts);
        cuts.extend(parts.into_iter().map(Cut::Part));
    }

    /// Whether the segment ends before this sample.
    fn ends(&self, number: usize, sample: &Sample, dts: u64) -> bool {
        let row = &self.rows[number];
        let length = row.length_until(dts);
        if length == 0 {
            return false;
        }
        let longer = |than: Duration| length >= (Timestamp::ZERO + than).in_ticks(row.track.timescale);
        if number != 0 {
            // The pictures stand still, and so would the segment.
            return longer(LONGEST + PART);
        }
        let bytes: usize = self.rows.iter().map(|row| row.bytes).sum();
        (sample.keyframe && longer(SHORTEST)) || longer(LONGEST) || bytes >= MOST_BYTES
    }

    /// Ends the last segment.
    pub fn finish(&mut self, cuts: &mut Vec<Cut>) {
        let mut parts = Vec::new();
        for row in &mut self.rows {
            row.close(None, self.segment, &mut parts);
        }
        if !parts.is_empty() {
            cuts.extend(parts.into_iter().map(Cut::Part));
            cuts.push(Cut::Segment(self.segment));
            self.segment += 1;
        }
    }
}
