//! The waiting list for places of a full machine. Pure: takes `now`, gives outputs.
//!
//! Invariants, which the tests hold:
//! - places are offered in the order of asking;
//! - a place that is offered to somebody is not given to anybody else while the offer stands;
//! - whoever stops asking, or lets an offer pass, loses the place in the queue.

use playhouse_store::Millis;

use crate::clock::SECOND;

/// Accounts that can wait: a list longer than this helps nobody, and each entry costs memory.
pub(crate) const LONGEST: usize = 100;

/// How long an offered place is kept.
pub(crate) const OFFER: Millis = 60 * SECOND;

/// How long somebody who does not ask is remembered.
pub(crate) const FORGET: Millis = 60 * SECOND;

/// The waiting list.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    account: String,
    asked: Millis,
    offered: Option<Millis>,
}

/// What somebody who wants to play is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Come in.
    Granted,
    /// Wait: number so-and-so, from 1.
    Wait(usize),
    /// Even the queue is full.
    Full,
}

/// An account's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) number: usize,
    /// Until when a place is kept for it.
    pub(crate) offered_until: Option<Millis>,
}

impl Queue {
    /// Somebody wants to play, while `free` places are free.
    pub(crate) fn request(&mut self, account: &str, free: usize, now: Millis) -> Turn {
        self.settle(free, now);
        match self.position(account) {
            Some(position) if position < free => {
                self.entries.remove(position);
                Turn::Granted
            }
            Some(position) => {
                self.entries[position].asked = now;
                Turn::Wait(position + 1)
            }
            None if self.entries.len() < free => Turn::Granted,
            None if self.entries.len() >= LONGEST => Turn::Full,
            None => {
                self.entries.push(Entry { account: account.to_owned(), asked: now, offered: None });
                Turn::Wait(self.entries.len())
            }
        }
    }

    /// Somebody asks for its place, and keeps it by that.
    pub(crate) fn place(&mut self, account: &str, free: usize, now: Millis) -> Option<Place> {
        self.settle(free, now);
        let position = self.position(account)?;
        let entry = &mut self.entries[position];
        entry.asked = now;
        Some(Place { number: position + 1, offered_until: entry.offered.map(|at| at + OFFER) })
    }

    /// Somebody does not want to wait any more.
    pub(crate) fn leave(&mut self, account: &str) {
        self.entries.retain(|entry| entry.account != account);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Offers what is free, and drops who is gone. Whether anything changed.
    pub(crate) fn settle(&mut self, free: usize, now: Millis) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| match entry.offered {
            Some(at) => now < at + OFFER,
            None => now < entry.asked + FORGET,
        });
        let mut changed = self.entries.len() != before;
        for (position, entry) in self.entries.iter_mut().enumerate() {
            let offered = (position < free).then(|| entry.offered.unwrap_or(now));
            if offered.is_none() && entry.offered.is_some() {
                // The place went away again (a session elsewhere took it): waiting goes on, nobody is punished.
                entry.asked = now;
            }
            changed |= offered != entry.offered;
            entry.offered = offered;
        }
        changed
    }

    fn position(&self, account: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.account == account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_in_the_order_of_asking() {
        let mut queue = Queue::default();
        assert_eq!(queue.request("a", 0, 0), Turn::Wait(1));
        assert_eq!(queue.request("b", 0, 1), Turn::Wait(2));
        assert_eq!(queue.request("a", 0, 2), Turn::Wait(1), "asking again does not lose the place");
        assert_eq!(queue.request("c", 1, 3), Turn::Wait(3), "the free place is a's");
        assert_eq!(queue.request("b", 1, 3), Turn::Wait(2));
        assert_eq!(queue.request("a", 1, 3), Turn::Granted);
        assert_eq!(queue.request("b", 1, 4), Turn::Granted);
    }

    #[test]
    fn an_offer_that_passes_goes_to_the_next() {
        let mut queue = Queue::default();
        queue.request("a", 0, 0);
        queue.request("b", 0, 0);
        assert!(queue.settle(1, 10));
        assert!(!queue.settle(1, 11));
        let place = queue.place("a", 1, 20).unwrap();
        assert_eq!(place, Place { number: 1, offered_until: Some(10 + OFFER) });
        queue.place("b", 1, 30 * SECOND);
        assert!(queue.settle(1, 10 + OFFER));
        assert_eq!(queue.place("a", 1, 10 + OFFER), None);
        assert_eq!(queue.request("b", 1, 10 + OFFER), Turn::Granted);
    }

    #[test]
    fn whoever_stops_asking_is_forgotten() {
        let mut queue = Queue::default();
        queue.request("a", 0, 0);
        queue.request("b", 0, 0);
        queue.place("b", 0, FORGET - 1);
        assert_eq!(queue.place("b", 0, FORGET), Some(Place { number: 1, offered_until: None }));
    }

    #[test]
    fn a_full_queue_says_so() {
        let mut queue = Queue::default();
        for number in 0..LONGEST {
            assert_eq!(queue.request(&number.to_string(), 0, 0), Turn::Wait(number + 1));
        }
        assert_eq!(queue.request("late", 0, 0), Turn::Full);
        queue.leave("0");
        assert_eq!(queue.request("late", 0, 0), Turn::Wait(LONGEST));
    }

    #[test]
    fn a_withdrawn_offer_does_not_cost_the_place() {
        let mut queue = Queue::default();
        queue.request("a", 0, 0);
        queue.settle(1, 1);
        queue.settle(0, OFFER);
        assert_eq!(queue.request("a", 1, OFFER + SECOND), Turn::Granted);
    }
}
