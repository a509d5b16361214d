//! One session: what waits for its client, what the client has not yet acknowledged, and what it has not yet released.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::codec::{Ack, Delivery, Outgoing, Reason, Version, Will, publish_size};
use crate::message::{Message, Qos};
use crate::rights::Identity;

/// A message on its way to a session.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) message: Arc<Message>,
    pub(super) qos: Qos,
    pub(super) retain: bool,
    pub(super) subscriptions: Box<[u32]>,
}

#[derive(Debug)]
struct Flight {
    id: u16,
    /// The client has it and said so (QoS 2): what is left is to let it forget the identifier.
    released: bool,
    parcel: Parcel,
}

/// A subscription, as the session remembers it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// As it was sent.
    pub(super) filter: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) client: Arc<str>,
    pub(super) connection: Option<u64>,
    /// Seconds that it outlives its connection.
    pub(super) expiry: u32,
    /// While nobody is connected.
    pub(super) expires: Option<Instant>,
    /// What is to be published unless the client comes back before.
    pub(super) will: Option<(Instant, Box<Will>)>,
    pub(super) subscriptions: Vec<Held>,
    /// Whether it is known that something was dropped since the queue was last empty.
    pub(super) overflowed: bool,
    queue: VecDeque<Parcel>,
    bytes: usize,
    flights: VecDeque<Flight>,
    /// How many of the flights were sent on this connection; the others are sent again.
    sent: usize,
    received: Vec<u16>,
    last_id: u16,
}

/// What a client can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) version: Version,
    pub(super) in_flight: usize,
    pub(super) packet: usize,
}

impl Session {
    pub(super) fn new(identity: Identity, client: Arc<str>) -> Session {
        Session {
            identity,
            client,
            connection: None,
            expiry: 0,
            expires: None,
            will: None,
            subscriptions: Vec::new(),
            overflowed: false,
            queue: VecDeque::new(),
            bytes: 0,
            flights: VecDeque::new(),
            sent: 0,
            received: Vec::new(),
            last_id: 0,
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of what waits and of what is not yet acknowledged.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.message.size();
        self.queue.push_back(parcel);
    }

    /// The client is gone: what was only for now goes too, and what it did not acknowledge is sent again.
    pub(super) fn disconnected(&mut self) {
        self.connection = None;
        self.sent = 0;
        let bytes = &mut self.bytes;
        self.queue.retain(|parcel| {
            let keep = parcel.qos != Qos::AtMostOnce;
            *bytes -= if keep { 0 } else { parcel.message.size() };
            keep
        });
        self.queue.shrink_to_fit();
        self.flights.shrink_to_fit();
    }

    /// The next packet for the client, if there is one that it can take now.
    pub(super) fn next(&mut self, window: Window, now: Instant) -> Option<Outgoing> {
        if let Some(flight) = self.flights.get(self.sent) {
            self.sent += 1;
            return Some(if flight.released {
                Outgoing::PubRel(Ack { id: flight.id, reason: Reason::SUCCESS })
            } else {
                Outgoing::Publish(delivery(&flight.parcel, flight.id, true, now))
            });
        }
        loop {
            let parcel = self.queue.front()?;
            let late = parcel.message.expires.is_some_and(|expires| expires <= now);
            if !late && parcel.qos != Qos::AtMostOnce && self.flights.len() >= window.in_flight {
                return None;
            }
            let parcel = self.queue.pop_front()?;
            if self.queue.is_empty() {
                self.overflowed = false;
                self.queue.shrink_to(IDLE_QUEUE);
            }
            let id = if parcel.qos == Qos::AtMostOnce { 0 } else { self.free_id() };
            let delivery = delivery(&parcel, id, false, now);
            // A packet that its client does not take counts as sent (section 3.1.2.11.4).
            if late || publish_size(&delivery, window.version) > window.packet {
                self.bytes -= parcel.message.size();
                continue;
            }
            if parcel.qos == Qos::AtMostOnce {
                self.bytes -= parcel.message.size();
            } else {
                self.flights.push_back(Flight { id, released: false, parcel });
                self.sent += 1;
            }
            return Some(Outgoing::Publish(delivery));
        }
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.flights.iter().all(|flight| flight.id != self.last_id) {
                return self.last_id;
            }
        }
    }

    /// PUBACK, or PUBCOMP: a message is done with.
    pub(super) fn done(&mut self, id: u16, qos: Qos) {
        let fits = |flight: &Flight| {
            flight.id == id && flight.parcel.qos == qos && flight.released == (qos == Qos::ExactlyOnce)
        };
        if let Some(at) = self.flights.iter().position(fits) {
            self.remove(at);
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(flight) = self.flights.remove(at) {
            self.bytes -= flight.parcel.message.size();
            if at < self.sent {
                self.sent -= 1;
            }
        }
        if self.flights.is_empty() {
            self.flights.shrink_to(IDLE_QUEUE);
        }
    }

    /// PUBREC: what is answered.
    pub(super) fn recorded(&mut self, ack: Ack) -> Option<Outgoing> {
        let at = self.flights.iter().position(|f| f.id == ack.id && f.parcel.qos == Qos::ExactlyOnce);
        match at {
            Some(at) if ack.reason.is_failure() => {
                self.remove(at);
                None
            }
            Some(at) => {
                self.flights[at].released = true;
                Some(Outgoing::PubRel(Ack { id: ack.id, reason: Reason::SUCCESS }))
            }
            None if ack.reason.is_failure() => None,
            None => Some(Outgoing::PubRel(Ack { id: ack.id, reason: Reason::ID_NOT_FOUND })),
        }
    }

    /// Whether a message of QoS 2 with that identifier came already.
    pub(super) fn has_received(&self, id: u16) -> bool {
        self.received.contains(&id)
    }

    /// How many messages of QoS 2 came that are not yet released.
    pub(super) fn unreleased(&self) -> usize {
        self.received.len()
    }

    /// A message of QoS 2 came.
    pub(super) fn receive(&mut self, id: u16) {
        self.received.push(id);
    }

    /// PUBREL: what is answered.
    pub(super) fn release(&mut self, id: u16) -> Outgoing {
        let reason = match self.received.iter().position(|&received| received == id) {
            Some(at) => {
                self.received.swap_remove(at);
                if self.received.is_empty() {
                    self.received = Vec::new();
                }
                Reason::SUCCESS
            }
            None => Reason::ID_NOT_FOUND,
        };
        Outgoing::PubComp(Ack { id, reason })
    }
}

/// What an empty queue keeps of its memory.
const IDLE_QUEUE: usize = 4;

fn delivery(parcel: &Parcel, id: u16, dup: bool, now: Instant) -> Delivery {
    let left = |expires: Instant| {
        u32::try_from(expires.saturating_duration_since(now).as_secs()).unwrap_or(u32::MAX)
    };
    Delivery {
        message: Arc::clone(&parcel.message),
        qos: parcel.qos,
        retain: parcel.retain,
        dup,
        id,
        expiry: parcel.message.expires.map(left),
        subscriptions: parcel.subscriptions.clone(),
    }
}
