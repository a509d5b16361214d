//! Sensors: how they come in, what becomes of what they say, and how they are thrown out.

mod apps;
mod beside;
mod device;
mod hostile;
mod hybrid;
mod inferences;
mod list;
mod live;
mod models;
mod rules;
mod steering;

use std::net::TcpListener;
use std::sync::Arc;

use playhouse_sense::topic;
use playhouse_server::Sense;
use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::house::House;
use device::{Device, counted, crossings, request};

/// A house that listens for sensors.
pub(crate) async fn listening() -> House {
    House::with(2, |config| config.sense = doors()).await
}

/// Free addresses, which stay the same over restarts.
fn doors() -> Sense {
    let bind = || Some(Arc::new(TcpListener::bind("127.0.0.1:0").unwrap()));
    Sense { mqtt: bind(), https: bind(), ..Sense::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_sensor_sends_is_counted_once() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let path = format!("/api/sensors/{}", device.id);
    assert_eq!(owner.get(&path).await.expect(200).json()["state"], "offline");
    let mut link = device.connect().await;
    house.until_at(&owner, &path, |sensor| sensor["state"] == "online").await;
    link.deliver(&crossings(7, 1..=6)).await;
    assert_eq!(counted(&owner, &device.id).await, (4, 2));
    // The same once more, and some that are new.
    link.deliver(&crossings(7, 1..=6)).await;
    link.deliver(&crossings(7, 4..=9)).await;
    assert_eq!(counted(&owner, &device.id).await, (6, 3));
    // Another life of the outbox begins at one.
    link.deliver(&crossings(8, 1..=3)).await;
    assert_eq!(counted(&owner, &device.id).await, (8, 4));
    let sensor = owner.get(&path).await.expect(200).json();
    assert_eq!((&sensor["today"]["in"], &sensor["today"]["out"]), (&json!(8), &json!(4)));
    assert_eq!(sensor["troubles"]["replayed"], 9);
    assert_eq!(sensor["troubles"]["latest"], Value::Null, "{sensor}");

    let events = owner.get(&format!("{path}/events?limit=5&kind=crossed&line=1")).await.expect(200).json();
    assert_eq!(events["events"].as_array().unwrap().len(), 5);
    let next = events["next"].as_str().unwrap();
    let rest = owner.get(&format!("{path}/events?before={next}")).await.expect(200).json();
    assert_eq!(rest["events"].as_array().unwrap().len(), 7);
    let table = owner.get(&format!("{path}/export.csv")).await.expect(200);
    assert_eq!(table.text().lines().count(), 13, "{}", table.text());
    let table = owner.get(&format!("{path}/export.parquet")).await.expect(200).body;
    assert!(table.starts_with(b"PAR1") && table.ends_with(b"PAR1"));
    if let Some(folder) = std::env::var_os("KEEP_TABLES") {
        std::fs::write(std::path::Path::new(&folder).join("table.parquet"), &table).unwrap();
    }
    drop(link);
    house.until_at(&owner, &path, |sensor| sensor["state"] == "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_counted_twice_when_the_house_dies() {
    let sense = doors();
    let mut house = House::with(2, |config| config.sense = sense.clone()).await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mut link = device.connect().await;
    link.deliver(&crossings(1, 1..=3)).await;
    // On its way when the house goes: it is either taken or not, and is sent again in any case.
    link.say(topic::BATCH, crossings(1, 4..=6).encode().unwrap()).await;
    house.shut_down().await;
    house.start_again(|config| config.sense = sense.clone()).await;
    let owner = owner.at(house.nobody.address);
    let mut link = device.connect().await;
    link.deliver(&crossings(1, 4..=6)).await;
    link.deliver(&crossings(1, 1..=3)).await;
    assert_eq!(counted(&owner, &device.id).await, (4, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_works_once_and_the_sensor_is_told_why_not() {
    let house = listening().await;
    let owner = house.owner().await;
    let made = owner.post("/api/sensors", json!({"name": "Door", "tags": ["a"], "group": "Shop"})).await;
    let made = made.expect(201).json();
    let code = made["code"].as_str().unwrap();
    assert!(made["command"].as_str().unwrap().ends_with(code), "{made}");
    assert_eq!((&made["sensor"]["state"], &made["sensor"]["group"]), (&json!("waiting"), &json!("Shop")));
    let key = rcgen::KeyPair::generate().unwrap();
    let enrol = |code: &str, request: &str| json!({"code": code, "request": request});
    let path = "/api/sensors/enrol";
    let problem = house.nobody.post(path, enrol(code, "nonsense")).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("PKCS #10"), "{problem}");
    // As it is typed: small, without the dash.
    let typed = code.replace('-', "").to_lowercase();
    house.nobody.post(path, enrol(&typed, &request(&key))).await.expect(201);
    let problem = house.nobody.post(path, enrol(code, &request(&key))).await.problem(401, "wrong-code");
    assert!(problem["detail"].as_str().unwrap().contains("used already"), "{problem}");
    for _ in 0..5 {
        let problem =
            house.nobody.post(path, enrol("0000-0000", &request(&key))).await.problem(401, "wrong-code");
        assert!(problem["detail"].as_str().unwrap().contains("Nobody made this code"), "{problem}");
    }
    house.nobody.post(path, enrol("0000-0000", &request(&key))).await.problem(429, "too-many-attempts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_comes_by_one_code() {
    let house = listening().await;
    let owner = house.owner().await;
    owner.post("/api/sensors/fleet-code", json!({"count": 0})).await.problem(422, "invalid");
    let made =
        owner.post("/api/sensors/fleet-code", json!({"count": 2, "group": "Load"})).await.expect(201).json();
    let code = made["code"].as_str().unwrap();
    let one = Device::enrol(&house.nobody, code).await;
    let two = Device::enrol(&house.nobody, code).await;
    assert_ne!(one.id, two.id);
    let mut link = two.connect().await;
    link.deliver(&crossings(1, 1..=1)).await;
    let sensors = owner.get("/api/sensors").await.expect(200).json();
    let names: Vec<_> = sensors["sensors"].as_array().unwrap().iter().map(|sensor| &sensor["name"]).collect();
    assert_eq!(names, ["Simulated 1", "Simulated 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_renews_its_certificate_and_both_count_until_it_has_used_the_new_one() {
    let house = listening().await;
    let owner = house.owner().await;
    let mut device = Device::new(&house, &owner, "Door").await;
    let renewed = device.ask("POST", "/renew", &json!({"request": request(&device.key)})).await.expect(200);
    let renewed: playhouse_sense::enrolment::Enrolled = serde_json::from_slice(&renewed.body).unwrap();
    assert_eq!(renewed.sensor, device.id);
    drop(device.connect().await);
    let old = std::mem::replace(&mut device.enrolled, renewed);
    drop(device.connect().await);
    // With the newer one it renews again, and the first is void.
    let again = device.ask("POST", "/renew", &json!({"request": request(&device.key)})).await.expect(200);
    drop(again);
    device.enrolled = old;
    let problem = device.ask("POST", "/renew", &json!({"request": request(&device.key)})).await;
    problem.problem(403, "not-allowed");
    device.dial().await.out().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_takes_anothers_place_throws_it_out() {
    let house = listening().await;
    let owner = house.owner().await;
    let old = Device::new(&house, &owner, "Door").await;
    let mut link = old.connect().await;
    let made = owner.post(&format!("/api/sensors/{}/code", old.id), json!({})).await.expect(201).json();
    link.deliver(&crossings(1, 1..=3)).await;
    let new = Device::enrol(&house.nobody, made["code"].as_str().unwrap()).await;
    assert_eq!(new.id, old.id);
    link.out().await;
    old.dial().await.out().await;
    let mut link = new.connect().await;
    link.deliver(&crossings(2, 1..=3)).await;
    assert_eq!(counted(&owner, &new.id).await, (4, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_that_is_thrown_out_is_gone_at_once_and_cannot_come_back() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let other = Device::new(&house, &owner, "Other").await;
    let (mut link, mut others) = (device.connect().await, other.connect().await);
    link.deliver(&crossings(1, 1..=3)).await;
    let path = format!("/api/sensors/{}", device.id);
    let revoked = owner.post(&format!("{path}/revoke"), json!({})).await.expect(200).json();
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(link.hear(topic::ASK).await, json!({"ask": "leave"}));
    link.out().await;
    device.dial().await.out().await;
    device.ask("POST", "/renew", &json!({"request": request(&device.key)})).await.problem(403, "not-allowed");
    assert_eq!(counted(&owner, &device.id).await, (2, 1), "what it saw stays");
    others.deliver(&crossings(1, 1..=3)).await;
    // A new code lets it in again.
    let made = owner.post(&format!("{path}/code"), json!({})).await.expect(201).json();
    let device = Device::enrol(&house.nobody, made["code"].as_str().unwrap()).await;
    drop(device.connect().await);
    let removed = owner.delete(&path).await.expect(200).json();
    assert!(removed["detail"].as_str().unwrap().contains("everything that it saw"), "{removed}");
    owner.get(&path).await.problem(404, "not-found");
    device.dial().await.out().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_reach_the_sensor_and_nobody_overwrites_anothers() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let path = format!("/api/sensors/{}/desired", device.id);
    let mut link = device.connect().await;
    let first = link.hear(topic::DESIRED).await;
    assert_eq!(first["version"], 1);
    let line = json!({"id": 1, "name": "Door", "from": {"x": 0.5, "y": 0.1}, "to": {"x": 0.5, "y": 0.9}});
    let changed = owner.patch(&path, json!({"lines": [line], "rate": 5.0})).await.expect(200).json();
    assert_eq!((&changed["version"], &changed["settings"]["rate"]), (&json!(2), &json!(5.0)));
    assert_eq!(link.hear(topic::DESIRED).await, changed);
    let matching = |version: &'static str| [("Content-Type", "application/json"), ("If-Match", version)];
    let body = json!({"rate": null}).to_string();
    let refused = owner.send("PATCH", &path, &matching("1"), body.as_bytes()).await;
    assert_eq!(refused.problem(412, "changed")["version"], 2);
    let changed = owner.send("PATCH", &path, &matching("\"2\""), body.as_bytes()).await.expect(200).json();
    assert_eq!((&changed["version"], &changed["settings"]["rate"]), (&json!(3), &json!(15.0)));
    assert_eq!(changed["settings"]["lines"][0]["name"], "Door");
    let outside = json!([{"id": 1, "name": "Hall", "corners": [{"x": 0.1, "y": 0.1}, {"x": 1.2, "y": 0.1},
        {"x": 0.5, "y": 0.9}]}]);
    let problem = owner.patch(&path, json!({"zones": outside})).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().starts_with("Hall lies outside the picture"), "{problem}");
    // Whoever comes later hears the newest.
    drop(link);
    assert_eq!(device.connect().await.hear(topic::DESIRED).await["version"], 3);
    let reported = json!({"version": 3, "agent": "1", "input": "virtual", "size": [640, 480], "model": null,
        "labels": ["person"], "pictures": false});
    let link = device.connect().await;
    link.say(topic::REPORTED, reported.to_string()).await;
    let sensor = format!("/api/sensors/{}", device.id);
    let sensor = house.until_at(&owner, &sensor, |sensor| sensor["input"] == "virtual").await;
    assert_eq!(sensor["reported"]["version"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_see_no_sensor_and_players_change_none() {
    let house = listening().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let guest = house.account("Gil", Role::Guest).await;
    let device = Device::new(&house, &owner, "Door").await;
    let path = format!("/api/sensors/{}", device.id);
    for what in ["", "/events", "/counts", "/heat", "/export.csv", "/live"] {
        guest.get(&format!("{path}{what}")).await.problem(403, "not-allowed");
        assert_ne!(player.get(&format!("{path}{what}")).await.status, 403);
    }
    guest.get("/api/sensors").await.problem(403, "not-allowed");
    assert_eq!(player.get("/api/sensors").await.expect(200).json()["sensors"][0]["name"], "Door");
    player.post("/api/sensors", json!({"name": "Mine"})).await.problem(403, "not-allowed");
    player.patch(&path, json!({"name": "Mine"})).await.problem(403, "not-allowed");
    player.patch(&format!("{path}/desired"), json!({})).await.problem(403, "not-allowed");
    player.post(&format!("{path}/revoke"), json!({})).await.problem(403, "not-allowed");
    player.post(&format!("{path}/code"), json!({})).await.problem(403, "not-allowed");
    player.delete(&path).await.problem(403, "not-allowed");
    let named =
        owner.patch(&path, json!({"name": "Back door", "tags": ["b"], "group": ""})).await.expect(200).json();
    assert_eq!(
        (&named["name"], &named["tags"], &named["group"]),
        (&json!("Back door"), &json!(["b"]), &json!(null))
    );
    owner.patch(&path, json!({"name": ""})).await.problem(422, "invalid");
}
