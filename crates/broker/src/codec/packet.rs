//! What travels between a client and the broker.

use std::sync::Arc;

use bytes::Bytes;

use crate::message::{Message, Properties, Qos};

/// The version of MQTT that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V3,
    /// 5.
    V5,
}

/// A reason code (MQTT 5, section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub u8);

#[expect(missing_docs, reason = "the names are those of MQTT 5, section 2.4")]
impl Reason {
    pub const SUCCESS: Reason = Reason(0x00);
    pub const WITH_WILL: Reason = Reason(0x04);
    pub const NO_MATCHING_SUBSCRIBERS: Reason = Reason(0x10);
    pub const NO_SUBSCRIPTION: Reason = Reason(0x11);
    pub const UNSPECIFIED: Reason = Reason(0x80);
    pub const MALFORMED: Reason = Reason(0x81);
    pub const PROTOCOL_ERROR: Reason = Reason(0x82);
    pub const UNSUPPORTED_VERSION: Reason = Reason(0x84);
    pub const BAD_CLIENT_ID: Reason = Reason(0x85);
    pub const BAD_CREDENTIALS: Reason = Reason(0x86);
    pub const NOT_AUTHORIZED: Reason = Reason(0x87);
    pub const UNAVAILABLE: Reason = Reason(0x88);
    pub const BUSY: Reason = Reason(0x89);
    pub const BAD_AUTHENTICATION_METHOD: Reason = Reason(0x8c);
    pub const KEEP_ALIVE_TIMEOUT: Reason = Reason(0x8d);
    pub const TAKEN_OVER: Reason = Reason(0x8e);
    pub const BAD_FILTER: Reason = Reason(0x8f);
    pub const BAD_TOPIC: Reason = Reason(0x90);
    pub const ID_NOT_FOUND: Reason = Reason(0x92);
    pub const RECEIVE_MAXIMUM: Reason = Reason(0x93);
    pub const BAD_ALIAS: Reason = Reason(0x94);
    pub const PACKET_TOO_LARGE: Reason = Reason(0x95);
    pub const QUOTA_EXCEEDED: Reason = Reason(0x97);
    pub const ADMINISTRATIVE: Reason = Reason(0x98);

    /// Whether something failed.
    pub fn is_failure(self) -> bool {
        self.0 >= 0x80
    }
}

/// What a client sends after its CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Publish(Publish),
    /// QoS 1: the message is there.
    PubAck(Ack),
    /// QoS 2: the message is there, once.
    PubRec(Ack),
    /// QoS 2: its identifier may be forgotten.
    PubRel(Ack),
    /// QoS 2: it is forgotten.
    PubComp(Ack),
    /// New subscriptions.
    Subscribe(Subscribe),
    /// Subscriptions that end.
    Unsubscribe(Unsubscribe),
    /// Still here.
    PingReq,
    /// Goodbye.
    Disconnect(Disconnect),
}

/// CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Of the protocol.
    pub version: Version,
    /// Forget what was before (clean session, clean start).
    pub clean: bool,
    /// Seconds; 0 for none.
    pub keep_alive: u16,
    /// Empty where the broker is to choose.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Vec<u8>>,
    /// What is published when the connection is lost.
    pub will: Option<Will>,
    /// Seconds that the session outlives the connection; `u32::MAX` for ever. From the clean flag in 3.1.1.
    pub session_expiry: u32,
    /// The most messages of QoS 1 and 2 that it takes at once.
    pub receive_maximum: u16,
    /// The largest packet that it takes.
    pub packet_maximum: u32,
    /// Whether it asks for enhanced authentication.
    pub authentication: bool,
}

/// A will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its payload.
    pub payload: Bytes,
    /// Its quality.
    pub qos: Qos,
    /// Whether it is retained.
    pub retain: bool,
    /// Seconds after the end of the connection.
    pub delay: u32,
    /// Seconds that it is worth something.
    pub expiry: Option<u32>,
    /// Passed through.
    pub properties: Option<Box<Properties>>,
}

/// PUBLISH from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Sent before.
    pub dup: bool,
    /// Its quality.
    pub qos: Qos,
    /// Whether it is retained.
    pub retain: bool,
    /// Empty where an alias stands for it.
    pub topic: Arc<str>,
    /// Packet identifier; 0 with QoS 0.
    pub id: u16,
    /// Topic alias.
    pub alias: Option<u16>,
    /// Seconds that it is worth something.
    pub expiry: Option<u32>,
    /// Its payload.
    pub payload: Bytes,
    /// Passed through.
    pub properties: Option<Box<Properties>>,
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Packet identifier.
    pub id: u16,
    /// How it went.
    pub reason: Reason,
}

/// SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Packet identifier.
    pub id: u16,
    /// Subscription identifier.
    pub subscription: Option<u32>,
    /// At least one.
    pub filters: Vec<Filter>,
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// As it was sent, `$share/…` included.
    pub filter: Arc<str>,
    /// The best quality that is asked for.
    pub qos: Qos,
    /// Without what the client itself publishes.
    pub no_local: bool,
    /// With the retain flag of the publisher.
    pub retain_as_published: bool,
    /// When retained messages are sent.
    pub retain_handling: RetainHandling,
}

/// When a subscription is sent what is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetainHandling {
    /// Always.
    Send,
    /// If it is new.
    SendIfNew,
    /// Never.
    Never,
}

/// UNSUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Packet identifier.
    pub id: u16,
    /// At least one.
    pub filters: Vec<String>,
}

/// DISCONNECT from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// Why.
    pub reason: Reason,
    /// Seconds; a new expiry of the session.
    pub session_expiry: Option<u32>,
}

/// What the broker sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// The answer to CONNECT.
    ConnAck(Box<ConnAck>),
    /// A message.
    Publish(Delivery),
    /// As for [`Incoming`].
    PubAck(Ack),
    /// As for [`Incoming`].
    PubRec(Ack),
    /// As for [`Incoming`].
    PubRel(Ack),
    /// As for [`Incoming`].
    PubComp(Ack),
    /// One reason for each filter.
    SubAck(u16, Vec<Reason>),
    /// One reason for each filter.
    UnsubAck(u16, Vec<Reason>),
    /// The answer to a ping.
    PingResp,
    /// Goodbye, with a sentence for people or nothing; 3.1.1 does not have it: nothing is written there.
    Disconnect(Reason, &'static str),
}

/// CONNACK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnAck {
    /// Whether there was a session.
    pub present: bool,
    /// How it went.
    pub reason: Reason,
    /// The client id that the broker chose.
    pub assigned: Option<String>,
    /// Seconds, where they are not what was asked for.
    pub session_expiry: Option<u32>,
    /// The most QoS 2 messages that a client may have unfinished; 0 to say nothing.
    pub receive_maximum: u16,
    /// The largest packet that is taken; 0 to say nothing.
    pub packet_maximum: u32,
    /// Topic aliases that are taken; 0 for none.
    pub alias_maximum: u16,
}

impl Default for Reason {
    fn default() -> Reason {
        Reason::SUCCESS
    }
}

/// PUBLISH to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What was published.
    pub message: Arc<Message>,
    /// With which quality it is sent.
    pub qos: Qos,
    /// The retain flag.
    pub retain: bool,
    /// Sent before.
    pub dup: bool,
    /// Packet identifier; 0 with QoS 0.
    pub id: u16,
    /// Seconds that it is still worth something.
    pub expiry: Option<u32>,
    /// Subscription identifiers.
    pub subscriptions: Box<[u32]>,
}
