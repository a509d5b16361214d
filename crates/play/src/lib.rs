//! What a session decides: the input protocol, seats, pacing, bitrate, qualities, and a title's manifest.
//!
//! Nothing here touches the world: there is no socket, file, process, thread or clock in this crate. It takes
//! inputs and `now`, and gives outputs.

pub mod air;
pub mod control;
pub mod input;
pub mod manifest;
pub mod pacing;
pub mod qualities;
pub mod queue;
pub mod rate;
pub mod seats;
