//! All sessions of this server, and the queue for the next one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use playhouse_play::control::Ended;
use playhouse_store::Millis;
use tokio::sync::broadcast;

use crate::clock::{MINUTE, SECOND};
use crate::house::live::{Live, State};
use crate::house::queue::{Place, Queue, Turn};
use crate::node::Capacity;
use crate::problem::{Answer, Problem};

/// Changes that a slow reader can be behind before it has to look at everything again.
const CHANGES: usize = 256;

/// How long a session that is over can still be looked at: long enough to read its last words.
const KEEP_OVER: Millis = 10 * MINUTE;

/// Sessions that are over and still kept.
const MOST_OVER: usize = 200;

/// How long a connection may take to come up before it is given up.
const CONNECT: Millis = 45 * SECOND;

/// Something that event streams tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A session changed.
    Session(String),
    /// The queue moved.
    Queue,
    /// How a film that is made playable is getting on, for owners.
    Rendering(serde_json::Value),
    /// A rule tells of something that a sensor saw.
    Notice(serde_json::Value),
    /// A channel changed, or went on or off the air.
    Channel(String),
}

/// All sessions, and the queue.
#[derive(Debug)]
pub(crate) struct Sessions {
    inner: Mutex<Inner>,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug, Default)]
struct Inner {
    live: HashMap<String, Live>,
    queue: Queue,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { inner: Mutex::default(), changes: broadcast::channel(CHANGES).0 }
    }
}

/// What a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Sessions that are forgotten now.
    pub(crate) forgotten: Vec<String>,
    /// Connections that never came up: session and peer.
    pub(crate) stale: Vec<(String, String)>,
}

impl Inner {
    fn free(&self, capacity: Capacity) -> usize {
        let live = self.live.values().filter(|live| !live.is_over()).count();
        let running = live.max(capacity.running as usize);
        (capacity.limit as usize).saturating_sub(running)
    }
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(crate) fn tell(&self, change: Change) {
        // Without a reader nobody has to be told.
        drop(self.changes.send(change));
    }

    /// Takes a place for a session, or one in the queue.
    pub(crate) fn admit(&self, live: Live, capacity: Capacity, now: Millis) -> Turn {
        let id = live.id.clone();
        let mut inner = self.lock();
        let free = inner.free(capacity);
        let turn = inner.queue.request(&live.account.id, free, now);
        if turn == Turn::Granted {
            inner.live.insert(id.clone(), live);
        }
        drop(inner);
        self.tell(if turn == Turn::Granted { Change::Session(id) } else { Change::Queue });
        turn
    }

    /// Puts an account into the queue because the node itself had no place; gives the number.
    pub(crate) fn wait(&self, account: &str, now: Millis) -> Turn {
        self.lock().queue.request(account, 0, now)
    }

    /// Takes a session back that never began.
    pub(crate) fn withdraw(&self, id: &str) {
        self.lock().live.remove(id);
    }

    /// Reads a session.
    pub(crate) fn read<T>(&self, id: &str, look: impl FnOnce(&Live) -> T) -> Option<T> {
        self.lock().live.get(id).map(look)
    }

    /// Reads a session, which has to be there.
    pub(crate) fn get<T>(&self, id: &str, look: impl FnOnce(&Live) -> T) -> Answer<T> {
        self.read(id, look).ok_or_else(no_session)
    }

    /// Changes a session, which has to be there, and tells it.
    pub(crate) fn change<T>(&self, id: &str, act: impl FnOnce(&mut Live) -> T) -> Answer<T> {
        let done = self.lock().live.get_mut(id).map(act).ok_or_else(no_session)?;
        self.tell(Change::Session(id.to_owned()));
        Ok(done)
    }

    /// Reads all sessions, newest first.
    pub(crate) fn list<T>(&self, mut pick: impl FnMut(&Live) -> Option<T>) -> Vec<T> {
        let inner = self.lock();
        let mut all: Vec<&Live> = inner.live.values().collect();
        all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        all.into_iter().filter_map(&mut pick).collect()
    }

    /// An account's place in the queue, which asking keeps.
    pub(crate) fn place(&self, account: &str, capacity: Capacity, now: Millis) -> (Option<Place>, usize) {
        let mut inner = self.lock();
        let free = inner.free(capacity);
        (inner.queue.place(account, free, now), inner.queue.len())
    }

