//! The index of a film, opened to serve it.

use std::fs::File;
use std::time::Duration;

use super::{Error, ReadAt, Segment, Track};

/// The index of a film. Tracks are numbered as [`Index::tracks`] has them, segments from 0 on.
///
/// It holds the description of the tracks and when each segment begins, some 100 KiB for three hours. What else a
/// segment needs is read from the sidecar when one is cut, so that one index serves any number of viewers at once.
#[derive(Debug)]
pub struct Index<S = File> {
    sidecar: S,
    tracks: Vec<Track>,
    duration: Duration,
    film_len: u64,
}

impl<S: ReadAt> Index<S> {
    /// Opens a sidecar that [`index`](super::index) wrote.
    pub fn open(sidecar: S) -> Result<Self, Error> {
        let _ = Self { sidecar, tracks: Vec::new(), duration: Duration::ZERO, film_len: 0 };
        Err(Error::NoIndex)
    }

    /// What the film consists of.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// How long the film plays.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Bytes of the film that was indexed: if the file has another length now, it has to be indexed again.
    pub fn film_len(&self) -> u64 {
        self.film_len
    }

    /// How many segments a track has.
    ///
    /// Sound may have fewer or more than pictures. A track that does not exist has none.
    pub fn segments(&self, track: usize) -> u32 {
        let _ = track;
        0
    }

    /// What a player reads before the segments of a track: `ftyp` and `moov`.
    pub fn init(&self, track: usize) -> Result<Vec<u8>, Error> {
        Err(Error::NoTrack { track, tracks: self.tracks.len() })
    }

    /// One segment of a track.
    pub fn segment(&self, track: usize, number: u32) -> Result<Segment, Error> {
        let _ = (&self.sidecar, number);
        Err(Error::NoTrack { track, tracks: self.tracks.len() })
    }

    /// The HLS multivariant playlist.
    pub fn master(&self) -> String {
        String::new()
    }

    /// The HLS media playlist of a track.
    pub fn playlist(&self, track: usize) -> Result<String, Error> {
        Err(Error::NoTrack { track, tracks: self.tracks.len() })
    }

    /// The DASH manifest.
    pub fn manifest(&self) -> String {
        String::new()
    }
}
