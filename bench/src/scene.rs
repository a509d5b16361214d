//! What every case plays: the title `probe`, its picture, its mark and its key.

/// Pixels of the picture and of the display that shows it.
pub(crate) const SIZE: (u32, u32) = (1280, 720);
/// Frames per second at most.
pub(crate) const RATE: u32 = 60;
/// Kilobits per second of video, ours and a peer's.
pub(crate) const KBPS: u32 = 6000;
/// The key that is pressed: space, as evdev numbers it (`KEY_SPACE`).
pub(crate) const KEY: u16 = 57;
/// The middle of the probe's mark (`probe::layout::MARK`) on the display: x, y, width, height.
pub(crate) const MARK: (i16, i16, u16, u16) = (632, 352, 16, 16);
