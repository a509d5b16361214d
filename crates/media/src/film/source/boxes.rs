//! Boxes of a file: where each lies, without reading what is in it (ISO/IEC 14496-12, section 4.2).

use std::io::{Read, Seek, SeekFrom};

use crate::film::{Error, Name};

/// Boxes within one box, and beside each other in the file: fragments, of which there can be thousands, end the search
/// anyway.
const MOST_BOXES: usize = 4096;

/// Both of what an MP4 is read by.
pub(in crate::film) trait ReadSeek: Read + Seek {}
impl<F: Read + Seek> ReadSeek for F {}

/// The file.
pub(in crate::film) struct Film<'a> {
    file: &'a mut dyn ReadSeek,
    /// Bytes of it.
    pub(in crate::film) len: u64,
}

/// A box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    pub(super) name: Name,
    /// Where its contents begin.
    pub(super) begin: u64,
    /// Where they end.
    pub(super) end: u64,
}

impl Atom {
    pub(super) fn len(&self) -> u64 {
        self.end - self.begin
    }

    pub(super) fn error(&self, problem: &'static str) -> Error {
        Error::Box { name: self.name, at: self.begin, problem }
    }
}

impl<'a> Film<'a> {
    pub(in crate::film) fn new(file: &'a mut impl ReadSeek) -> Result<Self, Error> {
        let len = file.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        Ok(Self { file, len })
    }

    /// Fills `buffer` from `at` on.
    pub(super) fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(at)).map_err(Error::Read)?;
        self.file.read_exact(buffer).map_err(Error::Read)
    }

    /// The contents of a box that is not to be longer than `most`.
    pub(super) fn contents(&mut self, atom: &Atom, most: u64) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(atom.len()).ok().filter(|_| atom.len() <= most);
        let mut buffer = vec![0; length.ok_or_else(|| atom.error("is longer than it ever should be"))?];
        self.read(atom.begin, &mut buffer)?;
        Ok(buffer)
    }

    /// The box of that name among those that lie side by side in the file.
    pub(super) fn find(&mut self, name: [u8; 4]) -> Result<Option<Atom>, Error> {
        let mut at = 0;
        for _ in 0..MOST_BOXES {
            match self.next(at, self.len)? {
                Some(atom) if atom.name.0 == name => return Ok(Some(atom)),
                Some(atom) => at = atom.end,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The boxes within a box.
    pub(super) fn children(&mut self, parent: &Atom) -> Result<Vec<Atom>, Error> {
        let mut children = Vec::new();
        let mut at = parent.begin;
        while let Some(child) = self.next(at, parent.end)? {
            at = child.end;
            if children.len() == MOST_BOXES {
                return Err(parent.error("holds more boxes than it ever should"));
            }
            children.push(child);
        }
        Ok(children)
    }

    /// The box at `at` within something that ends at `end`; none where there is no room for another.
    fn next(&mut self, at: u64, end: u64) -> Result<Option<Atom>, Error> {
        // `QuickTime` ends some lists with four zero bytes.
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        let mut header = [0; 16];
        self.read(at, &mut header[..8])?;
        let [a, b, c, d, name @ ..] = *header.first_chunk::<8>().unwrap_or(&[0; 8]);
        let name = Name(name);
        let (length, begin) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (end - at, at + 8),
            1 => {
                let short = Error::Box { name, at, problem: "is longer than what holds it" };
                let begin = at.checked_add(16).filter(|&begin| begin <= end).ok_or(short)?;
                self.read(at + 8, &mut header[8..])?;
                (u64::from_be_bytes(*header.last_chunk::<8>().unwrap_or(&[0; 8])), begin)
            }
            length => (u64::from(length), at + 8),
        };
        let error = |problem| Error::Box { name, at, problem };
        if length < begin - at {
            return Err(error("is shorter than its own header"));
        }
        let last = at.checked_add(length).filter(|&last| last <= end);
        Ok(Some(Atom { name, begin, end: last.ok_or_else(|| error("is longer than what holds it"))? }))
    }
}
