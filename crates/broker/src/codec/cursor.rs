//! Reads MQTT's elementary types, and says where a packet ends.

use super::CodecError;

/// A packet's place in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Type and flags.
    pub first: u8,
    /// Where its body begins.
    pub body: usize,
    /// Where it ends.
    pub end: usize,
}

/// The first packet of `bytes`, or `None` while some of it is missing. A packet of more than `limit` bytes is an error as soon
/// as its length is known.
///
/// # Errors
/// The length is malformed or too large.
pub fn frame(bytes: &[u8], limit: usize) -> Result<Option<Frame>, CodecError> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let Some((length, taken)) = varint(rest)? else { return Ok(None) };
    let body = 1 + taken;
    let end = body + length as usize;
    if end > limit {
        return Err(CodecError::TooLarge { size: end, limit });
    }
    Ok((bytes.len() >= end).then_some(Frame { first, body, end }))
}

/// A variable byte integer and how many bytes it took; `None` where it is cut off.
fn varint(bytes: &[u8]) -> Result<Option<(u32, usize)>, CodecError> {
    let mut value = 0_u32;
    for (at, &byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if at > 0 && byte == 0 {
                return Err(CodecError::Malformed("a length is written with more bytes than it needs"));
            }
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(CodecError::Malformed("a length has more than four bytes")) }
}

/// Reads from the front of a packet's body.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

const CUT: CodecError = CodecError::Malformed("it ends in the middle of a field");

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(CUT)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CodecError> {
        let (&byte, rest) = self.0.split_first().ok_or(CUT)?;
        self.0 = rest;
        Ok(byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, CodecError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*head))
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*head))
    }

    pub(super) fn varint(&mut self) -> Result<u32, CodecError> {
        let (value, taken) = varint(self.0)?.ok_or(CUT)?;
        self.take(taken)?;
        Ok(value)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.u16()?;
        self.take(length.into())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, CodecError> {
        let Ok(text) = str::from_utf8(self.bytes()?) else {
            return Err(CodecError::Malformed("a string is not UTF-8"));
        };
        if text.contains('\0') {
            return Err(CodecError::Malformed("a string has a zero in it"));
        }
        Ok(text)
    }

    /// A packet identifier.
    pub(super) fn id(&mut self) -> Result<u16, CodecError> {
        match self.u16()? {
            0 => Err(CodecError::Protocol("a packet identifier is zero")),
            id => Ok(id),
        }
    }

    pub(super) fn end(&self) -> Result<(), CodecError> {
        if self.is_empty() { Ok(()) } else { Err(CodecError::Malformed("it goes on after its last field")) }
    }
}
