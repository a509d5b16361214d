//! The tables that say what a stream holds (section 2.4.4).

use super::packet::Packet;

/// Bytes of a section of these tables (section 2.4.4.5).
pub const MOST_SECTION: usize = 1024;

/// How a track is coded, as far as it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    H264,
    Hevc,
    /// AAC with ADTS headers.
    Aac,
    /// Opus with control headers; so many channels.
    Opus(u8),
}

/// The tracks of a programme: PID and coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tracks {
    pub(super) video: Option<(u16, Coding)>,
    pub(super) audio: Option<(u16, Coding)>,
}

/// Puts the packets of a section together.
#[derive(Debug, Default)]
pub(super) struct Section(Vec<u8>);

impl Section {
    /// The section that is complete with this packet, without its checksum, which was right.
    pub(super) fn take(&mut self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        if packet.begins {
            let (&pointer, rest) = packet.payload.split_first()?;
            self.0 = rest.get(pointer.into()..)?.to_vec();
        } else if self.0.is_empty() {
            return None;
        } else {
            self.0.extend_from_slice(packet.payload);
        }
        let &[_, high, low] = self.0.first_chunk::<3>()?;
        let length = 3 + usize::from(u16::from_be_bytes([high & 0xF, low]));
        if length > MOST_SECTION {
            self.0.clear();
            return None;
        }
        if self.0.len() < length {
            return None;
        }
        let mut section = std::mem::take(&mut self.0);
        section.truncate(length);
        // Over the checksum too, it is zero.
        if crc32(&section) != 0 {
            return None;
        }
        section.truncate(length.checked_sub(4)?);
        Some(section)
    }
}

/// Where the map of the first programme is found, in a programme association section.
pub(super) fn first_map(section: &[u8]) -> Option<u16> {
    if section.first() != Some(&0) {
        return None;
    }
    section.get(8..)?.chunks_exact(4).find_map(|entry| {
        let (number, pid) = (&entry[..2], [entry[2] & 0x1F, entry[3]]);
        // Programme 0 is the network's table.
        (number != [0, 0]).then(|| u16::from_be_bytes(pid))
    })
}

/// The tracks that a programme map section names: of pictures the one with so many before it.
pub(super) fn tracks(section: &[u8], before: usize) -> Option<Tracks> {
    if section.first() != Some(&2) {
        return None;
    }
    let &[high, low] = section.get(10..12)?.first_chunk()?;
    let mut rest = section.get(12 + usize::from(u16::from_be_bytes([high & 0xF, low]))..)?;
    let (mut tracks, mut passed) = (Tracks { video: None, audio: None }, 0);
    while let Some((&[kind, pid_high, pid_low, high, low], behind)) = rest.split_first_chunk::<5>() {
        let (descriptors, behind) = behind.split_at_checked(u16::from_be_bytes([high & 0xF, low]).into())?;
        rest = behind;
        let pid = u16::from_be_bytes([pid_high & 0x1F, pid_low]);
        let coding = match kind {
            0x1B => Coding::H264,
            0x24 => Coding::Hevc,
            0x0F => Coding::Aac,
            0x06 => match opus(descriptors) {
                Some(channels) => Coding::Opus(channels),
                None => continue,
            },
            _ => continue,
        };
        if matches!(coding, Coding::H264 | Coding::Hevc) {
            if passed == before {
                tracks.video = Some((pid, coding));
            }
            passed += 1;
        } else {
            tracks.audio.get_or_insert((pid, coding));
        }
    }
    Some(tracks)
}

/// The channels of a private track that is registered as Opus (Opus in MPEG-2 TS, section 4).
fn opus(descriptors: &[u8]) -> Option<u8> {
    let (mut registered, mut channels) = (false, None);
    let mut rest = descriptors;
    while let Some((&[tag, length], behind)) = rest.split_first_chunk::<2>() {
        let (content, behind) = behind.split_at_checked(length.into())?;
        rest = behind;
        match (tag, content) {
            (0x05, [b'O', b'p', b'u', b's', ..]) => registered = true,
            (0x7F, [0x80, count, ..]) => channels = Some(*count),
            _ => {}
        }
    }
    channels.filter(|_| registered)
}

/// The checksum of sections (annex A).
pub(super) fn crc32(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 }
        })
    })
}
