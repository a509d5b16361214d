//! The `AV1CodecConfigurationRecord` (AV1-ISOBMFF, section 2.3), and open bitstream units (AV1, section 5.3).

use std::sync::Arc;

use crate::bits::Bits;
use crate::frame::Size;
use crate::live::{Format, VideoCodec};

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// The format that a record describes; none where it has no sequence header.
pub fn format(record: &[u8]) -> Option<Format> {
    if record.first() != Some(&0x81) {
        return None;
    }
    let header = units(record.get(4..)?).find(|unit| unit.kind == SEQUENCE_HEADER)?;
    let size = size(header.payload)?;
    Some(Format::Video { codec: VideoCodec::Av1, size, config: Arc::from(record) })
}

/// A sample as containers hold it: without temporal delimiters.
pub fn sample(data: &[u8]) -> Vec<u8> {
    units(data)
        .filter(|unit| unit.kind != TEMPORAL_DELIMITER)
        .flat_map(|unit| unit.whole.iter().copied())
        .collect()
}

struct Unit<'a> {
    kind: u8,
    whole: &'a [u8],
    payload: &'a [u8],
}

/// Open bitstream units, up to the first that is cut off; the last one may be without a size.
fn units(data: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let &header = rest.first()?;
        let begin = if header & 4 == 0 { 1 } else { 2 };
        let (payload, end) = if header & 2 == 0 {
            (begin, rest.len())
        } else {
            let (size, length) = leb128(rest.get(begin..)?)?;
            (begin + length, (begin + length).checked_add(size)?)
        };
        let unit =
            Unit { kind: header >> 3 & 0xF, whole: rest.get(..end)?, payload: rest.get(payload..end)? };
        rest = &rest[end..];
        Some(unit)
    })
}

/// A number of at most 32 bits, and the bytes it took (section 4.10.5).
fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (at, byte) in data.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?.try_into().ok()?, at + 1));
        }
    }
    None
}

/// The largest picture of a sequence header (section 5.5.1).
fn size(header: &[u8]) -> Option<Size> {
    let mut bits = Bits::plain(header);
    bits.skip(4)?; // seq_profile, still_picture
    if bits.flag()? {
        bits.skip(5)?; // seq_level_idx of a still picture
    } else {
        skip_operating_points(&mut bits)?;
    }
    let (across, down) = (bits.number(4)? + 1, bits.number(4)? + 1);
    Some(Size::new(bits.number(across)? + 1, bits.number(down)? + 1))
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay = None;
    if bits.flag()? {
        bits.skip(64)?; // num_units_in_display_tick, time_scale
        if bits.flag()? {
            bits.golomb()?; // num_ticks_per_picture_minus_1, of the same form
        }
        if bits.flag()? {
            delay = Some(bits.number(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let initial_delays = bits.flag()?;
    for _ in 0..=bits.number(5)? {
        bits.skip(12)?; // operating_point_idc
        if bits.number(5)? > 7 {
            bits.skip(1)?; // seq_tier
        }
        if let Some(delay) = delay
            && bits.flag()?
        {
            bits.skip(2 * delay + 1)?;
        }
        if initial_delays && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Some(())
}
