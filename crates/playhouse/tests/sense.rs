//! The agent and the hub, both as processes of their own: what is counted is what crossed.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use playhouse_sense::scene::{Options, Scene};
use program::{House, Owner, free_port, wait};
use serde_json::{Value, json};

/// The agent; killed when dropped.
struct Sensor(Child);

impl Sensor {
    fn start(state: &Path, more: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_playhouse"))
            .arg("sense")
            .arg("--state")
            .arg(state)
            .args(more)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn kill(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The hub with its doors for sensors.
fn hub(folder: &Path, (mqtt, https): (SocketAddr, SocketAddr)) -> House {
    House::start(folder, &["--mqtt", &mqtt.to_string(), "--sensor-https", &https.to_string()])
}

/// Makes a sensor that counts at the scene's door; its id and code.
fn sensor(owner: &Owner<'_>) -> (String, String) {
    let (status, made) = owner.ask("POST", "/api/sensors", &json!({ "name": "Door" }));
    assert_eq!(status, 201, "{made}");
    let id = made["sensor"]["id"].as_str().unwrap().to_owned();
    let lines = json!({ "lines": [Scene::door()], "rate": 30.0 });
    let (status, desired) = owner.ask("PATCH", &format!("/api/sensors/{id}/desired"), &lines);
    assert_eq!(status, 200, "{desired}");
    (id, made["code"].as_str().unwrap().to_owned())
}

/// Crossings that the hub has: when, and whether *in*; the oldest first.
fn crossings(owner: &Owner<'_>, id: &str) -> Vec<(u64, bool)> {
    let events = owner.get(&format!("/api/sensors/{id}/events?kind=crossed&limit=1000"));
    let events = events["events"].as_array().cloned().unwrap_or_default();
    let read = |event: &Value| (event["at"].as_u64().unwrap(), event["what"]["Crossed"]["direction"] == "in");
    let mut all: Vec<_> = events.iter().map(read).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_hub_counts_whoever_crosses_the_line_through_a_kill_of_either_side() {
    const ENOUGH: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let state_folder = folder.path().join("sensor");
    let doors = (free_port(), free_port());
    let mut house = hub(folder.path(), doors);
    let owner = house.owner();
    let (id, code) = sensor(&owner);
    let server = format!("http://{}", house.address);
    let mut agent = Sensor::start(
        &state_folder,
        &["--server", &server, "--code", &code, "--input", "virtual:7", "--truth"],
    );
    wait("people cross", || (crossings(&owner, &id).len() >= ENOUGH).then_some(()));
    let counted = crossings(&owner, &id);
    // The truth from the first that was counted to the last: the scene began so long before the first one.
    let scene = Scene::new(Options { seed: 7, ..Options::default() });
    let fps = f64::from(scene.options().fps);
    let truth = scene.crossings(&Scene::door(), 0..6_000);
    let (first, last) = (counted[0].0, counted[counted.len() - 1].0);
    let until = truth[0].frame as f64 + ((last - first) as f64 / 1000.0 + 0.7) * fps;
    let expected = truth.iter().filter(|crossing| (crossing.frame as f64) < until).count();
    let off = expected.abs_diff(counted.len());
    assert!(off <= 1 + expected / 50, "{} counted, {expected} crossed: {counted:?} {truth:?}", counted.len());
    // Figures by API say the same.
    let today = owner.get(&format!("/api/sensors/{id}"))["today"].clone();
    let sum = today["in"].as_u64().unwrap() + today["out"].as_u64().unwrap();
    assert!(sum >= counted.len() as u64, "{today}");
    let state = owner.get(&format!("/api/sensors/{id}"));
    assert_eq!(
        (&state["state"], &state["reported"]["input"]),
        (&json!("online"), &json!("virtual")),
        "{state}"
    );

    // Both are killed; what was counted is there, the device comes back without a code, and nothing is counted twice.
    let before = crossings(&owner, &id);
    agent.kill();
    house.kill();
    let house = hub(folder.path(), doors);
    let owner = house.owner();
    let kept = crossings(&owner, &id);
    assert!(before.iter().all(|crossing| kept.contains(crossing)), "{before:?} {kept:?}");
    let _agent = Sensor::start(&state_folder, &["--input", "virtual:7", "--truth"]);
    wait("people cross again", || (crossings(&owner, &id).len() >= kept.len() + 3).then_some(()));
    let mut all = crossings(&owner, &id);
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count, "something was counted twice: {all:?}");
}
