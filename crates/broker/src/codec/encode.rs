//! What the broker sends, as bytes.

use super::packet::{Ack, ConnAck, Delivery, Outgoing, Reason, Version};
use super::properties as p;
use crate::message::{Properties, Qos};

/// Adds the bytes of a packet to `out`.
pub fn encode(packet: &Outgoing, version: Version, out: &mut Vec<u8>) {
    match packet {
        Outgoing::ConnAck(packet) => connack(packet, version, out),
        Outgoing::Publish(delivery) => publish(delivery, version, out),
        Outgoing::PubAck(packet) => ack(0x40, *packet, version, out),
        Outgoing::PubRec(packet) => ack(0x50, *packet, version, out),
        Outgoing::PubRel(packet) => ack(0x62, *packet, version, out),
        Outgoing::PubComp(packet) => ack(0x70, *packet, version, out),
        Outgoing::SubAck(id, reasons) => {
            let v3 = |reason: Reason| if reason.is_failure() { 0x80 } else { reason.0 };
            let codes = reasons.iter().map(|r| if version == Version::V5 { r.0 } else { v3(*r) });
            answers(0x90, *id, codes, version, out);
        }
        Outgoing::UnsubAck(id, reasons) => {
            let codes = reasons.iter().filter(|_| version == Version::V5).map(|reason| reason.0);
            answers(0xb0, *id, codes, version, out);
        }
        Outgoing::PingResp => out.extend_from_slice(&[0xd0, 0x00]),
        Outgoing::Disconnect(reason, why) => {
            if version == Version::V5 {
                disconnect(*reason, why, out);
            }
        }
    }
}

fn connack(packet: &ConnAck, version: Version, out: &mut Vec<u8>) {
    let present = u8::from(packet.present);
    if version == Version::V3 {
        out.extend_from_slice(&[0x20, 0x02, present, v3_return_code(packet.reason)]);
        return;
    }
    let mut body = vec![present, packet.reason.0];
    let mut properties = Vec::new();
    if let Some(seconds) = packet.session_expiry {
        properties.push(p::SESSION_EXPIRY);
        properties.extend_from_slice(&seconds.to_be_bytes());
    }
    if packet.receive_maximum > 0 {
        properties.push(p::RECEIVE_MAXIMUM);
        properties.extend_from_slice(&packet.receive_maximum.to_be_bytes());
    }
    if packet.packet_maximum > 0 {
        properties.push(p::PACKET_MAXIMUM);
        properties.extend_from_slice(&packet.packet_maximum.to_be_bytes());
    }
    if packet.alias_maximum > 0 {
        properties.push(p::ALIAS_MAXIMUM);
        properties.extend_from_slice(&packet.alias_maximum.to_be_bytes());
    }
    if let Some(id) = &packet.assigned {
        properties.push(p::ASSIGNED_CLIENT_ID);
        string(id.as_bytes(), &mut properties);
    }
    varint(properties.len(), &mut body);
    body.extend_from_slice(&properties);
    out.push(0x20);
    varint(body.len(), out);
    out.extend_from_slice(&body);
}

/// MQTT 3.1.1, table 3.1.
fn v3_return_code(reason: Reason) -> u8 {
    match reason {
        Reason::SUCCESS => 0,
        Reason::UNSUPPORTED_VERSION => 1,
        Reason::BAD_CLIENT_ID => 2,
        Reason::BAD_CREDENTIALS => 4,
        Reason::NOT_AUTHORIZED => 5,
        _ => 3,
    }
}

/// Success needs no reason code, and 3.1.1 has none.
fn ack(first: u8, packet: Ack, version: Version, out: &mut Vec<u8>) {
    let [high, low] = packet.id.to_be_bytes();
    if version == Version::V3 || packet.reason == Reason::SUCCESS {
        out.extend_from_slice(&[first, 0x02, high, low]);
    } else {
        out.extend_from_slice(&[first, 0x03, high, low, packet.reason.0]);
    }
}

