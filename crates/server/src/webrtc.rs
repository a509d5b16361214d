//! What the server needs from whoever carries live streams by WebRTC.
//!
//! The server decides who may watch and publish; packets and their protocol are behind this trait, whose methods
//! answer at once.

use playhouse_live::Admission;

/// Carries live streams by WebRTC.
pub trait Webrtc: Send + Sync + 'static {
    /// Answers the offer (SDP) of somebody who watches a channel. `owner` may change and close the connection.
    fn watch(&self, channel: &str, peer: &str, owner: &str, offer: &str) -> Result<String, WebrtcError>;

    /// Answers the offer (SDP) of a publisher, admitted by `key`, which may change and close the connection.
    fn publish(
        &self,
        admission: &Admission,
        key: &str,
        peer: &str,
        offer: &str,
    ) -> Result<String, WebrtcError>;

    /// Who watches, or the key of who publishes; none where there is no such connection (any more).
    fn owner(&self, peer: &str) -> Option<Owner>;

    /// Passes a candidate that a peer found later.
    fn candidate(&self, peer: &str, candidate: &str) -> Result<(), WebrtcError>;

    /// Closes a connection.
    fn close(&self, peer: &str) -> Result<(), WebrtcError>;
}

/// Whose a connection is.
#[derive(Clone, PartialEq, Eq)]
pub enum Owner {
    /// An account that watches.
    Account(String),
    /// A stream key that publishes.
    Key(String),
}

/// Why a connection was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebrtcError {
    /// Nobody publishes.
    #[error("nothing is on this channel at the moment")]
    NotLive,
    /// What is on cannot be sent by WebRTC; the sentence says why.
    #[error("{0}")]
    Unsuitable(String),
    /// The offer or the publisher is refused; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// The channel has a publisher.
    #[error("{0}")]
    Taken(String),
    /// No more fit.
    #[error("{0}")]
    Busy(String),
    /// The sockets could not be opened.
    #[error("{0}")]
    Failed(String),
}
