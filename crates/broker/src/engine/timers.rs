//! What happens when nobody does anything: silence, wills, the end of sessions.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Engine, Left};
use crate::codec::Reason;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A connection's silence is looked at.
    Silence(u64),
    /// A connection's certificate ends.
    Certificate(u64),
    /// A session's will is published.
    Will(u64),
    /// A session ends.
    Expiry(u64),
}

#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn clear(&mut self, at: Option<Instant>, timer: Timer) {
        if let Some(at) = at {
            self.0.remove(&(at, timer));
        }
    }

    fn due(&mut self, now: Instant) -> Option<Timer> {
        let &(at, timer) = self.0.first()?;
        if at > now {
            return None;
        }
        self.0.pop_first();
        Some(timer)
    }
}

impl Engine {
    /// Does what is due. To be called a few times a second.
    pub fn tick(&mut self, now: Instant) {
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Silence(id) => self.listen(id, now),
                Timer::Certificate(id) => {
                    let why = "its certificate has expired; it may connect again with a new one";
                    self.refuse(id, Reason::NOT_AUTHORIZED, why, now);
                }
                Timer::Will(id) => {
                    if let Some((_, will)) =
                        self.sessions.get_mut(&id).and_then(|session| session.will.take())
                    {
                        self.bequeath(id, *will, now);
                    }
                }
                Timer::Expiry(id) => {
                    if let Some(session) = self.sessions.get_mut(&id) {
                        session.expires = None;
                        self.end(id, true, now);
                    }
                }
            }
        }
    }

    /// Forgets retained messages that have expired, which are not shown to anybody before that either. To be called every
    /// minute or so.
    pub fn sweep(&mut self, now: Instant) {
        self.retained.expire(now);
    }

    fn listen(&mut self, id: u64, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(patience) = connection.patience else { return };
        connection.alarm = None;
        if connection.held {
            connection.heard = now;
        }
        let due = connection.heard + patience;
        if due > now {
            connection.alarm = Some(due);
            self.timers.set(due, Timer::Silence(id));
        } else {
            let why = "nothing was heard for one and a half times the keep-alive";
            self.farewell(id, Reason::KEEP_ALIVE_TIMEOUT, why);
            self.detach(id, Left::Silent, now);
        }
    }
}
