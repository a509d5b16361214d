//! What all connections share: the engine behind a lock, and who has to hear of what happened there.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Semaphore, mpsc};

use super::bell::Bell;
use super::presence::{Feed, Presence};
use crate::engine::{Accepted, Engine, News};
use crate::limits::Limits;
use crate::message::{Message, Qos};
use crate::rights::Rights;

/// Passwords that are looked at at once: each takes a core for tens of milliseconds.
const ADMISSIONS: usize = 4;
/// How often what is due is done: keep-alives and wills are in seconds.
const TICK: Duration = Duration::from_millis(250);
/// How often expired retained messages are forgotten, in ticks: they are not shown before that either.
const SWEEP: u32 = 240;

pub(crate) struct Shared {
    pub(super) rights: Arc<dyn Rights>,
    pub(super) limits: Limits,
    pub(super) admissions: Semaphore,
    pub(super) places: Arc<Semaphore>,
    state: Mutex<State>,
    ticking: AtomicBool,
}

pub(super) struct State {
    pub(super) engine: Engine,
    pub(super) bells: HashMap<u64, Arc<Bell>>,
    pub(super) inboxes: HashMap<u64, Slot>,
    feeds: Vec<Weak<Feed>>,
}

/// An inbox, as its publishers see it.
pub(super) struct Slot {
    pub(super) sender: mpsc::Sender<Arc<Message>>,
    pub(super) filters: Box<[Box<str>]>,
}

/// A message that inboxes have no room for yet.
pub(super) struct Waiting {
    pub(super) inboxes: Vec<mpsc::Sender<Arc<Message>>>,
    pub(super) accepted: Accepted,
}

impl Shared {
    pub(super) fn new(rights: Arc<dyn Rights>, limits: Limits) -> Shared {
        let salt = RandomState::new().hash_one(0);
        Shared {
            rights,
            admissions: Semaphore::new(ADMISSIONS),
            places: Arc::new(Semaphore::new(limits.connections)),
            state: Mutex::new(State {
                engine: Engine::new(limits.clone(), salt),
                bells: HashMap::new(),
                inboxes: HashMap::new(),
                feeds: Vec::new(),
            }),
            limits,
            ticking: AtomicBool::new(false),
        }
    }

    /// Does something with the state, and tells everybody who has to hear of it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut state, Instant::now());
        let state_mut = &mut *state;
        let bells: Vec<Arc<Bell>> =
            state_mut.engine.stirred().filter_map(|id| state_mut.bells.get(&id).cloned()).collect();
        state.deliver_letters();
        state.tell_news();
        drop(state);
        for bell in bells {
            bell.ring();
        }
        done
    }

    pub(super) fn close_inbox(&self, id: u64) {
        self.with(|state, _| {
            if let Some(slot) = state.inboxes.remove(&id) {
                state.engine.shut(id, &slot.filters);
            }
        });
    }

    /// Starts what is done by time, once.
    pub(super) fn start(self: &Arc<Self>) {
        if self.ticking.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            for tick in 0_u32.. {
                ticks.tick().await;
                let Some(shared) = shared.upgrade() else { return };
                shared.with(|state, now| {
                    state.engine.tick(now);
                    if tick % SWEEP == 0 {
                        state.engine.sweep(now);
                    }
                });
            }
        });
    }
}

impl State {
    /// Gives a message to its inboxes and accepts it, or says whom it waits for. QoS 0 waits for nobody.
    pub(super) fn hand_over(&mut self, inboxes: &[u64], accepted: Accepted) -> Option<Waiting> {
        let message = &accepted.message;
        let slots = || inboxes.iter().filter_map(|inbox| self.inboxes.get(inbox));
        if message.qos == Qos::AtMostOnce {
            for slot in slots() {
                // Full: nothing was promised. Closed: nobody is there.
                drop(slot.sender.try_send(Arc::clone(message)));
            }
        } else {
            let mut places = Vec::with_capacity(inboxes.len());
            for slot in slots() {
                match slot.sender.try_reserve() {
                    Ok(place) => places.push(place),
                    Err(mpsc::error::TrySendError::Closed(())) => {}
                    Err(mpsc::error::TrySendError::Full(())) => {
                        let inboxes = slots().map(|slot| slot.sender.clone()).collect();
                        drop(places);
                        return Some(Waiting { inboxes, accepted });
                    }
                }
            }
            for place in places {
                place.send(Arc::clone(message));
            }
        }
        self.engine.accept(&accepted, !inboxes.is_empty());
        None
    }

    /// Gives a message to an inbox if it has room.
    pub(super) fn leave(&self, inbox: u64, message: &Arc<Message>) {
        let Some(slot) = self.inboxes.get(&inbox) else { return };
        if let Err(mpsc::error::TrySendError::Full(message)) = slot.sender.try_send(Arc::clone(message)) {
            tracing::warn!(topic = %message.topic, "a full inbox did not take a message of the house itself; read it faster or make it larger");
        }
    }

    /// Wills wait for a place in inboxes, since their publisher is not there to be held up: one each, at most.
    fn deliver_letters(&mut self) {
        for letter in self.engine.letters() {
            let Some(slot) = self.inboxes.get(&letter.inbox) else { continue };
            if let Err(mpsc::error::TrySendError::Full(message)) = slot.sender.try_send(letter.message) {
                let sender = slot.sender.clone();
                tokio::spawn(async move { drop(sender.send(message).await) });
            }
        }
    }

    pub(super) fn add_feed(&mut self, feed: &Arc<Feed>) {
        let at = SystemTime::now();
        for identity in self.engine.present() {
            feed.push(Presence::Connected { identity: identity.clone(), at });
        }
        self.feeds.retain(|feed| feed.strong_count() > 0);
        self.feeds.push(Arc::downgrade(feed));
    }

    fn tell_news(&mut self) {
        let feeds = &self.feeds;
        let tell = |presence: &Presence| {
            feeds.iter().filter_map(Weak::upgrade).for_each(|feed| feed.push(presence.clone()));
        };
        for news in self.engine.news() {
            let at = SystemTime::now();
            match news {
                News::Came(identity) => tell(&Presence::Connected { identity, at }),
                News::Went(identity, reason) => tell(&Presence::Disconnected { identity, at, reason }),
                News::Overflow(identity, client) => tracing::warn!(
                    %identity, %client,
                    "messages for a client are dropped: more wait than `Limits::queued_messages` and `queued_bytes` allow"
                ),
                News::Refused(identity, client, why) => {
                    tracing::warn!(%identity, %client, "ended a connection: {why}");
                }
            }
        }
    }
}
