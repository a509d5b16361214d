//! The wire format of the PulseAudio native protocol: packets with a descriptor, and values behind one-byte tags.
//!
//! The layouts are those of `pulsecore/tagstruct.c` and `pulsecore/pstream.c` in PulseAudio.

use super::convert::{Encoding, Spec};

/// Bytes before each packet: length, channel, offset (two words) and flags, big-endian.
pub(super) const DESCRIPTOR: usize = 20;

/// The channel of commands and replies; every other one carries a stream's samples.
pub(super) const CONTROL: u32 = u32::MAX;

/// Longest packet that is accepted: libpulse splits samples at 64 KiB, and commands are far smaller.
pub(super) const MAX_PACKET: usize = 1 << 20;

/// Most channels of a sample specification (`PA_CHANNELS_MAX`).
const MAX_CHANNELS: u8 = 32;

/// Bytes that are not what the protocol has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sound client broke the protocol")]
pub(super) struct Broken;

/// What stands before a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) len: usize,
    pub(super) channel: u32,
    pub(super) offset: i64,
    pub(super) flags: u32,
}

impl Descriptor {
    /// Reads a descriptor; [`Broken`] where the packet would be too long.
    pub(super) fn read(bytes: &[u8; DESCRIPTOR]) -> Result<Self, Broken> {
        let mut words = [0; 5];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_be_bytes(chunk.try_into().or(Err(Broken))?);
        }
        let len = words[0] as usize;
        let offset = (u64::from(words[2]) << 32 | u64::from(words[3])).cast_signed();
        if len > MAX_PACKET {
            Err(Broken)
        } else {
            Ok(Self { len, channel: words[1], offset, flags: words[4] })
        }
    }
}

/// Reads the values of one command, in their order.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Broken)?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.bytes(1)?[0])
    }

    fn word(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_be_bytes(self.bytes(4)?.try_into().or(Err(Broken))?))
    }

    fn tag(&mut self, tag: u8) -> Result<(), Broken> {
        if self.byte()? == tag { Ok(()) } else { Err(Broken) }
    }

    pub(super) fn u32(&mut self) -> Result<u32, Broken> {
        self.tag(b'L')?;
        self.word()
    }

    pub(super) fn bool(&mut self) -> Result<bool, Broken> {
        match self.byte()? {
            b'1' => Ok(true),
            b'0' => Ok(false),
            _ => Err(Broken),
        }
    }

    /// Text up to its zero byte, or nothing.
    pub(super) fn text(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        match self.byte()? {
            b'N' => Ok(None),
            b't' => {
                let end = self.rest.iter().position(|byte| *byte == 0).ok_or(Broken)?;
                let text = self.bytes(end)?;
                self.bytes(1)?;
                Ok(Some(text))
            }
            _ => Err(Broken),
        }
    }

    pub(super) fn arbitrary(&mut self) -> Result<&'a [u8], Broken> {
        self.tag(b'x')?;
        let len = self.word()? as usize;
        self.bytes(len)
    }

    /// Seconds and microseconds.
    pub(super) fn timeval(&mut self) -> Result<(u32, u32), Broken> {
        self.tag(b'T')?;
        Ok((self.word()?, self.word()?))
    }

    /// A sample specification; nothing where the encoding is none that we play.
    pub(super) fn spec(&mut self) -> Result<Option<Spec>, Broken> {
        self.tag(b'a')?;
        let encoding = Encoding::from_wire(self.byte()?);
        let channels = self.byte()?;
        let rate = self.word()?;
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(Broken);
        }
        Ok(encoding.map(|encoding| Spec { encoding, channels, rate }))
    }

    /// Positions of the channels.
    pub(super) fn map(&mut self) -> Result<&'a [u8], Broken> {
        self.tag(b'm')?;
        let count = self.byte()?;
        if count > MAX_CHANNELS { Err(Broken) } else { self.bytes(count.into()) }
    }

    /// Volumes of the channels; 0x10000 is full.
    pub(super) fn volumes(&mut self) -> Result<Vec<u32>, Broken> {
        self.tag(b'v')?;
        let count = self.byte()?;
        if count > MAX_CHANNELS {
            return Err(Broken);
        }
        (0..count).map(|_| self.word()).collect()
    }

    /// Skips a list of properties.
    pub(super) fn properties(&mut self) -> Result<(), Broken> {
        self.tag(b'P')?;
        while self.text()?.is_some() {
            self.u32()?;
            self.arbitrary()?;
        }
        Ok(())
    }
}

