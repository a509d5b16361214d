//! A live track as CMAF has it: its sample entry, its clock, and the beginning that players load first.

use crate::film::{cmaf, described};
use crate::frame::Size;
use crate::mp4::atom::{atom, full, put16, put32, put32s};
use crate::mp4::headers::UPRIGHT;

use super::{AudioCodec, Format, Sample, VideoCodec, aac};

/// Ticks per second of pictures.
const PICTURES: u32 = 90_000;
/// Ticks per second of Opus (RFC 7845).
const OPUS: u32 = 48_000;
/// Bytes of a configuration that fits where lengths have one byte; real ones have two to sixteen.
const MOST_CONFIG: usize = 64;
/// Rates and channels that sample entries and players know.
const RATES: std::ops::RangeInclusive<u32> = 7_350..=192_000;
/// No picture is longer or wider: 65,535 is what a sample entry can say.
const SIDES: std::ops::RangeInclusive<u32> = 1..=16_384;

/// A track that can be sent in segments.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// As its publisher describes it.
    pub format: Format,
    /// As RFC 6381 has it: `avc1.640028`, `mp4a.40.2`.
    pub codec: String,
    /// Ticks per second.
    pub timescale: u32,
    entry: Vec<u8>,
    /// Ticks of each frame, where all last equally long.
    steady: Option<u32>,
}

impl Track {
    /// A track of that format; none where no browser could be told how to decode it.
    pub fn new(format: &Format) -> Option<Self> {
        let (entry, timescale, steady) = match format {
            Format::Video { codec, size, config } => (picture(*codec, *size, config)?, PICTURES, None),
            Format::Audio { codec, channels, sample_rate, config } => {
                let (timescale, steady) = match codec {
                    AudioCodec::Aac => match aac::clock(config) {
                        Some((rate, frame)) => (rate, Some(frame)),
                        None => (*sample_rate, Some(1024)),
                    },
                    AudioCodec::Opus => (OPUS, None),
                };
                let known = RATES.contains(sample_rate) && RATES.contains(&timescale);
                let entry = known.then(|| sound(*codec, *channels, *sample_rate, config))??;
                (entry, timescale, steady)
            }
        };
        let (_, codec) = described(&entry)?;
        Some(Self { format: format.clone(), codec, timescale, entry, steady })
    }

    /// Width and height of its pictures; none for sound.
    pub const fn size(&self) -> Option<Size> {
        match self.format {
            Format::Video { size, .. } => Some(size),
            Format::Audio { .. } => None,
        }
    }

    /// `ftyp` and `moov`: what a player loads before the first segment.
    pub fn init(&self) -> Vec<u8> {
        cmaf::head(&cmaf::Head {
            entry: &self.entry,
            video: self.format.is_video(),
            timescale: self.timescale,
            matrix: &UPRIGHT,
            size: self.size().map_or([0, 0], |size| [size.width << 16, size.height << 16]),
            left_out: 0,
            ticks: None,
        })
    }

    /// The sample entry, a whole box.
    pub(super) fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// How many ticks a frame of sound lasts, as the frame itself says; none for pictures.
    pub(super) fn ticks(&self, sample: &Sample) -> Option<u32> {
        match self.format {
            Format::Audio { codec: AudioCodec::Opus, .. } => opus(&sample.data),
            _ => self.steady,
        }
    }
}

/// The sample entry of pictures (ISO/IEC 14496-12, section 12.1.3).
fn picture(codec: VideoCodec, size: Size, config: &[u8]) -> Option<Vec<u8>> {
    let (name, inner) = match codec {
        VideoCodec::H264 => (*b"avc1", *b"avcC"),
        VideoCodec::Hevc => (*b"hvc1", *b"hvcC"),
        VideoCodec::Av1 => (*b"av01", *b"av1C"),
    };
    let side = |pixels: u32| SIDES.contains(&pixels).then(|| u16::try_from(pixels).ok())?;
    let (width, height) = (side(size.width)?, side(size.height)?);
    let mut out = Vec::new();
    atom(&mut out, name, |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        out.extend_from_slice(&[0; 16]);
        put16(out, width);
        put16(out, height);
        put32s(out, &[0x48_0000, 0x48_0000, 0]);
        put16(out, 1);
        out.extend_from_slice(&[0; 32]);
        out.extend_from_slice(&[0, 0x18, 0xFF, 0xFF]);
        atom(out, inner, |out| out.extend_from_slice(config));
    });
    Some(out)
}

