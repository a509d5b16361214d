//! The samples of a track in the order of decoding: what its tables say together.

use super::boxes::{Atom, Film};
use super::movie::Source;
use super::tables::{Chunk, Chunks, Runs, Sizes, SyncSamples};
use crate::film::Error;

/// Samples of a track: a day of 120 pictures a second is ten millions.
const MOST_SAMPLES: u32 = 1 << 24;

/// The boxes that hold the tables of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables {
    pub(super) durations: Atom,
    pub(super) compositions: Option<Atom>,
    pub(super) sync: Option<Atom>,
    pub(super) chunks: Atom,
    pub(super) sizes: Atom,
    pub(super) offsets: Atom,
}

/// A timed unit of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Where it lies in the film.
    pub(crate) at: u64,
    /// How long it is.
    pub(crate) bytes: u32,
    /// How long it lasts.
    pub(crate) ticks: u32,
    /// How much later it is shown than decoded.
    pub(crate) composition: i32,
    /// Whether decoding can begin here.
    pub(crate) sync: bool,
}

/// The samples of a track, one after the other.
pub(in crate::film) struct Samples {
    track: u32,
    durations: Runs,
    compositions: Option<Runs>,
    sync: Option<SyncSamples>,
    sizes: Sizes,
    chunks: Chunks,
    /// The chunk that is being read: where its next sample lies, and how many are left of it.
    chunk: Chunk,
    /// Number of the last sample, from 1 on.
    number: u32,
    count: u32,
    /// Bytes of all samples so far.
    bytes: u64,
}

impl Samples {
    pub(in crate::film) fn open(film: &mut Film<'_>, source: &Source) -> Result<Self, Error> {
        let tables = &source.tables;
        let (sizes, count) = Sizes::open(film, &tables.sizes)?;
        if count > MOST_SAMPLES {
            return Err(Error::TooMuch { what: "samples in one track", most: MOST_SAMPLES.into() });
        }
        Ok(Self {
            track: source.id,
            durations: Runs::open(film, &tables.durations)?,
            compositions: tables.compositions.map(|atom| Runs::open(film, &atom)).transpose()?,
            sync: tables.sync.map(|atom| SyncSamples::open(film, &atom)).transpose()?,
            sizes,
            chunks: Chunks::open(film, &tables.chunks, &tables.offsets)?,
            chunk: Chunk { at: 0, samples: 0, description: 1 },
            number: 0,
            count,
            bytes: 0,
        })
    }

    pub(in crate::film) fn next(&mut self, film: &mut Film<'_>) -> Result<Option<Sample>, Error> {
        if self.number == self.count {
            return Ok(None);
        }
        let disagree = Error::Damaged { track: self.track, problem: "its tables do not agree" };
        self.number += 1;
        if self.chunk.samples == 0 {
            match self.chunks.next(film)? {
                Some(chunk) if chunk.samples > 0 => self.chunk = chunk,
                _ => return Err(disagree),
            }
            if self.chunk.description != 1 {
                return Err(Error::Unsupported { track: self.track, problem: "changes its coding midway" });
            }
        }
        self.chunk.samples -= 1;
        let composition = match &mut self.compositions {
            Some(runs) => runs.next(film)?,
            None => Some(0),
        };
        let sync = match &mut self.sync {
            Some(sync) => sync.contains(film, self.number)?,
            None => true,
        };
        let numbers = (self.sizes.next(film)?, self.durations.next(film)?, composition);
        let (Some(bytes), Some(ticks), Some(composition)) = numbers else { return Err(disagree) };
        let at = self.chunk.at;
        let end = at.checked_add(bytes.into()).filter(|&end| end <= film.len);
        self.chunk.at = end.ok_or(Error::CutOff { at, len: film.len })?;
        self.bytes += u64::from(bytes);
        if self.bytes > film.len {
            return Err(Error::Damaged {
                track: self.track,
                problem: "its samples lie on top of each other",
            });
        }
        // Both versions of the table hold signed numbers in practice.
        Ok(Some(Sample { at, bytes, ticks, composition: composition.cast_signed(), sync }))
    }
}
