//! What a sensor keeps until the hub has it: events in order, in bounded files, each taken exactly once.
//!
//! Nothing here touches a file or a link. Whoever has them calls [`Outbox::open`] with what the files hold, does what
//! [`Outbox::actions`] says after every call, sends what [`Outbox::next_batch`] gives, and passes on what the hub has
//! [taken](Outbox::taken).
//!
//! - **Numbers.** An epoch is one start of the agent: [`Outbox::open`] begins a new one, so that no number is ever given
//!   twice, whatever a power cut takes from the end of a file. Events of earlier epochs that wait are sent first, as theirs.
//! - **Sending.** One batch is on its way at a time, always the oldest events, until the hub has said that it took them. The
//!   hub remembers the highest number of each epoch and passes over what is not above it: so each event is taken once.
//! - **Room.** Files never take more than [`Limits::bytes`]. Where there is no room the oldest event of the least
//!   [value](Value) goes first, but none that was ever sent, since the hub may have it. How many went is told by
//!   [`What::Lost`], exactly after a kill; a power cut may count what was on its way.
//! - **Files.** An append-only log in [segments](Record). The oldest is removed when nothing in it waits, or what waits was
//!   written again to the newest.

mod log;
mod open;
mod record;
mod send;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use playhouse_media::time::Timestamp;

pub use self::log::Action;
pub use self::open::{Found, Segment};
pub use self::record::{Key, Marks, Record, VERSION};
pub use self::value::Value;

use self::log::{Log, NOWHERE};
use self::send::Link;
use self::value::VALUES;
use crate::observation::{Event, What};

/// The least that [`Limits::bytes`] can be.
pub const LEAST_BYTES: usize = 256 * 1024;

/// The largest event, encoded: a heat map of 32 x 24 cells takes some 4 KiB.
pub const LARGEST_EVENT: usize = 8 * 1024;

/// The largest file: small enough to be written again in one go.
const LARGEST_SEGMENT: usize = 256 * 1024;

/// How much an outbox takes, and how long events may wait for company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together, at most; at least [`LEAST_BYTES`]. Half of them are events that wait, which take about
    /// five times as much memory.
    pub bytes: usize,
    /// How long events of [`Value::Middle`] may wait to share a message.
    pub middle: Duration,
    /// How long events of [`Value::Low`] may wait to share a message.
    pub low: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 * 1024 * 1024, middle: Duration::from_secs(3), low: Duration::from_secs(10) }
    }
}

/// Why an event was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {LARGEST_EVENT} bytes; whatever made it has to say less at a time")]
pub struct TooLarge;

/// An event that waits.
#[derive(Debug)]
struct Waiting {
    event: Event,
    since: Timestamp,
    size: usize,
    segment: u64,
}

/// What a sensor keeps until the hub has it.
#[derive(Debug)]
pub struct Outbox {
    limits: Limits,
    base: u64,
    life: u64,
    next: u64,
    marks: Marks,
    waiting: BTreeMap<Key, Waiting>,
    /// The keys of what waits by value, the oldest first.
    by_value: [VecDeque<Key>; VALUES.len()],
    bytes: usize,
    lost: u64,
    log: Log,
    link: Link,
}

impl Outbox {
    /// The epoch of events that are pushed now.
    pub fn epoch(&self) -> u64 {
        self.epoch_of(self.life)
    }

    fn epoch_of(&self, life: u64) -> u64 {
        self.base.wrapping_add(life)
    }

    /// Bytes that wait: at most half of [`Limits::bytes`].
    pub fn backlog(&self) -> usize {
        self.bytes
    }

    /// Bytes of all files: at most [`Limits::bytes`].
    pub fn in_files(&self) -> usize {
        self.log.bytes()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the hub has everything.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many events were thrown away since [`Outbox::open`].
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// What has to be done to the files, in this order, and before anything else is. Where one fails the rest is left
    /// undone and [`Outbox::disk_failed`] is told.
    pub fn actions(&mut self) -> Vec<Action> {
        self.log.actions()
    }

    /// Something happened, at `at` milliseconds since 1970. Its number; `None` where there is no room for something of its
    /// value, which counts as lost.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn push(&mut self, now: Timestamp, at: u64, what: What) -> Result<Option<u64>, TooLarge> {
        let value = Value::of(&what);
        let event = Event { seq: self.next, at, what };
        let record = Record::Event { life: self.life, event, lost: self.marks.lost };
        let size = record.encode().ok_or(TooLarge)?.len();
        if !self.make_room(size, value, now) {
            self.count_lost(1);
            self.write(&Record::Marks(self.marks), now);
            self.tidy(now);
            return Ok(None);
        }
        let Record::Event { event, .. } = record else { return Ok(None) };
        let seq = event.seq;
        self.keep(event, now);
        self.tidy(now);
        Ok(Some(seq))
    }

    /// Writes an event of this life and lets it wait.
    fn keep(&mut self, event: Event, now: Timestamp) {
        let (life, lost) = (self.life, self.marks.lost);
        self.next = event.seq + 1;
        let key = Key { life, seq: event.seq };
        let record = Record::Event { life, event, lost };
        let (segment, size) = self.write(&record, now);
        if let Record::Event { event, .. } = record {
            self.insert(key, Waiting { event, since: now, size, segment });
        }
    }

