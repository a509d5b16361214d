//! Gamepads.
