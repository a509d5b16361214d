//! A network that misbehaves the same way each time: delay, jitter, loss, reordering and a narrow pipe, by a seed
//! and a schedule.
//!
//! [`Link`] is one direction of it and pure: packets go in with the time of now, and come out when it is theirs.
//! [`Relay`] puts two of them between a browser and a session on loopback.

mod link;
mod relay;

pub use link::{Link, Passed, Profile, Reordering, Schedule};
pub use relay::{Counters, Relay};
