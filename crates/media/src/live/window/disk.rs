//! What of a window is on the disk: segments that have to be written, and those that an earlier run has left.

use std::ops::Range;

use super::{Era, Held, Lane, Window, duration};
use crate::live::record::Record;

impl Window {
    /// The pieces of a segment that is over, for its file: of each track, start, ticks, and its parts.
    pub(in crate::live) fn pieces(&self, number: u64) -> Option<(&Held, &Era)> {
        let held = self.held(number)?;
        Some((held, self.era_of(held)?))
    }

    /// Segments that are over and in memory, newest first.
    fn in_memory(&self) -> impl Iterator<Item = &Held> {
        let held = |held: &&Held| held.lanes.iter().any(|lane| !lane.parts.is_empty());
        self.segments.iter().rev().take_while(held)
    }

    /// The oldest segment that is over, in memory, and in no file yet.
    pub fn unwritten(&self) -> Option<u64> {
        let waiting = |lane: &Lane| lane.bytes > 0 && lane.place.is_none();
        self.in_memory().filter(|held| held.lanes.iter().any(waiting)).map(|held| held.number).last()
    }

    /// Says where the tracks of a segment are in its file; empty ranges where it could not be written.
    pub fn stored(&mut self, number: u64, places: Vec<Range<u64>>) {
        let Some(held) = self.segments.iter_mut().find(|held| held.number == number) else { return };
        for (lane, place) in held.lanes.iter_mut().zip(places) {
            lane.place = Some(place);
        }
        self.edge.version += 1;
    }

    /// Takes a segment that an earlier run of the program has left on the disk. They come in order, and their eras
    /// before them.
    pub fn restore(&mut self, record: &Record) -> bool {
        let Some(era) = self.eras.iter().find(|era| era.first == record.era) else { return false };
        let newer =
            self.segments.back().is_none_or(|last| last.number < record.segment && last.era <= era.number);
        if record.lanes.len() != era.tracks.len() || record.segment < era.first || !newer {
            return false;
        }
        let lanes: Vec<Lane> = record
            .lanes
            .iter()
            .map(|lane| Lane {
                start: lane.start,
                ticks: lane.ticks,
                bytes: lane.place.end - lane.place.start,
                samples: u32::try_from(lane.samples.len()).unwrap_or(0),
                independent: lane.samples.first().is_some_and(|sample| sample.sync),
                parts: Vec::new(),
                place: Some(lane.place.clone()),
            })
            .collect();
        let (Some(lead), Some(track)) = (lanes.first(), era.tracks.first()) else { return false };
        let (at, length) = (duration(lead.start, track.timescale), duration(lead.ticks, track.timescale));
        for (lane, track) in lanes.iter().zip(&era.tracks) {
            self.longest = self.longest.max(duration(lane.ticks, track.timescale));
            self.reach = self.reach.max(duration(lane.start + lane.ticks, track.timescale));
        }
        let held = Held { number: record.segment, era: era.number, at, length, lanes };
        self.bytes += held.bytes();
        self.segments.push_back(held);
        self.edge.version += 1;
        true
    }

    /// Takes an era that an earlier run of the program has left on the disk. They come in order.
    pub fn restore_era(&mut self, era: Era) -> bool {
        let newer = self.eras.back().is_none_or(|last| last.first < era.first && last.number < era.number);
        if newer && !era.tracks.is_empty() {
            self.eras.push_back(era);
        }
        newer
    }

    /// Lets go of the oldest segment that is not in memory any more, since the disk is full; otherwise as
    /// [`expire`](Self::expire). None where everything is in memory.
    pub fn give_up(&mut self) -> Option<(Vec<u64>, Vec<u64>)> {
        let oldest = self.segments.front()?;
        if oldest.lanes.iter().any(|lane| !lane.parts.is_empty()) {
            return None;
        }
        let most = std::mem::replace(&mut self.most_bytes, self.bytes.saturating_sub(oldest.bytes().max(1)));
        let gone = self.expire();
        self.most_bytes = most;
        (!gone.0.is_empty()).then_some(gone)
    }

    /// Whether all segments that begin before a time of day, and are over, are in their files.
    pub fn is_written(&self, before: u64) -> bool {
        let early = |held: &&Held| self.wall(held).is_some_and(|begin| begin < before);
        self.in_memory()
            .filter(early)
            .all(|held| held.lanes.iter().all(|lane| lane.bytes == 0 || lane.place.is_some()))
    }
}
