//! A definition with its films, and what follows from it: one film after another, for ever.

use serde::{Deserialize, Serialize};

use super::order::Turns;
use super::slot::{Slot, Slots};
use super::{Definition, Order, Rotation};

/// Kinds of tracks that a channel has: pictures and sound.
pub const KINDS: usize = 2;

/// What is shorter is no film for a channel, in microseconds: it would be all playlists and no picture.
const SHORTEST: i64 = 2_000_000;

/// A film as a channel shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reel {
    /// The film's id.
    pub film: String,
    /// How long it plays, in microseconds.
    pub micros: i64,
    /// How many segments its picture and its sound have.
    pub segments: [u32; KINDS],
    /// Which of the film's tracks these are.
    pub tracks: [u16; KINDS],
    /// The longest of the segments, in microseconds.
    pub longest: u32,
    /// The picture's coding and the sound's, as RFC 6381 has it.
    pub codecs: [String; KINDS],
    /// Bits per second of the picture and sound together, at most and on average.
    pub rates: [u64; 2],
    /// Width and height of the picture.
    pub size: [u32; 2],
}

/// A rotation whose films are known: numbers of [`Plan::reels`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// In order of the library.
    pub reels: Vec<u32>,
    /// In which order they come.
    pub order: Order,
}

/// From where a plan goes on, so that numbers of segments never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Microseconds since 1970.
    pub at: i64,
    /// Films that were shown before.
    pub number: u64,
    /// Segments that were shown before, of the picture and of the sound.
    pub segments: [u64; KINDS],
}

/// A definition with its films, which holds from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The moment.
    pub begin: Begin,
    /// What was wanted.
    pub definition: Definition,
    /// The films.
    pub reels: Vec<Reel>,
    /// Those of each block.
    pub blocks: Vec<Resolved>,
    /// Those of the time without a block.
    pub always: Resolved,
    /// Those between.
    pub filler: Resolved,
}

/// One showing of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which of [`Plan::reels`].
    pub reel: usize,
    /// When it begins, in microseconds since 1970.
    pub start: i64,
    /// When the next begins.
    pub end: i64,
    /// How many came before, which is the discontinuity sequence number of its segments.
    pub number: u64,
    /// The media sequence numbers of its first segments of picture and sound.
    pub first: [u64; KINDS],
    /// The block that it belongs to.
    pub block: Option<usize>,
    /// Whether it stands between programmes.
    pub filler: bool,
}

/// How far a plan was followed.
#[derive(Clone, Debug)]
pub struct Cursor {
    at: i64,
    number: u64,
    segments: [u64; KINDS],
    slot: Option<Slot>,
    /// Whether a film was begun in this slot.
    fresh: bool,
    turns: Vec<Turns>,
}

impl Cursor {
    /// When the next item begins, in microseconds since 1970.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// From where another plan could go on.
    pub fn begin(&self) -> Begin {
        Begin { at: self.at, number: self.number, segments: self.segments }
    }
}

impl Plan {
    /// The plan of a definition: `reels` is the library as far as it can be shown, in its order, each with its show.
    pub fn new(definition: Definition, library: Vec<(Reel, Option<String>)>, begin: Begin) -> Self {
        let library: Vec<_> = library
            .into_iter()
            .filter(|(reel, _)| reel.micros >= SHORTEST && reel.segments.iter().all(|count| *count > 0))
            .collect();
        let wanted = |rotation: &Rotation, (reel, show): &(Reel, Option<String>)| {
            let shown = show.as_ref().is_some_and(|show| rotation.shows.contains(show));
            rotation.everything || shown || rotation.films.contains(&reel.film)
        };
        let rotations = || {
            let blocks = definition.blocks.iter().map(|block| &block.what);
            blocks.chain([&definition.always, &definition.filler])
        };
        let reels: Vec<_> =
            library.into_iter().filter(|entry| rotations().any(|rotation| wanted(rotation, entry))).collect();
        let resolve = |rotation: &Rotation| {
            let mut numbers: Vec<u32> =
                (0..).zip(&reels).filter(|(_, entry)| wanted(rotation, entry)).map(|(n, _)| n).collect();
            if rotation.order == Order::InOrder && !rotation.films.is_empty() {
                // Films that were named stand as they were named, before what came with a show.
                let place = |reel: u32| {
                    let film = reels.get(reel as usize).map(|(reel, _)| reel.film.as_str());
                    rotation.films.iter().position(|id| Some(id.as_str()) == film).unwrap_or(usize::MAX)
                };
                numbers.sort_by_key(|reel| place(*reel));
            }
            Resolved { reels: numbers, order: rotation.order }
        };
        Self {
            begin,
            blocks: definition.blocks.iter().map(|block| resolve(&block.what)).collect(),
            always: resolve(&definition.always),
            filler: resolve(&definition.filler),
            reels: reels.into_iter().map(|(reel, _)| reel).collect(),
            definition,
        }
    }

    /// Whether there is nothing that could be shown.
    pub fn is_empty(&self) -> bool {
        self.reels.is_empty()
    }

