//! Devices of AITRIOS: what they report as they are is followed, and counted once.

use std::time::{SystemTime, UNIX_EPOCH};

use playhouse_sense::aitrios::{Inference, LARGEST_REPORT, Report, Size};
use playhouse_sense::detection::Detection;
use playhouse_sense::geometry::{Point, Rect};
use rumqttc::QoS;
use serde_json::{Value, json};

use super::device::{Device, Link, News, counted};
use super::live::Page;
use super::{doors, listening};
use crate::house::House;
use crate::http::Client;

/// The network's input, which the settings name.
const SIZE: Size = (320, 240);

/// Milliseconds between two pictures.
const STEP: u64 = 100;

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A line in the middle that is crossed inwards from the right to the left.
async fn drawn(owner: &Client, device: &Device) {
    let line = json!({"id": 1, "name": "Door", "from": {"x": 0.5, "y": 0.0}, "to": {"x": 0.5, "y": 1.0}});
    let settings = json!({"lines": [line], "input_size": {"width": SIZE.0, "height": SIZE.1}});
    owner.patch(&format!("/api/sensors/{}/desired", device.id), settings).await.expect(200);
}

/// Somebody who walks from the right to the left within three seconds before `end`, ten pictures in a report.
fn walk(end: u64) -> Vec<Vec<u8>> {
    let inference = |picture: u16| {
        let place = Rect::around(Point { x: 0.8 - f32::from(picture) * 0.02, y: 0.6 }, 0.12, 0.5);
        let found = vec![Detection { place, label: 0, score: 0.9 }];
        Inference { at: end - (30 - u64::from(picture)) * STEP, found }
    };
    let report = |part: u16| report((part * 10..part * 10 + 10).map(inference).collect());
    (0..3).map(report).collect()
}

fn report(inferences: Vec<Inference>) -> Vec<u8> {
    let (device, model) = ("Aid-80010003-0000-2000".to_owned(), "0300001046".to_owned());
    Report { device, model, image: false, inferences }.write(SIZE).unwrap()
}

/// Publishes, and waits until the house has it in its hands.
async fn publish(link: &mut Link, device: &Device, payload: impl Into<Vec<u8>>) {
    let topic = format!("devices/{}/inferences", device.id);
    link.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    link.until(|news| matches!(news, News::Acknowledged)).await;
}

fn replayed(many: u64) -> impl Fn(&Value) -> bool {
    move |sensor| sensor["troubles"]["replayed"] == many
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_walks_over_a_line_before_a_device_of_aitrios_is_counted_once() {
    let sense = doors();
    let mut house = House::with(2, |config| config.sense = sense.clone()).await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Aisle").await;
    let path = format!("/api/sensors/{}", device.id);
    drawn(&owner, &device).await;
    let mut link = device.connect().await;
    let crossed = format!("{path}/events?kind=crossed");
    let many = |told: &Value| told["events"].as_array().unwrap().len();
    let end = now() - 60_000;
    for report in walk(end) {
        publish(&mut link, &device, report.clone()).await;
        publish(&mut link, &device, report).await;
    }
    let sensor = house.until_at(&owner, &path, replayed(30)).await;
    assert_eq!(sensor["troubles"]["latest"], Value::Null, "{sensor}");
    let events = house.until_at(&owner, &crossed, |told| many(told) > 0).await;
    let seen = &events["events"][0];
    assert_eq!(seen["what"]["Crossed"]["direction"], "in", "{events}");
    assert!(
        seen["at"].as_u64().is_some_and(|at| at < end && at > end - 30 * STEP),
        "by its own clock: {seen}"
    );

    // A house that was away has not forgotten what it took.
    drop(link);
    house.shut_down().await;
    house.start_again(|config| config.sense = sense.clone()).await;
    let owner = owner.at(house.nobody.address);
    let mut link = device.connect().await;
    for report in walk(end) {
        publish(&mut link, &device, report).await;
    }
    for report in walk(end + 60_000) {
        publish(&mut link, &device, report).await;
    }
    house.until_at(&owner, &crossed, |told| many(told) > 1).await;
    assert_eq!(counted(&owner, &device.id).await, (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_at_a_device_of_aitrios_sees_its_tracks() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Aisle").await;
    drawn(&owner, &device).await;
    let mut link = device.connect().await;
    let mut page = Page::open(&owner, &device.id).await;
    page.until("state").await;
    for report in walk(now()) {
        publish(&mut link, &device, report).await;
    }
    let seen = page.until("glimpse").await;
    let left = seen["things"][0]["place"][0].as_f64().unwrap();
    assert!((0.1..0.8).contains(&left) && seen["things"][0]["track"] == 1, "{seen}");
    let events = page.until("events").await;
    assert_eq!(events[0]["what"], json!({"Camera": {"works": true}}), "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_that_cannot_be_used_are_named_and_harm_nobody() {
    let house = listening().await;
    let owner = house.owner().await;
    let (evil, good) = (Device::new(&house, &owner, "Evil").await, Device::new(&house, &owner, "Good").await);
    drawn(&owner, &good).await;
    let (mut link, mut goods) = (evil.connect().await, good.connect().await);
    let path = format!("/api/sensors/{}", evil.id);
    let inference = |at| report(vec![Inference { at, found: vec![] }]);
    let mut wrong: Vec<(Vec<u8>, &str)> = vec![
        (b"nonsense".to_vec(), "DeviceID"),
        (b"{}".to_vec(), "DeviceID"),
        (inference(0), "clock"),
        (inference(now() + 3_600_000), "clock"),
    ];
    let broken =
        json!({"DeviceID": "d", "ModelID": "m", "Inferences": [{"T": "20221104084013123", "O": "JAAAAA=="}]});
    wrong.push((broken.to_string().into_bytes(), "O of inference 0 cannot be read"));
    for (number, (payload, says)) in (1..).zip(wrong) {
        publish(&mut link, &evil, payload).await;
        let sensor = house.until_at(&owner, &path, |sensor| sensor["troubles"]["malformed"] == number).await;
        let latest = sensor["troubles"]["latest"].as_str().unwrap();
        assert!(latest.starts_with("It sent ") && latest.contains(says), "{latest}");
    }
    publish(&mut link, &evil, vec![b' '; LARGEST_REPORT + 1]).await;
    house.until_at(&owner, &path, |sensor| sensor["troubles"]["oversize"] == 1).await;
    // Nobody reports for somebody else.
    let topic = format!("devices/{}/inferences", good.id);
    link.client.publish(topic, QoS::AtLeastOnce, false, walk(now())[0].clone()).await.unwrap();
    link.until(|news| matches!(news, News::Acknowledged | News::Out(_))).await;
    for report in walk(now()) {
        publish(&mut goods, &good, report).await;
    }
    let path = format!("/api/sensors/{}", good.id);
    let sensor = house.until_at(&owner, &path, |sensor| sensor["today"]["in"] == 1).await;
    assert_eq!((&sensor["troubles"]["malformed"], &sensor["troubles"]["replayed"]), (&json!(0), &json!(0)));
    // A network whose input has no pixels is no setting.
    let desired = format!("{path}/desired");
    let problem =
        owner.patch(&desired, json!({"input_size": {"width": 1, "height": 9}})).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("2 to 8192"), "{problem}");
    let back = owner.patch(&desired, json!({"input_size": null})).await.expect(200).json();
    assert_eq!(back["settings"]["input_size"], Value::Null);
}
