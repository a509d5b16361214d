//! What a client sends, from its bytes.

use bytes::Bytes;

use super::CodecError;
use super::cursor::{Cursor, Frame};
use super::packet::{
    Ack, Connect, Disconnect, Filter, Incoming, Publish, Reason, RetainHandling, Subscribe, Unsubscribe,
    Version, Will,
};
use super::properties::{self as p, Found};
use crate::message::Qos;

/// Filters in one SUBSCRIBE or UNSUBSCRIBE: each takes far more memory than bytes on the wire.
const FILTERS: usize = 512;

/// The CONNECT that a connection begins with. `bytes` begin where `frame` does.
///
/// # Errors
/// It is another packet, or a wrong one.
pub fn connect(bytes: &[u8], frame: Frame) -> Result<Connect, CodecError> {
    if frame.first != 0x10 {
        return Err(CodecError::Protocol("the first packet is no CONNECT"));
    }
    let mut cursor = Cursor(&bytes[frame.body..frame.end]);
    if cursor.bytes()? != b"MQTT" {
        return Err(CodecError::Version);
    }
    let version = match cursor.u8()? {
        4 => Version::V3,
        5 => Version::V5,
        _ => return Err(CodecError::Version),
    };
    let flags = cursor.u8()?;
    if flags & 1 != 0 {
        return Err(CodecError::Malformed("a reserved flag is set"));
    }
    let keep_alive = cursor.u16()?;
    let clean = flags & 0x02 != 0;
    let found = if version == Version::V5 { Found::read(&mut cursor, CONNECT)? } else { Found::default() };
    let client_id = cursor.text()?.to_owned();
    let will = will(&mut cursor, version, flags)?;
    let username = if flags & 0x80 != 0 { Some(cursor.text()?.to_owned()) } else { None };
    let password = if flags & 0x40 != 0 { Some(cursor.bytes()?.to_owned()) } else { None };
    if version == Version::V3 && username.is_none() && password.is_some() {
        return Err(CodecError::Protocol("a password without a user name"));
    }
    cursor.end()?;
    let session_expiry = match version {
        Version::V3 if clean => 0,
        Version::V3 => u32::MAX,
        Version::V5 => found.session_expiry.unwrap_or(0),
    };
    Ok(Connect {
        version,
        clean,
        keep_alive,
        client_id,
        username,
        password,
        will,
        session_expiry,
        receive_maximum: found.receive_maximum.unwrap_or(u16::MAX),
        packet_maximum: found.packet_maximum.unwrap_or(u32::MAX),
        authentication: found.authentication,
    })
}

const CONNECT: &[u8] = &[
    p::SESSION_EXPIRY,
    p::RECEIVE_MAXIMUM,
    p::PACKET_MAXIMUM,
    p::ALIAS_MAXIMUM,
    p::RESPONSE_INFORMATION,
    p::PROBLEM_INFORMATION,
    p::USER,
    p::AUTHENTICATION_METHOD,
    p::AUTHENTICATION_DATA,
];
const WILL: &[u8] =
    &[p::WILL_DELAY, p::UTF8, p::MESSAGE_EXPIRY, p::CONTENT_TYPE, p::RESPONSE_TOPIC, p::CORRELATION, p::USER];
const PUBLISH: &[u8] =
    &[p::UTF8, p::MESSAGE_EXPIRY, p::ALIAS, p::RESPONSE_TOPIC, p::CORRELATION, p::USER, p::CONTENT_TYPE];
const ACK: &[u8] = &[p::REASON_STRING, p::USER];

fn will(cursor: &mut Cursor<'_>, version: Version, flags: u8) -> Result<Option<Will>, CodecError> {
    if flags & 0x04 == 0 {
        return if flags & 0x38 == 0 {
            Ok(None)
        } else {
            Err(CodecError::Malformed("flags of a will without a will"))
        };
    }
    let found = if version == Version::V5 { Found::read(cursor, WILL)? } else { Found::default() };
    let topic = cursor.text()?.into();
    let payload = Bytes::copy_from_slice(cursor.bytes()?);
    Ok(Some(Will {
        topic,
        payload,
        qos: qos(flags >> 3)?,
        retain: flags & 0x20 != 0,
        delay: found.will_delay.unwrap_or(0),
        expiry: found.message_expiry,
        properties: found.passing()?,
    }))
}

