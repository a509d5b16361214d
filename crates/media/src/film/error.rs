//! Why a film cannot be indexed or served.

use std::{fmt, io};

/// What went wrong, in a sentence for whoever owns the film.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading the film or its index failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// Writing the index failed.
    #[error("writing the index failed: {0}")]
    Write(#[source] io::Error),
    /// The file is no progressive MP4.
    #[error("the file has no `moov` box: it is no MP4 film, or its end is missing")]
    NoFilm,
    /// The file consists of fragments.
    #[error("the film is fragmented; store it as a plain MP4 (`ffmpeg -c copy` does it without loss)")]
    Fragmented,
    /// Nothing in the file can be served.
    #[error("the film has no picture and no sound that browsers could decode; convert it first")]
    NoTracks,
    /// A box is not what it should be.
    #[error("the box `{name}` at byte {at} {problem}: the film is damaged or cut off")]
    Box {
        /// Its name.
        name: Name,
        /// Where it is.
        at: u64,
        /// What it does wrong.
        problem: &'static str,
    },
    /// A box is missing.
    #[error("the box `{parent}` at byte {at} has no `{name}`: the film is damaged")]
    Missing {
        /// What is missing.
        name: Name,
        /// Where it should be.
        parent: Name,
        /// Where that is.
        at: u64,
    },
    /// A track contradicts itself.
    #[error("track {track} of the film is damaged: {problem}")]
    Damaged {
        /// The track, as the film numbers it.
        track: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A sample lies where the file has no bytes.
    #[error("the film is cut off: it has {len} bytes, and goes on at byte {at}")]
    CutOff {
        /// Where the sample lies.
        at: u64,
        /// How long the file is.
        len: u64,
    },
    /// A track does something that a playlist cannot express.
    #[error("track {track} of the film {problem}, which cannot be served as it is; convert it first")]
    Unsupported {
        /// The track, as the film numbers it.
        track: u32,
        /// What it does.
        problem: &'static str,
    },
    /// A limit is exceeded.
    #[error("the film has more than {most} {what}, which is the limit")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        most: u64,
    },
    /// What was opened is no index, or one that was not finished.
    #[error("the file is no finished index of a film; index the film again")]
    NoIndex,
    /// The index was written by another version of the program.
    #[error("the index has version {found}, and this program reads {known}; index the film again")]
    Version {
        /// What the index says.
        found: u32,
        /// What can be read.
        known: u32,
    },
    /// There is no such track.
    #[error("there is no track {track}: the film has {tracks}")]
    NoTrack {
        /// What was asked for.
        track: usize,
        /// How many there are.
        tracks: usize,
    },
    /// There is no such segment.
    #[error("there is no segment {number} of track {track}: it has {segments}")]
    NoSegment {
        /// The track.
        track: usize,
        /// What was asked for.
        number: u32,
        /// How many there are.
        segments: u32,
    },
}

/// The name of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub [u8; 4]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}
