//! The film as it lies there: its boxes, its tracks, and its samples one after the other.

mod boxes;
mod entry;
mod language;
mod movie;
mod samples;
mod tables;

use super::Kind;

pub(super) use boxes::Film;
pub(super) use movie::{Movie, Source};
pub(crate) use samples::Sample;
pub(super) use samples::Samples;

/// What a sample entry, a whole box, says of its samples: what they are, and their coding as RFC 6381 has it.
pub(crate) fn described(entry: &[u8]) -> Option<(Kind, String)> {
    // Behind the version, the flags and the number of entries, as `stsd` has it.
    let stsd = [&[0; 8], entry].concat();
    entry::Entry::parse(&stsd).map(|entry| (entry.kind, entry.codec))
}
