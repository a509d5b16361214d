//! H.264 between the hub, which holds it as containers do, and the network, which sends NAL units.

use std::sync::Arc;

use playhouse_media::annexb::{self, Sps};
use playhouse_media::live::{Format, VideoCodec};

/// The NAL units of a sample, each behind its length in four bytes; ends where a length does not fit.
pub(super) fn units(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (unit, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(unit)
    })
}

/// The parameter sets of an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1), sequence parameter sets
/// first; those up to where it is cut off.
pub(super) fn sets(record: &[u8]) -> Vec<Arc<[u8]>> {
    let mut sets = Vec::new();
    let Some((head, mut rest)) = record.split_first_chunk::<6>() else { return sets };
    let mut count = usize::from(head[5] & 0x1F);
    for _ in 0..2 {
        for _ in 0..count {
            let Some((length, behind)) = rest.split_first_chunk::<2>() else { return sets };
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((set, behind)) = behind.split_at_checked(length) else { return sets };
            sets.push(Arc::from(set));
            rest = behind;
        }
        let Some((&more, behind)) = rest.split_first() else { return sets };
        (count, rest) = (usize::from(more), behind);
    }
    sets
}

/// The format that a keyframe's parameter sets describe; none where it brings none.
pub(super) fn format(unit: &[u8]) -> Option<Format> {
    let of_kind =
        |kind| -> Vec<&[u8]> { annexb::nals(unit).filter(|unit| annexb::kind(unit) == kind).collect() };
    let (sps, pps) = (of_kind(annexb::SPS), of_kind(annexb::PPS));
    let first = Sps::parse(sps.first()?)?;
    // The format counts sequence parameter sets in five bits.
    if pps.is_empty() || sps.len() > 31 {
        return None;
    }
    let mut record = vec![1, first.profile, first.constraints, first.level, 0xFF];
    for (sets, mark) in [(&sps, 0xE0), (&pps, 0)] {
        record.push(mark | u8::try_from(sets.len()).ok()?);
        for set in sets {
            record.extend(u16::try_from(set.len()).ok()?.to_be_bytes());
            record.extend_from_slice(set);
        }
    }
    if matches!(first.profile, 100 | 110 | 122 | 144) {
        // 4:2:0 with eight bits: what WebRTC's encoders make.
        record.extend([0xFC | 1, 0xF8, 0xF8, 0]);
    }
    Some(Format::Video { codec: VideoCodec::H264, size: first.size, config: record.into() })
}

/// An access unit with start codes as a sample.
pub(super) fn sample(unit: &[u8]) -> Arc<[u8]> {
    let mut sample = Vec::with_capacity(annexb::sample_len(unit));
    for unit in annexb::sample_nals(unit) {
        let Ok(length) = u32::try_from(unit.len()) else { continue };
        sample.extend(length.to_be_bytes());
        sample.extend_from_slice(unit);
    }
    sample.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &[u8] = &[
        0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0x00, 0x00,
        0x03, 0x00, 0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40, 0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80,
        0, 0, 1, 0x65, 1, 2, 3,
    ];

    #[test]
    fn a_keyframe_says_the_format_and_its_sets_come_back() {
        let Some(Format::Video { size, config, .. }) = format(UNIT) else { panic!("no format") };
        assert_eq!((size.width, size.height), (1280, 720));
        let nals: Vec<&[u8]> = annexb::nals(UNIT).collect();
        let sets = sets(&config);
        assert_eq!(sets.iter().map(|set| &set[..]).collect::<Vec<_>>(), nals[..2]);
        assert_eq!(units(&sample(UNIT)).collect::<Vec<_>>(), nals[2..]);
    }

    #[test]
    fn what_is_cut_off_gives_less() {
        let Some(Format::Video { config, .. }) = format(UNIT) else { panic!("no format") };
        for length in 0..config.len() {
            assert!(sets(&config[..length]).len() <= 2);
        }
        assert_eq!(units(&[0, 0, 0, 9, 1]).count(), 0);
        assert_eq!(format(&[]), None);
    }
}
