//! What a library decides: what a file's name says, what lies beside it, what changed on a shelf, whether a browser
//! can play what was found, and what is made of it where none can; what a channel made of the library plays, and what
//! is recorded; who of a household sees what and how much at a time; what is found by some words; a party on a shared clock.
//!
//! Nothing here touches the world: there is no socket, file, process, thread or clock in this crate. It takes what
//! others found, and `now`, and gives outputs.

pub mod captions;
pub mod codec;
pub mod container;
pub mod household;
pub mod ladder;
pub mod live_ladder;
pub mod loudness;
pub mod m3u;
pub mod name;
pub mod notes;
pub mod party;
pub mod places;
pub mod recording;
pub mod relay;
pub mod rendering;
pub mod schedule;
pub mod search;
pub mod session;
pub mod shelf;
pub mod sidecar;
pub mod sprites;
pub mod upload;
pub mod xmltv;
