//! `AudioTagHeader`, in its first form and in the extended one.

use super::{Error, behind_modifiers};

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioCoding {
    /// AAC; its record is an `AudioSpecificConfig`.
    Aac,
    /// Opus; its record is the identification header of RFC 7845.
    Opus,
}

/// What a tag of sound holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audio<'a> {
    /// What a decoder has to know.
    Start {
        /// The codec.
        coding: AudioCoding,
        /// Its configuration.
        record: &'a [u8],
    },
    /// A frame.
    Frame {
        /// The codec.
        coding: AudioCoding,
        /// As the codec's samples are.
        data: &'a [u8],
    },
    /// An end, an order of channels, or one of several tracks beside the first.
    Nothing,
}

impl<'a> Audio<'a> {
    /// Reads the body of a tag.
    ///
    /// # Errors
    /// When it is cut off, or its codec is not taken.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let Some((&first, rest)) = body.split_first() else { return Ok(Audio::Nothing) };
        let broken = Error::Broken("piece of sound");
        match first >> 4 {
            10 => {
                let Some((&kind, data)) = rest.split_first() else { return Err(broken) };
                Ok(if kind == 0 {
                    Audio::Start { coding: AudioCoding::Aac, record: data }
                } else {
                    Audio::Frame { coding: AudioCoding::Aac, data }
                })
            }
            9 => {
                let (kind, rest) = behind_modifiers(first & 0xF, rest).ok_or(broken.clone())?;
                let (four, data) = rest.split_first_chunk::<4>().ok_or(broken)?;
                if !matches!(kind, 0 | 1) {
                    return Ok(Audio::Nothing);
                }
                let coding = match four {
                    b"mp4a" => AudioCoding::Aac,
                    b"Opus" => AudioCoding::Opus,
                    other => return Err(unknown(String::from_utf8_lossy(other).into_owned())),
                };
                Ok(if kind == 0 {
                    Audio::Start { coding, record: data }
                } else {
                    Audio::Frame { coding, data }
                })
            }
            number => Err(unknown(legacy(number).to_owned())),
        }
    }
}

fn unknown(codec: String) -> Error {
    Error::Codec { what: "sound", codec, instead: "AAC or Opus" }
}

fn legacy(number: u8) -> &'static str {
    match number {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        _ => "something that has no name in FLV",
    }
}
