//! The Little Lantern: a film of one minute, made anew wherever it is wanted.
//!
//! A lantern on a boat crosses a lake by night. Every picture is a function of its time ([`scene::draw`]), and so is
//! the music ([`music::compose`]); `ffmpeg` makes H.264 and AAC of them. Nothing is downloaded, and nothing is kept in
//! the source tree but this program.

mod canvas;
mod command;
mod encode;
mod letters;
mod lines;
mod music;
mod scene;

pub use command::run;
pub use encode::{Error, Settings, make};

/// Seconds that the film lasts.
pub const SECONDS: u32 = 60;
