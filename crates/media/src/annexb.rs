//! H.264 as a byte stream with start codes (ITU-T H.264, Annex B), and the parts of it that containers need.
//!
//! Every function here takes any bytes at all: what is not H.264 gives nothing or less, never a panic.

mod sps;

pub use sps::Sps;

/// NAL unit type of a slice of an IDR picture (table 7-1).
pub const IDR: u8 = 5;
/// NAL unit type of a sequence parameter set.
pub const SPS: u8 = 7;
/// NAL unit type of a picture parameter set.
pub const PPS: u8 = 8;
/// NAL unit type of an access unit delimiter.
pub const DELIMITER: u8 = 9;

/// The type of a NAL unit; 0 (unspecified) for an empty one.
pub fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte & 0x1F)
}

/// The NAL units of a byte stream, without start codes and trailing zeros; empty ones are left out.
pub fn nals(data: &[u8]) -> Nals<'_> {
    let begin = start_code(data).map_or(data.len(), |at| at + 3);
    Nals { rest: data.get(begin..).unwrap_or_default() }
}

/// Iterator of [`nals`].
#[derive(Clone, Debug)]
pub struct Nals<'a> {
    /// From behind a start code on.
    rest: &'a [u8],
}

impl<'a> Iterator for Nals<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (nal, rest) = match start_code(self.rest) {
                Some(at) => (&self.rest[..at], &self.rest[at + 3..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            // A start code of four bytes begins with a zero, and zeros may pad a unit (section B.1.1); no unit
            // ends with one by itself (section 7.4.1).
            let length = nal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return Some(&nal[..length]);
            }
        }
        None
    }
}

/// Where the next `00 00 01` begins.
fn start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&third) = data.get(at + 2) {
        match third {
            0 => at += 1,
            1 if data[at] == 0 && data[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// Whether decoding can begin at this access unit.
pub fn is_keyframe(data: &[u8]) -> bool {
    nals(data).any(|nal| kind(nal) == IDR)
}

/// What a decoder has to know before the first picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSets<'a> {
    /// The sequence parameter set, a NAL unit.
    pub sps: &'a [u8],
    /// The picture parameter set, a NAL unit.
    pub pps: &'a [u8],
}

impl<'a> ParameterSets<'a> {
    /// The first sets in an access unit, if it has both.
    pub fn find(data: &'a [u8]) -> Option<Self> {
        let first = |wanted| nals(data).find(|nal| kind(nal) == wanted);
        Some(Self { sps: first(SPS)?, pps: first(PPS)? })
    }
}

/// The NAL units that a sample of an MP4 track holds: parameter sets are in its header, and delimiters say nothing.
pub fn sample_nals(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    nals(data).filter(|nal| !matches!(kind(nal), SPS | PPS | DELIMITER))
}

/// Bytes of the sample that [`sample_nals`] makes with a length of four bytes in front of each unit.
pub fn sample_len(data: &[u8]) -> usize {
    sample_nals(data).map(|nal| nal.len() + 4).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_found_behind_both_kinds_of_start_code() {
        let stream = [
            &[0, 0, 0, 1, 0x67, 1, 2][..],
            &[0, 0, 1, 0x68, 3],
            &[0, 0, 0, 0, 1, 0x65, 0, 0, 3, 0, 9, 0, 0],
            &[0, 0, 1],
            &[0, 0, 1, 0x06],
        ]
        .concat();
        let found: Vec<&[u8]> = nals(&stream).collect();
        assert_eq!(found, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0, 0, 3, 0, 9], &[0x06]]);
        assert!(is_keyframe(&stream));
        let sets = ParameterSets::find(&stream).unwrap();
        assert_eq!((sets.sps, sets.pps), (&[0x67, 1, 2][..], &[0x68, 3][..]));
        assert_eq!(sample_len(&stream), 4 + 6 + 4 + 1);
    }

    #[test]
    fn what_is_no_stream_has_no_units() {
        for nothing in [&[][..], &[0], &[0, 0], &[0, 0, 1], &[0, 0, 0, 1], &[9, 9, 9, 9, 9]] {
            assert_eq!(nals(nothing).count(), 0, "{nothing:?}");
            assert_eq!(ParameterSets::find(nothing), None);
        }
        assert_eq!(kind(&[]), 0);
    }

    proptest! {
        #[test]
        fn units_come_back_as_they_were_put_in(
            units in prop::collection::vec(prop::collection::vec(1_u8.., 1..40), 0..12),
            long in prop::collection::vec(any::<bool>(), 12),
        ) {
            let mut stream = Vec::new();
            for (unit, long) in units.iter().zip(&long) {
                stream.extend_from_slice(if *long { &[0, 0, 0, 1] } else { &[0, 0, 1] });
                stream.extend_from_slice(unit);
            }
            let found: Vec<Vec<u8>> = nals(&stream).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(found, units);
        }

        #[test]
        fn rubbish_is_survived(data in prop::collection::vec(0_u8..4, 0..200)) {
            let total: usize = nals(&data).map(<[u8]>::len).sum();
            prop_assert!(total <= data.len());
            prop_assert!(nals(&data).all(|nal| start_code(nal).is_none() && !nal.is_empty()));
            let _ = (is_keyframe(&data), ParameterSets::find(&data), sample_len(&data));
        }
    }
}
