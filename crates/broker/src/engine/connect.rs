//! How connections begin and end, and what that does to their sessions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::{Session, Window};
use super::timers::Timer;
use super::{Connection, Engine, Left, News};
use crate::codec::{ConnAck, Connect, Disconnect, Outgoing, Reason, Version};
use crate::rights::Identity;
use crate::topic::check_topic;

/// The longest client id in bytes: room for any name that programs make up, and little to keep for each session.
const CLIENT_ID: usize = 256;

/// Bytes of a DISCONNECT besides its sentence.
const ROOM: usize = 16;

impl Engine {
    /// A connection of an admitted client: its number, with the CONNACK waiting for it. It ends at `until` at the latest.
    ///
    /// # Errors
    /// The reason that the client is told.
    pub fn connect(
        &mut self,
        identity: &Identity,
        packet: Connect,
        until: Option<Instant>,
        now: Instant,
    ) -> Result<u64, Reason> {
        if self.connections.len() >= self.limits.connections {
            return Err(Reason::BUSY);
        }
        if packet.authentication {
            return Err(Reason::BAD_AUTHENTICATION_METHOD);
        }
        if packet.will.as_ref().is_some_and(|will| check_topic(&will.topic).is_err()) {
            return Err(Reason::BAD_TOPIC);
        }
        let chosen = self.client_id(&packet)?;
        let client: Arc<str> = chosen.as_deref().unwrap_or(&packet.client_id).into();
        let key = (identity.clone(), Arc::clone(&client));
        let mut known = self.keys.get(&key).copied();
        if known.is_none() && self.sessions.len() >= self.limits.sessions {
            return Err(Reason::QUOTA_EXCEEDED);
        }
        *self.present.entry(identity.clone()).or_insert_with(|| {
            self.news.push(News::Came(identity.clone()));
            0
        }) += 1;
        if let Some(old) = known.and_then(|id| self.sessions.get(&id)).and_then(|session| session.connection)
        {
            self.farewell(old, Reason::TAKEN_OVER, "a newer connection took the session over");
            self.detach(old, Left::TakenOver, now);
            // Without an expiry the session ended with its connection.
            known = known.filter(|id| self.sessions.contains_key(id));
        }
        if packet.clean
            && let Some(id) = known.take()
        {
            self.end(id, true, now);
        }

        let id = self.number();
        let session = known.unwrap_or_else(|| {
            let session = self.last;
            self.sessions.insert(session, Session::new(identity.clone(), Arc::clone(&client)));
            self.keys.insert(key, session);
            session
        });
        let cap = u32::try_from(self.limits.session_expiry.as_secs()).unwrap_or(u32::MAX);
        let expiry = packet.session_expiry.min(cap);
        if let Some(state) = self.sessions.get_mut(&session) {
            self.timers.clear(state.expires.take(), Timer::Expiry(session));
            self.timers.clear(state.will.take().map(|(at, _)| at), Timer::Will(session));
            state.connection = Some(id);
            state.expiry = expiry;
        }
        let patience =
            (packet.keep_alive > 0).then(|| Duration::from_millis(u64::from(packet.keep_alive) * 1500));
        let alarm = patience.map(|patience| now + patience);
        if let Some(alarm) = alarm {
            self.timers.set(alarm, Timer::Silence(id));
        }
        if let Some(until) = until {
            self.timers.set(until, Timer::Certificate(id));
        }
        let connack = ConnAck {
            present: known.is_some(),
            reason: Reason::SUCCESS,
            assigned: chosen,
            session_expiry: (expiry != packet.session_expiry).then_some(expiry),
            receive_maximum: self.limits.receive_maximum,
            packet_maximum: u32::try_from(self.limits.packet).unwrap_or(u32::MAX),
            alias_maximum: self.limits.topic_aliases,
        };
        let window = Window {
            version: packet.version,
            in_flight: packet.receive_maximum.min(self.limits.in_flight).into(),
            packet: packet.packet_maximum as usize,
        };
        let connection = Connection {
            identity: identity.clone(),
            client,
            session: Some(session),
            window,
            patience,
            heard: now,
            alarm,
            until,
            held: false,
            will: packet.will.map(Box::new),
            answers: VecDeque::from([Outgoing::ConnAck(Box::new(connack))]),
            ending: None,
        };
        self.connections.insert(id, connection);
        Ok(id)
    }

    /// The id for a client that brings none.
    fn client_id(&self, packet: &Connect) -> Result<Option<String>, Reason> {
        if packet.client_id.len() > CLIENT_ID {
            return Err(Reason::BAD_CLIENT_ID);
        }
        if !packet.client_id.is_empty() {
            return Ok(None);
        }
        if packet.version == Version::V3 && !packet.clean {
            return Err(Reason::BAD_CLIENT_ID);
        }
        Ok(Some(format!("playhouse-{:016x}-{:x}", self.salt, self.last + 1)))
    }

