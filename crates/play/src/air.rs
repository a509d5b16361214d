//! What a session on the air sends its node: coded pictures and sound, each behind a header of sixteen bytes.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | `V` for a picture, `S` for sound |
//! | 1 | 1 where decoding can begin, else 0 |
//! | 2 | zero |
//! | 4 | bytes that follow |
//! | 8 | when it is shown or heard, in microseconds of the session's clock |
//!
//! Numbers are big-endian. Pictures are access units of H.264 with start codes (Annex B), of which a keyframe brings its
//! parameter sets; sound is packets of Opus. It is a stream of its own beside the messages of [`control`](crate::control),
//! so that neither waits for the other.

use playhouse_media::time::Timestamp;

/// Bytes of a header.
pub const HEADER: usize = 16;

/// The largest picture: 4K as a keyframe at the highest quality is some 4 MB.
pub const LARGEST: usize = 8 << 20;

/// Silence, stereo, for ten milliseconds: a packet of Opus that says so (RFC 6716, section 3.1: CELT, full band). The
/// session's own encoder stops in silence, which a recording cannot.
pub const SILENCE: [u8; 3] = [0xF4, 0xFF, 0xFE];

/// What follows a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture.
    Picture,
    /// Sound.
    Sound,
}

/// What stands in front of a picture or a packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// Whether decoding can begin here.
    pub keyframe: bool,
    /// Bytes that follow, at most [`LARGEST`].
    pub length: usize,
    /// When it is shown or heard, on the session's clock.
    pub pts: Timestamp,
}

/// Bytes that are no header: whoever sent them speaks something else, and nothing after them can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the session sends is neither a picture nor sound; end the session and start it again")]
pub struct Rubbish;

impl Header {
    /// As bytes. None where it is longer than [`LARGEST`].
    pub fn to_bytes(self) -> Option<[u8; HEADER]> {
        let length = u32::try_from(self.length).ok().filter(|_| self.length <= LARGEST)?;
        let mut bytes = [0; HEADER];
        bytes[0] = if self.kind == Kind::Picture { b'V' } else { b'S' };
        bytes[1] = u8::from(self.keyframe);
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        bytes[8..].copy_from_slice(&self.pts.as_micros().to_be_bytes());
        Some(bytes)
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`Rubbish`] where they are none of a header's.
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Self, Rubbish> {
        let [kind, keyframe, 0, 0, a, b, c, d, pts @ ..] = *bytes else { return Err(Rubbish) };
        let kind = match kind {
            b'V' => Kind::Picture,
            b'S' => Kind::Sound,
            _ => return Err(Rubbish),
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).or(Err(Rubbish))?;
        if keyframe > 1 || length > LARGEST {
            return Err(Rubbish);
        }
        let pts = Timestamp::from_micros(u64::from_be_bytes(pts));
        Ok(Self { kind, keyframe: keyframe == 1, length, pts })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn more_than_the_largest_picture_is_neither_sent_nor_waited_for() {
        let header =
            Header { kind: Kind::Picture, keyframe: true, length: LARGEST, pts: Timestamp::from_micros(1) };
        let mut bytes = header.to_bytes().unwrap();
        assert_eq!(Header { length: LARGEST + 1, ..header }.to_bytes(), None);
        bytes[7] += 1;
        assert_eq!(Header::parse(&bytes), Err(Rubbish));
    }

    proptest! {
        #[test]
        fn a_header_comes_back_as_it_was_sent(
            sound in any::<bool>(), keyframe in any::<bool>(), length in 0..=LARGEST, micros in any::<u64>(),
        ) {
            let kind = if sound { Kind::Sound } else { Kind::Picture };
            let header = Header { kind, keyframe, length, pts: Timestamp::from_micros(micros) };
            prop_assert_eq!(Header::parse(&header.to_bytes().unwrap()), Ok(header));
        }

        #[test]
        fn rubbish_is_survived(bytes in any::<[u8; HEADER]>()) {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert_eq!(header.to_bytes(), Some(bytes));
            }
        }
    }
}
