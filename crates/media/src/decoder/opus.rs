//! The `dOps` box of Opus (Encapsulation of Opus in ISOBMFF, section 4.3.2), made of other descriptions.

use crate::live::{AudioCodec, Format};

/// The format that an identification header describes (RFC 7845, section 5.1); none where it is cut off.
pub fn format(head: &[u8]) -> Option<Format> {
    let (fixed, rest) = head.strip_prefix(b"OpusHead")?.split_first_chunk::<11>()?;
    let &[_, channels, skip_low, skip_high, rate0, rate1, rate2, rate3, gain_low, gain_high, family] = fixed;
    let mut config =
        vec![0, channels, skip_high, skip_low, rate3, rate2, rate1, rate0, gain_high, gain_low, family];
    if family != 0 {
        config.extend(rest.get(..2 + usize::from(channels))?);
    }
    with_config(channels, config)
}

/// The format of one or two channels without more ado.
pub fn plain(channels: u8) -> Option<Format> {
    /// Samples that a decoder drops at the beginning: those of the usual encoders.
    const SKIP: u16 = 312;
    if channels > 2 {
        return None;
    }
    let [high, low] = SKIP.to_be_bytes();
    with_config(channels, vec![0, channels, high, low, 0, 0, 0xBB, 0x80, 0, 0, 0])
}

fn with_config(channels: u8, config: Vec<u8>) -> Option<Format> {
    (1..=8).contains(&channels).then(|| Format::Audio {
        codec: AudioCodec::Opus,
        channels: channels.into(),
        sample_rate: 48_000,
        config: config.into(),
    })
}

/// How much sound a packet holds, in samples at 48 kHz (RFC 6716, section 3.1); 0 for an empty or impossible one.
pub fn samples(packet: &[u8]) -> u32 {
    let Some((&toc, rest)) = packet.split_first() else { return 0 };
    let frame = match toc >> 3 {
        mode @ 0..=11 => [480, 960, 1920, 2880][usize::from(mode & 3)],
        mode @ 12..=15 => [480, 960][usize::from(mode & 1)],
        mode => [120, 240, 480, 960][usize::from(mode & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest.first().map_or(0, |count| u32::from(count & 0x3F)),
    };
    // At most 120 ms.
    Some(frame * frames).filter(|&samples| samples <= 5_760).unwrap_or(0)
}
