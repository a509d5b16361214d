//! Encoders and colour conversion: BGRA pictures become NV12, NV12 becomes H.264, sound becomes Opus.
//!
//! This crate turns samples into other samples on the caller's thread. It opens no socket and no file (the
//! hardware encoders open their device), starts no thread of its own, and knows nothing of viewers, pacing or
//! bitrate control: it is told a bitrate and keeps it.

#[cfg(feature = "libav")]
pub mod aac;
pub mod audio;
pub mod convert;
pub mod scale;
pub mod video;
