//! QoS 2 through links that are cut anywhere, in any order: each message arrives once, and in order.

use std::collections::VecDeque;

use playhouse_broker::Qos;
use playhouse_broker::codec::{Ack, Incoming, Outgoing, Publish, Reason};
use playhouse_broker::engine::Next;
use proptest::prelude::*;

use crate::desk::{Desk, connect, filter, publish, text};

/// A client that follows the specification, behind a link that holds packets both ways.
#[derive(Default)]
struct Client {
    id: u64,
    up: VecDeque<Up>,
    down: VecDeque<Outgoing>,
    /// Sent, by packet identifier; with whether PUBREC came.
    sent: Vec<(u16, String, bool)>,
    /// Identifiers that came and are not released.
    held: Vec<u16>,
    got: Vec<String>,
    last: u16,
}

enum Up {
    Publish(Publish),
    Other(Incoming),
}

fn ack(id: u16) -> Ack {
    Ack { id, reason: Reason::SUCCESS }
}

impl Client {
    fn send(&mut self, payload: String) {
        self.last += 1;
        self.up.push_back(Up::Publish(publish("t", &payload, Qos::ExactlyOnce, self.last)));
        self.sent.push((self.last, payload, false));
    }

    /// The client's next packet reaches the broker.
    fn rise(&mut self, desk: &mut Desk) {
        match self.up.pop_front() {
            Some(Up::Publish(packet)) => {
                let answers = desk.publish(self.id, packet);
                self.down.extend(answers);
            }
            Some(Up::Other(packet)) => desk.engine.receive(self.id, packet, desk.now),
            None => {}
        }
    }

    /// The broker's next packet is on the way to the client.
    fn fall(&mut self, desk: &mut Desk) {
        if let Next::Packet(packet) = desk.engine.next(self.id, desk.now) {
            self.down.push_back(packet);
        }
    }

    /// The next packet that is on the way arrives.
    fn land(&mut self) {
        match self.down.pop_front() {
            Some(Outgoing::PubRec(ack)) => {
                if let Some(sent) = self.sent.iter_mut().find(|sent| sent.0 == ack.id) {
                    sent.2 = true;
                }
                self.up.push_back(Up::Other(Incoming::PubRel(ack)));
            }
            Some(Outgoing::PubComp(ack)) => self.sent.retain(|sent| sent.0 != ack.id),
            Some(Outgoing::Publish(delivery)) => {
                if !self.held.contains(&delivery.id) {
                    self.held.push(delivery.id);
                    self.got.push(text(&delivery));
                }
                self.up.push_back(Up::Other(Incoming::PubRec(ack(delivery.id))));
            }
            Some(Outgoing::PubRel(ack)) => {
                self.held.retain(|&id| id != ack.id);
                self.up.push_back(Up::Other(Incoming::PubComp(ack)));
            }
            _ => {}
        }
    }

    /// All that is on the way is lost; the client comes back and says again what was not answered.
    fn cut(&mut self, desk: &mut Desk, name: &str) {
        self.up.clear();
        self.down.clear();
        desk.cut(self.id);
        let (id, answer) = desk.enter(connect(name));
        assert!(answer.present, "the session is still there");
        self.id = id;
        for (id, payload, recorded) in &self.sent {
            self.up.push_back(if *recorded {
                Up::Other(Incoming::PubRel(ack(*id)))
            } else {
                Up::Publish(Publish { dup: true, ..publish("t", payload, Qos::ExactlyOnce, *id) })
            });
        }
    }

    fn is_quiet(&self) -> bool {
        self.up.is_empty() && self.down.is_empty() && self.sent.is_empty() && self.held.is_empty()
    }
}

proptest! {
    #[test]
    fn a_message_of_quality_2_arrives_once_however_often_links_are_cut(
        steps in prop::collection::vec(0_u8..12, 0..400),
    ) {
        let mut desk = Desk::new();
        let (mut publisher, mut subscriber) = (Client::default(), Client::default());
        (publisher.id, _) = desk.enter(connect("publisher"));
        (subscriber.id, _) = desk.enter(connect("subscriber"));
        desk.subscribe(subscriber.id, filter("t", Qos::ExactlyOnce));
        let mut count = 0;
        for step in steps {
            match step {
                0 | 1 => {
                    publisher.send(count.to_string());
                    count += 1;
                }
                2 => publisher.cut(&mut desk, "publisher"),
                3 => subscriber.cut(&mut desk, "subscriber"),
                4 | 5 => publisher.rise(&mut desk),
                6 => publisher.fall(&mut desk),
                7 => publisher.land(),
                8 => subscriber.rise(&mut desk),
                9 | 10 => subscriber.fall(&mut desk),
                _ => subscriber.land(),
            }
        }
        for _ in 0..10_000 {
            for client in [&mut publisher, &mut subscriber] {
                client.rise(&mut desk);
                client.fall(&mut desk);
                client.land();
            }
            if publisher.is_quiet() && subscriber.is_quiet() && subscriber.got.len() >= count {
                break;
            }
        }
        let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        prop_assert_eq!(subscriber.got, expected);
    }
}
