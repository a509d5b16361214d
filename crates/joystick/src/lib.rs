//! Preloaded into SDL games: gamepads without /dev/uinput.
