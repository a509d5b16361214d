//! The bodies of FLV tags (Adobe FLV 10.1, annex E; Enhanced RTMP v2), as RTMP carries them.

mod audio;
mod video;

use crate::decoder::{Pictures, aac, av1, opus};
use crate::intake::{Intake, Kind, Unit};
use crate::live::VideoCodec;

pub use audio::{Audio, AudioCoding};
pub use video::{Video, VideoCoding};

/// Why a publisher's tags are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A codec that is not taken.
    #[error(
        "The {what} is coded as {codec}, which is not taken here; choose {instead} in the publishing program."
    )]
    Codec {
        /// "video" or "sound".
        what: &'static str,
        /// What the publisher says.
        codec: String,
        /// What it could use.
        instead: &'static str,
    },
    /// A tag that ends too early or contradicts itself.
    #[error(
        "The publisher sent a broken {0}; publish again, and update the publishing program if that helps nothing."
    )]
    Broken(&'static str),
}

/// Takes the tags of one publisher apart.
#[derive(Debug, Default)]
pub struct Demuxer {
    /// For codecs that have NAL units: their parameter sets, and the bytes of the length before each.
    pictures: Option<(Pictures, usize)>,
    sound: Option<AudioCoding>,
}

impl Demuxer {
    /// A tag of pictures; `millis` is the timestamp of its message.
    ///
    /// # Errors
    /// See [`Error`]; the stream cannot go on.
    pub fn video(&mut self, millis: u32, body: &[u8], intake: &mut Intake) -> Result<(), Error> {
        match Video::parse(body)? {
            Video::Start { coding: VideoCoding::Av1, record } => {
                let format = av1::format(record).ok_or(Error::Broken("description of its video"))?;
                self.pictures = None;
                intake.format(Kind::Video, format);
            }
            Video::Start { coding, record } => {
                let codec = if coding == VideoCoding::H264 { VideoCodec::H264 } else { VideoCodec::Hevc };
                let (mut pictures, size) =
                    Pictures::from_record(codec, record).ok_or(Error::Broken("description of its video"))?;
                // Without parameter sets the record says nothing: they come with the first picture.
                if let Some(format) = pictures.format() {
                    intake.format(Kind::Video, format);
                }
                self.pictures = Some((pictures, size));
            }
            Video::Picture { keyframe, delay, data, coding } => {
                let delay = i64::from(delay) * 1000;
                let dts = i64::from(millis) * 1000;
                let unit = if coding == VideoCoding::Av1 {
                    Unit { dts, delay, data: av1::sample(data), keyframe }
                } else if let Some((pictures, size)) = &mut self.pictures {
                    let picture = pictures.add(crate::decoder::units(data, *size));
                    if let Some(format) = pictures.format() {
                        intake.format(Kind::Video, format);
                    }
                    // Encoders that refresh without IDR pictures mark where one can begin.
                    Unit { dts, delay, data: picture.data, keyframe: keyframe || picture.keyframe }
                } else {
                    return Ok(());
                };
                intake.sample(Kind::Video, unit);
            }
            Video::Nothing => {}
        }
        Ok(())
    }

    /// A tag of sound; `millis` is the timestamp of its message.
    ///
    /// # Errors
    /// See [`Error`]; the stream cannot go on.
    pub fn audio(&mut self, millis: u32, body: &[u8], intake: &mut Intake) -> Result<(), Error> {
        match Audio::parse(body)? {
            Audio::Start { coding, record } => {
                let format = match coding {
                    AudioCoding::Aac => aac::format(record),
                    AudioCoding::Opus => opus::format(record),
                };
                intake.format(Kind::Audio, format.ok_or(Error::Broken("description of its sound"))?);
                self.sound = Some(coding);
            }
            Audio::Frame { coding, data } if self.sound == Some(coding) => {
                let unit =
                    Unit { dts: i64::from(millis) * 1000, delay: 0, data: data.to_vec(), keyframe: true };
                intake.sample(Kind::Audio, unit);
            }
            Audio::Frame { .. } | Audio::Nothing => {}
        }
        Ok(())
    }
}

/// Where the modifiers before a packet's own type end, and that type (Enhanced RTMP v2, `ModEx`).
fn behind_modifiers(mut kind: u8, mut rest: &[u8]) -> Option<(u8, &[u8])> {
    const MODIFIER: u8 = 7;
    while kind == MODIFIER {
        let (&size, behind) = rest.split_first()?;
        let (size, behind) = match size {
            255 => {
                let (&size, behind) = behind.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(size)) + 1, behind)
            }
            size => (usize::from(size) + 1, behind),
        };
        let (&next, behind) = behind.get(size..)?.split_first()?;
        (kind, rest) = (next & 0xF, behind);
    }
    Some((kind, rest))
}

#[cfg(test)]
mod tests;