    /// DISCONNECT.
    pub(super) fn goodbye(&mut self, id: u64, packet: Disconnect, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if packet.reason != Reason::WITH_WILL {
            connection.will = None;
        }
        let session = connection.session.and_then(|session| self.sessions.get_mut(&session));
        if let (Some(session), Some(expiry)) = (session, packet.session_expiry) {
            if session.expiry == 0 && expiry > 0 {
                return self.refuse(
                    id,
                    Reason::PROTOCOL_ERROR,
                    "a session without expiry was to get one",
                    now,
                );
            }
            let cap = u32::try_from(self.limits.session_expiry.as_secs()).unwrap_or(u32::MAX);
            session.expiry = expiry.min(cap);
        }
        self.detach(id, Left::Asked, now);
    }

    /// A connection is over, from outside. Does nothing where that is known already, but forgets it.
    pub fn closed(&mut self, id: u64, how: Left, now: Instant) {
        self.detach(id, how, now);
        self.connections.remove(&id);
    }

    /// Ends a connection because of what it did. A client of version 5 is told the reason, and `why` is in the news.
    pub fn refuse(&mut self, id: u64, reason: Reason, why: &'static str, now: Instant) {
        let Some(connection) = self.connections.get(&id) else { return };
        if connection.ending.is_none() {
            self.news.push(News::Refused(connection.identity.clone(), Arc::clone(&connection.client), why));
            self.farewell(id, reason, why);
            self.detach(id, Left::Refused, now);
        }
    }

    /// Ends all connections of an identity, and its sessions, without their wills.
    pub fn dismiss(&mut self, identity: &Identity, now: Instant) {
        self.dismissals += 1;
        let first = (identity.clone(), Arc::from(""));
        let own: Vec<u64> = self
            .keys
            .range(first..)
            .take_while(|((owner, _), _)| owner == identity)
            .map(|(_, &id)| id)
            .collect();
        for session in own {
            if let Some(connection) = self.sessions.get(&session).and_then(|session| session.connection) {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.will = None;
                }
                self.farewell(connection, Reason::ADMINISTRATIVE, "the house ended the connection");
                self.detach(connection, Left::Dismissed, now);
            }
            self.end(session, false, now);
        }
    }

    /// The last words, with a sentence for those who take packets as long as that.
    pub(super) fn farewell(&mut self, id: u64, reason: Reason, why: &'static str) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let fits = connection.window.packet > why.len() + ROOM;
        connection.answers.push_back(Outgoing::Disconnect(reason, if fits { why } else { "" }));
    }

    /// Parts a connection from its session: what is left of it only sends its answers. The session goes on for as long as it
    /// is to, or ends.
    pub(super) fn detach(&mut self, id: u64, how: Left, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(session) = connection.session.take() else { return };
        connection.ending = Some(how);
        let will = connection.will.take();
        self.timers.clear(connection.alarm.take(), Timer::Silence(id));
        self.timers.clear(connection.until.take(), Timer::Certificate(id));
        self.stirred.push(id);
        let identity = connection.identity.clone();
        if let Some(count) = self.present.get_mut(&identity) {
            *count -= 1;
            if *count == 0 {
                self.present.remove(&identity);
                self.news.push(News::Went(identity, how));
            }
        }
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let before = state.bytes();
        state.disconnected();
        self.queued = (self.queued + state.bytes()).saturating_sub(before);
        let expiry = state.expiry;
        if let Some(will) = will {
            // A will waits no longer than its session lives (section 3.1.3.2.2).
            let delay = will.delay.min(expiry);
            if delay == 0 {
                self.bequeath(session, *will, now);
            } else {
                let at = now + Duration::from_secs(delay.into());
                state.will = Some((at, will));
                self.timers.set(at, Timer::Will(session));
            }
        }
        if expiry == 0 {
            self.end(session, true, now);
        } else if let Some(state) = self.sessions.get_mut(&session) {
            let at = now + Duration::from_secs(expiry.into());
            state.expires = Some(at);
            self.timers.set(at, Timer::Expiry(session));
        }
    }

    /// Ends a session that nobody is connected to.
    pub(super) fn end(&mut self, id: u64, with_will: bool, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let will = session.will.take();
        self.timers.clear(session.expires.take(), Timer::Expiry(id));
        self.timers.clear(will.as_ref().map(|(at, _)| *at), Timer::Will(id));
        if let Some((_, will)) = will.filter(|_| with_will) {
            self.bequeath(id, *will, now);
        }
        let Some(session) = self.sessions.remove(&id) else { return };
        self.queued = self.queued.saturating_sub(session.bytes());
        for held in &session.subscriptions {
            self.forget(id, &held.filter);
        }
        self.keys.remove(&(session.identity, session.client));
    }
}
