//! The way of a message: offered by its publisher, taken by inboxes, accepted, sent to sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::Parcel;
use super::{Engine, Entry, Letter, News, Target};
use crate::codec::{Publish, Reason, Version, Will};
use crate::message::{Message, Qos};
use crate::topic::{TopicError, check_topic};

/// A message that was offered.
#[derive(Debug)]
pub enum Offered {
    /// Nothing more is to be done with it.
    Settled,
    /// It is to be accepted once all of these inboxes have it (there may be none).
    For(Vec<u64>, Accepted),
}

/// A message whose publisher is not yet told that it is there.
#[derive(Debug)]
pub struct Accepted {
    /// For inboxes.
    pub message: Arc<Message>,
    connection: u64,
    session: u64,
    id: u16,
}

struct Hit {
    session: u64,
    qos: Qos,
    retain: bool,
    subscription: Option<u32>,
}

impl Engine {
    /// PUBLISH, with its topic; `allowed` says whether its client may.
    pub fn offer(&mut self, connection: u64, packet: Publish, allowed: bool, now: Instant) -> Offered {
        let Publish { qos, retain, topic, id: number, expiry, payload, properties, .. } = packet;
        let Some(state) = self.connections.get_mut(&connection) else { return Offered::Settled };
        state.heard = now;
        let version = state.window.version;
        let from = state.identity.clone();
        let Some(id) = state.session else { return Offered::Settled };
        let Some(session) = self.sessions.get(&id) else { return Offered::Settled };
        if qos == Qos::ExactlyOnce {
            if session.has_received(number) {
                self.acknowledge(connection, qos, number, Reason::SUCCESS);
                return Offered::Settled;
            }
            if session.unreleased() >= self.limits.receive_maximum.into() {
                let why = "it has more messages of QoS 2 unfinished than `Limits::receive_maximum`";
                self.refuse(connection, Reason::RECEIVE_MAXIMUM, why, now);
                return Offered::Settled;
            }
        }
        if check_topic(&topic).is_err() {
            let why = "it published to a topic that is none";
            self.refuse(connection, Reason::BAD_TOPIC, why, now);
            return Offered::Settled;
        }
        if !allowed {
            let why = "it published to a topic that it has no right to";
            self.decline(connection, (qos, number), version, Reason::NOT_AUTHORIZED, why, now);
            return Offered::Settled;
        }
        let message = Arc::new(Message {
            topic,
            payload,
            qos,
            retain,
            from: Some(from),
            expires: expiry.map(|seconds| now + Duration::from_secs(seconds.into())),
            properties,
        });
        if message.retain && !self.retained.has_room(&message, self.limits.retained_bytes) {
            let why = "there is no room to retain its message (`Limits::retained_bytes`)";
            self.decline(connection, (qos, number), version, Reason::QUOTA_EXCEEDED, why, now);
            return Offered::Settled;
        }
        let inboxes = self.inboxes(&message.topic);
        Offered::For(inboxes, Accepted { message, connection, session: id, id: number })
    }

    /// Says no to a message. In 3.1.1 there is no other way than to close; with QoS 0 nothing was promised.
    fn decline(
        &mut self,
        connection: u64,
        (qos, number): (Qos, u16),
        version: Version,
        reason: Reason,
        why: &'static str,
        now: Instant,
    ) {
        match (qos, version) {
            (Qos::AtMostOnce, _) => {}
            (_, Version::V5) => self.acknowledge(connection, qos, number, reason),
            (_, Version::V3) => self.refuse(connection, reason, why, now),
        }
    }

    /// All inboxes have it: sends it to sessions, and tells its publisher.
    pub fn accept(&mut self, accepted: &Accepted, for_inboxes: bool) {
        if accepted.message.qos == Qos::ExactlyOnce
            && let Some(session) = self.sessions.get_mut(&accepted.session)
        {
            session.receive(accepted.id);
        }
        let sent = self.route(&accepted.message, Some(accepted.session)) > 0 || for_inboxes;
        let reason = if sent { Reason::SUCCESS } else { Reason::NO_MATCHING_SUBSCRIBERS };
        self.acknowledge(accepted.connection, accepted.message.qos, accepted.id, reason);
    }

    /// A message of the program itself: the inboxes that should have it too.
    ///
    /// # Errors
    /// Its topic is none, or it cannot be retained.
    pub fn inject(&mut self, message: &Arc<Message>) -> Result<Vec<u64>, TopicError> {
        check_topic(&message.topic)?;
        if message.retain && !self.retained.has_room(message, self.limits.retained_bytes) {
            return Err(TopicError::NoRoom);
        }
        self.route(message, None);
        Ok(self.inboxes(&message.topic))
    }