/// Any packet but the first. `bytes` begin where `frame` does.
///
/// # Errors
/// It is malformed, or a server may not be sent it.
pub fn decode(bytes: &[u8], frame: Frame, version: Version) -> Result<Incoming, CodecError> {
    let mut cursor = Cursor(&bytes[frame.body..frame.end]);
    let flags = frame.first & 0x0f;
    let kind = frame.first >> 4;
    let expected = match kind {
        3 => flags,
        6 | 8 | 10 => 0x02,
        _ => 0,
    };
    if flags != expected {
        return Err(CodecError::Malformed("flags that this packet may not have"));
    }
    let cursor = &mut cursor;
    let packet = match kind {
        1 => return Err(CodecError::Protocol("a second CONNECT")),
        3 => Incoming::Publish(publish(cursor, flags, version)?),
        4 => Incoming::PubAck(ack(cursor, version)?),
        5 => Incoming::PubRec(ack(cursor, version)?),
        6 => Incoming::PubRel(ack(cursor, version)?),
        7 => Incoming::PubComp(ack(cursor, version)?),
        8 => Incoming::Subscribe(subscribe(cursor, version)?),
        10 => Incoming::Unsubscribe(unsubscribe(cursor, version)?),
        12 => Incoming::PingReq,
        14 => Incoming::Disconnect(disconnect(cursor, version)?),
        _ => return Err(CodecError::Protocol("a packet that a client may not send")),
    };
    cursor.end()?;
    Ok(packet)
}

fn qos(bits: u8) -> Result<Qos, CodecError> {
    match bits & 3 {
        0 => Ok(Qos::AtMostOnce),
        1 => Ok(Qos::AtLeastOnce),
        2 => Ok(Qos::ExactlyOnce),
        _ => Err(CodecError::Malformed("a quality of service of 3")),
    }
}

fn publish(cursor: &mut Cursor<'_>, flags: u8, version: Version) -> Result<Publish, CodecError> {
    let qos = qos(flags >> 1)?;
    let dup = flags & 0x08 != 0;
    if dup && qos == Qos::AtMostOnce {
        return Err(CodecError::Malformed("a message of QoS 0 is marked as a duplicate"));
    }
    let topic = cursor.text()?.into();
    let id = if qos == Qos::AtMostOnce { 0 } else { cursor.id()? };
    let found = if version == Version::V5 { Found::read(cursor, PUBLISH)? } else { Found::default() };
    Ok(Publish {
        dup,
        qos,
        retain: flags & 0x01 != 0,
        topic,
        id,
        alias: found.alias,
        expiry: found.message_expiry,
        payload: Bytes::copy_from_slice(cursor.rest()),
        properties: found.passing()?,
    })
}

fn ack(cursor: &mut Cursor<'_>, version: Version) -> Result<Ack, CodecError> {
    let id = cursor.id()?;
    let mut reason = Reason::SUCCESS;
    if version == Version::V5 && !cursor.is_empty() {
        reason = Reason(cursor.u8()?);
        if !cursor.is_empty() {
            Found::read(cursor, ACK)?;
        }
    }
    Ok(Ack { id, reason })
}

fn subscribe(cursor: &mut Cursor<'_>, version: Version) -> Result<Subscribe, CodecError> {
    let id = cursor.id()?;
    let found = if version == Version::V5 {
        Found::read(cursor, &[p::SUBSCRIPTION, p::USER])?
    } else {
        Found::default()
    };
    let mut filters = Vec::new();
    while !cursor.is_empty() {
        if filters.len() == FILTERS {
            return Err(CodecError::TooMany("filters"));
        }
        let filter = cursor.text()?.into();
        let options = cursor.u8()?;
        let reserved = if version == Version::V5 { 0xc0 } else { 0xfc };
        if options & reserved != 0 {
            return Err(CodecError::Malformed("reserved options of a subscription"));
        }
        filters.push(Filter {
            filter,
            qos: qos(options)?,
            no_local: options & 0x04 != 0,
            retain_as_published: options & 0x08 != 0,
            retain_handling: match options >> 4 & 3 {
                0 => RetainHandling::Send,
                1 => RetainHandling::SendIfNew,
                2 => RetainHandling::Never,
                _ => return Err(CodecError::Protocol("a retain handling of 3")),
            },
        });
    }
    if filters.is_empty() {
        return Err(CodecError::Protocol("a SUBSCRIBE without filters"));
    }
    Ok(Subscribe { id, subscription: found.subscription, filters })
}

fn unsubscribe(cursor: &mut Cursor<'_>, version: Version) -> Result<Unsubscribe, CodecError> {
    let id = cursor.id()?;
    if version == Version::V5 {
        Found::read(cursor, &[p::USER])?;
    }
    let mut filters = Vec::new();
    while !cursor.is_empty() {
        if filters.len() == FILTERS {
            return Err(CodecError::TooMany("filters"));
        }
        filters.push(cursor.text()?.to_owned());
    }
    if filters.is_empty() {
        return Err(CodecError::Protocol("an UNSUBSCRIBE without filters"));
    }
    Ok(Unsubscribe { id, filters })
}

fn disconnect(cursor: &mut Cursor<'_>, version: Version) -> Result<Disconnect, CodecError> {
    let mut disconnect = Disconnect { reason: Reason::SUCCESS, session_expiry: None };
    if version == Version::V5 && !cursor.is_empty() {
        disconnect.reason = Reason(cursor.u8()?);
        if !cursor.is_empty() {
            let found = Found::read(cursor, &[p::SESSION_EXPIRY, p::REASON_STRING, p::USER])?;
            disconnect.session_expiry = found.session_expiry;
        }
    }
    Ok(disconnect)
}
