//! What of a live stream can be asked for: the segments of its window, and the parts of the newest ones.

mod ask;
mod disk;
mod original;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::Track;
use super::row::{Part, Placed};

/// Segments whose bytes stay in memory after they are over, however long ago that is.
const KEPT: usize = 4;
/// Target durations that parts stay in memory: half of them while playlists list them, and as long again for players
/// with an older playlist (RFC 8216bis, section 6.2.2).
const PARTS_FOR: u32 = 6;
/// Bytes of such segments at most.
const MOST_KEPT: usize = 48 << 20;
/// How long a segment can still be asked for once no playlist lists it (RFC 8216bis, section 6.2.2).
const FAREWELL: Duration = Duration::from_mins(1);

/// A run of segments with the same tracks and one clock. Between two of them there is a discontinuity.
#[derive(Clone, Debug, PartialEq)]
pub struct Era {
    /// How many there were before it.
    pub number: u64,
    /// The media sequence number of its first segment.
    pub first: u64,
    /// When it began, in microseconds since 1970.
    pub wall: u64,
    /// Its place in the recording.
    pub at: Duration,
    /// Its tracks, pictures first.
    pub tracks: Vec<Track>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Counts changes of any kind.
    pub version: u64,
    /// Whether nothing more is to come.
    pub ended: bool,
}

/// What there is of something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// It is here.
    Here(T),
    /// It is about to come.
    Soon,
    /// It is not here, and nothing says that it will be.
    Nowhere,
}

pub use ask::Variant;
pub use original::{Cursor, Original};

/// Where the bytes of a segment or part are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// In memory, piece after piece.
    Memory(Vec<Arc<[u8]>>),
    /// In the file of that segment.
    Disk(u64, Range<u64>),
}

/// A part that is listed, or may be.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) ticks: u64,
    pub(super) independent: bool,
    bytes: Arc<[u8]>,
    samples: Vec<Placed>,
}

/// One track of a segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) start: u64,
    pub(super) ticks: u64,
    pub(super) bytes: u64,
    pub(super) samples: u32,
    pub(super) independent: bool,
    /// While they are in memory.
    pub(super) parts: Vec<Listed>,
    /// Where it is in the segment's file, once it is there.
    pub(super) place: Option<Range<u64>>,
}

impl Lane {
    /// Whether there is nothing of it to be had.
    pub(super) fn is_gap(&self) -> bool {
        self.bytes == 0 || (self.parts.is_empty() && self.place.as_ref().is_none_or(Range::is_empty))
    }
}

/// A segment, in all tracks.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) number: u64,
    /// Number of its era.
    pub(super) era: u64,
    pub(super) at: Duration,
    pub(super) length: Duration,
    pub(super) lanes: Vec<Lane>,
}

impl Held {
    fn bytes(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.bytes).sum()
    }
}

/// The length of a recording: longer than anything, and far from where sums overflow.
const ENDLESS: Duration = Duration::from_hours(1 << 30);
/// Between two segments nothing is missing where they are this little apart: the last picture of the one is shown until
/// the other.
const SEAM: Duration = Duration::from_secs(2);

/// What of a live stream can be asked for.
#[derive(Debug)]
pub struct Window {
    /// Whether it is a recording: it begins where it began, whatever its length.
    pub(super) whole: bool,
    /// How far back one can go, and how many bytes that may take.
    length: Duration,
    most_bytes: u64,
    pub(super) eras: VecDeque<Era>,
    pub(super) segments: VecDeque<Held>,
    pub(super) open: Option<Held>,
    edge: Edge,
    bytes: u64,
    /// How far the longest of its tracks has come; it does not go back.
    reach: Duration,
    /// The longest part and segment there were: what playlists promise must not change.
    pub(super) longest_part: Duration,
    pub(super) longest: Duration,
}

impl Window {
    /// A window of that length that takes so many bytes at most.
    pub const fn new(length: Duration, most_bytes: u64) -> Self {
        Self {
            whole: false,
            length,
            most_bytes,
            eras: VecDeque::new(),
            segments: VecDeque::new(),
            open: None,
            edge: Edge { version: 0, ended: true },
            bytes: 0,
            reach: Duration::ZERO,
            longest_part: super::PART,
            longest: Duration::from_secs(2),
        }
    }

    /// A recording: segments are added by [`restore`](Self::restore), nothing ever leaves, and more is to come until
    /// [`end`](Self::end).
    pub const fn recording() -> Self {
        let mut window = Self::new(ENDLESS, u64::MAX);
        window.whole = true;
        window.edge.ended = false;
        window
    }

    /// The target duration: whole seconds, of which no segment is longer once it is rounded.
    pub fn target(&self) -> Duration {
        Duration::from_secs((micros(self.longest) + 500_000) / 1_000_000)
    }

    /// How far it has come.
    pub const fn edge(&self) -> Edge {
        self.edge
    }

