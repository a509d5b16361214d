//! Bytes, against the codec of `rumqttc`, which knows both versions and is not ours.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use playhouse_broker::codec::{
    Ack, CodecError, ConnAck, Delivery, Incoming, Outgoing, Reason, Version, connect, decode, encode, frame,
    publish_size,
};
use playhouse_broker::{Message, Properties, Qos};
use proptest::prelude::*;
use rumqttc::v5::mqttbytes::v5 as five;
use rumqttc::{mqttbytes as any, mqttbytes::v4 as three};

const LIMIT: usize = 256 * 1024;

fn read(bytes: &[u8], version: Version) -> Incoming {
    let frame = frame(bytes, LIMIT).expect("is well formed").expect("is whole");
    assert_eq!(frame.end, bytes.len());
    decode(bytes, frame, version).expect("is a packet")
}

fn properties() -> impl Strategy<Value = Option<Box<Properties>>> {
    let text = || prop::option::of("[a-zé/]{0,12}");
    let user = prop::collection::vec(("[a-z]{0,5}", ".{0,5}"), 0..4);
    (
        prop::option::of(any::<bool>()),
        text(),
        text(),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..9)),
        user,
    )
        .prop_map(|(utf8, content_type, response_topic, correlation, user)| {
            let user = user.into_iter().map(|(name, value)| (name, value.replace('\0', ""))).collect();
            let correlation = correlation.map(Bytes::from);
            Properties { utf8, content_type, response_topic, correlation, user }
        })
        .prop_map(|properties| (properties != Properties::default()).then(|| Box::new(properties)))
}

fn qos() -> impl Strategy<Value = Qos> {
    prop::sample::select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

fn theirs(qos: Qos) -> any::QoS {
    any::qos(qos as u8).expect("a quality")
}

proptest! {
    #[test]
    fn a_client_of_version_5_reads_the_message_that_was_published(
        topic in "[a-zé]{1,9}(/[a-z]{0,3}){0,3}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        (qos, retain, dup) in (qos(), any::<bool>(), any::<bool>()),
        expiry in prop::option::of(any::<u32>()),
        // Their reader counts a byte too many for each of them, so that it takes no three.
        subscriptions in prop::collection::vec(1_u32..0x0fff_ffff, 0..3),
        properties in properties(),
    ) {
        let id = if qos == Qos::AtMostOnce { 0 } else { 77 };
        let dup = dup && id > 0;
        let message = Message {
            topic: topic.as_str().into(), payload: payload.clone().into(), qos, retain, from: None, expires: None,
            properties: properties.clone(),
        };
        let subscriptions: Box<[u32]> = subscriptions.into();
        let delivery = Delivery { message: Arc::new(message), qos, retain, dup, id, expiry, subscriptions };
        for version in [Version::V3, Version::V5] {
            let mut bytes = Vec::new();
            encode(&Outgoing::Publish(delivery.clone()), version, &mut bytes);
            prop_assert_eq!(bytes.len(), publish_size(&delivery, version));
        }
        let mut bytes = Vec::new();
        encode(&Outgoing::Publish(delivery.clone()), Version::V5, &mut bytes);
        let five::Packet::Publish(read) = five::Packet::read(&mut BytesMut::from(&bytes[..]), None).expect("they read it") else {
            panic!("they read something else")
        };
        prop_assert_eq!((&read.topic[..], &read.payload[..], read.pkid), (topic.as_bytes(), &payload[..], id));
        prop_assert_eq!((read.retain, read.dup, read.qos as u8), (retain, dup, qos as u8));
        let expected = properties.map(|boxed| *boxed).unwrap_or_default();
        let found = read.properties.unwrap_or_default();
        prop_assert_eq!(found.message_expiry_interval, expiry);
        let numbers: Vec<u32> = found.subscription_identifiers.iter().map(|&id| u32::try_from(id).expect("small")).collect();
        prop_assert_eq!(&numbers[..], &delivery.subscriptions[..]);
        prop_assert_eq!(found.payload_format_indicator, expected.utf8.map(u8::from));
        prop_assert_eq!(found.content_type, expected.content_type);
        prop_assert_eq!(found.response_topic, expected.response_topic);
        prop_assert_eq!(found.correlation_data, expected.correlation);
        prop_assert_eq!(found.user_properties, expected.user);
    }

    #[test]
    fn a_message_of_a_client_is_read_as_it_was_meant(
        topic in "[a-zé]{1,9}(/[a-z]{0,3}){0,3}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        (qos, retain) in (qos(), any::<bool>()),
        expiry in prop::option::of(any::<u32>()),
        alias in prop::option::of(1_u16..9),
        properties in properties(),
    ) {
        let id = if qos == Qos::AtMostOnce { 0 } else { 9 };
        let mut old = three::Publish::new(topic.as_str(), theirs(qos), payload.clone());
        (old.pkid, old.retain) = (id, retain);
        let mut bytes = BytesMut::new();
        old.write(&mut bytes).expect("they write it");
        let Incoming::Publish(read3) = read(&bytes, Version::V3) else { panic!("something else") };
        prop_assert_eq!((&*read3.topic, &read3.payload[..], read3.id), (&topic[..], &payload[..], id));
        prop_assert_eq!((read3.qos, read3.retain, read3.properties), (qos, retain, None));

        let sent = properties.clone().map(|boxed| *boxed).unwrap_or_default();
        let theirs = five::PublishProperties {
            payload_format_indicator: sent.utf8.map(u8::from),
            message_expiry_interval: expiry,
            topic_alias: alias,
            response_topic: sent.response_topic,
            correlation_data: sent.correlation,
            user_properties: sent.user,
            subscription_identifiers: vec![],
            content_type: sent.content_type,
        };
        let level = rumqttc::v5::mqttbytes::qos(qos as u8).expect("a quality");
        let mut new = five::Publish::new(topic.as_str(), level, payload.clone(), Some(theirs));
        (new.pkid, new.retain) = (id, retain);
        let mut bytes = BytesMut::new();
        new.write(&mut bytes).expect("they write it");
        let Incoming::Publish(read5) = read(&bytes, Version::V5) else { panic!("something else") };
        prop_assert_eq!((&*read5.topic, &read5.payload[..], read5.id), (&topic[..], &payload[..], id));
        prop_assert_eq!((read5.qos, read5.retain, read5.expiry, read5.alias), (qos, retain, expiry, alias));
        prop_assert_eq!(read5.properties, properties);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..80), v5 in any::<bool>()) {
        let version = if v5 { Version::V5 } else { Version::V3 };
        if let Ok(Some(frame)) = frame(&bytes, LIMIT) {
            drop(decode(&bytes, frame, version));
            drop(connect(&bytes, frame));
        }
    }
}

