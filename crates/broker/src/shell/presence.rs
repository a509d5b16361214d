//! Who is connected, told to the broker's own program without ever holding a connection up.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use crate::engine::Left;
use crate::rights::Identity;

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has a connection.
    Connected {
        /// Who.
        identity: Identity,
        /// When that was noticed.
        at: SystemTime,
    },
    /// Its last connection ended.
    Disconnected {
        /// Who.
        identity: Identity,
        /// When.
        at: SystemTime,
        /// Why.
        reason: Left,
    },
}

impl Presence {
    /// Who it is about.
    pub fn identity(&self) -> &Identity {
        match self {
            Presence::Connected { identity, .. } | Presence::Disconnected { identity, .. } => identity,
        }
    }
}

/// News of who comes and goes. Begins with everybody who is connected already.
///
/// One that is read slowly loses nothing that matters: for each identity the newest news is kept, so that it never
/// holds more than one entry each.
#[derive(Debug)]
pub struct PresenceFeed(pub(super) Arc<Feed>);

impl PresenceFeed {
    /// What happened next. Never ends; cancelling the wait loses nothing.
    pub async fn recv(&mut self) -> Presence {
        loop {
            let changed = self.0.changed.notified();
            if let Some(presence) = self.0.news.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                return presence;
            }
            changed.await;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Feed {
    news: Mutex<News>,
    changed: Notify,
}

impl Feed {
    pub(super) fn push(&self, presence: Presence) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push(presence);
        self.changed.notify_one();
    }
}

#[derive(Debug, Default)]
struct News {
    newest: HashMap<Identity, Presence>,
    order: VecDeque<Identity>,
}

impl News {
    fn push(&mut self, presence: Presence) {
        let identity = presence.identity().clone();
        if self.newest.insert(identity.clone(), presence).is_none() {
            self.order.push_back(identity);
        }
    }

    fn pop(&mut self) -> Option<Presence> {
        let identity = self.order.pop_front()?;
        self.newest.remove(&identity)
    }
}
