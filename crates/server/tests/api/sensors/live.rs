//! Looking at one sensor as it is now.

use std::time::Duration;

use playhouse_sense::observation::{Glimpse, Thing};
use playhouse_sense::topic;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::device::{Device, crossings};
use super::listening;
use crate::http::{Client, read_until};

/// Somebody's page, as far as these tests need one (RFC 6455).
pub(super) struct Page(TcpStream);

impl Page {
    pub(super) async fn open(who: &Client, sensor: &str) -> Self {
        let mut stream = TcpStream::connect(who.address).await.unwrap();
        let token = who.token.as_deref().unwrap_or_default();
        let head = format!(
            "GET /api/sensors/{sensor}/live HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Authorization: Bearer {token}\r\n\r\n",
            who.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self(stream)
    }

    async fn message(&mut self) -> Option<Value> {
        loop {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).await.ok()?;
            let len = match head[1] {
                126 => usize::from(self.0.read_u16().await.ok()?),
                127 => usize::try_from(self.0.read_u64().await.ok()?).unwrap(),
                len => usize::from(len),
            };
            let mut text = vec![0; len];
            self.0.read_exact(&mut text).await.ok()?;
            match head[0] {
                0x81 => return Some(serde_json::from_slice(&text).unwrap()),
                0x88 => return None,
                _ => {}
            }
        }
    }

    /// The next message of a kind.
    pub(super) async fn until(&mut self, kind: &str) -> Value {
        let waiting = async {
            loop {
                let told = self.message().await.expect("the socket is closed");
                if !told[kind].is_null() {
                    return told[kind].clone();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("nobody says it")
    }
}

fn glimpse(frame: u64) -> Vec<u8> {
    let thing =
        Thing { track: 7, label: 0, place: [0, 16_384, 32_768, 65_535], score: 204, provisional: true };
    Glimpse { frame, at: 5, took_us: 900, things: vec![thing; 20] }.encode()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_sees_what_the_sensor_sees() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mut page = Page::open(&owner, &device.id).await;
    assert_eq!(page.until("state").await, "offline");
    let mut link = device.connect().await;
    assert_eq!(page.until("state").await, "online");
    // The sensor is asked when it has said what it is, since it hears by then.
    let reported = json!({"version": 1, "agent": "1", "input": "virtual", "size": [640, 480], "model": null,
        "labels": ["person"], "pictures": false});
    link.say(topic::REPORTED, reported.to_string()).await;
    let asked = link.hear(topic::ASK).await;
    assert_eq!(asked["ask"], "glimpses");
    link.say(topic::GLIMPSE, glimpse(42)).await;
    let seen = page.until("glimpse").await;
    assert_eq!((&seen["frame"], &seen["at"], &seen["took_us"]), (&json!(42), &json!(5), &json!(900)));
    assert!(seen["hub_at"].as_u64().unwrap() > 1_700_000_000_000, "{seen}");
    let thing = &seen["things"][0];
    assert_eq!(thing["place"], json!([0.0, 0.25, 0.5, 1.0]));
    assert_eq!((&thing["score"], &thing["provisional"]), (&json!(0.8), &json!(true)));
    link.say(topic::HEALTH, json!({"fps": 14.5, "backlog": 3}).to_string()).await;
    assert_eq!(page.until("health").await["backlog"], 3);
    link.deliver(&crossings(1, 1..=2)).await;
    let events = page.until("events").await;
    assert_eq!(events[1]["what"], json!({"Crossed": {"line": 1, "track": 2, "label": 0, "direction": "in"}}));
    link.deliver(&crossings(1, 1..=3)).await;
    assert_eq!(page.until("events").await.as_array().unwrap().len(), 1, "what came again is not told again");
    owner.delete(&format!("/api/sensors/{}", device.id)).await.expect(200);
    while page.message().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_does_not_read_keeps_nobody_waiting() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mut link = device.connect().await;
    let _slow = Page::open(&owner, &device.id).await;
    let mut quick = Page::open(&owner, &device.id).await;
    quick.until("state").await;
    // Far more than a socket that is not read holds.
    for frame in 1..=3_000 {
        link.say(topic::GLIMPSE, glimpse(frame)).await;
        if frame % 500 == 0 {
            link.deliver(&crossings(1, frame..=frame)).await;
            while quick.until("events").await[0]["seq"] != frame {}
        }
    }
    link.say(topic::GLIMPSE, glimpse(9_999)).await;
    while quick.until("glimpse").await["frame"] != 9_999 {}
}
