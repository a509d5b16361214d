//! Sample entries: what a decoder has to know, and what playlists say of it (RFC 6381, ISO/IEC 14496-15).

use std::fmt::Write;

use crate::film::Kind;
use crate::film::fields::Fields;
use crate::frame::Size;
use crate::mp4::atom::{atom, put32};

/// Bytes of a sample entry for pictures, and for sound, in front of the boxes in it.
const VIDEO_FIELDS: usize = 78;
const AUDIO_FIELDS: usize = 28;

/// How samples are coded.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) codec: String,
    /// The box itself, its length and name included.
    pub(super) atom: Vec<u8>,
}

impl Entry {
    /// The first entry of `stsd`, if it is of a kind that browsers' decoders could know; none otherwise.
    pub(super) fn parse(stsd: &[u8]) -> Option<Self> {
        let mut fields = Fields(stsd);
        fields.take(8)?;
        let whole = fields.0;
        let (name, contents) = fields.atom()?;
        let atom = whole.get(..contents.len() + 8)?;
        match &name {
            b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"av01" | b"vp09" => Self::video(name, contents, atom),
            b"mp4a" | b"Opus" | b"fLaC" | b"ac-3" | b"ec-3" => Self::audio(name, contents, atom),
            _ => None,
        }
    }

    /// The name of the first entry, whatever it is.
    pub(super) fn name(stsd: &[u8]) -> Option<[u8; 4]> {
        stsd.get(12..16)?.first_chunk().copied()
    }

    fn video(name: [u8; 4], contents: &[u8], atom: &[u8]) -> Option<Self> {
        let mut fields = Fields(contents);
        fields.take(24)?;
        let size = Size::new(fields.u16()?.into(), fields.u16()?.into());
        let boxes = Fields(contents.get(VIDEO_FIELDS..)?);
        let codec = match &name {
            b"hvc1" | b"hev1" => hevc(boxes.find(*b"hvcC")?)?,
            b"av01" => av1(boxes.find(*b"av1C")?)?,
            b"vp09" => vp9(boxes.find(*b"vpcC")?)?,
            _ => {
                let [_, profile, constraints, level] = boxes.find(*b"avcC")?.array()?;
                format!("{profile:02x}{constraints:02x}{level:02x}")
            }
        };
        let codec = format!("{}.{codec}", str::from_utf8(&name).ok()?);
        Some(Self { kind: Kind::Video { size, rate: 0.0 }, codec, atom: atom.into() })
    }

    fn audio(name: [u8; 4], contents: &[u8], atom: &[u8]) -> Option<Self> {
        let mut fields = Fields(contents);
        fields.take(8)?;
        let version = fields.u16()?;
        fields.take(6)?;
        let (mut channels, _) = (fields.u16()?, fields.take(6)?);
        let mut sample_rate = fields.u32()? >> 16;
        let mut atom = atom.to_vec();
        let codec = match &name {
            b"mp4a" => {
                let coding = if version == 0 {
                    Fields(contents.get(AUDIO_FIELDS..)?).find(*b"esds")?.0
                } else {
                    quicktime(version, contents)?
                };
                if version != 0 {
                    atom = rebuilt(contents, coding)?;
                }
                let aac = Aac::parse(coding)?;
                channels = aac.channels.unwrap_or(channels);
                sample_rate = aac.sample_rate.unwrap_or(sample_rate);
                aac.codec
            }
            _ if version != 0 => return None,
            b"Opus" => "opus".into(),
            b"fLaC" => "flac".into(),
            _ => str::from_utf8(&name).ok()?.into(),
        };
        Some(Self { kind: Kind::Audio { channels, sample_rate }, codec, atom })
    }
}

/// The `esds` of an entry as `QuickTime` writes it: behind more fields, and in a box of its own where there is one.
fn quicktime(version: u16, contents: &[u8]) -> Option<&[u8]> {
    let more = match version {
        1 => 16,
        2 => 36,
        _ => return None,
    };
    let boxes = Fields(contents.get(AUDIO_FIELDS + more..)?);
    let inner = boxes.find(*b"wave").unwrap_or(boxes);
    inner.find(*b"esds").map(|fields| fields.0)
}

/// The same entry as ISO files have it, which is all that browsers read.
fn rebuilt(contents: &[u8], esds: &[u8]) -> Option<Vec<u8>> {
    let (reserved, mut fields) = contents.split_at_checked(8)?;
    // Version, revision and vendor, all zero; channels and their width as they are; no compression, no packets.
    fields = fields.get(8..12)?;
    let rate = contents.get(24..AUDIO_FIELDS)?;
    let mut out = Vec::new();
    atom(&mut out, *b"mp4a", |out| {
        out.extend_from_slice(reserved);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(fields);
        put32(out, 0);
        out.extend_from_slice(rate);
        atom(out, *b"esds", |out| out.extend_from_slice(esds));
    });
    Some(out)
}

