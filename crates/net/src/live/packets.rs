//! H.264 access units cut into RTP payloads (RFC 6184), once for all viewers.

use std::sync::Arc;

use playhouse_media::annexb;

/// Bytes of a payload: what leaves room in a datagram of 1,200 bytes for the RTP header with its extensions, the
/// number of a packet that is sent again, and the tag of the encryption.
const MAX_PAYLOAD: usize = 1140;

/// Types of packets that hold several units, and part of one (5.7 and 5.8).
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The payloads of an access unit: small units share one, large ones are cut.
///
/// Parts of a cut unit have one size but the last, so that the kernel can cut them out of one buffer.
pub(super) fn payloads<'a>(units: impl Iterator<Item = &'a [u8]>) -> Vec<Arc<[u8]>> {
    let mut payloads = Vec::new();
    let mut small: Vec<&[u8]> = Vec::new();
    let mut size = 1;
    for unit in units.filter(|unit| !unit.is_empty() && annexb::kind(unit) != annexb::DELIMITER) {
        if size + 2 + unit.len() > MAX_PAYLOAD {
            together(&mut small, &mut payloads);
            size = 1;
        }
        if unit.len() > MAX_PAYLOAD {
            cut(unit, &mut payloads);
        } else {
            small.push(unit);
            size += 2 + unit.len();
        }
    }
    together(&mut small, &mut payloads);
    payloads
}

/// One packet of the units so far.
fn together(units: &mut Vec<&[u8]>, payloads: &mut Vec<Arc<[u8]>>) {
    match units.as_slice() {
        [] => {}
        [unit] => payloads.push(Arc::from(*unit)),
        several => {
            // The highest importance of all of them (5.7.1).
            let importance = several.iter().map(|unit| unit[0] & 0x60).max().unwrap_or(0);
            let mut packet = vec![importance | STAP_A];
            for unit in several {
                let length = u16::try_from(unit.len()).unwrap_or(u16::MAX);
                packet.extend_from_slice(&length.to_be_bytes());
                packet.extend_from_slice(unit);
            }
            payloads.push(packet.into());
        }
    }
    units.clear();
}

/// The parts of a unit that is too large for one packet.
fn cut(unit: &[u8], payloads: &mut Vec<Arc<[u8]>>) {
    let Some((&header, body)) = unit.split_first() else { return };
    let last = body.len().div_ceil(MAX_PAYLOAD - 2).saturating_sub(1);
    for (index, part) in body.chunks(MAX_PAYLOAD - 2).enumerate() {
        let start = if index == 0 { 0x80 } else { 0 };
        let end = if index == last { 0x40 } else { 0 };
        let mut packet = Vec::with_capacity(part.len() + 2);
        packet.extend_from_slice(&[header & 0xE0 | FU_A, start | end | header & 0x1F]);
        packet.extend_from_slice(part);
        payloads.push(packet.into());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The units of payloads, as a receiver puts them together.
    fn units(payloads: &[Arc<[u8]>]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
            assert!(payload.len() <= MAX_PAYLOAD, "{} bytes", payload.len());
            match payload[0] & 0x1F {
                STAP_A => {
                    let mut rest = &payload[1..];
                    while let Some((length, after)) = rest.split_first_chunk::<2>() {
                        let (unit, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
                        units.push(unit.to_vec());
                        rest = after;
                    }
                }
                FU_A => {
                    if payload[1] & 0x80 != 0 {
                        units.push(vec![payload[0] & 0xE0 | payload[1] & 0x1F]);
                    }
                    units.last_mut().unwrap().extend_from_slice(&payload[2..]);
                }
                _ => units.push(payload.to_vec()),
            }
        }
        units
    }

    #[test]
    fn parameter_sets_travel_together_and_a_large_slice_in_equal_parts() {
        let slice = [&[0x65][..], &[7; 5000]].concat();
        let payloads = payloads([&[0x67, 1, 2][..], &[0x68, 3], &slice].into_iter());
        assert_eq!(payloads[0][..], [0x78 & 0x60 | STAP_A, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3]);
        let sizes: Vec<usize> = payloads[1..].iter().map(|payload| payload.len()).collect();
        assert_eq!(sizes, [1140, 1140, 1140, 1140, 5000 - 4 * 1138 + 2]);
    }

    proptest! {
        #[test]
        fn units_arrive_as_they_were(
            sizes in prop::collection::vec((0_u8..24, 0_usize..4000), 0..12),
        ) {
            let sent: Vec<Vec<u8>> = sizes
                .iter()
                .filter(|(kind, _)| *kind != annexb::DELIMITER)
                .map(|(kind, size)| [&[0x60 | kind][..], &vec![*kind; *size]].concat())
                .collect();
            let payloads = payloads(sent.iter().map(Vec::as_slice));
            prop_assert_eq!(units(&payloads), sent);
        }
    }
}
