//! Properties of version 5 (section 2.2.2.2), read by one table.

use bytes::Bytes;

use super::CodecError;
use super::cursor::Cursor;
use crate::message::Properties;

/// User properties in one packet: more than any program sends; each takes far more memory than bytes on the wire.
const USER_PROPERTIES: usize = 64;

pub(super) const UTF8: u8 = 0x01;
pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION: u8 = 0x09;
pub(super) const SUBSCRIPTION: u8 = 0x0b;
pub(super) const SESSION_EXPIRY: u8 = 0x11;
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub(super) const AUTHENTICATION_METHOD: u8 = 0x15;
pub(super) const AUTHENTICATION_DATA: u8 = 0x16;
pub(super) const PROBLEM_INFORMATION: u8 = 0x17;
pub(super) const WILL_DELAY: u8 = 0x18;
pub(super) const RESPONSE_INFORMATION: u8 = 0x19;
pub(super) const REASON_STRING: u8 = 0x1f;
pub(super) const RECEIVE_MAXIMUM: u8 = 0x21;
pub(super) const ALIAS_MAXIMUM: u8 = 0x22;
pub(super) const ALIAS: u8 = 0x23;
pub(super) const USER: u8 = 0x26;
pub(super) const PACKET_MAXIMUM: u8 = 0x27;

/// What was found; texts that nobody looks at are checked and dropped.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) message_expiry: Option<u32>,
    pub(super) subscription: Option<u32>,
    pub(super) session_expiry: Option<u32>,
    pub(super) authentication: bool,
    pub(super) will_delay: Option<u32>,
    pub(super) receive_maximum: Option<u16>,
    pub(super) alias: Option<u16>,
    pub(super) packet_maximum: Option<u32>,
    utf8: Option<bool>,
    content_type: Option<&'a str>,
    response_topic: Option<&'a str>,
    correlation: Option<&'a [u8]>,
    user: Vec<(&'a str, &'a str)>,
}

impl<'a> Found<'a> {
    /// Reads a packet's properties, of which only those in `allowed` may be there, and each once.
    pub(super) fn read(cursor: &mut Cursor<'a>, allowed: &[u8]) -> Result<Found<'a>, CodecError> {
        let length = cursor.varint()?;
        let mut cursor = Cursor(cursor.take(length as usize)?);
        let mut found = Found::default();
        let mut seen = 0_u64;
        while !cursor.is_empty() {
            let property = cursor.u8()?;
            if !allowed.contains(&property) {
                return Err(CodecError::Protocol("a property that this packet may not have"));
            }
            if property != USER {
                let bit = 1_u64 << (property & 0x3f);
                if seen & bit != 0 {
                    return Err(CodecError::Protocol("a property comes twice"));
                }
                seen |= bit;
            }
            found.one(property, &mut cursor)?;
        }
        Ok(found)
    }

    fn one(&mut self, property: u8, cursor: &mut Cursor<'a>) -> Result<(), CodecError> {
        match property {
            UTF8 => self.utf8 = Some(flag(cursor)?),
            MESSAGE_EXPIRY => self.message_expiry = Some(cursor.u32()?),
            CONTENT_TYPE => self.content_type = Some(cursor.text()?),
            RESPONSE_TOPIC => self.response_topic = Some(cursor.text()?),
            CORRELATION => self.correlation = Some(cursor.bytes()?),
            SUBSCRIPTION => self.subscription = Some(positive(cursor.varint()?)?),
            SESSION_EXPIRY => self.session_expiry = Some(cursor.u32()?),
            AUTHENTICATION_METHOD => {
                cursor.text()?;
                self.authentication = true;
            }
            AUTHENTICATION_DATA => drop(cursor.bytes()?),
            PROBLEM_INFORMATION | RESPONSE_INFORMATION => drop(flag(cursor)?),
            WILL_DELAY => self.will_delay = Some(cursor.u32()?),
            REASON_STRING => drop(cursor.text()?),
            RECEIVE_MAXIMUM => self.receive_maximum = Some(positive(cursor.u16()?)?),
            ALIAS_MAXIMUM => drop(cursor.u16()?),
            // Zero is refused where aliases are known, with a reason of its own.
            ALIAS => self.alias = Some(cursor.u16()?),
            USER => {
                if self.user.len() == USER_PROPERTIES {
                    return Err(CodecError::TooMany("user properties"));
                }
                self.user.push((cursor.text()?, cursor.text()?));
            }
            PACKET_MAXIMUM => self.packet_maximum = Some(positive(cursor.u32()?)?),
            _ => return Err(CodecError::Malformed("a property that is none")),
        }
        Ok(())
    }

    /// Those that pass through with a message.
    pub(super) fn passing(self) -> Result<Option<Box<Properties>>, CodecError> {
        if self.response_topic.is_some_and(|topic| topic.contains(['+', '#'])) {
            return Err(CodecError::Protocol("a response topic has a wildcard"));
        }
        let properties = Properties {
            utf8: self.utf8,
            content_type: self.content_type.map(str::to_owned),
            response_topic: self.response_topic.map(str::to_owned),
            correlation: self.correlation.map(Bytes::copy_from_slice),
            user: self.user.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        Ok((properties != Properties::default()).then(|| Box::new(properties)))
    }
}

fn flag(cursor: &mut Cursor<'_>) -> Result<bool, CodecError> {
    match cursor.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(CodecError::Protocol("a property is neither 0 nor 1")),
    }
}

fn positive<T: Default + PartialEq>(value: T) -> Result<T, CodecError> {
    if value == T::default() {
        Err(CodecError::Protocol("a property is zero that may not be"))
    } else {
        Ok(value)
    }
}
