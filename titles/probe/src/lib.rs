//! The probe: a game of our own for measuring how long an answer takes, and the layout by which its picture is read.
//!
//! Every picture carries its own number and how many inputs were answered ([`barcode`]), and a mark that flips with
//! each press ([`layout::MARK`]). [`scene`] paints it: the same picture for the same seed and state, whatever the
//! machine.
//!
//! What a game of ours needs of the machine is here as well, for the others to play on: a window of X11 ([`x11`]), the
//! memory that it is painted in ([`memory`]), gamepads ([`pads`]) and a way to the sound server ([`sound`]).

pub mod barcode;
pub mod layout;
pub mod memory;
pub mod pads;
mod paint;
pub mod play;
pub mod scene;
pub mod sound;
mod texture;
pub mod x11;