#[test]
fn a_client_of_either_version_is_understood_when_it_connects() {
    let mut old = three::Connect::new("device");
    old.last_will = Some(three::LastWill::new("gone", "bye", any::QoS::ExactlyOnce, true));
    old.set_login("anna", "secret");
    old.clean_session = false;
    let mut bytes = BytesMut::new();
    old.write(&mut bytes).expect("they write it");
    let read = connect(&bytes, frame(&bytes, LIMIT).expect("is well formed").expect("is whole"))
        .expect("is a CONNECT");
    assert_eq!((read.version, read.clean, read.session_expiry), (Version::V3, false, u32::MAX));
    assert_eq!((read.username.as_deref(), read.password.as_deref()), (Some("anna"), Some(&b"secret"[..])));
    let will = read.will.expect("a will");
    assert_eq!((&*will.topic, will.qos, will.retain), ("gone", Qos::ExactlyOnce, true));

    let mut properties = five::ConnectProperties::new();
    properties.session_expiry_interval = Some(60);
    properties.receive_maximum = Some(5);
    properties.max_packet_size = Some(1000);
    let new = five::Connect {
        keep_alive: 30,
        client_id: String::new(),
        clean_start: true,
        properties: Some(properties),
    };
    let mut bytes = BytesMut::new();
    new.write(&None, &None, &mut bytes).expect("they write it");
    let read = connect(&bytes, frame(&bytes, LIMIT).expect("is well formed").expect("is whole"))
        .expect("is a CONNECT");
    assert_eq!((read.version, read.clean, read.keep_alive), (Version::V5, true, 30));
    assert_eq!((read.session_expiry, read.receive_maximum, read.packet_maximum), (60, 5, 1000));
}

