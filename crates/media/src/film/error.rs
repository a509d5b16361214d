//! Why a film cannot be indexed or served.

use std::io;

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
