//! Films on disk: finds them in their folders, asks ffprobe what they are, makes their index and their poster,
//! renditions of what browsers do not play, and lower qualities of what is live.
//!
//! What became of a film is decided in `playhouse-watch`; this crate looks and does. It follows no symbolic link below
//! a folder of films, and every program that it starts has a time limit, low priority and an end that is waited for.

pub mod folder;
pub mod index;
pub mod poster;
pub mod probe;
pub mod render;
mod tool;
pub mod transcode;

pub use tool::ToolError;
