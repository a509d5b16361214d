//! What a library decides: what a file's name says, what lies beside it, what changed on a shelf, whether a browser
//! can play what was found, and what is made of it where none can.
//!
//! Nothing here touches the world: there is no socket, file, process, thread or clock in this crate. It takes what
//! others found, and `now`, and gives outputs.

pub mod captions;
pub mod container;
pub mod ladder;
pub mod loudness;
pub mod name;
pub mod notes;
pub mod rendering;
pub mod shelf;
pub mod sidecar;
pub mod sprites;
