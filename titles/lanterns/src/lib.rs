//! Lanterns: a game of our own that is played with one's body, or by hand where there is no sensor.
//!
//! [`sky`] has the rules, [`scene`] paints what they say, [`hands`] makes one place of a boat out of pads, mouse and keys,
//! and [`notes`] is what it sounds like. Nothing of these touches the world; the program beside them does.

mod canvas;
mod drift;
mod effects;
mod ground;
pub mod hands;
mod letters;
pub mod notes;
mod paint;
mod props;
pub mod scene;
mod scenery;
pub mod sky;
mod village;
mod words;
