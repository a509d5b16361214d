//! What a decoder has to know before its first sample: configuration records, read and written.
//!
//! Every function here takes any bytes at all: what is no record gives nothing, never a panic.

pub mod aac;
pub mod av1;
pub mod avc;
pub mod hevc;
pub mod opus;
mod pictures;

pub use pictures::{Picture, Pictures};

/// The NAL units of a sample, each behind its length in `size` bytes (1 to 4); ends where a length does not fit.
pub fn units(sample: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_at_checked(size)?;
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (unit, behind) = behind.split_at_checked(length)?;
        rest = behind;
        (size > 0).then_some(unit)
    })
    .filter(|unit| !unit.is_empty())
}
