//! Subscriptions: what begins and ends them, and what they are sent at once.

use std::sync::Arc;
use std::time::Instant;

use super::session::{Held, Parcel};
use super::{Engine, Entry, Target};
use crate::codec::{Filter, Outgoing, Reason, RetainHandling, Subscribe, Unsubscribe};
use crate::message::{Message, Qos};
use crate::topic::{TopicError, check_filter, split_share};

impl Engine {
    /// SUBSCRIBE. `allowed` says of each filter whether its client may have it.
    pub fn subscribe(&mut self, id: u64, packet: &Subscribe, allowed: &[bool], now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.heard = now;
        let Some(session) = connection.session else { return };
        let may = packet.filters.iter().zip(allowed.iter().chain(std::iter::repeat(&false)));
        let reasons = may
            .map(|(filter, &may)| {
                if may {
                    self.subscribe_one(session, filter, packet.subscription, now)
                } else {
                    Reason::NOT_AUTHORIZED
                }
            })
            .collect();
        self.answer(id, Some(Outgoing::SubAck(packet.id, reasons)));
    }

    fn subscribe_one(&mut self, id: u64, wanted: &Filter, subscription: Option<u32>, now: Instant) -> Reason {
        let split = split_share(&wanted.filter).and_then(|(group, filter)| {
            check_filter(filter)?;
            Ok((group, filter))
        });
        let Ok((group, filter)) = split else { return Reason::BAD_FILTER };
        if group.is_some() && wanted.no_local {
            return Reason::PROTOCOL_ERROR;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return Reason::UNSPECIFIED };
        let known = session.subscriptions.iter().any(|held| held.filter == wanted.filter);
        if known {
            self.forget(id, &wanted.filter);
        } else if session.subscriptions.len() >= self.limits.subscriptions {
            return Reason::QUOTA_EXCEEDED;
        } else {
            session.subscriptions.push(Held { filter: Arc::clone(&wanted.filter) });
        }
        let whole = if group.is_some() { filter.into() } else { Arc::clone(&wanted.filter) };
        let entry = Entry {
            target: Target::Session(id),
            qos: wanted.qos,
            no_local: wanted.no_local,
            retain_as_published: wanted.retain_as_published,
            subscription,
            share: group.map(|_| Arc::clone(&wanted.filter)),
        };
        self.subscribers.insert(&whole, entry);
        let replays = match wanted.retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => !known,
            RetainHandling::Never => false,
        };
        if replays && group.is_none() {
            self.replay(id, filter, wanted.qos, subscription, now);
        }
        Reason(wanted.qos as u8)
    }

    /// Sends a session what is retained. All of it, however much that is, since its subscriber asked for it; unless there waits
    /// too much already, so that asking again and again adds nothing.
    fn replay(&mut self, id: u64, filter: &str, qos: Qos, subscription: Option<u32>, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.queued() >= self.limits.queued_messages || self.queued >= self.limits.queued_total {
            return;
        }
        let before = session.bytes();
        for message in self.retained.matching(filter, now) {
            session.push(Parcel {
                message: Arc::clone(message),
                qos: qos.min(message.qos),
                retain: true,
                subscriptions: subscription.into_iter().collect(),
            });
        }
        self.queued = (self.queued + session.bytes()).saturating_sub(before);
    }

    /// UNSUBSCRIBE.
    pub(super) fn unsubscribe(&mut self, connection: u64, packet: &Unsubscribe) -> Outgoing {
        let session =
            self.connections.get(&connection).and_then(|connection| connection.session).unwrap_or(0);
        let reasons = packet
            .filters
            .iter()
            .map(|filter| {
                let Some(state) = self.sessions.get_mut(&session) else { return Reason::NO_SUBSCRIPTION };
                let Some(at) = state.subscriptions.iter().position(|held| *held.filter == **filter) else {
                    return Reason::NO_SUBSCRIPTION;
                };
                state.subscriptions.swap_remove(at);
                self.forget(session, filter);
                Reason::SUCCESS
            })
            .collect();
        Outgoing::UnsubAck(packet.id, reasons)
    }

    /// Takes a session's subscription out of the tree.
    pub(super) fn forget(&mut self, session: u64, filter: &str) {
        let Ok((group, bare)) = split_share(filter) else { return };
        let shared = group.is_some();
        self.subscribers.remove(bare, |entry| {
            entry.target == Target::Session(session)
                && entry.share.is_some() == shared
                && entry.share.as_deref().is_none_or(|share| share == filter)
        });
    }

    /// An inbox of the program itself: its number, and what is retained under its filters.
    ///
    /// # Errors
    /// A filter is not well formed.
    pub fn open(&mut self, filters: &[&str], now: Instant) -> Result<(u64, Vec<Arc<Message>>), TopicError> {
        for filter in filters {
            check_filter(filter)?;
        }
        let id = self.number();
        let mut retained = Vec::new();
        for &filter in filters {
            let entry = Entry {
                target: Target::Inbox(id),
                qos: Qos::ExactlyOnce,
                no_local: false,
                retain_as_published: false,
                subscription: None,
                share: None,
            };
            self.subscribers.insert(&filter.into(), entry);
            retained.extend(self.retained.matching(filter, now).cloned());
        }
        Ok((id, retained))
    }

    /// Ends an inbox's subscriptions.
    pub fn shut(&mut self, inbox: u64, filters: &[Box<str>]) {
        for filter in filters {
            self.subscribers.remove(filter, |entry| entry.target == Target::Inbox(inbox));
        }
    }
}
