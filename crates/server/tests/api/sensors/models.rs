//! Models on their way to sensors.

use playhouse_sense::topic;
use serde_json::{Value, json};

use super::device::{Device, Link};
use super::listening;
use crate::http::{Client, Reply};

/// Something that begins as a model does.
const MODEL: &[u8] = b"\x08\x08\x12\x04test";

async fn bring(owner: &Client, path: &str, bytes: &[u8]) -> Reply {
    owner.send("POST", path, &[("Content-Type", "application/octet-stream")], bytes).await
}

async fn report(link: &Link, version: &Value, refused: Option<&str>) {
    let mut reported = json!({"version": version, "agent": "1", "input": "virtual", "size": [640, 480],
        "model": null, "labels": ["person"], "pictures": false});
    if let Some(refused) = refused {
        reported["refused"] = refused.into();
    }
    link.say(topic::REPORTED, reported.to_string()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_fetches_the_model_that_it_is_to_use_and_nobody_else_does() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let problem = bring(&owner, "/api/models?name=Bad", b"\x7fELF").await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("no ONNX model"), "{problem}");
    let problem = bring(&owner, "/api/models?name=Bad&kind=app", MODEL).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("WebAssembly"), "{problem}");
    let model = bring(&owner, "/api/models?name=Small", MODEL).await.expect(201).json();
    let hash = model["hash"].as_str().unwrap();
    assert_eq!(hash, blake3::hash(MODEL).to_hex().as_str());
    owner.patch(&format!("/api/models/{hash}"), json!({"card": {"labels": ["person"]}})).await.expect(200);
    let bytes = device.ask("GET", &format!("/models/{hash}"), &json!({})).await.expect(200);
    assert_eq!(bytes.body, MODEL);
    let card = device.ask("GET", &format!("/models/{hash}/card"), &json!({})).await.expect(200);
    assert_eq!(card.json()["labels"][0], "person");
    device.ask("GET", "/models/..%2fauthority.key", &json!({})).await.problem(404, "not-found");
    let path = format!("/api/sensors/{}/desired", device.id);
    let unknown = json!({"model": {"name": "Gone", "hash": "0".repeat(64)}});
    let problem = owner.patch(&path, unknown).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("bring it here first"), "{problem}");
    owner.patch(&path, json!({"model": {"name": "Small", "hash": hash}})).await.expect(200);
    assert_eq!(owner.get("/api/models").await.expect(200).json()["models"][0]["sensors"], 1);
    owner.delete(&format!("/api/models/{hash}")).await.problem(409, "conflict");
    owner.post(&format!("/api/sensors/{}/revoke", device.id), json!({})).await.expect(200);
    device.ask("GET", &format!("/models/{hash}"), &json!({})).await.problem(403, "not-allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_a_canary_refuses_goes_back_everywhere() {
    let house = listening().await;
    let owner = house.owner().await;
    let (one, two) = (Device::new(&house, &owner, "One").await, Device::new(&house, &owner, "Two").await);
    let hash = bring(&owner, "/api/models?name=Small", MODEL).await.expect(201).json()["hash"].clone();
    let mut link = one.connect().await;
    assert_eq!(link.hear(topic::DESIRED).await["version"], 1);
    let wanted = json!({"hash": hash, "canary_percent": 50, "minutes": 60});
    let rollout = owner.post("/api/rollouts", wanted.clone()).await.expect(201).json();
    assert_eq!(
        (&rollout["stage"], &rollout["reached"], &rollout["sensors"]),
        (&json!("canary"), &json!(1), &json!(2))
    );
    owner.post("/api/rollouts", wanted.clone()).await.problem(409, "conflict");
    let desired = link.hear(topic::DESIRED).await;
    assert_eq!(desired["settings"]["model"]["hash"], hash);
    report(&link, &desired["version"], Some("the model is corrupt")).await;
    let rollouts =
        house.until_at(&owner, "/api/rollouts", |all| all["rollouts"][0]["stage"] == "returned").await;
    let why = rollouts["rollouts"][0]["why"].as_str().unwrap();
    assert!(why.contains("One") && why.contains("corrupt"), "{why}");
    assert_eq!(link.hear(topic::DESIRED).await["settings"]["model"], Value::Null);

    // Without a word of trouble, and without time to wait, all get it.
    let wanted = json!({"hash": hash, "canary_percent": 50, "minutes": 0});
    let rollout = owner.post("/api/rollouts", wanted).await.expect(201).json();
    let desired = link.hear(topic::DESIRED).await;
    report(&link, &desired["version"], None).await;
    let path = "/api/rollouts";
    house.until_at(&owner, path, |all| all["rollouts"][0]["stage"] == "done").await;
    let settings = |sensor: &Value| sensor["desired"]["settings"]["model"]["hash"].clone();
    let other = owner.get(&format!("/api/sensors/{}", two.id)).await.expect(200).json();
    assert_eq!(settings(&other), hash);
    let back = format!("/api/rollouts/{}/return", rollout["id"].as_str().unwrap());
    assert_eq!(owner.post(&back, json!({})).await.expect(200).json()["stage"], "returned");
    let other = owner.get(&format!("/api/sensors/{}", two.id)).await.expect(200).json();
    assert_eq!(settings(&other), Value::Null);
}
