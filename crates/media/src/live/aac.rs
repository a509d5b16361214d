//! What an `AudioSpecificConfig` says of time (ISO/IEC 14496-3, 1.6.2.1 and 4.4.1).

/// By `samplingFrequencyIndex`.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Object types that wrap another one: spectral band replication, and parametric stereo.
const WRAPPERS: [u32; 2] = [5, 29];

/// Samples per second of the core coder, and how many of them a frame has.
pub(super) fn clock(config: &[u8]) -> Option<(u32, u32)> {
    let mut bits = config.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
    let mut take = |count: u32| (0..count).try_fold(0, |value, _| Some(value << 1 | bits.next()?));
    let mut kind = take(5)?;
    if kind == 31 {
        kind = 32 + take(6)?;
    }
    let rate = match take(4)? {
        15 => take(24)?,
        index => *RATES.get(usize::try_from(index).ok()?)?,
    };
    take(4)?;
    if WRAPPERS.contains(&kind) {
        if take(4)? == 15 {
            take(24)?;
        }
        take(5)?;
    }
    let short = take(1).unwrap_or(0) == 1;
    (rate > 0).then_some((rate, if short { 960 } else { 1024 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_frame_is_the_cores() {
        assert_eq!(clock(&[0x11, 0x90]), Some((48_000, 1024)), "AAC-LC");
        assert_eq!(clock(&[0x12, 0x14]), Some((44_100, 960)), "AAC-LC of 960 samples");
        assert_eq!(clock(&[0x2B, 0x11, 0x88, 0x00]), Some((24_000, 1024)), "HE-AAC that says so");
        assert_eq!(clock(&[]), None);
        assert_eq!(clock(&[0x17, 0x80, 0, 0, 0]), None, "no rate at all");
    }
}
