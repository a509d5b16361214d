//! `VideoTagHeader`, in its first form and in the extended one.

use super::{Error, behind_modifiers};

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCoding {
    /// H.264.
    H264,
    /// H.265.
    Hevc,
    /// AV1.
    Av1,
}

/// What a tag of pictures holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Video<'a> {
    /// What a decoder has to know.
    Start {
        /// The codec.
        coding: VideoCoding,
        /// Its configuration record.
        record: &'a [u8],
    },
    /// A picture.
    Picture {
        /// The codec.
        coding: VideoCoding,
        /// Whether decoding can begin here.
        keyframe: bool,
        /// Milliseconds from decoding to showing.
        delay: i32,
        /// As the codec's samples are.
        data: &'a [u8],
    },
    /// An end, a command, metadata, or one of several tracks beside the first.
    Nothing,
}

impl<'a> Video<'a> {
    /// Reads the body of a tag.
    ///
    /// # Errors
    /// When it is cut off, or its codec is not taken.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let Some((&first, rest)) = body.split_first() else { return Ok(Video::Nothing) };
        // Frame type 5 is a command.
        if first >> 4 & 7 == 5 {
            return Ok(Video::Nothing);
        }
        let keyframe = first >> 4 & 7 == 1;
        let parsed = if first & 0x80 == 0 {
            let coding = match first & 0xF {
                7 => VideoCoding::H264,
                // Before there was an extended header, some programs took this number.
                12 => VideoCoding::Hevc,
                number => return Err(unknown(legacy(number).to_owned())),
            };
            parse_packet(coding, keyframe, rest)
        } else {
            parse_extended(first & 0xF, keyframe, rest)?
        };
        parsed.ok_or(Error::Broken("picture"))
    }
}

/// `AVCVIDEOPACKET`.
fn parse_packet(coding: VideoCoding, keyframe: bool, rest: &[u8]) -> Option<Video<'_>> {
    let (&[kind, a, b, c], data) = rest.split_first_chunk::<4>()?;
    Some(match kind {
        0 => Video::Start { coding, record: data },
        1 => Video::Picture { coding, keyframe, delay: signed([a, b, c]), data },
        _ => Video::Nothing,
    })
}

/// `ExVideoTagHeader`.
fn parse_extended(kind: u8, keyframe: bool, rest: &[u8]) -> Result<Option<Video<'_>>, Error> {
    let Some((kind, rest)) = behind_modifiers(kind, rest) else { return Ok(None) };
    let Some((four, data)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    // Metadata, a description as MPEG-TS has it, several tracks.
    if !matches!(kind, 0 | 1 | 3) {
        return Ok(Some(Video::Nothing));
    }
    let coding = match four {
        b"avc1" => VideoCoding::H264,
        b"hvc1" => VideoCoding::Hevc,
        b"av01" => VideoCoding::Av1,
        other => return Err(unknown(String::from_utf8_lossy(other).into_owned())),
    };
    Ok(match (kind, coding) {
        (0, _) => Some(Video::Start { coding, record: data }),
        (1, VideoCoding::H264 | VideoCoding::Hevc) => data
            .split_first_chunk::<3>()
            .map(|(&delay, data)| Video::Picture { coding, keyframe, delay: signed(delay), data }),
        _ => Some(Video::Picture { coding, keyframe, delay: 0, data }),
    })
}

/// A signed number of 24 bits.
fn signed([a, b, c]: [u8; 3]) -> i32 {
    i32::from_be_bytes([a, b, c, 0]) >> 8
}

fn unknown(codec: String) -> Error {
    Error::Codec { what: "video", codec, instead: "H.264, HEVC or AV1" }
}

fn legacy(number: u8) -> &'static str {
    match number {
        2 => "Sorenson H.263",
        3 | 6 => "screen video",
        4 | 5 => "VP6",
        _ => "something that has no name in FLV",
    }
}