fn answers(first: u8, id: u16, codes: impl Iterator<Item = u8>, version: Version, out: &mut Vec<u8>) {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(codes);
    out.push(first);
    varint(body.len(), out);
    out.extend_from_slice(&body);
}

/// Some clients read the reason only where properties follow it: their length is always there.
fn disconnect(reason: Reason, why: &str, out: &mut Vec<u8>) {
    let mut properties = Vec::new();
    if !why.is_empty() {
        properties.push(p::REASON_STRING);
        string(why.as_bytes(), &mut properties);
    }
    let mut body = vec![reason.0];
    varint(properties.len(), &mut body);
    body.extend_from_slice(&properties);
    out.push(0xe0);
    varint(body.len(), out);
    out.extend_from_slice(&body);
}

fn publish(delivery: &Delivery, version: Version, out: &mut Vec<u8>) {
    let message = &delivery.message;
    let body = body_size(delivery, version);
    out.reserve(body + 5);
    let dup = if delivery.dup { 0x08 } else { 0 };
    out.push(0x30 | dup | (delivery.qos as u8) << 1 | u8::from(delivery.retain));
    varint(body, out);
    string(message.topic.as_bytes(), out);
    if delivery.qos != Qos::AtMostOnce {
        out.extend_from_slice(&delivery.id.to_be_bytes());
    }
    if version == Version::V5 {
        varint(properties_size(delivery), out);
        if let Some(seconds) = delivery.expiry {
            out.push(p::MESSAGE_EXPIRY);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        if let Some(properties) = &message.properties {
            passing(properties, out);
        }
        for &id in &delivery.subscriptions {
            out.push(p::SUBSCRIPTION);
            varint(id as usize, out);
        }
    }
    out.extend_from_slice(&message.payload);
}

fn passing(properties: &Properties, out: &mut Vec<u8>) {
    if let Some(utf8) = properties.utf8 {
        out.extend_from_slice(&[p::UTF8, u8::from(utf8)]);
    }
    if let Some(text) = &properties.content_type {
        out.push(p::CONTENT_TYPE);
        string(text.as_bytes(), out);
    }
    if let Some(text) = &properties.response_topic {
        out.push(p::RESPONSE_TOPIC);
        string(text.as_bytes(), out);
    }
    if let Some(bytes) = &properties.correlation {
        out.push(p::CORRELATION);
        string(bytes, out);
    }
    for (name, value) in &properties.user {
        out.push(p::USER);
        string(name.as_bytes(), out);
        string(value.as_bytes(), out);
    }
}

/// How many bytes [`encode`] makes of a message.
pub fn publish_size(delivery: &Delivery, version: Version) -> usize {
    let body = body_size(delivery, version);
    1 + varint_size(body) + body
}

fn body_size(delivery: &Delivery, version: Version) -> usize {
    let message = &delivery.message;
    let id = if delivery.qos == Qos::AtMostOnce { 0 } else { 2 };
    let properties = if version == Version::V5 {
        let size = properties_size(delivery);
        varint_size(size) + size
    } else {
        0
    };
    2 + message.topic.len() + id + properties + message.payload.len()
}

fn properties_size(delivery: &Delivery) -> usize {
    let expiry = if delivery.expiry.is_some() { 5 } else { 0 };
    let subscriptions: usize = delivery.subscriptions.iter().map(|&id| 1 + varint_size(id as usize)).sum();
    let passing = delivery.message.properties.as_ref().map_or(0, |properties| {
        let text = |text: &Option<String>| text.as_ref().map_or(0, |text| 3 + text.len());
        properties.utf8.map_or(0, |_| 2)
            + text(&properties.content_type)
            + text(&properties.response_topic)
            + properties.correlation.as_ref().map_or(0, |bytes| 3 + bytes.len())
            + properties.user.iter().map(|(name, value)| 5 + name.len() + value.len()).sum::<usize>()
    });
    expiry + subscriptions + passing
}

/// Bytes with their length before them. All of them came in with such a length, or were held against one.
fn string(bytes: &[u8], out: &mut Vec<u8>) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    #[expect(clippy::cast_possible_truncation, reason = "cut on the line above")]
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn varint_size(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}
