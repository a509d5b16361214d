//! PES packets: an access unit of pictures or some of sound, with the time they belong to (section 2.4.3.6).

use super::packet::Packet;

/// Bytes of an access unit, at most: a keyframe of 4K at any sensible bitrate has less.
pub(super) const MOST_BYTES: usize = 8 << 20;

/// What a PES packet held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pes {
    /// When it is decoded and shown, in ticks of 90 kHz, of 33 bits; none where it is not said.
    pub(super) dts: Option<u64>,
    pub(super) pts: Option<u64>,
    pub(super) random_access: bool,
    pub(super) data: Vec<u8>,
}

/// Puts the packets of a PID together.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    counter: Option<u8>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    data: Vec<u8>,
    random_access: bool,
}

impl Open {
    /// Bytes of the whole, where its header says so.
    fn length(&self) -> Option<usize> {
        let length = self.data.get(4..6)?.first_chunk().map(|&length| u16::from_be_bytes(length))?;
        (length > 0).then_some(6 + usize::from(length))
    }

    fn close(self) -> Option<Pes> {
        let data = &self.data;
        let (head, rest) = data.split_first_chunk::<9>()?;
        if head[..3] != [0, 0, 1] || head[6] & 0xC0 != 0x80 {
            return None;
        }
        // What was lost at its end would be decoded as rubbish.
        if self.length().is_some_and(|length| length > data.len()) {
            return None;
        }
        let (fields, payload) = rest.split_at_checked(head[8].into())?;
        let pts = if head[7] & 0x80 != 0 { time(fields) } else { None };
        let dts = if head[7] & 0x40 != 0 { time(fields.get(5..)?) } else { pts };
        Some(Pes { dts, pts, random_access: self.random_access, data: payload.to_vec() })
    }
}

/// A time of 33 bits among marks.
fn time(fields: &[u8]) -> Option<u64> {
    let &[first, rest @ ..] = fields.first_chunk::<5>()?;
    let part = |high: u8, low: u8| u64::from(u16::from_be_bytes([high, low]) >> 1);
    Some(u64::from(first >> 1 & 7) << 30 | part(rest[0], rest[1]) << 15 | part(rest[2], rest[3]))
}

impl Assembler {
    /// What is complete with this packet: the one before it, and itself, if it says how long it is.
    pub(super) fn take(&mut self, packet: &Packet<'_>) -> impl Iterator<Item = Pes> + use<> {
        let before = self.counter.replace(packet.counter);
        if before == Some(packet.counter) && !packet.discontinuity {
            // Sent twice, as is allowed.
            return [None, None].into_iter().flatten();
        }
        let lost = before.is_some_and(|before| (before + 1) & 0xF != packet.counter) && !packet.discontinuity;
        if lost {
            self.open = None;
        }
        let mut complete = [None, None];
        if packet.begins {
            complete[0] = self.finish();
            self.open = Some(Open { data: packet.payload.to_vec(), random_access: packet.random_access });
        } else if let Some(open) = &mut self.open {
            open.data.extend_from_slice(packet.payload);
            if open.data.len() > MOST_BYTES {
                self.open = None;
            }
        }
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.length().is_some_and(|length| open.data.len() >= length))
        {
            complete[1] = self.finish();
        }
        complete.into_iter().flatten()
    }

    /// What has come, as if nothing more did.
    pub(super) fn finish(&mut self) -> Option<Pes> {
        self.open.take()?.close()
    }
}
