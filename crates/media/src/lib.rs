//! Time, samples, frames, bitstreams and containers: what every stream of Playhouse is made of.
//!
//! Nothing here touches the world: there is no socket, thread or clock in this crate, and no file is opened. A function
//! that needs the time takes it as an argument, and one that reads a film takes something to read from.

pub mod annexb;
mod bits;
pub mod decoder;
pub mod film;
pub mod flv;
pub mod frame;
pub mod intake;
pub mod live;
pub mod mp4;
pub mod ring;
pub mod rtmp;
pub mod sample;
pub mod srt;
pub mod time;
pub mod ts;
