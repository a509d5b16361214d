//! Where games perform: compositor, sound, input, sandbox.

pub mod compositor;
pub mod pads;
pub mod sandbox;
pub mod sound;
