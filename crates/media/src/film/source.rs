//! The film as it lies there: its boxes, its tracks, and its samples one after the other.

mod boxes;
mod entry;
mod language;
mod movie;
mod samples;
mod tables;

pub(super) use boxes::Film;
pub(super) use movie::{Movie, Source};
pub(super) use samples::{Sample, Samples};