/// Writes one packet of the control channel.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A command or reply of this kind, for this request.
    pub(super) fn new(kind: u32, request: u32) -> Self {
        let mut writer = Self { bytes: Vec::with_capacity(256) };
        writer.bytes.extend([0; DESCRIPTOR]);
        writer.u32(kind).u32(request);
        writer
    }

    /// The packet with its descriptor.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let len = u32::try_from(self.bytes.len() - DESCRIPTOR).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&len.to_be_bytes());
        self.bytes[4..8].copy_from_slice(&CONTROL.to_be_bytes());
        self.bytes
    }

    fn word(&mut self, value: u32) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.push(b'L');
        self.word(value);
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.push(b'R');
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes.push(b'r');
        self.bytes.extend(value.to_be_bytes());
        self
    }

    /// A span in microseconds.
    pub(super) fn micros(&mut self, value: u64) -> &mut Self {
        self.bytes.push(b'U');
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(super) fn bool(&mut self, value: bool) -> &mut Self {
        self.bytes.push(if value { b'1' } else { b'0' });
        self
    }

    /// Text without zero bytes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.push(b't');
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
        self
    }

    pub(super) fn nothing(&mut self) -> &mut Self {
        self.bytes.push(b'N');
        self
    }

    pub(super) fn timeval(&mut self, (seconds, micros): (u32, u32)) -> &mut Self {
        self.bytes.push(b'T');
        self.word(seconds);
        self.word(micros);
        self
    }

    pub(super) fn spec(&mut self, spec: Spec) -> &mut Self {
        self.bytes.extend([b'a', spec.encoding.to_wire(), spec.channels]);
        self.word(spec.rate);
        self
    }

    pub(super) fn map(&mut self, positions: &[u8]) -> &mut Self {
        self.bytes.extend([b'm', u8::try_from(positions.len()).unwrap_or(u8::MAX)]);
        self.bytes.extend(positions);
        self
    }

    pub(super) fn volumes(&mut self, volumes: &[u32]) -> &mut Self {
        self.bytes.extend([b'v', u8::try_from(volumes.len()).unwrap_or(u8::MAX)]);
        for volume in volumes {
            self.word(*volume);
        }
        self
    }

    /// One volume.
    pub(super) fn volume(&mut self, volume: u32) -> &mut Self {
        self.bytes.push(b'V');
        self.word(volume);
        self
    }

    /// An empty list of properties.
    pub(super) fn no_properties(&mut self) -> &mut Self {
        self.bytes.extend([b'P', b'N']);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let spec = Spec { encoding: Encoding::S16Le, channels: 2, rate: 48_000 };
        let mut writer = Writer::new(2, 7);
        writer.text("sink").nothing().bool(true).spec(spec).map(&[1, 2]).volumes(&[5, 6]).timeval((8, 9));
        writer.no_properties();
        let packet = writer.finish();
        let head = Descriptor::read(packet[..DESCRIPTOR].try_into().unwrap()).unwrap();
        assert_eq!((head.len, head.channel), (packet.len() - DESCRIPTOR, CONTROL));
        let mut reader = Reader::new(&packet[DESCRIPTOR..]);
        assert_eq!((reader.u32(), reader.u32()), (Ok(2), Ok(7)));
        assert_eq!((reader.text(), reader.text()), (Ok(Some(&b"sink"[..])), Ok(None)));
        assert_eq!((reader.bool(), reader.spec()), (Ok(true), Ok(Some(spec))));
        assert_eq!((reader.map(), reader.volumes()), (Ok(&[1, 2][..]), Ok(vec![5, 6])));
        assert_eq!((reader.timeval(), reader.properties()), (Ok((8, 9)), Ok(())));
        assert_eq!(reader.u32(), Err(Broken));
    }

    #[test]
    fn a_packet_that_is_too_long_is_refused() {
        assert_eq!(Descriptor::read(&[0xff; DESCRIPTOR]), Err(Broken));
    }
}
