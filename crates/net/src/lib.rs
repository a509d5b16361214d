//! WebRTC over our own UDP loop: one thread that drives the sans-IO protocol for all of its peers.
//!
//! [`start`] binds one UDP socket per address and starts the thread `net`. A browser's offer becomes a peer with
//! [`Handle::accept`]; pictures and sound go out with [`Handle::video`] and [`Handle::audio`]; what happens comes
//! back through one callback as [`PeerEvent`], called on the thread, so that an input reaches the game without a
//! queue in between.
//!
//! The session is an ICE-lite agent: it offers host candidates, answers checks and never sends any of its own. A
//! browser that cannot reach the session's addresses uses a TURN relay of *its* choice: relays are a setting of
//! the browser's `iceServers`, given to it by the HTTP API, and the session sees only the relay's address.
//!
//! [`live`] has the same loop for live streams: media also comes towards us, and many watch the same.
//!
//! What is absent: no encoder, no file, no asynchronous runtime, and no name resolution (candidates that are names
//! are ignored).

mod batch;
mod clock;
mod config;
mod connection;
mod control;
mod driver;
mod event;
mod gso;
mod handle;
pub mod live;
mod offer;
mod path;
mod peer;
mod room;
mod search;
mod socket;
mod wake;

pub use clock::now;
pub use config::{Config, MAX_LIVE_PEERS, MAX_PEERS};
pub use event::{Channel, CloseReason, Payload, PeerEvent, PeerId};
pub use handle::{Handle, Net, start};
pub use offer::OfferError;

/// Why the session's network could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no address to offer.
    #[error("no network address is configured; give at least one, such as 127.0.0.1")]
    NoAddress,
    /// An address cannot be used at all.
    #[error("cannot open a UDP socket on {address}: {source}; is that an address of this machine?")]
    Address {
        /// The address.
        address: std::net::IpAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Each port of the range is in use.
    #[error("all UDP ports from {first} to {last} are in use on {address}; widen the range or end a session")]
    PortsTaken {
        /// The address.
        address: std::net::IpAddr,
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// The system refused something that the loop cannot do without.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The DTLS certificate could not be made.
    #[error("the cryptographic library made no DTLS certificate")]
    Certificate,
    /// The session has all the peers that it may have.
    #[error("the session is full: {0} peers are connected")]
    Full(usize),
    /// The offer cannot be answered.
    #[error(transparent)]
    Offer(#[from] OfferError),
    /// The loop takes no more commands now: it is over, or far behind.
    #[error("the session's network is {0}")]
    Busy(&'static str),
}
