//! Which sample lies where, and how long it lasts.

use std::ops::Range;
use std::sync::Arc;

pub(super) use super::sound::Piece;
use super::{Error, sound};
use crate::annexb::{self, ParameterSets, Sps};
use crate::ring::Clip;
use crate::sample::AccessUnit;
use crate::time::Timestamp;

/// Ticks per second of pictures, and of the file as a whole.
pub(super) const RATE: u32 = 90_000;
/// Pictures and sound lie side by side in pieces of this many ticks, so that a player need not jump far.
const CHUNK: u64 = RATE as u64 / 2;
/// What the last picture lasts where nothing says it: a sixtieth of a second.
const LAST: u32 = RATE / 60;

/// Samples of one track that lie together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Pictures of those numbers.
    Video(Range<usize>),
    /// Pieces of sound of those numbers.
    Audio(Range<usize>),
}

/// A laid out clip.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// How to decode the pictures.
    pub(super) sets: ParameterSets<'a>,
    /// The same, read.
    pub(super) sps: Sps,
    /// The pictures.
    pub(super) units: &'a [Arc<AccessUnit>],
    /// Bytes of each picture.
    pub(super) unit_bytes: Vec<u32>,
    /// Ticks of each picture.
    pub(super) unit_ticks: Vec<u32>,
    /// The sound.
    pub(super) pieces: Vec<Piece<'a>>,
    /// Samples of sound before the first picture.
    pub(super) early: u32,
    /// The order in the file.
    pub(super) chunks: Vec<Chunk>,
    /// Bytes of all samples.
    pub(super) payload: u64,
}

impl<'a> Layout<'a> {
    pub(super) fn new(clip: &'a Clip) -> Result<Self, Error> {
        let units = clip.video.as_slice();
        let first = units.first().ok_or(Error::Empty)?;
        let sets = ParameterSets::find(&first.data).filter(|_| first.keyframe).ok_or(Error::NoKeyframe)?;
        let sps = Sps::parse(sets.sps).ok_or(Error::NoKeyframe)?;
        let starts = starts(units, clip.begin);
        let end = (Timestamp::ZERO + clip.end.since(clip.begin)).in_ticks(RATE);
        let unit_ticks = durations(&starts, end).ok_or(Error::TooLarge)?;
        let bytes = |unit: &Arc<AccessUnit>| u32::try_from(annexb::sample_len(&unit.data)).ok();
        let unit_bytes = units.iter().map(bytes).collect::<Option<Vec<u32>>>().ok_or(Error::TooLarge)?;
        let (pieces, early) = sound::row(clip);
        let heard: u64 = pieces.iter().map(|piece| piece.data().len() as u64).sum();
        let payload = unit_bytes.iter().map(|&bytes| u64::from(bytes)).sum::<u64>() + heard;
        let chunks = chunks(&starts, &pieces);
        Ok(Self { sets, sps, units, unit_bytes, unit_ticks, pieces, early, chunks, payload })
    }

    /// Samples of sound, those before the first picture included.
    pub(super) fn samples(&self) -> u64 {
        self.pieces.iter().map(|piece| u64::from(piece.samples())).sum()
    }
}

/// When each picture begins, in ticks since the clip does; each later than the one before.
fn starts(units: &[Arc<AccessUnit>], begin: Timestamp) -> Vec<u64> {
    let mut next = 0;
    let start = |unit: &Arc<AccessUnit>| {
        let at = (Timestamp::ZERO + unit.pts.since(begin)).in_ticks(RATE).max(next);
        next = at + 1;
        at
    };
    units.iter().map(start).collect()
}

fn durations(starts: &[u64], end: u64) -> Option<Vec<u32>> {
    let last = starts.last().copied().unwrap_or(0);
    let end = if end > last { end } else { last + u64::from(LAST) };
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts.iter().zip(ends).map(|(start, end)| u32::try_from(end - start).ok()).collect()
}

/// Half a second of pictures, half a second of sound, and so on.
fn chunks(starts: &[u64], pieces: &[Piece<'_>]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut unit, mut piece, mut heard) = (0, 0, 0_u64);
    let mut end = CHUNK;
    while unit < starts.len() || piece < pieces.len() {
        let from = unit;
        while unit < starts.len() && starts[unit] < end {
            unit += 1;
        }
        if unit > from {
            chunks.push(Chunk::Video(from..unit));
        }
        let from = piece;
        while piece < pieces.len() && heard * u64::from(RATE) < end * u64::from(sound::RATE) {
            heard += u64::from(pieces[piece].samples().max(1));
            piece += 1;
        }
        if piece > from {
            chunks.push(Chunk::Audio(from..piece));
        }
        // Where nothing begins for a long time there is no chunk.
        end = match (starts.get(unit), piece < pieces.len()) {
            (Some(&start), false) => (end + CHUNK).max(start / CHUNK * CHUNK + CHUNK),
            _ => end + CHUNK,
        };
    }
    chunks
}
