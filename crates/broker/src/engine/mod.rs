//! What the broker decides, for all connections: packets and `now` in, packets out. No socket, task or clock is here.
//!
//! A connection begins with [`Engine::connect`], brings packets to [`Engine::receive`], takes packets from [`Engine::next`] and ends
//! with [`Engine::closed`]. Others that have something to take are in [`Engine::stirred`]. Rights are asked before packets
//! come here.

mod aliases;
mod connect;
mod publish;
mod session;
mod subscribe;
mod timers;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::{Ack, Incoming, Outgoing, Reason, Will};
use crate::limits::Limits;
use crate::message::{Message, Qos};
use crate::rights::Identity;
use crate::topic::{Retained, Tree};
use session::{Session, Window};
use timers::Timers;

pub use aliases::Aliases;
pub use publish::{Accepted, Offered};

/// All state of the broker.
#[derive(Debug)]
pub struct Engine {
    limits: Limits,
    connections: HashMap<u64, Connection>,
    sessions: HashMap<u64, Session>,
    /// Sessions by who has them and by client id.
    keys: BTreeMap<(Identity, Arc<str>), u64>,
    /// How many connections each has.
    present: HashMap<Identity, usize>,
    subscribers: Tree<Entry>,
    retained: Retained,
    timers: Timers,
    /// Bytes that wait for all sessions.
    queued: usize,
    /// Of connections, sessions and inboxes.
    last: u64,
    /// Makes the ids of clients that bring none hard to guess.
    salt: u64,
    /// How often somebody was dismissed.
    dismissals: u64,
    /// The next member of a shared subscription.
    turn: usize,
    stirred: Vec<u64>,
    letters: Vec<Letter>,
    news: Vec<News>,
}

/// A connection whose CONNECT was taken.
#[derive(Debug)]
struct Connection {
    identity: Identity,
    client: Arc<str>,
    /// Until it ends.
    session: Option<u64>,
    window: Window,
    /// One and a half times its keep-alive.
    patience: Option<Duration>,
    heard: Instant,
    /// When its silence is looked at next.
    alarm: Option<Instant>,
    /// When its certificate ends.
    until: Option<Instant>,
    /// It is not read, for no fault of its own.
    held: bool,
    will: Option<Box<Will>>,
    /// Answers that go before messages; what is read is bounded by how much of them is not sent.
    answers: VecDeque<Outgoing>,
    ending: Option<Left>,
}

/// A subscription in the tree.
#[derive(Clone, Debug)]
struct Entry {
    target: Target,
    qos: Qos,
    no_local: bool,
    retain_as_published: bool,
    subscription: Option<u32>,
    /// The whole filter of a shared subscription.
    share: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Session(u64),
    Inbox(u64),
}

/// A message for an inbox whose publisher cannot be held up: a will.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Which one.
    pub inbox: u64,
    /// The message.
    pub message: Arc<Message>,
}

/// What others should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It has its first connection.
    Came(Identity),
    /// Its last connection ended.
    Went(Identity, Left),
    /// Messages for a client were dropped, because too many waited; said once until they are sent.
    Overflow(Identity, Arc<str>),
    /// A connection ends because of what it did.
    Refused(Identity, Arc<str>, &'static str),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Left {
    /// It said goodbye.
    #[error("it disconnected")]
    Asked,
    /// The connection broke.
    #[error("the connection was lost")]
    Lost,
    /// Nothing was heard for one and a half times its keep-alive.
    #[error("nothing was heard of it for one and a half times its keep-alive")]
    Silent,
    /// It broke a rule of MQTT, a limit or a right; the log says which.
    #[error("the broker ended the connection because it broke a rule or a limit; the log says which")]
    Refused,
    /// A newer connection has its session.
    #[error("a newer connection took its session over")]
    TakenOver,
    /// [`crate::Broker::disconnect`].
    #[error("it was disconnected by the house")]
    Dismissed,
    /// The broker ends.
    #[error("the broker shut down")]
    ShutDown,
}

/// What is there for a connection.
#[derive(Debug)]
pub enum Next {
    /// To be sent.
    Packet(Outgoing),
    /// Nothing now.
    Idle,
    /// Nothing more: it is to be closed once all is sent.
    Close,
}

