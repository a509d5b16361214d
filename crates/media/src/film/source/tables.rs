//! The tables of a track, a piece at a time: whatever a film's length, each takes a few KiB of memory.

use super::boxes::{Atom, Film};
use crate::film::Error;
use crate::film::fields::Fields;

/// Bytes that are read of a table at once: few enough for eight of them per track, enough that the file is seldom
/// asked.
const PIECE: usize = 16 * 1024;
/// Why a table is refused.
const SHORT: &str = "is shorter than the table that it should hold";

/// Rows of `width` bytes each.
pub(super) struct Table {
    width: usize,
    /// Where the next piece lies.
    at: u64,
    /// Rows that are not in a piece yet.
    left: u32,
    piece: Vec<u8>,
    used: usize,
}

impl Table {
    /// Rows of `width` bytes, `count` of them, which begin `skip` bytes into a box.
    fn new(atom: &Atom, skip: u64, width: usize, count: u32) -> Result<Self, Error> {
        let bytes = u64::from(count) * width as u64;
        if atom.len().checked_sub(skip).is_none_or(|room| room < bytes) {
            return Err(atom.error(SHORT));
        }
        Ok(Self { width, at: atom.begin + skip, left: count, piece: Vec::new(), used: 0 })
    }

    /// A table that says first how many rows it has.
    fn counted(film: &mut Film<'_>, atom: &Atom, width: usize) -> Result<Self, Error> {
        let [_, count] = words(film, atom)?;
        Self::new(atom, 8, width, count)
    }

    /// The next row.
    fn next(&mut self, film: &mut Film<'_>) -> Result<Option<Fields<'_>>, Error> {
        if self.used == self.piece.len() {
            if self.left == 0 {
                return Ok(None);
            }
            let rows = (PIECE / self.width).min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.piece.resize(rows * self.width, 0);
            film.read(self.at, &mut self.piece)?;
            self.at += self.piece.len() as u64;
            self.left -= u32::try_from(rows).unwrap_or(self.left);
            self.used = 0;
        }
        let row = &self.piece[self.used..self.used + self.width];
        self.used += self.width;
        Ok(Some(Fields(row)))
    }
}

/// The first words of a box.
fn words<const N: usize>(film: &mut Film<'_>, atom: &Atom) -> Result<[u32; N], Error> {
    let mut words = [0; N];
    if atom.len() < N as u64 * 4 {
        return Err(atom.error(SHORT));
    }
    for (word, at) in words.iter_mut().zip((atom.begin..).step_by(4)) {
        let mut bytes = [0; 4];
        film.read(at, &mut bytes)?;
        *word = u32::from_be_bytes(bytes);
    }
    Ok(words)
}

/// `stts` and `ctts`: a value for so many samples, then the next.
pub(super) struct Runs {
    table: Table,
    left: u32,
    value: u32,
}

impl Runs {
    pub(super) fn open(film: &mut Film<'_>, atom: &Atom) -> Result<Self, Error> {
        Ok(Self { table: Table::counted(film, atom, 8)?, left: 0, value: 0 })
    }

    pub(super) fn next(&mut self, film: &mut Film<'_>) -> Result<Option<u32>, Error> {
        while self.left == 0 {
            let Some(mut row) = self.table.next(film)? else { return Ok(None) };
            (self.left, self.value) = (row.u32().unwrap_or(0), row.u32().unwrap_or(0));
        }
        self.left -= 1;
        Ok(Some(self.value))
    }
}

/// `stss`: the numbers of the samples at which decoding can begin, from 1 on.
pub(super) struct SyncSamples {
    table: Table,
    next: Option<u32>,
}

impl SyncSamples {
    pub(super) fn open(film: &mut Film<'_>, atom: &Atom) -> Result<Self, Error> {
        let mut table = Table::counted(film, atom, 4)?;
        let next = table.next(film)?.and_then(|mut row| row.u32());
        Ok(Self { table, next })
    }

    /// Whether that sample is one; to be asked in order.
    pub(super) fn contains(&mut self, film: &mut Film<'_>, number: u32) -> Result<bool, Error> {
        while self.next.is_some_and(|next| next < number) {
            self.next = self.table.next(film)?.and_then(|mut row| row.u32());
        }
        Ok(self.next == Some(number))
    }
}

/// `stsz`: bytes of each sample.
pub(super) enum Sizes {
    Same(u32),
    Each(Table),
}

impl Sizes {
    /// The sizes, and how many samples there are.
    pub(super) fn open(film: &mut Film<'_>, atom: &Atom) -> Result<(Self, u32), Error> {
        let [_, same, count] = words(film, atom)?;
        Ok(match same {
            0 => (Self::Each(Table::new(atom, 12, 4, count)?), count),
            same => (Self::Same(same), count),
        })
    }

    pub(super) fn next(&mut self, film: &mut Film<'_>) -> Result<Option<u32>, Error> {
        match self {
            Self::Same(same) => Ok(Some(*same)),
            Self::Each(table) => Ok(table.next(film)?.and_then(|mut row| row.u32())),
        }
    }
}

/// `stsc` with `stco` or `co64`: where samples lie together, and how many.
pub(super) struct Chunks {
    offsets: Table,
    runs: Table,
    /// Number of the chunk that comes next, from 1 on.
    number: u32,
    /// Samples in a chunk, and how they are described.
    per_chunk: u32,
    description: u32,
    /// The run that follows: its first chunk, and the same of it.
    following: Option<[u32; 3]>,
}

/// Samples that lie together.
pub(super) struct Chunk {
    pub(super) at: u64,
    pub(super) samples: u32,
    /// Which sample entry describes them, from 1 on.
    pub(super) description: u32,
}

impl Chunks {
    pub(super) fn open(film: &mut Film<'_>, runs: &Atom, offsets: &Atom) -> Result<Self, Error> {
        let width = if &offsets.name.0 == b"co64" { 8 } else { 4 };
        let offsets = Table::counted(film, offsets, width)?;
        let mut chunks = Self {
            offsets,
            runs: Table::counted(film, runs, 12)?,
            number: 1,
            per_chunk: 0,
            description: 0,
            following: None,
        };
        chunks.follow(film)?;
        Ok(chunks)
    }

    pub(super) fn next(&mut self, film: &mut Film<'_>) -> Result<Option<Chunk>, Error> {
        if let Some([first, per_chunk, description]) = self.following
            && first <= self.number
        {
            (self.per_chunk, self.description) = (per_chunk, description);
            self.follow(film)?;
        }
        let Some(mut row) = self.offsets.next(film)? else { return Ok(None) };
        let at = if row.0.len() == 8 { row.u64() } else { row.u32().map(u64::from) };
        self.number = self.number.saturating_add(1);
        Ok(at.map(|at| Chunk { at, samples: self.per_chunk, description: self.description }))
    }

    fn follow(&mut self, film: &mut Film<'_>) -> Result<(), Error> {
        let row = self.runs.next(film)?;
        self.following = row.and_then(|mut row| Some([row.u32()?, row.u32()?, row.u32()?]));
        Ok(())
    }
}
