//! Rules: what sensors see sets off what is done.

use playhouse_sense::observation::{Batch, Event, What};
use rumqttc::QoS;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::device::{Device, crossings};
use super::listening;
use crate::http::read_until;

fn occupancy(numbers: std::ops::RangeInclusive<u64>, count: u16) -> Batch {
    let now = crossings(1, 1..=1).events[0].at;
    let event = |seq| Event { seq, at: now, what: What::Occupancy { zone: 1, count } };
    Batch { epoch: 9, events: numbers.map(event).collect() }
}

fn queue(then: &Value) -> Value {
    json!({"name": "Queue", "when": {"kind": "count", "zone": 1, "level": {"over": {"limit": 4.0, "slack": 1.0}}},
        "then": then})
}

/// Somebody else's server: takes one request, gives it, and answers with a status.
async fn asked(listener: &TcpListener, status: u16) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_on_pages_by_mqtt_and_to_whoever_is_called() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Till").await;
    let corners = json!([{"x": 0.1, "y": 0.1}, {"x": 0.9, "y": 0.1}, {"x": 0.5, "y": 0.9}]);
    let zones = json!({"zones": [{"id": 1, "name": "Queue", "corners": corners}]});
    owner.patch(&format!("/api/sensors/{}/desired", device.id), zones).await.expect(200);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let then =
        json!([{"do": "notice"}, {"do": "webhook", "url": url}, {"do": "mqtt", "topic": "shop/queue"}]);
    let rule = owner.post("/api/sensor-rules", queue(&then)).await.expect(201).json();
    let secret = rule["secret"].as_str().unwrap();
    let mut events = house.player().await.events().await;
    let mut inbox = owner.events().await;
    let mut link = device.connect().await;
    link.deliver(&occupancy(1..=1, 4)).await;
    link.deliver(&occupancy(2..=2, 5)).await;
    // The first try is refused there, the second one is taken.
    let call = asked(&listener, 500).await;
    let body = call.rsplit("\r\n\r\n").next().unwrap();
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&told["sensor_name"], &told["text"]), (&json!("Till"), &json!("5 in “Queue”")));
    assert!(call.to_lowercase().contains("x-playhouse-signature: t="), "{call}");
    assert!(signed(&call, secret, body), "{call}");
    let notice = read_until(&mut events, "\n\n").await;
    assert!(notice.contains("event: notice") && notice.contains("5 in “Queue”"), "{notice}");
    read_until(&mut inbox, "event: notice").await;
    assert_eq!(asked(&listener, 204).await.rsplit("\r\n\r\n").next(), Some(body));
    let path = format!("/api/sensor-rules/{}/calls", rule["id"].as_str().unwrap());
    let calls = house.until_at(&owner, &path, |calls| calls["calls"][0]["done"].is_u64()).await;
    assert_eq!(calls["calls"][0]["tries"], 2);
    // Still full: nothing new. Empty, and full again: told again.
    link.deliver(&occupancy(3..=3, 6)).await;
    link.deliver(&occupancy(4..=4, 3)).await;
    link.deliver(&occupancy(5..=5, 7)).await;
    let notices = house.until_at(&owner, "/api/notices", |told| told["notices"][0]["figure"] == 7.0).await;
    assert_eq!(notices["notices"].as_array().unwrap().len(), 2, "{notices}");
    house.nobody.get("/api/notices").await.problem(401, "sign-in-required");
}

fn signed(call: &str, secret: &str, body: &str) -> bool {
    let line = call.lines().find(|line| line.to_lowercase().starts_with("x-playhouse-signature")).unwrap();
    let (time, signature) = line.split_once("t=").unwrap().1.split_once(",v1=").unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let sum = aws_lc_rs::hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let byte = |at: usize| signature.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..signature.len()).step_by(2).map_while(byte).eq(sum.as_ref().iter().copied())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_can_be_tried_on_what_was_seen_before_it_is_in_force() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Till").await;
    let mut link = device.connect().await;
    for (seq, count) in (1..).zip([1, 5, 6, 2, 9]) {
        link.deliver(&occupancy(seq..=seq, count)).await;
    }
    let trial = json!({"rule": queue(&json!([{"do": "notice"}]))});
    let tried = owner.post("/api/sensor-rules/dry-run", trial).await.expect(200).json();
    assert_eq!((&tried["observations"], &tried["fired"]), (&json!(5), &json!(2)), "{tried}");
    assert_eq!((&tried["firings"][0]["figure"], &tried["cut"]), (&json!(5.0), &json!(false)));
    assert_eq!(owner.get("/api/notices").await.expect(200).json()["notices"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_kept_changed_and_refused_with_a_sentence() {
    let mut house = listening().await;
    let owner = house.owner().await;
    let problem = owner.post("/api/sensor-rules", queue(&json!([]))).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().starts_with("A rule does 1 to 32 things"), "{problem}");
    let rule = owner.post("/api/sensor-rules", queue(&json!([{"do": "notice"}]))).await.expect(201).json();
    let path = format!("/api/sensor-rules/{}", rule["id"].as_str().unwrap());
    let changed = json!({"name": "Night", "on": false, "when": {"kind": "absence", "line": 1, "for_s": 60},
        "then": [{"do": "mqtt", "topic": "a/b"}]});
    owner.json("PUT", &path, changed).await.expect(200);
    house.shut_down().await;
    house.start_again(|_| {}).await;
    let owner = owner.at(house.nobody.address);
    let rules = owner.get("/api/sensor-rules").await.expect(200).json();
    assert_eq!((&rules["rules"][0]["name"], &rules["rules"][0]["on"]), (&json!("Night"), &json!(false)));
    owner.delete(&path).await.expect(204);
    owner.delete(&path).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_somebody_else_tells_by_a_topic_of_its_own() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Meter").await;
    let link = device.connect().await;
    let topic = format!("devices/{}/events", device.id);
    let told = json!({"events": [{"App": {"app": "meter", "name": "queue", "value": 7.5}}, {"Crossed": {"line": 1,
        "track": 1, "label": 0, "direction": "in"}}]});
    link.client.publish(topic.clone(), QoS::AtLeastOnce, false, told.to_string()).await.unwrap();
    let path = format!("/api/sensors/{}/events", device.id);
    let events = house.until_at(&owner, &path, |told| told["events"].as_array().unwrap().len() == 2).await;
    assert_eq!(events["events"][1]["what"]["App"]["value"], 7.5);
    link.client.publish(topic, QoS::AtLeastOnce, false, "{}").await.unwrap();
    let path = format!("/api/sensors/{}", device.id);
    house.until_at(&owner, &path, |sensor| sensor["troubles"]["malformed"] == 1).await;
}
