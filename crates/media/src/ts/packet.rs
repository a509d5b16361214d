//! One packet of 188 bytes (section 2.4.3.2).

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// Whether a section or a PES packet begins in it.
    pub(super) begins: bool,
    /// Counts packets of a PID that have a payload, in four bits.
    pub(super) counter: u8,
    /// Whether the counter may be anything here, since the publisher says so.
    pub(super) discontinuity: bool,
    /// Whether decoding can begin at the access unit that begins here.
    pub(super) random_access: bool,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; none where it is broken, scrambled or without a payload.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[_, high, low, control], mut rest) = bytes.split_first_chunk::<4>()?;
        // The transport's own mark of an error, and scrambling.
        if high & 0x80 != 0 || control & 0xC0 != 0 || control & 0x10 == 0 {
            return None;
        }
        let mut flags = 0;
        if control & 0x20 != 0 {
            let (&length, behind) = rest.split_first()?;
            let (adaptation, payload) = behind.split_at_checked(length.into())?;
            flags = adaptation.first().copied().unwrap_or(0);
            rest = payload;
        }
        Some(Self {
            pid: u16::from_be_bytes([high & 0x1F, low]),
            begins: high & 0x40 != 0,
            counter: control & 0xF,
            discontinuity: flags & 0x80 != 0,
            random_access: flags & 0x40 != 0,
            payload: rest,
        })
    }
}
