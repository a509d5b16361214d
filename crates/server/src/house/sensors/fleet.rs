//! All sensors as they are right now. What lasts is in the records; here is what is known only while the program runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::extract::ws::Utf8Bytes;
use playhouse_sense::enrolment::{Health, Reported};
use playhouse_sense::observation::Glimpse;
use playhouse_store::Millis;
use playhouse_store::sensors::Sensor;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use utoipa::ToSchema;

use crate::house::sensors::listed::{Filter, Found};
use crate::house::sensors::viewers::Viewers;

/// All states of sensors.
pub(crate) const STATES: [&str; 4] = ["online", "offline", "waiting", "revoked"];

/// All sensors.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    members: RwLock<HashMap<String, Arc<Member>>>,
}

/// A sensor.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its key in the records.
    pub(crate) key: i64,
    now: Mutex<Now>,
    /// Who looks at it.
    pub(crate) viewers: Viewers,
    /// What was in its last picture, while somebody looks or plays.
    pub(crate) glimpses: watch::Sender<Glimpse>,
    /// Held while it asks the larger model something: one turn.
    pub(crate) asks: Arc<Semaphore>,
}

/// The place of a sensor in lists: by name, and of two of the same name the older one first.
pub(crate) type Place = (Arc<str>, i64);

/// How a sensor is.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// The row.
    pub(crate) row: Sensor,
    /// What it is found by.
    pub(crate) found: Found,
    /// The serial numbers of the certificates by which it may come.
    pub(crate) serials: Vec<String>,
    /// Whether it is connected.
    pub(crate) online: bool,
    /// When it was last heard of.
    pub(crate) seen: Option<Millis>,
    /// How it said that it is, since the program started.
    pub(crate) health: Option<Health>,
    /// What it said of itself.
    pub(crate) reported: Option<Reported>,
    /// What was wrong with its messages.
    pub(crate) troubles: Troubles,
}

/// What was wrong with a sensor's messages since the program started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Troubles {
    /// Messages that could not be read.
    malformed: u64,
    /// Messages that were too long.
    oversize: u64,
    /// Observations that came again, and were not counted again.
    replayed: u64,
    /// Observations whose time was not believed, so that they stand at the time when they came.
    clock: u64,
    /// Connections and reports that were not taken, since they broke a rule or there was no room for them.
    refused: u64,
    /// The newest of these, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Millis>,
}

/// Something that is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Malformed,
    Oversize,
    Replayed,
    Clock,
    Refused,
}

impl Troubles {
    /// Counts some.
    pub(crate) fn count(&mut self, trouble: Trouble, many: u64, why: impl Into<String>, now: Millis) {
        let counter = match trouble {
            Trouble::Malformed => &mut self.malformed,
            Trouble::Oversize => &mut self.oversize,
            Trouble::Replayed => &mut self.replayed,
            Trouble::Clock => &mut self.clock,
            Trouble::Refused => &mut self.refused,
        };
        *counter = counter.saturating_add(many);
        // That something comes again is how a link that broke goes on, and no fault.
        if trouble != Trouble::Replayed {
            (self.latest, self.at) = (Some(why.into()), Some(now));
        }
    }
}

impl Now {
    /// The state in a word.
    pub(crate) fn state(&self) -> &'static str {
        match self {
            Self { row: Sensor { revoked: Some(_), .. }, .. } => "revoked",
            Self { row: Sensor { enrolled: None, .. }, .. } => "waiting",
            Self { online: true, .. } => "online",
            _ => "offline",
        }
    }

    /// Whether a certificate of this number lets it in.
    pub(crate) fn admits(&self, serial: &str) -> bool {
        self.row.revoked.is_none() && self.serials.iter().any(|known| known == serial)
    }
}

impl Member {
    /// Whether anybody wants to know what is in its pictures: a page, or a game that is played by them.
    pub(crate) fn is_watched(&self) -> bool {
        self.viewers.any() || self.glimpses.receiver_count() > 0
    }

    /// How it is.
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands in lists.
    pub(crate) fn place(&self) -> Place {
        (self.now().found.order.clone(), self.key)
    }

    fn fits(&self, filter: &Filter) -> bool {
        let now = self.now();
        filter.fits(&now.found, now.row.grouped.as_deref(), now.state())
    }

    /// Tells whoever looks what state it is in.
    pub(crate) fn tell_state(&self) {
        if self.viewers.any() {
            let state = self.now().state();
            self.viewers.tell(&Utf8Bytes::from(format!("{{\"state\":\"{state}\"}}")));
        }
    }
}

impl Fleet {
    /// Follows a row.
    pub(crate) fn put(&self, row: Sensor) {
        let serials = serde_json::from_str(&row.serials).unwrap_or_default();
        let found = Found::of(&row);
        if let Some(member) = self.get(&row.id) {
            {
                let mut now = member.now();
                let before = std::mem::replace(&mut now.row, row);
                // Two changes may come here the other way round.
                if before.version > now.row.version {
                    (now.row.version, now.row.settings) = (before.version, before.settings);
                }
                (now.serials, now.found) = (serials, found);
            }
            member.tell_state();
            return;
        }
        let (seen, key) = (row.seen, row.key);
        let reported = row.reported.as_deref().and_then(|reported| serde_json::from_str(reported).ok());
        let id = row.id.clone();
        let troubles = Troubles::default();
        let now = Now { row, found, serials, online: false, seen, health: None, reported, troubles };
        let member = Arc::new(Member {
            key,
            now: Mutex::new(now),
            viewers: Viewers::default(),
            glimpses: watch::Sender::default(),
            asks: Arc::new(Semaphore::new(1)),
        });
        self.members.write().unwrap_or_else(PoisonError::into_inner).insert(id, member);
    }

    /// Forgets a sensor; whoever looks at it is told that it is over.
    pub(crate) fn remove(&self, id: &str) {
        let gone = self.members.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(member) = gone {
            member.viewers.end();
        }
    }

    /// The sensor of an id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = members.values().cloned().collect();
        drop(members);
        all.sort_by_key(|member| member.key);
        all
    }

    /// Those that are asked for in the order of their places, with these.
    pub(crate) fn listed(&self, filter: &Filter) -> Vec<(Place, Arc<Member>)> {
        let asked = self.all().into_iter().filter(|member| member.fits(filter));
        let mut listed: Vec<_> = asked.map(|member| (member.place(), member)).collect();
        listed.sort_by(|(one, _), (other, _)| one.cmp(other));
        listed
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether a certificate lets a sensor in.
    pub(crate) fn admits(&self, id: &str, serial: &str) -> bool {
        self.get(id).is_some_and(|member| member.now().admits(serial))
    }
}