    /// An account does not want to wait any more.
    pub(crate) fn leave_queue(&self, account: &str) {
        self.lock().queue.leave(account);
        self.tell(Change::Queue);
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    /// A session is over. Whether that is news.
    pub(crate) fn end(&self, id: &str, ended: Ended, capacity: Capacity, now: Millis) -> bool {
        let mut inner = self.lock();
        let Some(live) = inner.live.get_mut(id).filter(|live| !live.is_over()) else { return false };
        live.end(ended, now);
        let free = inner.free(capacity);
        let moved = inner.queue.settle(free, now);
        drop(inner);
        self.tell(Change::Session(id.to_owned()));
        if moved {
            self.tell(Change::Queue);
        }
        true
    }

    /// Forgets what is long over, and finds connections that never came up.
    pub(crate) fn sweep(&self, capacity: Capacity, now: Millis) -> Swept {
        let mut swept = Swept::default();
        let mut inner = self.lock();
        let mut over: Vec<(Millis, String)> = Vec::new();
        for live in inner.live.values_mut() {
            if let State::Over { at, .. } = live.state {
                over.push((at, live.id.clone()));
                continue;
            }
            let stale = |peer: &crate::house::live::Peer| !peer.connected && now - peer.joined >= CONNECT;
            let gone: Vec<String> =
                live.peers.iter().filter(|(_, peer)| stale(peer)).map(|(id, _)| id.clone()).collect();
            for peer in gone {
                live.connected(&peer, false, now);
                swept.stale.push((live.id.clone(), peer));
            }
        }
        over.sort_unstable();
        let surplus = over.len().saturating_sub(MOST_OVER);
        for (index, (at, id)) in over.into_iter().enumerate() {
            if index < surplus || now - at >= KEEP_OVER {
                inner.live.remove(&id);
                swept.forgotten.push(id);
            }
        }
        let free = inner.free(capacity);
        let moved = inner.queue.settle(free, now);
        drop(inner);
        if moved {
            self.tell(Change::Queue);
        }
        for (session, _) in &swept.stale {
            self.tell(Change::Session(session.clone()));
        }
        swept
    }
}

/// The problem of an id that no session has.
pub(crate) fn no_session() -> Problem {
    Problem::not_found("There is no such session (any more). Start the title again.")
}

#[cfg(test)]
mod tests {
    use playhouse_play::control::{EndReason, Role};

    use super::*;
    use crate::gate::who::Person;
    use crate::house::live::{Peer, tests::live};

    const ROOM: Capacity = Capacity { running: 0, limit: 2 };

    #[test]
    fn what_is_long_over_is_forgotten() {
        let sessions = Sessions::default();
        assert_eq!(sessions.admit(live(1), ROOM, 0), Turn::Granted);
        let ended = Ended { reason: EndReason::Finished, message: String::new(), last_words: String::new() };
        assert!(sessions.end("s", ended.clone(), ROOM, 5));
        assert!(!sessions.end("s", ended, ROOM, 6), "the first word counts");
        assert!(sessions.sweep(ROOM, 4 + KEEP_OVER).forgotten.is_empty());
        assert_eq!(sessions.sweep(ROOM, 5 + KEEP_OVER).forgotten, ["s"]);
        assert!(sessions.get("s", |_| ()).is_err());
    }

    #[test]
    fn a_connection_that_never_comes_up_frees_its_seat() {
        let sessions = Sessions::default();
        sessions.admit(live(1), ROOM, 0);
        let peer = Peer {
            person: Person::Account("ada".to_owned()),
            name: "Ada".to_owned(),
            role: Role::Player { seat: 1 },
            connected: false,
            joined: 10,
            invite: None,
        };
        sessions.change("s", |live| live.join("p", peer)).unwrap();
        assert!(sessions.sweep(ROOM, 9 + CONNECT).stale.is_empty());
        assert_eq!(sessions.sweep(ROOM, 10 + CONNECT).stale, [("s".to_owned(), "p".to_owned())]);
        assert!(sessions.get("s", |live| live.holder(1).is_none()).unwrap());
    }

    #[test]
    fn a_slow_reader_does_not_hold_anybody_up() {
        let sessions = Sessions::default();
        let mut slow = sessions.changes();
        sessions.admit(live(1), ROOM, 0);
        for _ in 0..2 * CHANGES {
            sessions.change("s", |_| ()).unwrap();
        }
        assert!(matches!(slow.try_recv(), Err(broadcast::error::TryRecvError::Lagged(_))));
    }
}
