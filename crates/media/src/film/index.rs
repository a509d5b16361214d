//! The index of a film, opened to serve it.

use std::fs::File;
use std::time::Duration;

use super::sidecar::{self, Contents, Plan, RECORD};
use super::source::Sample;
use super::{Error, ReadAt, Segment, Track, cmaf, playlist};

/// The index of a film. Tracks are numbered as [`Index::tracks`] has them, segments from 0 on.
///
/// It holds the description of the tracks and when each segment begins, some 60 KiB a track for three hours. What else a
/// segment needs is read from the sidecar when one is cut, so that one index serves any number of viewers at once.
#[derive(Debug)]
pub struct Index<S = File> {
    sidecar: S,
    contents: Contents,
}

impl<S: ReadAt> Index<S> {
    /// Opens a sidecar that [`index`](super::index) wrote.
    pub fn open(sidecar: S) -> Result<Self, Error> {
        let contents = Contents::read(&sidecar)?;
        Ok(Self { sidecar, contents })
    }

    /// What the film consists of.
    pub fn tracks(&self) -> &[Track] {
        &self.contents.tracks
    }

    /// How long the film plays.
    pub fn duration(&self) -> Duration {
        self.contents.duration
    }

    /// Bytes of the film that was indexed: if the file has another length now, it has to be indexed again.
    pub fn film_len(&self) -> u64 {
        self.contents.film_len
    }

    /// How many segments a track has.
    ///
    /// Sound may have fewer or more than pictures. A track that does not exist has none.
    pub fn segments(&self, track: usize) -> u32 {
        // There are at most 65536 of them.
        self.contents.plans.get(track).map_or(0, |plan| u32::try_from(plan.cuts.len()).unwrap_or(0))
    }

    /// When each segment of a track begins and the last one ends, in microseconds since the film begins.
    pub fn times(&self, track: usize) -> Result<Vec<u64>, Error> {
        let (_, plan) = self.track(track)?;
        Ok(playlist::micros(plan))
    }

    /// What a player reads before the segments of a track: `ftyp` and `moov`.
    pub fn init(&self, track: usize) -> Result<Vec<u8>, Error> {
        let (track, plan) = self.track(track)?;
        Ok(cmaf::init(track, plan))
    }

    /// One segment of a track.
    pub fn segment(&self, track: usize, number: u32) -> Result<Segment, Error> {
        let (_, plan) = self.track(track)?;
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let segments = self.segments(track);
        let cut = plan.cuts.get(at).ok_or(Error::NoSegment { track, number, segments })?;
        let end = plan.cuts.get(at + 1).map_or(plan.samples, |next| next.first);
        let samples = self.samples(plan, cut.first, end)?;
        Ok(cmaf::segment(number, cut, plan, &samples))
    }

    /// The HLS multivariant playlist.
    pub fn master(&self) -> String {
        playlist::hls::master(&self.contents.tracks.iter().collect::<Vec<_>>(), &[])
    }

    /// The HLS media playlist of a track.
    pub fn playlist(&self, track: usize) -> Result<String, Error> {
        let (_, plan) = self.track(track)?;
        Ok(playlist::hls::media(track, plan))
    }

    /// The DASH manifest.
    pub fn manifest(&self) -> String {
        playlist::dash::manifest(self.contents.duration, &self.planned().collect::<Vec<_>>(), &[])
    }

    /// The tracks with what serving them takes.
    pub(super) fn planned(&self) -> impl Iterator<Item = (&Track, &Plan)> {
        self.contents.tracks.iter().zip(&self.contents.plans)
    }

    pub(super) fn track(&self, track: usize) -> Result<(&Track, &Plan), Error> {
        let tracks = self.contents.tracks.len();
        let found = self.contents.tracks.get(track).zip(self.contents.plans.get(track));
        found.ok_or(Error::NoTrack { track, tracks })
    }

    /// The samples from `first` to `end`, at most 65536.
    fn samples(&self, plan: &Plan, first: u32, end: u32) -> Result<Vec<Sample>, Error> {
        let length = usize::try_from(end - first).unwrap_or(0) * RECORD;
        let mut buffer = vec![0; length];
        sidecar::read(&self.sidecar, &mut buffer, plan.records + u64::from(first) * RECORD as u64)?;
        let (records, _) = buffer.as_chunks();
        Ok(records.iter().map(|record| sidecar::unpack(*record)).collect())
    }
}