    fn insert(&mut self, key: Key, waiting: Waiting) {
        self.log.hold(waiting.segment);
        self.bytes += waiting.size;
        self.by_value[Value::of(&waiting.event.what) as usize].push_back(key);
        self.waiting.insert(key, waiting);
    }

    /// What waited under this key waits no longer.
    fn remove(&mut self, key: Key) -> Option<Event> {
        let waiting = self.waiting.remove(&key)?;
        self.log.release(waiting.segment);
        self.bytes -= waiting.size;
        let keys = &mut self.by_value[Value::of(&waiting.event.what) as usize];
        if let Ok(index) = keys.binary_search(&key) {
            keys.remove(index);
        }
        Some(waiting.event)
    }

    /// Throws away what is worth no more than `value`, until so many bytes fit. Whether they do.
    fn make_room(&mut self, size: usize, value: Value, now: Timestamp) -> bool {
        while self.bytes + size > self.limits.bytes / 2 {
            let Some(key) = self.cheapest(value) else { return false };
            let Some(event) = self.remove(key) else { return false };
            self.count_lost(match event.what {
                What::Lost { count } => count,
                _ => 1,
            });
            self.write(&Record::Dropped { key, lost: self.marks.lost }, now);
            // The hub will say that it took everything up to a later number: who came back by a power cut would be gone
            // without being told of.
            self.log.press();
        }
        true
    }

    /// The oldest of the least value, of those that were never sent.
    fn cheapest(&self, most: Value) -> Option<Key> {
        VALUES.into_iter().filter(|&value| value <= most).find_map(|value| {
            let keys = &self.by_value[value as usize];
            keys.get(keys.partition_point(|key| *key <= self.marks.sent)).copied()
        })
    }

    fn count_lost(&mut self, count: u32) {
        self.marks.lost = self.marks.lost.saturating_add(count);
        self.lost += u64::from(count);
    }

    /// Appends a record. In which segment it is, and how many bytes it takes.
    fn write(&mut self, record: &Record, now: Timestamp) -> (u64, usize) {
        // Everything but events is small, and events were measured when they were pushed.
        let bytes = record.encode().unwrap_or_default();
        if self.log.is_full(bytes.len()) {
            self.begin_segment(now);
        }
        (self.log.append(&bytes, now), bytes.len())
    }

    fn begin_segment(&mut self, now: Timestamp) {
        let head = Record::Head { version: VERSION, base: self.base, life: self.life, marks: self.marks };
        self.log.begin(&head.encode().unwrap_or_default(), now);
    }

    /// Keeps the files small.
    fn tidy(&mut self, now: Timestamp) {
        self.log.tidy();
        // A quarter is left for what is written until the oldest file can go. After all files there is nothing to be won.
        for _ in 0..self.log.count() {
            let full = self.log.works() && self.log.bytes() > self.limits.bytes / 4 * 3;
            let Some(oldest) = self.log.oldest().filter(|_| full) else { break };
            self.write_again(oldest, now);
            self.log.tidy();
        }
    }

    /// Writes what waits in the oldest file to the newest, and removes that file.
    fn write_again(&mut self, oldest: u64, now: Timestamp) {
        let inside = self.waiting.iter().filter(|(_, waiting)| waiting.segment == oldest);
        let keys: Vec<Key> = inside.map(|(key, _)| *key).collect();
        for key in keys {
            let Some(event) = self.waiting.get(&key).map(|waiting| waiting.event.clone()) else { continue };
            let record = Record::Event { life: key.life, event, lost: self.marks.lost };
            let (segment, _) = self.write(&record, now);
            self.log.hold(segment);
            if let Some(waiting) = self.waiting.get_mut(&key) {
                waiting.segment = segment;
            }
        }
        self.log.remove_oldest();
    }

    /// The disk takes nothing. What waits is kept in memory, within the same limit, and sent all the same. `random` is any
    /// number that was not used before.
    pub fn disk_failed(&mut self, random: u64) {
        self.log.fail();
        if self.next == 1 {
            // The files may not say that this life began, and the next one must not have its epoch.
            self.life = self.life.saturating_add(1 + (random >> 24));
        }
    }

    /// Whether the disk took everything so far, or does so again.
    pub fn has_disk(&self) -> bool {
        self.log.works()
    }

    /// The disk may take something again; these files are there, with so many bytes each. What waits is written to new
    /// ones. Where that fails, [`Outbox::disk_failed`] is told once more.
    pub fn disk_works(&mut self, now: Timestamp, files: &[(u64, usize)]) {
        if self.log.works() {
            return;
        }
        let gone = self.log.repair(files);
        for waiting in self.waiting.values_mut().filter(|waiting| gone.contains(&waiting.segment)) {
            waiting.segment = NOWHERE;
        }
        let last = self.log.newest();
        self.begin_segment(now);
        while let Some(oldest) = self.log.oldest().filter(|oldest| *oldest <= last) {
            self.write_again(oldest, now);
        }
        self.log.sync();
    }
}
