//! Pictures of H.264 and H.265 as containers hold them: parameter sets go into the format, the rest into the sample.

use crate::annexb;
use crate::bits::Bits;
use crate::live::{Format, VideoCodec};

use super::{avc, hevc};

/// Parameter sets of a kind: more than any encoder sends, so that a stranger cannot fill the memory.
const MOST_SETS: usize = 16;

/// A sample's contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// NAL units, each behind its length in four bytes.
    pub data: Vec<u8>,
    /// Whether the picture refers to none before it.
    pub keyframe: bool,
}

/// Takes access units apart.
#[derive(Clone, Debug)]
pub struct Pictures {
    codec: VideoCodec,
    vps: Vec<Vec<u8>>,
    sps: Vec<Vec<u8>>,
    pps: Vec<Vec<u8>>,
    changed: bool,
}

impl Pictures {
    /// Of a stream that brings its parameter sets along; none for a codec that has no NAL units.
    pub fn new(codec: VideoCodec) -> Option<Self> {
        matches!(codec, VideoCodec::H264 | VideoCodec::Hevc).then(|| Self {
            codec,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
            changed: false,
        })
    }

    /// The parameter sets of a configuration record, and the bytes of the length before each NAL unit of the samples
    /// that it describes; none where it is no such record.
    pub fn from_record(codec: VideoCodec, record: &[u8]) -> Option<(Self, usize)> {
        let mut pictures = Self::new(codec)?;
        pictures.changed = true;
        let length = if codec == VideoCodec::H264 {
            let record = avc::read(record)?;
            (pictures.sps, pictures.pps) = (record.sps, record.pps);
            record.length_size
        } else {
            let record = hevc::read(record)?;
            (pictures.vps, pictures.sps, pictures.pps) = (record.vps, record.sps, record.pps);
            record.length_size
        };
        Some((pictures, length))
    }

    /// Makes a sample of the NAL units of an access unit. Its data is empty where they held no picture.
    pub fn add<'a>(&mut self, units: impl Iterator<Item = &'a [u8]>) -> Picture {
        let mut picture = Picture::default();
        let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        for unit in units {
            let h264 = self.codec == VideoCodec::H264;
            let kind = if h264 { annexb::kind(unit) } else { hevc::kind(unit) };
            match (h264, kind) {
                (true, annexb::SPS) | (false, hevc::SPS) => sps.push(unit),
                (true, annexb::PPS) | (false, hevc::PPS) => pps.push(unit),
                (false, hevc::VPS) => vps.push(unit),
                (true, annexb::DELIMITER) | (false, hevc::DELIMITER) => {}
                _ => {
                    // Any random access picture of H.265 (table 7-1): 16 to 21.
                    picture.keyframe |= if h264 { kind == annexb::IDR } else { (16..=21).contains(&kind) };
                    let Ok(length) = u32::try_from(unit.len()) else { continue };
                    picture.data.extend(length.to_be_bytes());
                    picture.data.extend_from_slice(unit);
                }
            }
        }
        self.replace(&vps, &sps, &pps);
        picture
    }

    /// The format, where it is complete and has changed since it was asked for.
    pub fn format(&mut self) -> Option<Format> {
        if !self.changed {
            return None;
        }
        let first = self.sps.first()?;
        let (size, config) = if self.codec == VideoCodec::H264 {
            (annexb::Sps::parse(first)?.size, avc::write(&self.sps, &self.pps)?)
        } else {
            (hevc::Sps::parse(first)?.size, hevc::write(&self.vps, &self.sps, &self.pps)?)
        };
        self.changed = false;
        Some(Format::Video { codec: self.codec, size, config: config.into() })
    }

    fn replace(&mut self, vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]]) {
        let skip = if self.codec == VideoCodec::H264 { 1 } else { 2 };
        for (there, new) in [(&mut self.vps, vps), (&mut self.sps, sps)] {
            let same = there.len() == new.len() && there.iter().zip(new).all(|(there, new)| there == new);
            if !new.is_empty() && !same && new.len() <= MOST_SETS {
                *there = new.iter().map(|unit| unit.to_vec()).collect();
                self.changed = true;
            }
        }
        for unit in pps {
            let id = |unit: &[u8]| Bits::escaped(unit.get(skip..).unwrap_or_default()).golomb();
            let at = self.pps.iter().position(|there| id(there) == id(unit));
            match at {
                Some(at) if self.pps[at] == *unit => continue,
                Some(at) => self.pps[at] = unit.to_vec(),
                None if self.pps.len() < MOST_SETS => self.pps.push(unit.to_vec()),
                None => continue,
            }
            self.changed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::Size;

    /// By x264: 1920x1080, high; and a picture parameter set.
    const SPS: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C, 0x60, 0xC6, 0x58,
    ];
    const PPS: &[u8] = &[0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0];

    #[test]
    fn parameter_sets_become_the_format_and_the_rest_the_sample() {
        let mut pictures = Pictures::new(VideoCodec::H264).unwrap();
        assert_eq!(pictures.format(), None);
        let unit = [&[9, 0xF0][..], SPS, PPS, &[0x65, 1, 2]];
        let picture = pictures.add(unit.into_iter());
        assert_eq!(picture, Picture { data: vec![0, 0, 0, 3, 0x65, 1, 2], keyframe: true });
        let Some(Format::Video { size, config, .. }) = pictures.format() else { panic!("no format") };
        assert_eq!(size, Size::new(1920, 1080));
        assert_eq!(pictures.add(unit.into_iter()), picture);
        assert_eq!(pictures.format(), None, "the same sets once more are no change");
        let (mut again, length) = Pictures::from_record(VideoCodec::H264, &config).unwrap();
        assert_eq!(length, 4);
        assert!(matches!(again.format(), Some(Format::Video { config: written, .. }) if written == config));
    }

    #[test]
    fn another_size_midway_is_another_format() {
        let mut pictures = Pictures::new(VideoCodec::H264).unwrap();
        pictures.add([SPS, PPS].into_iter());
        pictures.format().unwrap();
        let smaller = [
            0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0x00, 0x00, 0x03,
            0x00, 0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40,
        ];
        pictures.add([&smaller[..], PPS].into_iter());
        assert!(
            matches!(pictures.format(), Some(Format::Video { size, .. }) if size == Size::new(1280, 720))
        );
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(data in prop::collection::vec(any::<u8>(), 0..200), size in 0_usize..5) {
            for codec in [VideoCodec::H264, VideoCodec::Hevc] {
                let mut pictures = Pictures::new(codec).unwrap();
                pictures.add(super::super::units(&data, size));
                let _ = (pictures.format(), Pictures::from_record(codec, &data).map(|(mut p, _)| p.format()));
            }
            let _ = (super::super::av1::format(&data), super::super::av1::sample(&data));
            let _ = (super::super::aac::format(&data), super::super::aac::adts(&data).count());
            let _ = (super::super::opus::format(&data), super::super::opus::samples(&data));
            let mut nal = data;
            nal.splice(0..0, [66, 1]);
            let _ = hevc::Sps::parse(&nal);
        }
    }
}
