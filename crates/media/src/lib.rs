//! Time, samples, frames, bitstreams and containers: what every stream of Playhouse is made of.
//!
//! Nothing here touches the world: there is no socket, file, thread or clock in this crate. A function that
//! needs the time takes it as an argument.

pub mod annexb;
pub mod film;
pub mod frame;
pub mod mp4;
pub mod ring;
pub mod sample;
pub mod time;
