//! The `AudioSpecificConfig` of AAC (ISO/IEC 14496-3, section 1.6.2.1), and frames with ADTS headers (1.A.2.2).

use std::sync::Arc;

use crate::bits::Bits;
use crate::live::{AudioCodec, Format};

/// Sampling frequencies by index (table 1.18).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Samples of a frame.
pub const FRAME: u32 = 1024;

/// The format that a configuration describes; none where it is cut off or leaves the channels open.
pub fn format(config: &[u8]) -> Option<Format> {
    let mut bits = Bits::plain(config);
    if bits.number(5)? == 31 {
        bits.skip(6)?;
    }
    let sample_rate = match bits.number(4)? {
        15 => bits.number(24)?,
        index => *RATES.get(usize::try_from(index).ok()?)?,
    };
    let channels = channels(bits.number(4)?)?;
    (sample_rate > 0).then(|| Format::Audio {
        codec: AudioCodec::Aac,
        channels,
        sample_rate,
        config: Arc::from(config),
    })
}

/// Table 1.19; 0 leaves it to the stream.
fn channels(configuration: u32) -> Option<u16> {
    match configuration {
        1..=6 => u16::try_from(configuration).ok(),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        _ => None,
    }
}

/// A frame out of a stream with ADTS headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adts<'a> {
    /// The `AudioSpecificConfig` that says the same as the header.
    pub config: [u8; 2],
    /// Samples per second.
    pub sample_rate: u32,
    /// The frame without its header.
    pub frame: &'a [u8],
}

/// The frames of a stream; what is none is skipped byte by byte. The second value of an item is where the frame
/// ends.
pub fn adts(data: &[u8]) -> impl Iterator<Item = (Adts<'_>, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = data.get(at..)?;
            if rest.len() < 7 {
                return None;
            }
            match header(rest) {
                Some((found, length)) => {
                    at += length;
                    return Some((found, at));
                }
                // A frame that is not all here yet ends the search.
                None if is_header(rest) => return None,
                None => at += 1,
            }
        }
    })
}

fn is_header(data: &[u8]) -> bool {
    matches!(data, [0xFF, second, third, ..] if second & 0xF6 == 0xF0 && usize::from(third >> 2 & 0xF) < RATES.len())
        && length(data).is_some_and(|length| length > 7)
}

fn length(data: &[u8]) -> Option<usize> {
    let &[a, b, c] = data.get(3..6)?.first_chunk()?;
    Some(usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c >> 5))
}

fn header(data: &[u8]) -> Option<(Adts<'_>, usize)> {
    if !is_header(data) {
        return None;
    }
    let length = length(data)?;
    let (&[_, second, third, fourth], _) = data.split_first_chunk::<4>()?;
    let head = if second & 1 == 0 { 9 } else { 7 };
    let frame = data.get(head..length)?;
    let (object, rate, channels) = ((third >> 6) + 1, third >> 2 & 0xF, (third & 1) << 2 | fourth >> 6);
    let config = [object << 3 | rate >> 1, (rate & 1) << 7 | channels << 3];
    Some((Adts { config, sample_rate: RATES[usize::from(rate)], frame }, length))
}
