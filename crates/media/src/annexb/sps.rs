//! The sequence parameter set: which decoder a stream asks for, and how large its pictures are.

use crate::bits::Bits;
use crate::frame::Size;

/// The part of a sequence parameter set that the world outside a decoder asks for (section 7.3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`: 66 for baseline, 77 for main, 100 for high.
    pub profile: u8,
    /// The constraint flags, the first in the highest bit; `0xC0` makes baseline constrained baseline.
    pub constraints: u8,
    /// `level_idc`: ten times the level, 31 for 3.1.
    pub level: u8,
    /// Width and height of the picture that is shown, after cropping.
    pub size: Size,
    /// `chroma_format_idc`: 1 for 4:2:0.
    pub chroma: u8,
    /// Bits of luma and of chroma.
    pub depths: [u8; 2],
}

/// Profiles whose sets say which chroma and scaling they use (section 7.3.2.1.1).
const WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Most macroblocks of a side: 16384 pixels, beyond every level.
const MOST_BLOCKS: u32 = 1024;

impl Sps {
    /// Reads a NAL unit; none where it is no complete and sensible sequence parameter set.
    pub fn parse(nal: &[u8]) -> Option<Self> {
        if super::kind(nal) != super::SPS {
            return None;
        }
        let (&[profile, constraints, level], rest) = nal.get(1..)?.split_first_chunk::<3>()?;
        let mut bits = Bits::escaped(rest);
        bits.golomb()?; // seq_parameter_set_id
        let (mut chroma, mut depths) = (1, [8; 2]);
        if WITH_CHROMA.contains(&profile) {
            chroma = bits.golomb()?;
            if chroma == 3 && bits.flag()? {
                return None; // separate_colour_plane_flag: nobody encodes so.
            }
            for depth in &mut depths {
                *depth = u8::try_from(bits.golomb()?).ok().filter(|&beyond| beyond <= 6)? + 8;
            }
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                scaling_lists(&mut bits, if chroma == 3 { 12 } else { 8 })?;
            }
        }
        bits.golomb()?; // log2_max_frame_num_minus4
        match bits.golomb()? {
            0 => {
                bits.golomb()?; // log2_max_pic_order_cnt_lsb_minus4
            }
            1 => {
                bits.flag()?; // delta_pic_order_always_zero_flag
                bits.golomb()?; // offset_for_non_ref_pic, signed but of the same length
                bits.golomb()?; // offset_for_top_to_bottom_field
                for _ in 0..bits.golomb()?.min(255) {
                    bits.golomb()?; // offset_for_ref_frame
                }
            }
            _ => {}
        }
        bits.golomb()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let columns = bits.golomb()?.checked_add(1).filter(|&n| n <= MOST_BLOCKS)?;
        let rows = bits.golomb()?.checked_add(1).filter(|&n| n <= MOST_BLOCKS)?;
        let progressive = bits.flag()?;
        if !progressive {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let rows = rows * if progressive { 1 } else { 2 };
        let (mut width, mut height) = (columns * 16, rows * 16);
        if bits.flag()? {
            // Units of cropping: table 6-1 and equations 7-19 to 7-22.
            let across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
            let down = if chroma == 1 { 2 } else { 1 } * if progressive { 1 } else { 2 };
            let mut cut = |unit: u32| bits.golomb()?.checked_mul(unit);
            let (left, right, top, bottom) = (cut(across)?, cut(across)?, cut(down)?, cut(down)?);
            width = width.checked_sub(left.checked_add(right)?).filter(|&w| w > 0)?;
            height = height.checked_sub(top.checked_add(bottom)?).filter(|&h| h > 0)?;
        }
        let chroma = u8::try_from(chroma).ok().filter(|&chroma| chroma <= 3)?;
        Some(Self { profile, constraints, level, size: Size::new(width, height), chroma, depths })
    }
}

/// Skips scaling lists (section 7.3.2.1.1.1).
fn scaling_lists(bits: &mut Bits<'_>, count: usize) -> Option<()> {
    for list in 0..count {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By x264: 1280x720, constrained baseline, level 3.2.
    const BASELINE: &[u8] = &[
        0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0x00, 0x00, 0x03, 0x00,
        0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40,
    ];
    /// By x264: 1920x1080 (eight rows are cropped), high, level 4.0.
    const HIGH: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C, 0x60, 0xC6, 0x58,
    ];

    #[test]
    fn a_stream_says_its_size_profile_and_level() {
        let sps = Sps::parse(BASELINE).unwrap();
        let rest =
            Sps { profile: 0, constraints: 0, level: 0, size: Size::new(0, 0), chroma: 1, depths: [8, 8] };
        let expected = Sps { profile: 66, constraints: 0xC0, level: 32, size: Size::new(1280, 720), ..rest };
        assert_eq!(sps, expected);
        let sps = Sps::parse(HIGH).unwrap();
        assert_eq!(sps, Sps { profile: 100, level: 40, size: Size::new(1920, 1080), ..rest });
    }

    #[test]
    fn half_a_set_is_none() {
        for length in 0..8 {
            assert_eq!(Sps::parse(&BASELINE[..length]), None, "{length} bytes");
        }
        assert_eq!(Sps::parse(&[0x68, 0xCE, 0x3C, 0x80]), None, "another kind of unit");
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(mut data in prop::collection::vec(any::<u8>(), 0..80), profile in 0_usize..14) {
            if let [first, second, ..] = data.as_mut_slice() {
                *first = 0x67;
                *second = WITH_CHROMA.get(profile).copied().unwrap_or(66);
            }
            if let Some(sps) = Sps::parse(&data) {
                prop_assert!(sps.size.width > 0 && sps.size.width <= 16 * MOST_BLOCKS);
                prop_assert!(sps.size.height > 0 && sps.size.height <= 32 * MOST_BLOCKS);
            }
        }
    }
}
