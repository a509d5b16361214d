//! An MQTT broker for the program that embeds it: versions 3.1.1 and 5, plain and by TLS with client certificates.
//!
//! Sessions, their queues and retained messages live in memory only: whoever embeds the broker publishes again at its start
//! what has to be retained. Messages of QoS 1 and 2 that are for the program itself are acknowledged once its [`Inbox`] has
//! them, and hold their publisher up while it is full.
//!
//! [`Rights`] says who may do what. What the protocol decides is pure (`codec`, `topic`, `engine`: packets and `now` in,
//! packets out); `shell` has the sockets and tasks.

pub mod certificate;
pub mod codec;
pub mod engine;
mod limits;
mod message;
mod rights;
mod shell;
pub mod tls;
pub mod topic;

pub use engine::Left;
pub use limits::*;
pub use message::{Message, Properties, Qos};
pub use rights::{CertifiedPeer, Credentials, Identity, Refused, Rights};
pub use shell::{Broker, Inbox, Presence, PresenceFeed};