/// ISO/IEC 14496-15, annex E.3: profile, compatibility in reversed bits, tier and level, constraints.
fn hevc(mut config: Fields<'_>) -> Option<String> {
    config.u8()?;
    let profile = config.u8()?;
    let compatibility = config.u32()?.reverse_bits();
    let constraints: [u8; 6] = config.array()?;
    let level = config.u8()?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut codec = format!("{space}{}.{compatibility:X}.{tier}{level}", profile & 0x1F);
    let said = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    constraints[..said].iter().try_for_each(|byte| write!(codec, ".{byte:X}")).ok()?;
    Some(codec)
}

/// "AV1 Codec ISO Media File Format Binding", section 5.
fn av1(mut config: Fields<'_>) -> Option<String> {
    let [_, profile, depth] = config.array()?;
    let tier = if depth & 0x80 == 0 { 'M' } else { 'H' };
    let bits = match (depth & 0x40 != 0, depth & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("{}.{:02}{tier}.{bits:02}", profile >> 5, profile & 0x1F))
}

/// "VP Codec ISO Media File Format Binding": profile, level, depth.
fn vp9(mut config: Fields<'_>) -> Option<String> {
    config.u32()?;
    let [profile, level, depth] = config.array()?;
    Some(format!("{profile:02}.{level:02}.{:02}", depth >> 4))
}

/// What `esds` says (ISO/IEC 14496-1, section 7.2.6; 14496-3, section 1.6.2.1).
struct Aac {
    codec: String,
    channels: Option<u16>,
    sample_rate: Option<u32>,
}

/// By `samplingFrequencyIndex`.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// By `channelConfiguration`.
const CHANNELS: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 8];

impl Aac {
    fn parse(esds: &[u8]) -> Option<Self> {
        let mut stream = descriptor(&mut Fields(esds.get(4..)?), 3)?;
        stream.u16()?;
        let flags = stream.u8()?;
        if flags & 0x80 != 0 {
            stream.u16()?;
        }
        if flags & 0x40 != 0 {
            let length = stream.u8()?;
            stream.take(length.into())?;
        }
        if flags & 0x20 != 0 {
            stream.u16()?;
        }
        let mut decoder = descriptor(&mut stream, 4)?;
        let object = decoder.u8()?;
        decoder.take(12)?;
        if object != 0x40 {
            let codec = format!("mp4a.{object:02x}");
            return Some(Self { codec, channels: None, sample_rate: None });
        }
        let config = descriptor(&mut decoder, 5)?;
        let mut bits =
            config.0.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
        let mut take = |count: u32| (0..count).try_fold(0, |value, _| Some(value << 1 | bits.next()?));
        let kind = match take(5)? {
            31 => 32 + take(6)?,
            kind => kind,
        };
        let sample_rate = match take(4)? {
            15 => take(24),
            index => usize::try_from(index).ok().and_then(|index| RATES.get(index).copied()),
        };
        let channels = usize::try_from(take(4)?).ok().and_then(|index| CHANNELS.get(index).copied());
        let channels = channels.filter(|&channels| channels > 0);
        Some(Self { codec: format!("mp4a.40.{kind}"), channels, sample_rate })
    }
}

/// The contents of a descriptor, which is to have that tag.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Option<Fields<'a>> {
    if fields.u8()? != tag {
        return None;
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    // Some files claim more than there is.
    fields.take(length.min(fields.0.len())).map(Fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_named_as_browsers_ask_for_them() {
        // Main, level 3.1, as x265 writes it.
        let hvcc = [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc(Fields(&hvcc)).as_deref(), Some("1.6.L93.90"));
        assert_eq!(av1(Fields(&[0x81, 0x08, 0x4C, 0])).as_deref(), Some("0.08M.10"));
        assert_eq!(vp9(Fields(&[1, 0, 0, 0, 0, 31, 0x82])).as_deref(), Some("00.31.08"));
    }

    #[test]
    fn sound_says_what_it_is_and_not_what_its_box_claims() {
        // HE-AAC (object type 5) at 48 kHz in 5.1; lengths in the long form.
        let esds = [
            &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x22, 0, 1, 0, 4, 0x80, 0x80, 0x80, 0x14, 0x40, 0x15][..],
            &[0; 11],
            &[5, 0x80, 0x80, 0x80, 2, 0x29, 0xB0],
        ]
        .concat();
        let aac = Aac::parse(&esds).unwrap();
        assert_eq!((aac.codec.as_str(), aac.channels, aac.sample_rate), ("mp4a.40.5", Some(6), Some(48_000)));
        for length in 0..esds.len() - 1 {
            assert!(Aac::parse(&esds[..length]).is_none(), "{length} bytes");
        }
    }
}
