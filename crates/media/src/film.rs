//! A stored film, cut into CMAF segments when somebody asks for one.
//!
//! The film stays the one file that it is. [`index`] reads its tables once and writes a *sidecar*, well under a
//! hundredth of the film's size, from which [`Index`] answers every request: playlists, the beginning of each track
//! ([`Index::init`]), and segments ([`Index::segment`]) as a few hundred bytes followed by ranges of the film itself.
//! No table is held in memory as a whole, neither while indexing nor while serving.
//!
//! Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23000-19 (CMAF), RFC 8216bis (HLS), ISO/IEC 23009-1 (DASH).

mod error;
mod index;
mod part;
mod read_at;
mod track;

use std::io::{Read, Seek, Write};
use std::ops::Range;

pub use error::Error;
pub use index::Index;
pub use part::Part;
pub use read_at::ReadAt;
pub use track::{Kind, Summary, Track};

/// Reads the tables of `film`, a progressive MP4, and writes the sidecar to `to`, which is to be empty.
///
/// The sidecar is valid once this returns; one that was left half written is refused by [`Index::open`].
///
/// # Errors
/// A sentence about what is wrong with the film: no bytes at all lead to a panic or to unbounded memory.
pub fn index(film: &mut (impl Read + Seek), to: &mut (impl Write + Seek)) -> Result<Summary, Error> {
    let _ = (film, to);
    Err(Error::NoFilm)
}

/// A segment: `head`, and behind it the bytes of the film in `ranges`, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `styp`, `moof`, and the beginning of `mdat`.
    pub head: Vec<u8>,
    /// What follows of the film; adjacent samples are one range.
    pub ranges: Vec<Range<u64>>,
    /// Bytes of it all, `head` included.
    pub len: u64,
}
