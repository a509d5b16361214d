//! How an outbox begins: what its files hold is read, whatever a crash left of them.

use std::collections::{BTreeMap, VecDeque};

use playhouse_media::time::Timestamp;

use super::log::Log;
use super::record::{Key, Marks, Record, VERSION};
use super::send::Link;
use super::value::Value;
use super::{LARGEST_SEGMENT, LEAST_BYTES, Limits, Outbox, Waiting};
use crate::observation::Event;

/// A file of the outbox, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number: what [`super::Action::Begin`] said.
    pub number: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Events that wait.
    pub events: usize,
    /// Bytes that could not be read: the end of a file that a power cut tore, or a damaged one.
    pub unread: usize,
}

/// What the files say.
#[derive(Default)]
struct Reading {
    newest: Option<(u64, u64)>,
    marks: Marks,
    waiting: BTreeMap<Key, (Event, usize, u64)>,
    unread: usize,
}

impl Reading {
    /// Reads a file up to the first record that is not whole.
    fn read(&mut self, segment: &Segment) {
        let mut rest = segment.bytes.as_slice();
        let mut begun = false;
        let mut newest_life = 0;
        while let Some((record, size)) = Record::decode(rest) {
            match record {
                // A life at the end of all numbers could have none after it: no outbox of ours wrote that.
                Record::Head { version: VERSION, base, life, marks } if !begun && life < u64::MAX => {
                    if self.newest.is_some_and(|(known, _)| known != base) {
                        *self = Self { unread: self.unread, ..Self::default() };
                    }
                    self.newest = Some((base, life.max(self.newest.map_or(0, |(_, life)| life))));
                    self.marks = marks;
                    newest_life = life;
                    begun = true;
                }
                Record::Head { .. } => break,
                _ if !begun => break,
                Record::Event { life, .. } if life > newest_life => break,
                Record::Event { life, event, lost } => {
                    self.marks.lost = lost;
                    self.waiting.insert(Key { life, seq: event.seq }, (event, size, segment.number));
                }
                Record::Dropped { key, lost } => {
                    self.marks.lost = lost;
                    self.waiting.remove(&key);
                }
                Record::Marks(marks) => self.marks = marks,
            }
            rest = &rest[size..];
        }
        self.unread += rest.len();
    }
}

impl Outbox {
    /// The outbox that these files hold, in a new epoch. `random` is drawn anew each time; the first one names the epochs.
    ///
    /// The [actions](Outbox::actions) that this leaves are done before anything is pushed. Files that were of no use are
    /// among what is removed.
    pub fn open(now: Timestamp, random: u64, limits: Limits, mut files: Vec<Segment>) -> (Self, Found) {
        let limits = Limits { bytes: limits.bytes.max(LEAST_BYTES), ..limits };
        files.sort_unstable_by_key(|file| file.number);
        // Files are removed from the oldest on. What lies before a gap came back from the dead.
        let gap = files.windows(2).rposition(|pair| pair[0].number + 1 != pair[1].number);
        let alive = files.split_off(gap.map_or(0, |index| index + 1));
        let mut reading = Reading::default();
        for file in &alive {
            reading.read(file);
        }

        let largest = (limits.bytes / 16).min(LARGEST_SEGMENT);
        let log = Log::new(largest, alive.iter().map(|file| (file.number, file.bytes.len())));
        let (base, life) = reading.newest.map_or((random, 0), |(base, life)| (base, life + 1));
        let mut outbox = Self {
            limits,
            base,
            life,
            next: 1,
            marks: reading.marks,
            waiting: BTreeMap::new(),
            by_value: [const { VecDeque::new() }; 3],
            bytes: 0,
            lost: 0,
            log,
            link: Link::default(),
        };
        for (key, (event, size, segment)) in reading.waiting {
            if key > outbox.marks.taken {
                outbox.insert(key, Waiting { event, since: Timestamp::ZERO, size, segment });
            }
        }
        for file in &files {
            outbox.log.remove(file.number);
        }
        outbox.begin_segment(now);
        outbox.log.sync();
        // There may have been more room the last time.
        outbox.make_room(0, Value::High, now);
        outbox.tidy(now);
        let found = Found { events: outbox.waiting.len(), unread: reading.unread };
        (outbox, found)
    }
}
