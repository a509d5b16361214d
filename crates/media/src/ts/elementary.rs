//! A track's own stream, of whose access units samples are made.

use crate::annexb;
use crate::decoder::{Pictures, aac, opus};
use crate::intake::{Intake, Kind, Unit};
use crate::live::VideoCodec;

use super::pes::Pes;
use super::tables::Coding;

/// Times have 33 bits.
const WRAP: u64 = 1 << 33;

/// What is kept of a frame of sound that goes on in the next PES packet: an ADTS frame has at most 8191 bytes.
const MOST_REST: usize = 8192;

/// Makes samples.
#[derive(Debug)]
pub(super) enum Elementary {
    Pictures(Pictures),
    Aac {
        /// A frame that goes on in the next PES packet.
        rest: Vec<u8>,
        /// When the next frame begins, in microseconds, where its PES packet does not say.
        next: i64,
    },
    Opus {
        channels: u8,
    },
}

impl Elementary {
    pub(super) fn new(coding: Coding) -> Self {
        let pictures = |codec| Pictures::new(codec).map(Self::Pictures);
        match coding {
            Coding::H264 => pictures(VideoCodec::H264),
            Coding::Hevc => pictures(VideoCodec::Hevc),
            Coding::Opus(channels) => Some(Self::Opus { channels }),
            Coding::Aac => None,
        }
        .unwrap_or(Self::Aac { rest: Vec::new(), next: 0 })
    }

    pub(super) fn take(&mut self, pes: Pes, intake: &mut Intake) {
        match self {
            Self::Pictures(pictures) => take_pictures(pictures, &pes, intake),
            Self::Aac { rest, next } => take_aac(rest, next, pes, intake),
            Self::Opus { channels } => take_opus(*channels, &pes, intake),
        }
    }
}

fn take_pictures(pictures: &mut Pictures, pes: &Pes, intake: &mut Intake) {
    let (Some(dts), Some(pts)) = (pes.dts, pes.pts) else { return };
    let picture = pictures.add(annexb::nals(&pes.data));
    if let Some(format) = pictures.format() {
        intake.format(Kind::Video, format);
    }
    let delay = (pts.wrapping_sub(dts)) % WRAP;
    // More than half of the circle is a picture that is shown before it is decoded.
    let delay = if delay > WRAP / 2 { 0 } else { micros(delay) };
    let keyframe = picture.keyframe || pes.random_access;
    intake.sample(Kind::Video, Unit { dts: micros(dts), delay, data: picture.data, keyframe });
}

fn take_aac(rest: &mut Vec<u8>, next: &mut i64, pes: Pes, intake: &mut Intake) {
    let begun = rest.len();
    if begun == 0 {
        *rest = pes.data;
    } else {
        rest.extend_from_slice(&pes.data);
    }
    // The time is that of the first frame that begins in the packet (section 2.4.3.7).
    let mut time = pes.pts.map(micros);
    let (mut end, mut begin) = (0, 0);
    for (frame, behind) in aac::adts(rest) {
        if begin >= begun
            && let Some(time) = time.take()
        {
            *next = time;
        }
        if let Some(format) = aac::format(&frame.config) {
            intake.format(Kind::Audio, format);
        }
        intake.sample(Kind::Audio, Unit { dts: *next, delay: 0, data: frame.frame.to_vec(), keyframe: true });
        *next += i64::from(aac::FRAME) * 1_000_000 / i64::from(frame.sample_rate);
        (begin, end) = (behind, behind);
    }
    if let Some(time) = time
        && begin >= begun
    {
        *next = time;
    }
    rest.drain(..end);
    if rest.len() > MOST_REST {
        rest.clear();
    }
}

fn take_opus(channels: u8, pes: &Pes, intake: &mut Intake) {
    let Some(mut dts) = pes.pts.map(micros) else { return };
    let Some(format) = opus::plain(channels) else { return };
    intake.format(Kind::Audio, format);
    let mut rest = &pes.data[..];
    while let Some((packet, behind)) = opus_packet(rest) {
        intake.sample(Kind::Audio, Unit { dts, delay: 0, data: packet.to_vec(), keyframe: true });
        dts += i64::from(opus::samples(packet)) * 1_000 / 48;
        rest = behind;
    }
}

/// An Opus packet behind its control header (Opus in MPEG-2 TS, section 5), and what follows it.
fn opus_packet(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[first, second], mut rest) = data.split_first_chunk::<2>()?;
    if first != 0x7F || second & 0xE0 != 0xE0 {
        return None;
    }
    let mut length = 0_usize;
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        length += usize::from(byte);
        if byte != 255 {
            break;
        }
    }
    // Samples to be cut at either end, and an extension.
    for flag in [0x10, 0x08] {
        if second & flag != 0 {
            rest = rest.get(2..)?;
        }
    }
    if second & 0x04 != 0 {
        let (&extension, behind) = rest.split_first()?;
        rest = behind.get(extension.into()..)?;
    }
    rest.split_at_checked(length)
}

/// Ticks of 90 kHz in microseconds.
fn micros(ticks: u64) -> i64 {
    i64::try_from(ticks * 100 / 9).unwrap_or(0)
}
