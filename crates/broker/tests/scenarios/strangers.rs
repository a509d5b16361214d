//! The whole broker with clients that are not ours, over sockets.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use playhouse_broker::{
    Broker, Credentials, Identity, Left, Limits, Presence, PresenceFeed, Qos, Refused, Rights,
};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Whoever has a user name may do what is below it; others anything.
#[derive(Default)]
pub(crate) struct Rules {
    revoked: AtomicBool,
}

impl Rights for Rules {
    fn admit(&self, who: &Credentials<'_>) -> Result<Identity, Refused> {
        if self.revoked.load(Ordering::SeqCst) && who.username == Some("revoked") {
            return Err(Refused::NotAuthorized);
        }
        let name = who.certificate.map(|peer| peer.name.as_str()).or(who.username).unwrap_or("anybody");
        Ok(Identity::new(name))
    }

    fn may_publish(&self, who: &Identity, topic: &str) -> bool {
        who.name() == "anybody" || topic.starts_with(who.name())
    }

    fn may_subscribe(&self, who: &Identity, filter: &str) -> bool {
        self.may_publish(who, filter)
    }
}

pub(crate) async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let port = listener.local_addr().expect("has an address").port();
    (listener, port)
}

/// A broker, and the port that it serves plain MQTT on.
pub(crate) async fn open(rules: Arc<Rules>, limits: Limits) -> (Broker, u16) {
    let broker = Broker::new(rules, limits);
    let (listener, port) = listener().await;
    let serving = broker.clone();
    tokio::spawn(async move { serving.serve_plain(listener).await });
    (broker, port)
}

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it happens before the test loses its patience")
}

pub(crate) fn client(name: &str, port: u16, set: impl FnOnce(&mut MqttOptions)) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(name, "127.0.0.1", port);
    options.set_keep_alive(Duration::from_mins(1));
    options.set_max_packet_size(LARGE, LARGE);
    set(&mut options);
    AsyncClient::new(options, 100)
}

const LARGE: usize = 1024 * 1024;

/// The next packet of a kind, whatever comes before it.
pub(crate) async fn next<T>(events: &mut EventLoop, wanted: impl Fn(&Packet) -> Option<T>) -> T {
    soon(async {
        loop {
            if let Event::Incoming(packet) = events.poll().await.expect("the connection stands")
                && let Some(found) = wanted(&packet)
            {
                return found;
            }
        }
    })
    .await
}

pub(crate) fn message(packet: &Packet) -> Option<(String, Vec<u8>, bool)> {
    match packet {
        Packet::Publish(p) => Some((p.topic.clone(), p.payload.to_vec(), p.retain)),
        _ => None,
    }
}

pub(crate) fn subscribed(packet: &Packet) -> Option<Vec<rumqttc::SubscribeReasonCode>> {
    match packet {
        Packet::SubAck(ack) => Some(ack.return_codes.clone()),
        _ => None,
    }
}

