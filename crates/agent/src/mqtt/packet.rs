//! The packets of MQTT 3.1.1 that a sensor sends and is sent. Pure: bytes in, bytes out.
//!
//! Sections are of the OASIS standard of 29 October 2014. A sensor has no need of QoS 2, of wills or of user names.

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest packet that is taken from a broker: a twin has 32 KB.
pub(super) const LONGEST: usize = 256 << 10;

/// What a broker sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// Whether it takes us: 0 where it does (3.2.2.3).
    ConnAck(u8),
    /// A message; to be acknowledged where it has a number.
    Publish {
        topic: String,
        payload: Bytes,
        number: Option<u16>,
    },
    PubAck,
    /// What it granted for each topic: 0x80 where nothing.
    SubAck(Vec<u8>),
    Pong,
}

/// Why bytes are no packet that a broker may send.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a packet of {0} bytes, and {LONGEST} are taken at most")]
    TooLong(usize),
    #[error("a packet of kind {0} that is not understood")]
    Kind(u8),
}

/// Takes the first packet out of what was read; `None` where it is not whole yet.
pub(super) fn take(read: &mut BytesMut) -> Result<Option<Packet>, Malformed> {
    let Some(&first) = read.first() else { return Ok(None) };
    // 2.2.3: seven bits a byte, the lowest first, four bytes at most.
    let (mut length, mut used) = (0_usize, 0);
    loop {
        if used == 4 {
            return Err(Malformed::TooLong(usize::MAX));
        }
        let Some(&byte) = read.get(1 + used) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * used);
        used += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if length > LONGEST {
        return Err(Malformed::TooLong(length));
    }
    if read.len() < 1 + used + length {
        return Ok(None);
    }
    read.advance(1 + used);
    let body = read.split_to(length).freeze();
    understand(first, body).map(Some).ok_or(Malformed::Kind(first))
}

fn understand(first: u8, mut body: Bytes) -> Option<Packet> {
    let number = |body: &mut Bytes| (body.len() >= 2).then(|| body.get_u16());
    Some(match first >> 4 {
        2 => Packet::ConnAck(*body.get(1)?),
        3 => {
            let length = usize::from(number(&mut body)?);
            if body.len() < length {
                return None;
            }
            let topic = String::from_utf8(body.split_to(length).into()).ok()?;
            let number = match (first >> 1) & 3 {
                0 => None,
                1 => Some(number(&mut body)?),
                _ => return None,
            };
            // What is kept must not keep the whole buffer that was read alive.
            Packet::Publish { topic, payload: Bytes::copy_from_slice(&body), number }
        }
        4 => Packet::PubAck,
        9 => {
            number(&mut body)?;
            Packet::SubAck(body.to_vec())
        }
        13 => Packet::Pong,
        _ => return None,
    })
}

/// A connection that begins anew, without will, user name or password (3.1). `keep_alive` in seconds.
pub(super) fn connect(client: &str, keep_alive: u16) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04\x02".to_vec();
    body.extend(keep_alive.to_be_bytes());
    text(&mut body, client);
    whole(0x10, &body)
}

/// A message (3.3): with a number it is to be acknowledged.
pub(super) fn publish(topic: &str, payload: &[u8], number: Option<u16>) -> Vec<u8> {
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    text(&mut body, topic);
    body.extend(number.iter().flat_map(|number| number.to_be_bytes()));
    body.extend(payload);
    whole(if number.is_some() { 0x32 } else { 0x30 }, &body)
}

/// Subscriptions with QoS 1 (3.8).
pub(super) fn subscribe(number: u16, topics: &[String]) -> Vec<u8> {
    let mut body = number.to_be_bytes().to_vec();
    for topic in topics {
        text(&mut body, topic);
        body.push(1);
    }
    whole(0x82, &body)
}

/// An acknowledgement (3.4).
pub(super) fn puback(number: u16) -> Vec<u8> {
    whole(0x40, &number.to_be_bytes())
}

/// A sign of life (3.12).
pub(super) const PING: [u8; 2] = [0xc0, 0];

/// A farewell (3.14).
pub(super) const DISCONNECT: [u8; 2] = [0xe0, 0];

/// Topics and client ids are ours and short; the length of a longer one would not fit its field.
fn text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    body.extend(length.to_be_bytes());
    body.extend(text.bytes().take(usize::from(length)));
}

fn whole(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(body.len() + 5);
    packet.push(first);
    let mut left = body.len();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        packet.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_as_the_standard_writes_them() {
        assert_eq!(connect("a", 30), b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a");
        assert_eq!(publish("a/b", b"hi", Some(7)), b"\x32\x09\x00\x03a/b\x00\x07hi");
        assert_eq!(publish("a/b", b"hi", None), b"\x30\x07\x00\x03a/bhi");
        assert_eq!(subscribe(1, &["a".into()]), b"\x82\x06\x00\x01\x00\x01a\x01");
        assert_eq!(publish("a", &[0; 200], None)[..3], [0x30, 0xcb, 0x01]);
    }

    #[test]
    fn a_packet_in_pieces_is_taken_when_it_is_whole() {
        let bytes = publish("t", &[5; 300], Some(2));
        let mut read = BytesMut::new();
        for &byte in &bytes[..bytes.len() - 1] {
            read.extend([byte]);
            assert_eq!(take(&mut read), Ok(None));
        }
        read.extend([5, 0xd0, 0]);
        let payload = Bytes::from(vec![5; 300]);
        assert_eq!(
            take(&mut read),
            Ok(Some(Packet::Publish { topic: "t".into(), payload, number: Some(2) }))
        );
        assert_eq!(take(&mut read), Ok(Some(Packet::Pong)));
        assert_eq!(take(&mut read), Ok(None));
    }

    #[test]
    fn rubbish_is_refused_without_being_waited_for() {
        let mut endless = BytesMut::from(&[0x30, 0xff, 0xff, 0xff, 0xff, 1][..]);
        assert!(matches!(take(&mut endless), Err(Malformed::TooLong(_))));
        let mut large = BytesMut::from(&[0x30, 0xff, 0xff, 0x7f][..]);
        assert!(matches!(take(&mut large), Err(Malformed::TooLong(_))));
        let mut unknown = BytesMut::from(&[0xf0, 0][..]);
        assert_eq!(take(&mut unknown), Err(Malformed::Kind(0xf0)));
        let mut short = BytesMut::from(&[0x32, 3, 0, 9, 1][..]);
        assert_eq!(take(&mut short), Err(Malformed::Kind(0x32)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused_and_none_twice(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut read = BytesMut::from(bytes.as_slice());
            loop {
                let before = read.len();
                match take(&mut read) {
                    Ok(Some(_)) => prop_assert!(read.len() < before),
                    Ok(None) => {
                        prop_assert_eq!(read.len(), before);
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
    }
}
