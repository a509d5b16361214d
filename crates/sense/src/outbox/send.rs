//! What is sent when, and what becomes of it once the hub has it.

use std::time::Duration;

use playhouse_media::time::Timestamp;

use super::record::{Key, Record};
use super::value::Value;
use super::{Outbox, Waiting};
use crate::observation::{Batch, Event, LARGEST_BATCH, MOST_EVENTS, What};

/// How long the hub has to say that it took a batch before it is sent again; doubled each time, up to [`MOST_PATIENCE`].
const PATIENCE: Duration = Duration::from_secs(10);

/// See [`PATIENCE`].
const MOST_PATIENCE: Duration = Duration::from_secs(80);

/// The link to the hub.
#[derive(Debug, Default)]
pub(super) struct Link {
    up: bool,
    flight: Option<Flight>,
    /// How often in a row the hub did not answer.
    unheard: u32,
}

/// A batch that the hub was sent.
#[derive(Clone, Copy, Debug)]
struct Flight {
    to: Key,
    until: Timestamp,
}

impl Outbox {
    /// There is a link to the hub. Whatever it did not say it took is sent again.
    pub fn connected(&mut self) {
        self.link = Link { up: true, ..Link::default() };
    }

    /// There is no link.
    pub fn disconnected(&mut self) {
        self.link = Link::default();
    }

    /// What is to be sent now, if anything. [`Outbox::actions`] come first.
    pub fn next_batch(&mut self, now: Timestamp) -> Option<Batch> {
        if self.log.sync_at().is_some_and(|at| at <= now) {
            self.log.sync();
        }
        if !self.link.up {
            return None;
        }
        if let Some(flight) = self.link.flight {
            if now < flight.until {
                return None;
            }
            self.link.flight = None;
            self.link.unheard += 1;
        }
        if self.due()? > now {
            return None;
        }
        self.tell_lost(now);
        self.log.sync_pressing();
        let (life, events) = self.oldest()?;
        let to = Key { life, seq: events.last()?.seq };
        if to > self.marks.sent {
            self.marks.sent = to;
            self.write(&Record::Marks(self.marks), now);
            self.tidy(now);
        }
        let patience = MOST_PATIENCE.min(PATIENCE * 2_u32.pow(self.link.unheard.min(8)));
        self.link.flight = Some(Flight { to, until: now + patience });
        Some(Batch { epoch: self.epoch_of(life), events })
    }

    /// When [`Outbox::next_batch`] is to be asked again, unless something happens before.
    pub fn wake(&self) -> Option<Timestamp> {
        let send = match self.link.flight {
            _ if !self.link.up => None,
            Some(flight) => Some(flight.until),
            None => self.due(),
        };
        send.into_iter().chain(self.log.sync_at()).min()
    }

    /// When there is something to send, were the link free.
    fn due(&self) -> Option<Timestamp> {
        let (front, first) =
            self.waiting.first_key_value().map_or((None, None), |(k, w)| (Some(*k), Some(w)));
        let urgent = front.is_some_and(|key| key <= self.marks.sent)
            || !self.by_value[Value::High as usize].is_empty()
            || self.bytes >= self.fill()
            || (first.is_none() && self.marks.lost > 0);
        if urgent {
            return Some(Timestamp::ZERO);
        }
        let oldest = |value: Value, wait: Duration| {
            let key = self.by_value[value as usize].front()?;
            Some(self.waiting.get(key)?.since + wait)
        };
        let middle = oldest(Value::Middle, self.limits.middle);
        middle.into_iter().chain(oldest(Value::Low, self.limits.low)).min()
    }

    /// Bytes of one batch: what was sent cannot be thrown away, so that a small outbox sends little at a time.
    fn fill(&self) -> usize {
        (LARGEST_BATCH / 2).min(self.limits.bytes / 8)
    }

    /// The oldest events, as many as go into one batch, and their life.
    fn oldest(&self) -> Option<(u64, Vec<Event>)> {
        let life = self.waiting.first_key_value()?.0.life;
        let mut left = self.fill();
        let fits = |(key, waiting): &(&Key, &Waiting)| {
            let fits = key.life == life && waiting.size <= left;
            left = left.saturating_sub(waiting.size);
            fits
        };
        let events = self.waiting.iter().take(MOST_EVENTS).take_while(fits);
        Some((life, events.map(|(_, waiting)| waiting.event.clone()).collect()))
    }

    /// Says how many events were thrown away, unless something that says so is still to be sent.
    fn tell_lost(&mut self, now: Timestamp) {
        let high = &self.by_value[Value::High as usize];
        let is_lost = |key: &&Key| {
            **key > self.marks.sent
                && matches!(
                    self.waiting.get(key),
                    Some(Waiting { event: Event { what: What::Lost { .. }, .. }, .. })
                )
        };
        if self.marks.lost == 0 || high.iter().rev().take(MOST_EVENTS).any(|key| is_lost(&key)) {
            return;
        }
        // At the time of the newest event: what was lost lies before.
        let at = self.waiting.last_key_value().map_or(0, |(_, waiting)| waiting.event.at);
        let largest = Event { seq: self.next, at, what: What::Lost { count: u32::MAX } };
        let record = Record::Event { life: self.life, event: largest, lost: u32::MAX };
        let size = record.encode().map_or(0, |bytes| bytes.len());
        if self.make_room(size, Value::High, now) {
            // The head of a new file says how many were lost, and it may be all that a power cut leaves of that file: it
            // is written while they are not told yet.
            if self.log.is_full(size) {
                self.begin_segment(now);
            }
            let count = std::mem::take(&mut self.marks.lost);
            self.keep(Event { seq: self.next, at, what: What::Lost { count } }, now);
            self.tidy(now);
        }
    }

    /// The hub has everything of that epoch up to that number. What it says of an epoch that was never sent, or of
    /// numbers that were never given, is passed over.
    pub fn taken(&mut self, now: Timestamp, epoch: u64, seq: u64) {
        let Some(life) = self.waiting.first_key_value().map(|(key, _)| key.life) else { return };
        if epoch != self.epoch_of(life) {
            return;
        }
        let mut to = Key { life, seq };
        if life == self.life {
            to = to.min(self.marks.sent);
        }
        if to <= self.marks.taken {
            return;
        }
        let keys: Vec<Key> = self.waiting.range(..=to).map(|(key, _)| *key).collect();
        for key in keys {
            self.remove(key);
        }
        self.marks.taken = to;
        self.marks.sent = self.marks.sent.max(to);
        if self.link.flight.is_some_and(|flight| flight.to <= to) {
            self.link = Link { up: true, ..Link::default() };
        }
        self.write(&Record::Marks(self.marks), now);
        self.tidy(now);
    }
}
