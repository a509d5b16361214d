//! What lower qualities of a stream are made from: the parts of its pictures, one after the other.

use std::sync::Arc;

use super::{Era, Found, Held, Listed, Window, duration};

/// A part of the first track, for whoever makes other qualities of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The number of its era.
    pub era: u64,
    /// The media sequence number of its segment.
    pub segment: u64,
    /// Whether it is the segment's first.
    pub first: bool,
    /// When its first picture is shown, in ticks since the recording began.
    pub shown: u64,
    /// Whether decoding can begin with it.
    pub independent: bool,
    /// Its bytes: `moof` and `mdat`.
    pub bytes: Arc<[u8]>,
}

/// How far somebody has read the parts of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The media sequence number of a segment.
    pub segment: u64,
    /// Parts of it that were read.
    pub parts: usize,
}

impl Window {
    /// The newest segment that others can be made from, from its first part on, and its era as others have it: what is
    /// decoded in the order in which it is shown begins when the first picture is shown.
    pub fn origin(&self) -> Option<(Cursor, Era)> {
        let whole = |held: &&Held| {
            let lane = held.lanes.first();
            lane.is_some_and(|lane| lane.independent && !lane.parts.is_empty())
        };
        let newest = self.era()?.number;
        let held = self.open.iter().chain(self.segments.iter().rev().take(1)).find(whole)?;
        let era = self.era_of(held).filter(|era| era.number == newest && !self.edge.ended)?;
        let part = held.lanes.first()?.parts.first()?;
        let later = u64::try_from(part.samples.first()?.composition).unwrap_or(0);
        let later = duration(later, era.tracks.first()?.timescale);
        Some((Cursor { segment: held.number, parts: 0 }, Era { at: era.at + later, ..era.clone() }))
    }

    /// What follows a place, and where that ends. [`Found::Nowhere`] where it is not in memory any more, or where nothing
    /// more is to come.
    pub fn originals(&self, from: Cursor) -> Found<(Vec<Original>, Cursor)> {
        let (mut at, mut found) = (from, Vec::new());
        while let Some(held) = self.held(at.segment) {
            let Some(lane) = held.lanes.first() else { break };
            let mut start = lane.start + lane.parts.iter().take(at.parts).map(|part| part.ticks).sum::<u64>();
            for (index, part) in lane.parts.iter().enumerate().skip(at.parts) {
                found.push(original(held, index, start, part));
                start += part.ticks;
            }
            at.parts = at.parts.max(lane.parts.len());
            let open = self.open_segment() == Some(held.number);
            if open || (lane.parts.is_empty() && found.is_empty()) {
                break;
            }
            at = Cursor { segment: held.number + 1, parts: 0 };
        }
        if !found.is_empty() {
            return Found::Here((found, at));
        }
        let known = self.open_segment() == Some(at.segment) || at.segment == self.current();
        if known && !self.edge.ended { Found::Soon } else { Found::Nowhere }
    }
}

fn original(held: &Held, index: usize, start: u64, part: &Listed) -> Original {
    let later = part.samples.first().map_or(0, |sample| sample.composition);
    Original {
        era: held.era,
        segment: held.number,
        first: index == 0,
        shown: start.saturating_add_signed(later.into()),
        independent: part.independent,
        bytes: Arc::clone(&part.bytes),
    }
}
