//! Apps on sensors: from the owner who brings one to what follows from what it says, and what becomes of one that is no good.

use std::sync::Arc;

use playhouse_agent::detector::Oracles;
use playhouse_sense::scene::Options;
use serde_json::{Value, json};

use super::beside::start;
use super::listening;
use crate::http::Client;

/// The example, as it comes with Playhouse.
const QUEUE: &[u8] = include_bytes!("../../../../../apps/queue/queue.wasm");

/// An app that never comes back once it is told anything.
const ENDLESS: &str = r#"(module (memory (export "memory") 1)
    (func (export "playhouse_abi") (result i32) i32.const 1)
    (func (export "alloc") (param i32) (result i32) i32.const 1024)
    (func (export "observe") (param i32 i32) (loop $again br $again)))"#;

fn scene() -> Options {
    Options { fps: 15.0, people: 6, ..Options::default() }
}

/// Brings an app; gives its hash.
async fn bring(owner: &Client, name: &str, bytes: &[u8]) -> String {
    let path = format!("/api/models?kind=app&name={name}");
    let brought = owner.send("POST", &path, &[("Content-Type", "application/octet-stream")], bytes).await;
    brought.expect(201).json()["hash"].as_str().unwrap().to_owned()
}

/// What a sensor says of its apps: name, hash and state of each.
fn apps(sensor: &Value) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = sensor["reported"]["apps"].as_array().cloned().unwrap_or_default();
    let mut all: Vec<_> =
        all.iter().map(|app| ["name", "hash", "state"].map(|key| text(&app[key]))).collect();
    all.sort_unstable();
    all
}

fn is(name: &str, hash: &str, state: &str) -> [String; 3] {
    [name, hash, state].map(str::to_owned)
}

fn app(name: &str, hash: &str) -> Value {
    json!({"name": name, "hash": hash})
}

/// The zone in which the example counts: the whole picture.
fn queue() -> Value {
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| json!({"x": x, "y": y}));
    json!([{"id": 1, "name": "Queue at the till", "corners": corners}])
}

fn count(events: &Value) -> usize {
    events["events"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_app_counts_is_kept_and_a_rule_follows_it() {
    let house = listening().await;
    let owner = house.owner().await;
    let hash = bring(&owner, "queue", QUEUE).await;
    let over = json!({"over": {"limit": 0.0}});
    let rule = json!({"name": "Somebody waits", "then": [{"do": "notice"}],
        "when": {"kind": "app", "app": "queue", "name": "length", "level": over}});
    owner.post("/api/sensor-rules", rule).await.expect(201);
    let (path, running) = start(&house, &owner, scene(), Arc::new(Oracles(scene()))).await;
    let wanted = json!({"zones": queue(), "apps": [app("queue", &hash)]});
    owner.patch(&format!("{path}/desired"), wanted).await.expect(200);
    house.until_at(&owner, &path, |sensor| apps(sensor) == [is("queue", &hash, "running")]).await;
    let said = format!("{path}/events?kind=app&limit=1000");
    let events = house.until_at(&owner, &said, |events| count(events) >= 3).await;
    let first = events["events"].as_array().unwrap().last().unwrap();
    assert_eq!(first["what"]["App"], json!({"app": "queue", "name": "length", "value": 0.0}));
    let notices =
        house.until_at(&owner, "/api/notices", |told| !told["notices"].as_array().unwrap().is_empty()).await;
    let text = notices["notices"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("queue says length: "), "{notices}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_updated_and_rolled_back_and_one_that_runs_away_is_stopped_while_counting_goes_on() {
    let house = listening().await;
    let owner = house.owner().await;
    let old = bring(&owner, "queue", QUEUE).await;
    // The same with a section that says nothing: other bytes, so another version.
    let newer: Vec<u8> = QUEUE.iter().copied().chain([0, 2, 1, b'v']).collect();
    let new = bring(&owner, "queue", &newer).await;
    let endless = bring(&owner, "endless", &wat::parse_str(ENDLESS).unwrap()).await;
    let (path, running) = start(&house, &owner, scene(), Arc::new(Oracles(scene()))).await;
    let desired = format!("{path}/desired");
    let mut told = 0;
    // There, updated, and back.
    for hash in [&old, &new, &old] {
        let wanted = json!({"zones": queue(), "apps": [app("queue", hash)]});
        owner.patch(&desired, wanted).await.expect(200);
        house.until_at(&owner, &path, |sensor| apps(sensor) == [is("queue", hash, "running")]).await;
        let said = format!("{path}/events?kind=app&limit=1000");
        told = count(&house.until_at(&owner, &said, |events| count(events) > told).await);
    }
    let both = json!({"apps": [app("queue", &old), app("endless", &endless)]});
    owner.patch(&desired, both).await.expect(200);
    let stopped = [is("endless", &endless, "stopped"), is("queue", &old, "running")];
    let sensor = house.until_at(&owner, &path, |sensor| apps(sensor) == stopped).await;
    let of = |app: &&Value| app["name"] == "endless";
    let report = sensor["reported"]["apps"].as_array().unwrap().iter().find(of).unwrap();
    let why = report["why"].as_str().unwrap();
    assert!(why.starts_with("it ran for longer than an observation may take"), "{why}");
    assert_eq!(sensor["reported"]["refused"], Value::Null, "the settings are followed all the same");
    // Both those who look and the other app go on.
    for kind in ["left", "app"] {
        let list = format!("{path}/events?kind={kind}&limit=1000");
        let before = count(&owner.get(&list).await.expect(200).json());
        house.until_at(&owner, &list, |events| count(events) > before).await;
    }
    // Without it, it is no longer told of.
    owner.patch(&desired, json!({"apps": [app("queue", &old)]})).await.expect(200);
    house.until_at(&owner, &path, |sensor| apps(sensor) == [is("queue", &old, "running")]).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_a_canary_stops_goes_back_by_itself() {
    let house = listening().await;
    let owner = house.owner().await;
    let good = bring(&owner, "queue", QUEUE).await;
    let bad = bring(&owner, "queue", &wat::parse_str(ENDLESS).unwrap()).await;
    let (path, running) = start(&house, &owner, scene(), Arc::new(Oracles(scene()))).await;
    let desired = format!("{path}/desired");
    owner.patch(&desired, json!({"apps": [app("queue", &good)]})).await.expect(200);
    house.until_at(&owner, &path, |sensor| apps(sensor) == [is("queue", &good, "running")]).await;
    owner.post("/api/rollouts", json!({"hash": bad, "minutes": 60})).await.expect(201);
    let rollouts =
        house.until_at(&owner, "/api/rollouts", |all| all["rollouts"][0]["stage"] == "returned").await;
    let why = rollouts["rollouts"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("“Door” has stopped “queue”: it ran for longer"), "{why}");
    house.until_at(&owner, &path, |sensor| apps(sensor) == [is("queue", &good, "running")]).await;
    running.end().await;
}
