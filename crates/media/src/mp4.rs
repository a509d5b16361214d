//! A clip as an MP4 file that plays while it is still loading: H.264 and Opus as they are, nothing encoded anew.
//!
//! ISO/IEC 14496-12 (boxes), 14496-15 (H.264 in them) and "Encapsulation of Opus in ISO Base Media File Format".
//! Pictures last for as long as they stood. Silence, for which no packet was made, is filled with silent packets,
//! so that every player keeps sound and picture together.

pub(crate) mod atom;
pub(crate) mod headers;
mod layout;
mod sound;
mod tables;
#[cfg(test)]
mod tests;

use std::io;

use self::layout::{Chunk, Layout, Piece};
use crate::annexb;
use crate::ring::Clip;

/// Why a clip makes no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no picture.
    #[error("a clip without a picture makes no file")]
    Empty,
    /// The first picture does not say how it is to be decoded.
    #[error("the clip does not begin with a keyframe that has its parameter sets")]
    NoKeyframe,
    /// Offsets of 32 bits do not reach that far.
    #[error("a clip of more than four gigabytes makes no file")]
    TooLarge,
}

/// A file, ready to be written.
#[derive(Debug)]
pub struct Movie<'a> {
    header: Vec<u8>,
    layout: Layout<'a>,
}

impl<'a> Movie<'a> {
    /// Lays `clip` out. Only the header is made here; the samples stay where they are.
    pub fn new(clip: &'a Clip) -> Result<Self, Error> {
        let layout = Layout::new(clip)?;
        let header = tables::header(&layout)?;
        Ok(Self { header, layout })
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.header.len() as u64 + self.layout.payload
    }

    /// Whether the file has no byte, which no file has.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Everything in front of the samples: `ftyp`, `moov` and the beginning of `mdat`.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Writes the file in small pieces (buffer them), and gives its length.
    pub fn write(&self, out: &mut impl io::Write) -> io::Result<u64> {
        out.write_all(&self.header)?;
        for chunk in &self.layout.chunks {
            match chunk {
                Chunk::Video(range) => {
                    for unit in &self.layout.units[range.clone()] {
                        for nal in annexb::sample_nals(&unit.data) {
                            // A unit is part of a sample, whose length was found to fit.
                            out.write_all(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes())?;
                            out.write_all(nal)?;
                        }
                    }
                }
                Chunk::Audio(range) => {
                    for piece in &self.layout.pieces[range.clone()] {
                        out.write_all(piece.data())?;
                    }
                }
            }
        }
        Ok(self.len())
    }
}
