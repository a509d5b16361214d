//! Clients of the pure engine: no sockets, and time that passes when a test says so.

use std::time::{Duration, Instant};

use bytes::Bytes;
use playhouse_broker::codec::{
    Ack, ConnAck, Connect, Delivery, Filter, Incoming, Outgoing, Publish, Reason, RetainHandling, Subscribe,
    Version, Will,
};
use playhouse_broker::engine::{Engine, Left, Next, Offered};
use playhouse_broker::{Identity, Limits, Qos};

pub(crate) struct Desk {
    pub(crate) engine: Engine,
    pub(crate) now: Instant,
}

pub(crate) fn connect(client: &str) -> Connect {
    Connect {
        version: Version::V5,
        clean: false,
        keep_alive: 0,
        client_id: client.to_owned(),
        username: None,
        password: None,
        will: None,
        session_expiry: 3600,
        receive_maximum: u16::MAX,
        packet_maximum: u32::MAX,
        authentication: false,
    }
}

pub(crate) fn will(topic: &str, delay: u32) -> Will {
    Will {
        topic: topic.into(),
        payload: Bytes::from_static(b"gone"),
        qos: Qos::AtLeastOnce,
        retain: false,
        delay,
        expiry: None,
        properties: None,
    }
}

pub(crate) fn publish(topic: &str, payload: &str, qos: Qos, id: u16) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: topic.into(),
        id,
        alias: None,
        expiry: None,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        properties: None,
    }
}

pub(crate) fn filter(filter: &str, qos: Qos) -> Filter {
    Filter {
        filter: filter.into(),
        qos,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::Send,
    }
}

pub(crate) fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.payload).into_owned()
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Desk {
        Desk { engine: Engine::new(limits, 7), now: Instant::now() }
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.engine.tick(self.now);
    }

    /// Connects as `identity`, and reads the CONNACK.
    pub(crate) fn enter_as(&mut self, identity: &str, packet: Connect) -> (u64, ConnAck) {
        let id = self.engine.connect(&Identity::new(identity), packet, None, self.now).expect("is let in");
        let Next::Packet(Outgoing::ConnAck(answer)) = self.engine.next(id, self.now) else {
            panic!("a CONNACK comes first")
        };
        (id, *answer)
    }

    pub(crate) fn enter(&mut self, packet: Connect) -> (u64, ConnAck) {
        self.enter_as("house", packet)
    }

    pub(crate) fn take(&mut self, id: u64) -> Vec<Outgoing> {
        let mut packets = Vec::new();
        while let Next::Packet(packet) = self.engine.next(id, self.now) {
            packets.push(packet);
        }
        packets
    }

    /// The reason of the DISCONNECT that comes, if it is all that comes.
    pub(crate) fn last_words(&mut self, id: u64) -> Option<Reason> {
        match self.take(id)[..] {
            [Outgoing::Disconnect(reason, why)] if !why.is_empty() => Some(reason),
            _ => None,
        }
    }

    pub(crate) fn is_over(&mut self, id: u64) -> bool {
        self.take(id);
        matches!(self.engine.next(id, self.now), Next::Close)
    }

    /// Messages that come, each acknowledged.
    pub(crate) fn messages(&mut self, id: u64) -> Vec<Delivery> {
        let mut messages = Vec::new();
        loop {
            let packets = self.take(id);
            if packets.is_empty() {
                return messages;
            }
            for packet in packets {
                let Outgoing::Publish(delivery) = packet else { continue };
                let ack = Ack { id: delivery.id, reason: Reason::SUCCESS };
                match delivery.qos {
                    Qos::AtMostOnce => {}
                    Qos::AtLeastOnce => self.engine.receive(id, Incoming::PubAck(ack), self.now),
                    Qos::ExactlyOnce => {
                        self.engine.receive(id, Incoming::PubRec(ack), self.now);
                        self.engine.receive(id, Incoming::PubComp(ack), self.now);
                    }
                }
                messages.push(delivery);
            }
        }
    }

    pub(crate) fn texts(&mut self, id: u64) -> Vec<String> {
        self.messages(id).iter().map(text).collect()
    }

    pub(crate) fn subscribe(&mut self, id: u64, wanted: Filter) -> Reason {
        self.subscribe_as(id, wanted, None)
    }

    pub(crate) fn subscribe_as(&mut self, id: u64, wanted: Filter, subscription: Option<u32>) -> Reason {
        let packet = Subscribe { id: 1, subscription, filters: vec![wanted] };
        self.engine.subscribe(id, &packet, &[true], self.now);
        match self.engine.next(id, self.now) {
            Next::Packet(Outgoing::SubAck(1, reasons)) => reasons[0],
            other => panic!("a SUBACK comes first, not {other:?}"),
        }
    }

    /// Publishes, and gives what the publisher is answered.
    pub(crate) fn publish(&mut self, id: u64, packet: Publish) -> Vec<Outgoing> {
        if let Offered::For(_, accepted) = self.engine.offer(id, packet, true, self.now) {
            self.engine.accept(&accepted, false);
        }
        self.take(id)
    }

    pub(crate) fn cut(&mut self, id: u64) {
        self.engine.closed(id, Left::Lost, self.now);
    }
}