async fn came(feed: &mut PresenceFeed) -> Presence {
    soon(feed.recv()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_quality_arrive_at_another_client() {
    let (_broker, port) = open(Arc::default(), Limits::default()).await;
    let (reader, mut read) = client("reader", port, |_| {});
    let (writer, mut written) = client("writer", port, |_| {});
    tokio::spawn(async move { while written.poll().await.is_ok() {} });
    reader.subscribe("a/+", QoS::ExactlyOnce).await.expect("is asked");
    next(&mut read, subscribed).await;
    let large = vec![7_u8; 200 * 1024];
    for (n, qos) in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce].into_iter().enumerate() {
        writer.publish(format!("a/{n}"), qos, false, large.clone()).await.expect("is asked");
        assert_eq!(next(&mut read, message).await, (format!("a/{n}"), large.clone(), false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_house_sends_what_is_retained_and_hears_who_is_there() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    let mut feed = broker.connected();
    broker.publish("sensor/desired", "settings", Qos::AtLeastOnce, true).expect("is a topic");
    let (device, mut events) = client("device", port, |o| {
        o.set_credentials("sensor", "");
    });
    device.subscribe("sensor/desired", QoS::AtLeastOnce).await.expect("is asked");
    let expected = ("sensor/desired".to_owned(), b"settings".to_vec(), true);
    assert_eq!(next(&mut events, message).await, expected);
    assert!(
        matches!(came(&mut feed).await, Presence::Connected { identity, .. } if identity.name() == "sensor")
    );
    let mut late = broker.connected();
    assert_eq!(came(&mut late).await.identity().name(), "sensor", "who is there already");
    device.disconnect().await.expect("is asked");
    soon(async { while events.poll().await.is_ok() {} }).await;
    assert!(matches!(came(&mut feed).await, Presence::Disconnected { reason: Left::Asked, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_no_more_than_its_rights() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    let mut inbox = broker.inbox(&["#"], 10).expect("is a filter");
    let own = |name: &str| {
        client(name, port, |o| {
            o.set_credentials("own", "");
        })
    };
    let (device, mut events) = own("reads");
    device.subscribe("other/#", QoS::AtLeastOnce).await.expect("is asked");
    assert_eq!(next(&mut events, subscribed).await, [rumqttc::SubscribeReasonCode::Failure]);
    device.publish("other/1", QoS::AtLeastOnce, false, "stolen").await.expect("is asked");
    let ended = soon(async { while events.poll().await.is_ok() {} });
    ended.await;
    let (device, mut events) = own("writes");
    device.publish("own/1", QoS::AtLeastOnce, false, "mine").await.expect("is asked");
    next(&mut events, |packet| matches!(packet, Packet::PubAck(_)).then_some(())).await;
    let got = soon(inbox.recv()).await.expect("the broker is there");
    assert_eq!((&*got.topic, got.from.as_ref().map(Identity::name)), ("own/1", Some("own")));
    let mut will = rumqttc::LastWill::new("other/gone", "x", QoS::AtLeastOnce, false);
    will.retain = true;
    let (_device, mut events) = client("wills", port, |o| {
        o.set_credentials("own", "").set_last_will(will);
    });
    let refused = soon(events.poll()).await.expect_err("is refused");
    assert!(format!("{refused:?}").contains("NotAuthorized"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_revoked_is_out_at_once_and_stays_out() {
    let rules = Arc::new(Rules::default());
    let (broker, port) = open(Arc::clone(&rules), Limits::default()).await;
    let mut feed = broker.connected();
    let (_device, mut events) = client("device", port, |o| {
        o.set_credentials("revoked", "");
    });
    next(&mut events, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    came(&mut feed).await;
    rules.revoked.store(true, Ordering::SeqCst);
    broker.disconnect("revoked");
    let gone = tokio::time::timeout(Duration::from_secs(1), async { while events.poll().await.is_ok() {} });
    assert!(gone.await.is_ok(), "within a second");
    assert!(matches!(came(&mut feed).await, Presence::Disconnected { reason: Left::Dismissed, .. }));
    assert!(soon(events.poll()).await.is_err(), "it is not let in again");
}

/// CONNECT of a client of version 5 (or 3.1.1) with that id.
fn connect(id: &str, version: u8) -> Vec<u8> {
    let properties: &[u8] = if version == 5 { &[0] } else { &[] };
    let length = u8::try_from(12 + properties.len() + id.len()).expect("is short");
    let mut bytes = vec![0x10, length, 0, 4, b'M', b'Q', b'T', b'T', version, 2, 0, 60];
    bytes.extend_from_slice(properties);
    bytes.extend_from_slice(&[0, u8::try_from(id.len()).expect("is short")]);
    bytes.extend_from_slice(id.as_bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_that_is_too_large_ends_its_connection_and_says_so() {
    let limits = Limits { packet: 10_000, ..Limits::default() };
    let (_broker, port) = open(Arc::default(), limits).await;
    for version in [5, 4] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
        stream.write_all(&connect("x", version)).await.expect("is read");
        // A PUBLISH of 100,003 bytes, all of which are sent: the answer has to come through all the same.
        stream.write_all(&[0x30, 0xa3, 0x8d, 0x06, 0, 1, b'a']).await.expect("is read");
        let rest = vec![0; 100_000];
        drop(stream.write_all(&rest).await);
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.expect("it ends in order");
        assert!(answer.starts_with(&[0x20]), "a CONNACK");
        let connack = 2 + usize::from(answer[1]);
        let last_words = &answer[connack..];
        if version == 5 {
            assert_eq!((last_words[0], last_words[2]), (0xe0, 0x95), "DISCONNECT, too large");
            assert!(String::from_utf8_lossy(last_words).contains("it should send less at a time"));
        } else {
            assert!(last_words.is_empty(), "3.1.1 has no last words");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_mqtt_and_what_says_nothing_is_shut_out() {
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let (_broker, port) = open(Arc::default(), limits).await;
    let garbage: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0x10], &[], &[0x10, 0xff, 0xff, 0xff, 0xff], &[0xc0, 0]];
    for bytes in garbage {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
        stream.write_all(bytes).await.expect("is read");
        let mut answer = Vec::new();
        drop(soon(stream.read_to_end(&mut answer)).await);
        assert!(answer.is_empty(), "{bytes:?}");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
    let mut packet = connect("x", 4);
    packet[8] = 3;
    stream.write_all(&packet).await.expect("is read");
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.expect("it ends in order");
    assert_eq!(answer, [0x20, 2, 0, 1], "MQTT 3.1 is not spoken here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_harms_nobody() {
    let (_broker, port) = open(Arc::default(), Limits::default()).await;
    let mut stuck = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
    stuck.write_all(&connect("stuck", 5)).await.expect("is read");
    stuck.write_all(&[0x82, 7, 0, 1, 0, 0, 1, b'a', 0]).await.expect("is read");
    let (quick, mut read) = client("quick", port, |_| {});
    quick.subscribe("a", QoS::AtMostOnce).await.expect("is asked");
    next(&mut read, subscribed).await;
    let (writer, mut written) = client("writer", port, |_| {});
    tokio::spawn(async move { while written.poll().await.is_ok() {} });
    for n in 0..200_u32 {
        let mut payload = vec![0; 100_000];
        payload[..4].copy_from_slice(&n.to_be_bytes());
        writer.publish("a", QoS::AtLeastOnce, false, payload).await.expect("is asked");
        let (_, payload, _) = next(&mut read, message).await;
        assert_eq!(payload[..4], n.to_be_bytes());
    }
}
