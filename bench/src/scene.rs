//! What every case plays: the title `probe`, its picture, its mark and its key.

/// Pixels of the picture and of the display that shows it.
pub(crate) const SIZE: (u32, u32) = (1280, 720);
/// Frames per second at most.
pub(crate) const RATE: u32 = 60;
/// The key that is pressed: space, as evdev numbers it (`KEY_SPACE`).
pub(crate) const KEY: u16 = 57;
