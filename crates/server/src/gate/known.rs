//! Who was asking a moment ago: players ask several times a second, and the records need not be read each time.
//!
//! Whatever may change who somebody is ends what is known at once ([`Known::change`]), and time does so within a second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_store::id;

use crate::gate::caller::Signed;

/// How long what was read counts: what this program does not change itself is noticed so late.
const COUNTS: Duration = Duration::from_secs(1);

/// Secrets that are known at a time; one more forgets all of them.
const MOST: usize = 1024;

/// Who was asking a moment ago, by the hash of the secret.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// How often something changed.
    turn: u64,
    found: HashMap<String, (Instant, Signed)>,
}

/// A moment: what is read from here on may be kept, if nothing changes meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(u64);

impl Known {
    /// This moment.
    pub(crate) fn turn(&self) -> Turn {
        Turn(self.lock().turn)
    }

    /// Whose a secret is, if that was read a moment ago.
    pub(crate) fn get(&self, secret: &str) -> Option<Signed> {
        let hash = id::hash(secret);
        let entries = self.lock();
        let (at, found) = entries.found.get(&hash)?;
        (at.elapsed() < COUNTS).then(|| found.clone())
    }

    /// Keeps what was read since `turn`, unless something has changed meanwhile.
    pub(crate) fn keep(&self, turn: Turn, secret: &str, found: Signed) {
        let hash = id::hash(secret);
        let mut entries = self.lock();
        if entries.turn != turn.0 {
            return;
        }
        if entries.found.len() >= MOST {
            entries.found.clear();
        }
        entries.found.insert(hash, (Instant::now(), found));
    }

    /// Something may be about to change, or has: nothing that was read before counts.
    pub(crate) fn change(&self) {
        let mut entries = self.lock();
        entries.turn += 1;
        entries.found.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::who::{Watcher, Who};

    fn found() -> Signed {
        Signed { sign_in: "a".to_owned(), who: Who::Nobody, watcher: Watcher::default() }
    }

    #[test]
    fn what_changed_while_it_was_read_is_not_kept() {
        let known = Known::default();
        let turn = known.turn();
        known.keep(turn, "secret", found());
        assert!(known.get("secret").is_some());
        assert!(known.get("another").is_none());
        known.change();
        assert!(known.get("secret").is_none(), "it was read before the change");
        known.keep(turn, "secret", found());
        assert!(known.get("secret").is_none(), "its reading began before the change");
        known.keep(known.turn(), "secret", found());
        assert!(known.get("secret").is_some());
    }

    #[test]
    fn many_secrets_take_no_more_than_their_room() {
        let known = Known::default();
        for number in 0..3 * MOST {
            known.keep(known.turn(), &number.to_string(), found());
        }
        assert!(known.lock().found.len() <= MOST);
    }
}