    /// Whether there is nothing to play.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.open.is_none()
    }

    /// The era of the newest segment.
    pub fn era(&self) -> Option<&Era> {
        self.eras.back()
    }

    /// The number that a new era has, and the place in the recording where it may begin.
    pub fn next(&self) -> (u64, Option<u64>, Duration) {
        let number = self.eras.back().map_or(0, |era| era.number + 1);
        let last = self.open.as_ref().or(self.segments.back());
        (number, last.map(|held| held.number + 1), self.reach)
    }

    /// How far back one can go.
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// Another length from now on.
    pub fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    /// Begins an era. Its time of day is moved behind the one before it, should the clock have been set back.
    pub fn begin(&mut self, mut era: Era) {
        self.close();
        if let (Some(before), Some(last)) = (self.eras.back(), self.segments.back()) {
            era.wall = era.wall.max(before.wall + micros((last.at + last.length).saturating_sub(before.at)));
        }
        self.eras.push_back(era);
        self.edge.ended = false;
        self.edge.version += 1;
    }

    /// Takes a part of the newest era.
    pub fn part(&mut self, part: Part) {
        if self.open.as_ref().is_some_and(|open| open.number != part.segment) {
            self.close();
        }
        let Some(era) = self.eras.back() else { return };
        let Some(track) = era.tracks.get(part.track) else { return };
        let open = self.open.get_or_insert_with(|| Held {
            number: part.segment,
            era: era.number,
            at: duration(part.start, track.timescale),
            length: Duration::ZERO,
            lanes: vec![Lane::default(); era.tracks.len()],
        });
        self.longest_part = self.longest_part.max(duration(part.ticks, track.timescale));
        let lane = &mut open.lanes[part.track];
        if lane.bytes == 0 {
            lane.start = part.start;
            lane.independent = part.independent;
        }
        lane.ticks += part.ticks;
        self.reach = self.reach.max(duration(lane.start + lane.ticks, track.timescale));
        lane.bytes += part.bytes.len() as u64;
        lane.samples += u32::try_from(part.samples.len()).unwrap_or(0);
        if part.track == 0 || open.length == Duration::ZERO {
            // The first track is the one that segments are cut by.
            open.at = duration(lane.start, track.timescale);
            open.length = duration(lane.ticks, track.timescale);
        }
        let (ticks, independent) = (part.ticks, part.independent);
        lane.parts.push(Listed { ticks, independent, bytes: part.bytes, samples: part.samples });
        self.edge.version += 1;
    }

    /// Ends the open segment; gives its number.
    pub fn close(&mut self) -> Option<u64> {
        let mut open = self.open.take()?;
        let tracks = self.eras.back().map(|era| era.tracks.as_slice()).unwrap_or_default();
        for (lane, track) in open.lanes.iter_mut().zip(tracks) {
            if lane.bytes == 0 {
                lane.start = ticks(open.at, track.timescale);
                lane.ticks = ticks(open.length, track.timescale);
            }
            self.longest = self.longest.max(duration(lane.ticks, track.timescale));
        }
        let number = open.number;
        self.bytes += open.bytes();
        self.segments.push_back(open);
        self.edge.version += 1;
        self.forget_bytes();
        Some(number)
    }

    /// Nothing more is to come, until another era begins.
    pub fn end(&mut self) {
        self.close();
        self.edge.ended = true;
        self.edge.version += 1;
    }

    /// Lets go of bytes that are not asked for at once.
    fn forget_bytes(&mut self) {
        let mut held = 0;
        let (reach, patience) = (self.reach, self.target() * PARTS_FOR);
        for (newer, segment) in self.segments.iter_mut().rev().enumerate() {
            if segment.lanes.iter().all(|lane| lane.parts.is_empty()) {
                break;
            }
            held += usize::try_from(segment.bytes()).unwrap_or(usize::MAX);
            let old = reach.saturating_sub(segment.at) > patience;
            if (newer >= KEPT && old) || (newer > 0 && held > MOST_KEPT) {
                for lane in &mut segment.lanes {
                    lane.parts = Vec::new();
                }
            }
        }
    }

    /// Lets go of what is older than the window, or more than it may hold; gives the numbers of segments and eras
    /// whose files can be removed.
    pub fn expire(&mut self) -> (Vec<u64>, Vec<u64>) {
        let end = self.reach;
        let (mut segments, mut eras) = (Vec::new(), Vec::new());
        while let Some(first) = self.segments.front()
            && (end.saturating_sub(first.at + first.length) > self.length + FAREWELL
                || self.bytes > self.most_bytes)
            && self.segments.len() > 1
        {
            self.bytes = self.bytes.saturating_sub(first.bytes());
            segments.push(first.number);
            self.segments.pop_front();
        }
        while self.eras.len() > 1
            && self.segments.front().is_some_and(|first| first.era > self.eras[0].number)
        {
            eras.extend(self.eras.pop_front().map(|era| era.first));
        }
        (segments, eras)
    }

    /// Segments that playlists list.
    pub(super) fn listed(&self) -> impl DoubleEndedIterator<Item = &Held> + Clone {
        let end = self.reach;
        let length = self.length;
        self.segments.iter().filter(move |held| end.saturating_sub(held.at + held.length) < length)
    }

    fn held(&self, number: u64) -> Option<&Held> {
        let known = self.segments.binary_search_by_key(&number, |held| held.number);
        known
            .ok()
            .and_then(|at| self.segments.get(at))
            .or(self.open.as_ref().filter(|held| held.number == number))
    }

    pub(super) fn era_of(&self, held: &Held) -> Option<&Era> {
        self.eras.iter().rev().find(|era| era.number == held.era)
    }

    /// The number of the segment that is being made.
    pub(super) fn current(&self) -> u64 {
        self.open.as_ref().map_or_else(
            || {
                self.segments
                    .back()
                    .map(|held| held.number + 1)
                    .max(self.eras.back().map(|era| era.first))
                    .unwrap_or(0)
            },
            |held| held.number,
        )
    }

    /// The number of the segment that is being made, once it has a part.
    pub fn open_segment(&self) -> Option<u64> {
        self.open.as_ref().map(|held| held.number)
    }

    /// Parts of a track that the open segment has.
    pub(super) fn parts_of_current(&self, track: usize) -> usize {
        self.open.as_ref().and_then(|held| held.lanes.get(track)).map_or(0, |lane| lane.parts.len())
    }

    /// Segments that are shown between two times of day, in microseconds since 1970: number, era, and when they begin.
    pub fn between(&self, from: u64, to: u64) -> Vec<u64> {
        let shown = |held: &&Held| {
            self.wall(held).is_some_and(|begin| begin < to && begin + micros(held.length) > from)
        };
        self.segments.iter().filter(shown).map(|held| held.number).collect()
    }

    /// Whether a segment is over and shown between two times of day, in microseconds since 1970.
    pub fn is_between(&self, number: u64, from: u64, to: u64) -> bool {
        let held = self.segments.binary_search_by_key(&number, |held| held.number);
        let held = held.ok().and_then(|at| self.segments.get(at));
        held.and_then(|held| Some((held, self.wall(held)?)))
            .is_some_and(|(held, begin)| begin < to && begin + micros(held.length) > from)
    }

    /// The newest segment that is over.
    pub fn newest(&self) -> Option<u64> {
        self.segments.back().map(|held| held.number)
    }

    /// Bytes of all segments that are over.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Runs of segments with the same tracks, each of which makes a film.
    pub fn runs(&self) -> Vec<Vec<u64>> {
        let mut runs: Vec<(&[Track], Vec<u64>)> = Vec::new();
        for held in &self.segments {
            let Some(era) = self.era_of(held) else { continue };
            match runs.last_mut() {
                Some((tracks, run)) if *tracks == era.tracks.as_slice() => run.push(held.number),
                _ => runs.push((&era.tracks, vec![held.number])),
            }
        }
        runs.into_iter().map(|(_, run)| run).collect()
    }

    /// How much is missing between the first segment and the last, since nothing came then.
    pub fn missing(&self) -> Duration {
        let mut missing = Duration::ZERO;
        for (before, after) in self.segments.iter().zip(self.segments.iter().skip(1)) {
            let Some((end, begin)) = self.wall(before).zip(self.wall(after)) else { continue };
            let hole = Duration::from_micros(begin.saturating_sub(end + micros(before.length)));
            if hole > SEAM {
                missing += hole;
            }
        }
        missing
    }

    /// Bytes of those segments.
    pub fn bytes_between(&self, from: u64, to: u64) -> u64 {
        self.between(from, to).into_iter().filter_map(|number| self.held(number)).map(Held::bytes).sum()
    }

    /// The era that a segment belongs to.
    pub fn era_of_segment(&self, number: u64) -> Option<&Era> {
        self.era_of(self.held(number)?)
    }

    /// From when to when there is something to play, in microseconds since 1970.
    pub fn span(&self) -> Option<Range<u64>> {
        let first = self.listed().next().or(self.open.as_ref())?;
        let last = self.open.as_ref().or(self.segments.back())?;
        Some(self.wall(first)?..self.wall(last)? + micros(last.length))
    }

    /// When a segment begins, in microseconds since 1970.
    pub(super) fn wall(&self, held: &Held) -> Option<u64> {
        let era = self.era_of(held)?;
        Some(era.wall + micros(held.at.saturating_sub(era.at)))
    }
}

impl Listed {
    pub(super) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    pub(super) fn samples(&self) -> &[Placed] {
        &self.samples
    }
}

/// A length in microseconds.
pub(super) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

/// Ticks as a length.
pub(super) fn duration(ticks: u64, timescale: u32) -> Duration {
    let micros = u128::from(ticks) * 1_000_000 / u128::from(timescale.max(1));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// A length in ticks.
fn ticks(length: Duration, timescale: u32) -> u64 {
    (crate::time::Timestamp::ZERO + length).in_ticks(timescale)
}
