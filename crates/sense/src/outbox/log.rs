//! The files of the outbox as it believes them to be, and what has to be done to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use playhouse_media::time::Timestamp;

/// How long something that was written may wait to be made safe against a power cut. A killed agent loses nothing.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// The number of no file: of what is only in memory.
pub(super) const NOWHERE: u64 = 0;

/// What whoever has the files does, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make the file of this number, empty; what is appended from now on goes there.
    Begin(u64),
    /// Write these bytes to the end of the file that was begun last.
    Append(Vec<u8>),
    /// Wait until that file, and the folder, are on the disk.
    Sync,
    /// Remove the file of this number; it need not be there.
    Remove(u64),
}

/// A file.
#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    bytes: usize,
    /// How many events in it still wait.
    live: usize,
}

/// All files.
#[derive(Debug)]
pub(super) struct Log {
    segments: VecDeque<Segment>,
    largest: usize,
    actions: Vec<Action>,
    dirty: Option<Timestamp>,
    /// What was written has to be safe before anything is sent.
    pressing: bool,
    works: bool,
}

impl Log {
    /// These files are there, with so many events that wait in each.
    pub(super) fn new(largest: usize, there: impl IntoIterator<Item = (u64, usize)>) -> Self {
        let segments = there.into_iter().map(|(number, bytes)| Segment { number, bytes, live: 0 }).collect();
        Self { segments, largest, actions: Vec::new(), dirty: None, pressing: false, works: true }
    }

    pub(super) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// Bytes in all files.
    pub(super) fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn count(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn newest(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.number)
    }

    /// The oldest file, if it is not the one that is written.
    pub(super) fn oldest(&self) -> Option<u64> {
        (self.segments.len() > 1).then(|| self.segments[0].number)
    }

    /// Whether so many bytes want a new file.
    pub(super) fn is_full(&self, bytes: usize) -> bool {
        self.works && self.segments.back().is_none_or(|newest| newest.bytes + bytes > self.largest)
    }

    pub(super) fn begin(&mut self, head: &[u8], now: Timestamp) {
        let number = self.newest() + 1;
        self.sync();
        self.segments.push_back(Segment { number, bytes: 0, live: 0 });
        self.act(Action::Begin(number));
        self.append(head, now);
    }

    /// Where the bytes go.
    pub(super) fn append(&mut self, bytes: &[u8], now: Timestamp) -> u64 {
        if self.works {
            if let Some(newest) = self.segments.back_mut() {
                newest.bytes += bytes.len();
            }
            self.dirty.get_or_insert(now);
            match self.actions.last_mut() {
                Some(Action::Append(before)) => before.extend_from_slice(bytes),
                _ => self.actions.push(Action::Append(bytes.to_vec())),
            }
        }
        self.newest()
    }

    /// What was written has to be safe before anything is sent.
    pub(super) fn press(&mut self) {
        self.pressing = self.works;
    }

    /// Makes safe what has to be before anything is sent.
    pub(super) fn sync_pressing(&mut self) {
        if self.pressing {
            self.sync();
        }
    }

    pub(super) fn sync(&mut self) {
        self.pressing = false;
        if self.dirty.take().is_some() {
            self.act(Action::Sync);
        }
    }

    /// When what was written has to be made safe.
    pub(super) fn sync_at(&self) -> Option<Timestamp> {
        self.dirty.map(|since| since + SYNC_AFTER)
    }

    /// An event in this file waits.
    pub(super) fn hold(&mut self, number: u64) {
        if let Some(segment) = self.find(number) {
            segment.live += 1;
        }
    }

    /// An event in this file waits no longer.
    pub(super) fn release(&mut self, number: u64) {
        if let Some(segment) = self.find(number) {
            segment.live = segment.live.saturating_sub(1);
        }
    }

    fn find(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().rev().find(|segment| segment.number == number)
    }

    /// Removes the oldest files, as long as nothing in them waits.
    pub(super) fn tidy(&mut self) {
        while self.works && self.segments.len() > 1 && self.segments[0].live == 0 {
            self.remove_oldest();
        }
    }

    pub(super) fn remove_oldest(&mut self) {
        // What was in it and still counts stands in a later one, which has to outlive it.
        self.sync();
        if let Some(oldest) = self.segments.pop_front() {
            self.act(Action::Remove(oldest.number));
        }
    }

    /// A file that nothing is known of.
    pub(super) fn remove(&mut self, number: u64) {
        self.act(Action::Remove(number));
    }

    /// The disk takes nothing: from here on nothing is to be done.
    pub(super) fn fail(&mut self) {
        self.works = false;
        self.dirty = None;
        self.pressing = false;
        self.actions.clear();
    }

    /// The disk takes something again. These files are there, whatever was believed. The numbers of those that are not:
    /// what waits in them waits [nowhere](NOWHERE) now.
    pub(super) fn repair(&mut self, there: &[(u64, usize)]) -> BTreeSet<u64> {
        self.works = true;
        let mut there: BTreeMap<u64, usize> = there.iter().copied().collect();
        let (mut gone, mut live) = (BTreeSet::new(), 0);
        self.segments.retain_mut(|segment| {
            let bytes = there.remove(&segment.number);
            segment.bytes = bytes.unwrap_or(0);
            if bytes.is_none() {
                gone.insert(segment.number);
                live += segment.live;
            }
            bytes.is_some()
        });
        self.segments.extend(there.into_iter().map(|(number, bytes)| Segment { number, bytes, live: 0 }));
        self.segments.make_contiguous().sort_unstable_by_key(|segment| segment.number);
        // No gap may come to be between the files: their numbers go on from those that are there.
        if !gone.is_empty() {
            self.segments.push_front(Segment { number: NOWHERE, bytes: 0, live });
        }
        gone
    }

    fn act(&mut self, action: Action) {
        if self.works {
            self.actions.push(action);
        }
    }
}