impl Engine {
    /// An empty one. `salt` is random.
    pub fn new(limits: Limits, salt: u64) -> Engine {
        Engine {
            limits,
            salt,
            connections: HashMap::new(),
            sessions: HashMap::new(),
            keys: BTreeMap::new(),
            present: HashMap::new(),
            subscribers: Tree::default(),
            retained: Retained::default(),
            timers: Timers::default(),
            queued: 0,
            last: 0,
            dismissals: 0,
            turn: 0,
            stirred: Vec::new(),
            letters: Vec::new(),
            news: Vec::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Connections that have something to take, or are to be closed. Some may be there twice, or be gone.
    pub fn stirred(&mut self) -> std::vec::Drain<'_, u64> {
        self.stirred.drain(..)
    }

    /// Messages for inboxes.
    pub fn letters(&mut self) -> std::vec::Drain<'_, Letter> {
        self.letters.drain(..)
    }

    /// What happened.
    pub fn news(&mut self) -> std::vec::Drain<'_, News> {
        self.news.drain(..)
    }

    /// Who is connected.
    pub fn present(&self) -> impl Iterator<Item = &Identity> {
        self.present.keys()
    }

    /// Whether there is no session, and nothing that waits for one.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.keys.is_empty() && self.subscribers.is_empty() && self.queued == 0
    }

    /// Goes up when somebody is dismissed: who was admitted before has to be asked again.
    pub fn dismissals(&self) -> u64 {
        self.dismissals
    }

    /// A packet of a connection; PUBLISH goes to [`Engine::offer`], SUBSCRIBE to [`Engine::subscribe`].
    pub fn receive(&mut self, id: u64, packet: Incoming, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.heard = now;
        let Some(session) = connection.session.and_then(|session| self.sessions.get_mut(&session)) else {
            return;
        };
        let before = session.bytes();
        let answer = match packet {
            Incoming::PubAck(ack) => {
                session.done(ack.id, Qos::AtLeastOnce);
                None
            }
            Incoming::PubComp(ack) => {
                session.done(ack.id, Qos::ExactlyOnce);
                None
            }
            Incoming::PubRec(ack) => session.recorded(ack),
            Incoming::PubRel(ack) => Some(session.release(ack.id)),
            Incoming::PingReq => Some(Outgoing::PingResp),
            Incoming::Unsubscribe(packet) => Some(self.unsubscribe(id, &packet)),
            Incoming::Disconnect(packet) => return self.goodbye(id, packet, now),
            Incoming::Publish(_) | Incoming::Subscribe(_) => {
                return self.refuse(id, Reason::PROTOCOL_ERROR, "a packet came at the wrong time", now);
            }
        };
        self.settle(id, before);
        self.answer(id, answer);
    }

    /// What the session of a connection took before is `before`: all sessions' sum follows.
    fn settle(&mut self, connection: u64, before: usize) {
        let session = self.connections.get(&connection).and_then(|c| c.session);
        let after = session.and_then(|session| self.sessions.get(&session)).map_or(before, Session::bytes);
        self.queued = (self.queued + after).saturating_sub(before);
    }

    fn answer(&mut self, id: u64, answer: Option<Outgoing>) {
        if let (Some(connection), Some(answer)) = (self.connections.get_mut(&id), answer) {
            connection.answers.push_back(answer);
        }
    }

    fn acknowledge(&mut self, id: u64, qos: Qos, packet: u16, reason: Reason) {
        let ack = Ack { id: packet, reason };
        let answer = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => Some(Outgoing::PubAck(ack)),
            Qos::ExactlyOnce => Some(Outgoing::PubRec(ack)),
        };
        self.answer(id, answer);
    }

    /// What a connection is to be sent.
    pub fn next(&mut self, id: u64, now: Instant) -> Next {
        let Some(connection) = self.connections.get_mut(&id) else { return Next::Close };
        if let Some(packet) = connection.answers.pop_front() {
            return Next::Packet(packet);
        }
        if connection.answers.capacity() > 0 {
            connection.answers = VecDeque::new();
        }
        if connection.ending.is_some() {
            return Next::Close;
        }
        let window = connection.window;
        let Some(session) = connection.session.and_then(|session| self.sessions.get_mut(&session)) else {
            return Next::Close;
        };
        let before = session.bytes();
        let packet = session.next(window, now);
        let after = session.bytes();
        self.queued = (self.queued + after).saturating_sub(before);
        packet.map_or(Next::Idle, Next::Packet)
    }

    /// Whether a connection is not read for no fault of its own: silence is then no sign of anything.
    pub fn hold(&mut self, id: u64, held: bool, now: Instant) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.held = held;
            connection.heard = now;
        }
    }
}