/// The sample entry of sound (ISO/IEC 14496-12, section 12.2.3).
fn sound(codec: AudioCodec, channels: u16, sample_rate: u32, config: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(config.len()).ok().filter(|_| config.len() <= MOST_CONFIG)?;
    let name = match codec {
        AudioCodec::Aac => *b"mp4a",
        AudioCodec::Opus => *b"Opus",
    };
    let rate = match codec {
        // What does not fit into 16 bits is said by the configuration alone.
        AudioCodec::Aac => u32::from(u16::try_from(sample_rate).unwrap_or(0)),
        AudioCodec::Opus => OPUS,
    };
    let mut out = Vec::new();
    atom(&mut out, name, |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        put32s(out, &[0, 0]);
        put16(out, channels);
        put16(out, 16);
        put32(out, 0);
        put32(out, rate << 16);
        match codec {
            // Descriptors of a stream, its decoder, and the decoder's configuration (ISO/IEC 14496-1, section 7.2.6).
            AudioCodec::Aac => full(out, *b"esds", 0, 0, |out| {
                out.extend_from_slice(&[3, 23 + length, 0, 0, 0]);
                out.extend_from_slice(&[4, 15 + length, 0x40, 0x15]);
                out.extend_from_slice(&[0; 11]);
                out.extend_from_slice(&[5, length]);
                out.extend_from_slice(config);
                out.extend_from_slice(&[6, 1, 2]);
            }),
            AudioCodec::Opus => atom(out, *b"dOps", |out| out.extend_from_slice(config)),
        }
    });
    Some(out)
}

/// Samples of an Opus packet (RFC 6716, section 3.1).
fn opus(packet: &[u8]) -> Option<u32> {
    let (&first, rest) = packet.split_first()?;
    let config = first >> 3;
    // Tenths of a millisecond of one frame: SILK, hybrid, CELT.
    let frame = match config {
        0..12 => [100, 200, 400, 600][usize::from(config % 4)],
        12..16 => [100, 200][usize::from(config % 2)],
        _ => [25, 50, 100, 200][usize::from(config % 4)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*rest.first()? & 0x3F),
    };
    Some(frame * frames * OPUS / 10_000).filter(|ticks| (1..=OPUS / 1000 * 120).contains(ticks))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// High, level 4.0; parameter sets are not looked at here.
    const AVCC: [u8; 7] = [1, 0x64, 0, 0x28, 0xFF, 0xE0, 0];

    #[test]
    fn codecs_are_named_as_browsers_ask_for_them() {
        let size = Size::new(1920, 1080);
        let video = |codec, config: &[u8]| Format::Video { codec, size, config: Arc::from(config) };
        let audio = |codec, config: &[u8]| Format::Audio {
            codec,
            channels: 2,
            sample_rate: 48_000,
            config: Arc::from(config),
        };
        let hvcc = [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93];
        let dops = [0, 2, 1, 0x38, 0, 0, 0xBB, 0x80, 0, 0, 0];
        let table = [
            (video(VideoCodec::H264, &AVCC), "avc1.640028", 90_000),
            (video(VideoCodec::Hevc, &hvcc), "hvc1.1.6.L93.90", 90_000),
            (video(VideoCodec::Av1, &[0x81, 0x08, 0x4C, 0]), "av01.0.08M.10", 90_000),
            (audio(AudioCodec::Aac, &[0x11, 0x90]), "mp4a.40.2", 48_000),
            (audio(AudioCodec::Opus, &dops), "opus", 48_000),
        ];
        for (format, codec, timescale) in table {
            let track = Track::new(&format).unwrap();
            assert_eq!((track.codec.as_str(), track.timescale), (codec, timescale));
        }
        assert_eq!(Track::new(&video(VideoCodec::H264, &[])), None, "nothing says how to decode it");
        assert_eq!(Track::new(&audio(AudioCodec::Aac, &[0; 300])), None);
    }

    #[test]
    fn an_opus_packet_says_how_long_it_sounds() {
        assert_eq!(opus(&[0xF4, 0xFF, 0xFE]), Some(480), "10 ms of CELT");
        assert_eq!(opus(&[0xFC, 1]), Some(960), "20 ms of CELT");
        assert_eq!(opus(&[0x0B, 2]), Some(1920), "two frames of 20 ms of SILK, counted");
        assert_eq!(opus(&[0x1B, 63]), None, "longer than a packet may be");
        assert_eq!(opus(&[]), None);
    }
}