#[test]
fn a_client_of_either_version_understands_every_answer() {
    let ack = Ack { id: 3, reason: Reason::NOT_AUTHORIZED };
    let connack = ConnAck {
        present: true,
        reason: Reason::SUCCESS,
        assigned: Some("chosen".to_owned()),
        session_expiry: Some(60),
        receive_maximum: 9,
        packet_maximum: 1000,
        alias_maximum: 4,
    };
    let packets = [
        Outgoing::ConnAck(Box::new(connack)),
        Outgoing::PubAck(ack),
        Outgoing::PubRec(ack),
        Outgoing::PubRel(Ack { id: 3, reason: Reason::ID_NOT_FOUND }),
        Outgoing::PubComp(Ack { id: 3, reason: Reason::SUCCESS }),
        Outgoing::SubAck(3, vec![Reason(0), Reason(2), Reason::NOT_AUTHORIZED]),
        Outgoing::UnsubAck(3, vec![Reason::SUCCESS, Reason::NO_SUBSCRIPTION]),
        Outgoing::PingResp,
        Outgoing::Disconnect(Reason::PACKET_TOO_LARGE, "send less"),
        Outgoing::Disconnect(Reason::PACKET_TOO_LARGE, ""),
    ];
    for packet in packets {
        let mut bytes = Vec::new();
        encode(&packet, Version::V5, &mut bytes);
        let read = five::Packet::read(&mut BytesMut::from(&bytes[..]), None).expect("they read it");
        match read {
            five::Packet::ConnAck(read) => {
                let properties = read.properties.expect("properties");
                assert!(read.session_present);
                assert_eq!(properties.assigned_client_identifier.as_deref(), Some("chosen"));
                assert_eq!((properties.receive_max, properties.max_packet_size), (Some(9), Some(1000)));
                assert_eq!(
                    (properties.topic_alias_max, properties.session_expiry_interval),
                    (Some(4), Some(60))
                );
            }
            five::Packet::PubAck(read) => assert_eq!(read.reason, five::PubAckReason::NotAuthorized),
            five::Packet::SubAck(read) => assert_eq!(read.return_codes.len(), 3),
            five::Packet::Disconnect(read) => {
                assert_eq!(read.reason_code, five::DisconnectReasonCode::PacketTooLarge);
            }
            _ => {}
        }
        let mut bytes = Vec::new();
        encode(&packet, Version::V3, &mut bytes);
        if !bytes.is_empty() {
            three::Packet::read(&mut BytesMut::from(&bytes[..]), LIMIT).expect("they read it");
        }
    }
}

#[test]
fn what_the_specification_forbids_is_refused() {
    let refused = |bytes: &[u8]| match frame(bytes, LIMIT) {
        Ok(Some(frame)) => decode(bytes, frame, Version::V5).expect_err("is refused").reason(),
        Ok(None) => panic!("it is not whole: {bytes:?}"),
        Err(error) => error.reason(),
    };
    assert_eq!(refused(&[0x10, 0]), Reason::PROTOCOL_ERROR, "a second CONNECT");
    assert_eq!(refused(&[0x20, 0]), Reason::PROTOCOL_ERROR, "what only servers send");
    assert_eq!(refused(&[0x36, 5, 0, 1, b'a', 0, 1]), Reason::MALFORMED, "QoS 3");
    assert_eq!(refused(&[0x32, 6, 0, 1, b'a', 0, 0, 0]), Reason::PROTOCOL_ERROR, "packet identifier 0");
    assert_eq!(refused(&[0x38, 4, 0, 1, b'a', 0]), Reason::MALFORMED, "a duplicate of QoS 0");
    assert_eq!(refused(&[0x30, 4, 0, 1, 0xff, 0]), Reason::MALFORMED, "not UTF-8");
    assert_eq!(
        refused(&[0x30, 9, 0, 1, b'a', 5, 0x23, 0, 1, 0x23, 0]),
        Reason::PROTOCOL_ERROR,
        "an alias twice"
    );
    assert_eq!(refused(&[0x30, 5, 0, 1, b'a', 2, 0x21]), Reason::MALFORMED, "properties that end nowhere");
    assert_eq!(
        refused(&[0x30, 6, 0, 1, b'a', 2, 0x0b, 1]),
        Reason::PROTOCOL_ERROR,
        "a subscription identifier"
    );
    assert_eq!(refused(&[0x80, 7, 0, 1, 0, 0, 1, b'a', 0]), Reason::MALFORMED, "flags of SUBSCRIBE");
    assert_eq!(refused(&[0x82, 3, 0, 1, 0]), Reason::PROTOCOL_ERROR, "no filter");
    assert_eq!(refused(&[0x30, 0xff, 0xff, 0xff, 0xff]), Reason::MALFORMED, "five bytes of length");
    assert_eq!(refused(&[0xc0, 0x80, 0x00]), Reason::MALFORMED, "a length with a needless byte");
    let too_large = frame(&[0x30, 0xff, 0xff, 0x7f], 1000);
    assert_eq!(
        too_large,
        Err(CodecError::TooLarge { size: 4 + 0x1f_ffff, limit: 1000 }),
        "before it is read"
    );
}
