//! The `HEVCDecoderConfigurationRecord` of H.265 (ISO/IEC 14496-15, section 8.3.3.1).

use crate::bits::Bits;
use crate::frame::Size;

/// NAL unit types (ITU-T H.265, table 7-1).
pub const VPS: u8 = 32;
/// A sequence parameter set.
pub const SPS: u8 = 33;
/// A picture parameter set.
pub const PPS: u8 = 34;
/// An access unit delimiter.
pub const DELIMITER: u8 = 35;

/// The type of a NAL unit; 0 for an empty one.
pub fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte >> 1 & 0x3F)
}

/// The parameter sets of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: usize,
    /// Video parameter sets, NAL units.
    pub vps: Vec<Vec<u8>>,
    /// Sequence parameter sets.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub pps: Vec<Vec<u8>>,
}

/// Reads a record; none where it is cut off.
pub fn read(record: &[u8]) -> Option<Record> {
    let (fixed, mut rest) = record.split_first_chunk::<23>()?;
    if fixed[0] != 1 {
        return None;
    }
    let mut found = Record {
        length_size: usize::from(fixed[21] & 3) + 1,
        vps: Vec::new(),
        sps: Vec::new(),
        pps: Vec::new(),
    };
    for _ in 0..fixed[22] {
        let (&[kind, high, low], behind) = rest.split_first_chunk::<3>()?;
        rest = behind;
        for _ in 0..u16::from_be_bytes([high, low]) {
            let unit = unit(&mut rest)?;
            match kind & 0x3F {
                VPS => found.vps.push(unit),
                SPS => found.sps.push(unit),
                PPS => found.pps.push(unit),
                _ => {}
            }
        }
    }
    Some(found)
}

/// Writes a record, with lengths of four bytes; none where a set is missing or the first sequence parameter set is
/// not one.
pub fn write(vps: &[Vec<u8>], sps: &[Vec<u8>], pps: &[Vec<u8>]) -> Option<Vec<u8>> {
    if vps.is_empty() || pps.is_empty() {
        return None;
    }
    let first = Sps::parse(sps.first()?)?;
    let mut record = vec![1];
    record.extend(first.profile);
    // No least segmentation, no kind of parallelism is known, nor an average frame rate.
    record.extend([0xF0, 0, 0xFC, 0xFC | first.chroma, 0xF8 | first.depths[0], 0xF8 | first.depths[1], 0, 0]);
    record.push(first.layers << 3 | u8::from(first.nested) << 2 | 3);
    record.push(3);
    for (kind, units) in [(VPS, vps), (SPS, sps), (PPS, pps)] {
        // Complete: no set of this kind comes in between samples.
        record.push(0x80 | kind);
        record.extend(u16::try_from(units.len()).ok()?.to_be_bytes());
        for unit in units {
            put_unit(&mut record, unit)?;
        }
    }
    Some(record)
}

/// What a record and a format say of a sequence parameter set (ITU-T H.265, section 7.3.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Width and height of the picture that is shown, after cropping.
    pub size: Size,
    /// `general_profile_space` up to `general_level_idc`.
    profile: [u8; 12],
    layers: u8,
    nested: bool,
    chroma: u8,
    /// Beyond 8 bits, of luma and of chroma.
    depths: [u8; 2],
}

/// Longest side in pixels, beyond every level.
const LONGEST: u32 = 16_384;

impl Sps {
    /// Reads a NAL unit; none where it is no complete and sensible sequence parameter set.
    pub fn parse(nal: &[u8]) -> Option<Self> {
        if kind(nal) != SPS {
            return None;
        }
        let mut bits = Bits::escaped(nal.get(2..)?);
        bits.skip(4)?; // sps_video_parameter_set_id
        let sub_layers = bits.number(3)?;
        let nested = bits.flag()?;
        let mut profile = [0; 12];
        for byte in &mut profile {
            *byte = bits.byte()?;
        }
        skip_sub_layers(&mut bits, sub_layers)?;
        bits.golomb()?; // sps_seq_parameter_set_id
        let chroma = bits.golomb()?;
        if chroma == 3 {
            bits.flag()?; // separate_colour_plane_flag
        }
        let (mut width, mut height) = (bits.golomb()?, bits.golomb()?);
        if width > LONGEST || height > LONGEST {
            return None;
        }
        if bits.flag()? {
            // Table 6-1: units of cropping.
            let (across, down) =
                (if matches!(chroma, 1 | 2) { 2 } else { 1 }, if chroma == 1 { 2 } else { 1 });
            let mut cut = |unit: u32| bits.golomb()?.checked_mul(unit);
            let (left, right, top, bottom) = (cut(across)?, cut(across)?, cut(down)?, cut(down)?);
            width = width.checked_sub(left.checked_add(right)?)?;
            height = height.checked_sub(top.checked_add(bottom)?)?;
        }
        let mut depth = || u8::try_from(bits.golomb()?).ok().filter(|&beyond| beyond <= 8);
        let depths = [depth()?, depth()?];
        (width > 0 && height > 0 && chroma <= 3).then_some(Self {
            size: Size::new(width, height),
            profile,
            layers: u8::try_from(sub_layers + 1).ok()?,
            nested,
            chroma: u8::try_from(chroma).ok()?,
            depths,
        })
    }
}

/// The part of `profile_tier_level` that is about sub-layers (section 7.3.3).
fn skip_sub_layers(bits: &mut Bits<'_>, count: u32) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let mut length = 0;
    for _ in 0..count {
        length += if bits.flag()? { 88 } else { 0 };
        length += if bits.flag()? { 8 } else { 0 };
    }
    bits.skip(2 * (8_u32.saturating_sub(count)) + length)
}

/// A NAL unit behind its length in two bytes.
pub(super) fn unit(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (&length, behind) = rest.split_first_chunk::<2>()?;
    let (unit, behind) = behind.split_at_checked(u16::from_be_bytes(length).into())?;
    *rest = behind;
    Some(unit.to_vec())
}

pub(super) fn put_unit(record: &mut Vec<u8>, unit: &[u8]) -> Option<()> {
    record.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
    record.extend_from_slice(unit);
    Some(())
}
