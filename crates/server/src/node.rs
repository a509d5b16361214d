//! What the server needs from a machine that runs sessions.
//!
//! The server decides who may do what; a node starts processes and passes messages. On one machine the node is
//! part of the same program (`playhouse::node`); the trait is the seam along which it moves to other machines.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use playhouse_live::Publisher;
use playhouse_play::control::{Ended, Role, SessionSpec, Stats};
use playhouse_play::input::PadState;
use tokio::sync::broadcast;

/// A future that a trait object can return.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send + 'a>>;

/// A machine that runs sessions.
pub trait Node: Send + Sync + 'static {
    /// What this machine can carry and carries.
    fn capacity(&self) -> Capacity;

    /// Encoders of this machine by name, best first, with the reason where one cannot be used.
    fn encoders(&self) -> Vec<EncoderInfo>;

    /// Starts a session process; done when the process has taken the specification, before the game's first
    /// picture. [`Event::Ready`] or [`Event::Ended`] follows.
    fn start(&self, spec: SessionSpec) -> Answer<'_, ()>;

    /// Passes a peer's offer; gives the answer (SDP).
    fn offer<'a>(&'a self, session: &'a str, peer: &'a str, role: Role, sdp: String) -> Answer<'a, String>;

    /// Passes a candidate that a peer found later.
    fn candidate<'a>(&'a self, session: &'a str, peer: &'a str, candidate: String) -> Answer<'a, ()>;

    /// Gives a peer another role.
    fn set_role<'a>(&'a self, session: &'a str, peer: &'a str, role: Role) -> Answer<'a, ()>;

    /// Gives the pad of somebody who plays in a seat without a connection; `hand` names them, and without a pad they are
    /// gone. Whoever has the seat watches from then on.
    fn steer<'a>(
        &'a self,
        session: &'a str,
        hand: &'a str,
        seat: u8,
        pad: Option<PadState>,
    ) -> Answer<'a, ()>;

    /// Closes a peer's connection.
    fn close_peer<'a>(&'a self, session: &'a str, peer: &'a str) -> Answer<'a, ()>;

    /// Writes the last `seconds` (at most 60) as MP4 to `path`; gives the milliseconds written.
    fn clip<'a>(&'a self, session: &'a str, path: PathBuf, seconds: u32) -> Answer<'a, u64>;

    /// Publishes what a session shows its players, as they are sent it, in place of what it published before. Ends with
    /// the session, with the stream, or by [`off_air`](Self::off_air).
    fn on_air<'a>(&'a self, session: &'a str, publisher: Publisher) -> Answer<'a, ()>;

    /// Ends what a session publishes; one that publishes nothing stays as it is.
    fn off_air<'a>(&'a self, session: &'a str) -> Answer<'a, ()>;

    /// A session's numbers of now.
    fn stats<'a>(&'a self, session: &'a str) -> Answer<'a, Stats>;

    /// Ends a session; done when its processes are gone.
    fn stop<'a>(&'a self, session: &'a str) -> Answer<'a, ()>;

    /// What happens in sessions from now on. A reader that falls behind loses the oldest events and has to ask.
    fn events(&self) -> broadcast::Receiver<Event>;
}

/// What a machine can carry and carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Sessions running.
    pub running: u32,
    /// Sessions at most.
    pub limit: u32,
}

/// An encoder by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderInfo {
    /// As in the configuration.
    pub name: String,
    /// Why it cannot be used here; nothing where it can.
    pub unavailable: Option<String>,
}

/// Something that happened in a session.
#[derive(Clone, Debug)]
pub struct Event {
    /// The session's id.
    pub session: String,
    /// What happened.
    pub what: Happening,
}

/// What happened in a session.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The game has shown its first picture.
    Ready,
    /// A peer's connection came or went.
    Peer {
        /// The peer's id.
        peer: String,
        /// Whether it is there.
        connected: bool,
    },
    /// The session is over; nothing follows.
    Ended(Ended),
}

/// Why a node did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NodeError {
    /// All places are taken.
    #[error("all {limit} places of this machine are taken")]
    Full {
        /// Sessions at most.
        limit: u32,
    },
    /// No such session here (any more).
    #[error("the session `{0}` does not run here")]
    NoSession(String),
    /// The session process refused; the sentence is its own.
    #[error("{0}")]
    Refused(String),
    /// The session process did not answer in time.
    #[error("the session did not answer within {0} seconds")]
    Silent(u64),
    /// The process could not be started or talked to.
    #[error("the session process failed: {0}")]
    Process(String),
}