    /// The hours of the plan's blocks.
    pub fn slots(&self) -> Slots {
        Slots::new(&self.definition.zone, &self.definition.blocks)
    }

    /// Its beginning.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.begin.at,
            number: self.begin.number,
            segments: self.begin.segments,
            slot: None,
            fresh: true,
            turns: vec![Turns::default(); self.blocks.len() + 2],
        }
    }

    /// The next item; none where nothing can be shown at all. `slots` are [`Plan::slots`].
    pub fn next(&self, slots: &Slots, cursor: &mut Cursor) -> Option<Item> {
        if self.is_empty() {
            return None;
        }
        let mut due = cursor.at;
        // Filler may bring a block some seconds early, once; what comes next is of that block.
        for _ in 0..2 {
            let slot = match cursor.slot {
                Some(slot) if slot.end.is_none_or(|end| due < end) => slot,
                _ => {
                    cursor.fresh = true;
                    *cursor.slot.insert(slots.at(due))
                }
            };
            let room = slot.end.map(|end| end - cursor.at);
            match self.choose(cursor, slot, room) {
                Some((reel, filler)) => return Some(self.show(cursor, reel, slot, filler)),
                None => due = slot.end.unwrap_or(due),
            }
        }
        // Not reached: a block that has just begun shows something. Any film is better than none.
        let slot = cursor.slot.unwrap_or_else(|| slots.at(due));
        Some(self.show(cursor, 0, slot, false))
    }

    /// The film that comes next in a slot, and whether it is filler; none where the next slot had better begin.
    fn choose(&self, cursor: &mut Cursor, slot: Slot, room: Option<i64>) -> Option<(u32, bool)> {
        let micros = |reel: u32| self.reels.get(reel as usize).map_or(i64::MAX, |reel| reel.micros);
        let fits = |reel: u32| room.is_none_or(|room| micros(reel) <= room);
        let (rotation, turns) = self.rotation(slot.block);
        let seed = self.definition.seed ^ (turns as u64).wrapping_mul(0xA24B_AED4_963E_E407);
        let own = turns == self.blocks.len() + 1;
        let state = cursor.turns.get_mut(turns)?;
        if let Some(reel) = state.take(&rotation.reels, rotation.order, seed, fits) {
            return Some((reel, own));
        }
        if cursor.fresh || self.filler.reels.is_empty() {
            // What is too long for its block is shown all the same, or it would never be.
            return state.take_least(&rotation.reels, rotation.order, seed, micros).map(|reel| (reel, own));
        }
        let turns = self.blocks.len() + 1;
        let seed = self.definition.seed ^ (turns as u64).wrapping_mul(0xA24B_AED4_963E_E407);
        let state = cursor.turns.get_mut(turns)?;
        if let Some(reel) = state.take(&self.filler.reels, self.filler.order, seed, fits) {
            return Some((reel, true));
        }
        // The nearer end decides: half of the shortest filler is as much too late as leaving it out is too early.
        let shortest = self.filler.reels.iter().copied().map(micros).min().unwrap_or(i64::MAX);
        if room.is_some_and(|room| shortest / 2 >= room) {
            return None;
        }
        let short = |reel: u32| micros(reel) == shortest;
        let taken = state.take(&self.filler.reels, self.filler.order, seed, short);
        taken
            .or_else(|| state.take_least(&self.filler.reels, self.filler.order, seed, micros))
            .map(|reel| (reel, true))
    }

    /// What plays in a block, and where its turns are kept. A block without a film that is there gives its time to what
    /// plays always, and that to the filler.
    fn rotation(&self, block: Option<usize>) -> (&Resolved, usize) {
        let of_block = block.and_then(|block| self.blocks.get(block).map(|resolved| (resolved, block)));
        let always = (&self.always, self.blocks.len());
        let filler = (&self.filler, self.blocks.len() + 1);
        let some = |(resolved, _): &(&Resolved, usize)| !resolved.reels.is_empty();
        of_block.filter(some).or(Some(always).filter(some)).unwrap_or(filler)
    }

    fn show(&self, cursor: &mut Cursor, reel: u32, slot: Slot, filler: bool) -> Item {
        let reel = reel as usize;
        let (micros, segments) =
            self.reels.get(reel).map_or((SHORTEST, [0; KINDS]), |reel| (reel.micros, reel.segments));
        let item = Item {
            reel,
            start: cursor.at,
            end: cursor.at.saturating_add(micros),
            number: cursor.number,
            first: cursor.segments,
            block: slot.block,
            filler,
        };
        cursor.at = item.end;
        cursor.number += 1;
        for (before, count) in cursor.segments.iter_mut().zip(segments) {
            *before += u64::from(count);
        }
        cursor.fresh = false;
        item
    }

    /// How long the longest of its segments is, in whole seconds as playlists state it; at least one.
    pub fn target_seconds(&self) -> u32 {
        self.reels
            .iter()
            .map(|reel| reel.longest.saturating_add(500_000) / 1_000_000)
            .max()
            .unwrap_or(0)
            .max(1)
    }
}