    /// Publishes a will.
    pub(super) fn bequeath(&mut self, session: u64, will: Will, now: Instant) {
        let from = self.sessions.get(&session).map(|session| session.identity.clone());
        let message = Arc::new(Message {
            topic: will.topic,
            payload: will.payload,
            qos: will.qos,
            retain: will.retain,
            from,
            expires: will.expiry.map(|seconds| now + Duration::from_secs(seconds.into())),
            properties: will.properties,
        });
        let message = if message.retain && !self.retained.has_room(&message, self.limits.retained_bytes) {
            Arc::new(Message { retain: false, ..Arc::unwrap_or_clone(message) })
        } else {
            message
        };
        self.route(&message, Some(session));
        for inbox in self.inboxes(&message.topic) {
            self.letters.push(Letter { inbox, message: Arc::clone(&message) });
        }
    }

    /// Inboxes that a topic is for, in an order that is the same for all messages.
    fn inboxes(&self, topic: &str) -> Vec<u64> {
        let mut inboxes = Vec::new();
        self.subscribers.matching(topic, |entry| {
            if let Target::Inbox(inbox) = entry.target {
                inboxes.push(inbox);
            }
        });
        inboxes.sort_unstable();
        inboxes.dedup();
        inboxes
    }

    /// Retains a message if it is to be, and queues it for all sessions that subscribed to it: how many.
    fn route(&mut self, message: &Arc<Message>, from: Option<u64>) -> usize {
        if message.retain {
            self.retained.keep(message);
        }
        let mut hits: Vec<Hit> = Vec::new();
        let mut shared: Vec<&Entry> = Vec::new();
        self.subscribers.matching(&message.topic, |entry| {
            let Target::Session(session) = entry.target else { return };
            if entry.no_local && from == Some(session) {
                return;
            }
            if entry.share.is_some() {
                shared.push(entry);
            } else {
                hits.push(Hit::of(session, entry));
            }
        });
        if !shared.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            shared.sort_by(|a, b| (&a.share, a.target).cmp(&(&b.share, b.target)));
            for group in shared.chunk_by(|a, b| a.share == b.share) {
                hits.extend(self.member(group));
            }
        }
        if hits.len() > 1 {
            hits.sort_by_key(|hit| hit.session);
        }
        let mut sessions = 0;
        for same in hits.chunk_by(|a, b| a.session == b.session) {
            sessions += 1;
            self.deliver(message, same);
        }
        sessions
    }

    /// The member of a shared subscription whose turn it is: one that is connected, if there is any.
    fn member(&self, group: &[&Entry]) -> Option<Hit> {
        let connected = |entry: &&&Entry| {
            let Target::Session(id) = entry.target else { return false };
            self.sessions.get(&id).is_some_and(|session| session.connection.is_some())
        };
        let here = group.iter().filter(connected).count();
        let entry = if here > 0 {
            group.iter().filter(connected).nth(self.turn % here)
        } else {
            group.get(self.turn % group.len().max(1))
        };
        entry.and_then(|entry| match entry.target {
            Target::Session(id) => Some(Hit::of(id, entry)),
            Target::Inbox(_) => None,
        })
    }

    fn deliver(&mut self, message: &Arc<Message>, hits: &[Hit]) {
        let Some(first) = hits.first() else { return };
        let Some(session) = self.sessions.get_mut(&first.session) else { return };
        let best = hits.iter().map(|hit| hit.qos).max().unwrap_or(first.qos);
        let qos = best.min(message.qos);
        if qos == Qos::AtMostOnce && session.connection.is_none() {
            return;
        }
        let size = message.size();
        let full = session.queued() >= self.limits.queued_messages
            || session.bytes() + size > self.limits.queued_bytes
            || self.queued + size > self.limits.queued_total;
        if full {
            if !session.overflowed {
                session.overflowed = true;
                self.news.push(News::Overflow(session.identity.clone(), Arc::clone(&session.client)));
            }
            return;
        }
        session.push(Parcel {
            message: Arc::clone(message),
            qos,
            retain: message.retain && hits.iter().any(|hit| hit.retain),
            subscriptions: hits.iter().filter_map(|hit| hit.subscription).collect(),
        });
        self.queued += size;
        self.stirred.extend(session.connection);
    }
}

impl Hit {
    fn of(session: u64, entry: &Entry) -> Hit {
        Hit { session, qos: entry.qos, retain: entry.retain_as_published, subscription: entry.subscription }
    }
}
