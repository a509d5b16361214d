//! What a game is to a window: something that takes inputs and paints pictures.

use std::time::Instant;

use playhouse_media::frame::Size;

use crate::layout::Rect;
use crate::pads::Pad;

/// What ends a game before its time.
pub type Fault = Box<dyn std::error::Error>;

/// What changed since the picture before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All of it.
    Everything,
    /// These parts.
    Parts(Vec<Rect>),
}

/// A game, whatever it is shown on.
pub trait Play {
    /// Size of its pictures.
    fn size(&self) -> Size;

    /// Paints pictures of another size from now on.
    fn resize(&mut self, size: Size);

    /// Somebody pressed something, whatever it was.
    fn press(&mut self);

    /// A key of the keyboard, by the kernel's number (`KEY_*`), went down or up.
    fn key(&mut self, _code: u8, _down: bool) {}

    /// The pointer is there now, in pixels.
    fn point(&mut self, x: f64, y: f64);

    /// The gamepads are like this now.
    fn pads(&mut self, _pads: &[Pad]) {}

    /// Pictures per second at most, where somebody says so.
    fn rate(&self) -> Option<u32>;

    /// Whether an input is not in a picture yet that is to be seen at once.
    fn has_news(&self) -> bool;

    /// Whether a picture is to be painted as soon as the display takes one.
    fn wants_picture(&self) -> bool;

    /// When the next picture is due at the earliest, if nobody presses anything.
    fn due(&self) -> Option<Instant>;

    /// Paints the next picture, `width × height × 4`, BGRX. Every call is a picture of its own.
    fn paint(&mut self, now: Instant, data: &mut [u8]) -> Change;
}
