//! Channels and their keys: made, changed, revoked, and nobody else's affair.

use playhouse_live::{Admission, Door as _, Protocol};
use playhouse_server::Keys;
use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;
use crate::http::read_until;

#[tokio::test]
async fn a_channel_is_made_changed_and_removed_by_whoever_it_belongs_to() {
    let house = House::new().await;
    let (pia, stan) = (house.player().await, house.account("Stan", Role::Player).await);
    let made = pia.post("/api/channels", json!({"name": " Pia's "})).await.expect(201).json();
    assert_eq!(
        (&made["name"], &made["kind"], &made["live"]),
        (&json!("Pia's"), &json!("push"), &json!(false))
    );
    assert_eq!(made["window_seconds"], 7200);
    let path = format!("/api/channels/{}", made["id"].as_str().unwrap());
    let seen = stan.get(&path).await.expect(200).json();
    assert_eq!(seen["yours"], false);
    stan.json("PATCH", &path, json!({"name": "Stan's"})).await.problem(403, "not-allowed");
    stan.json("DELETE", &path, json!({})).await.problem(403, "not-allowed");
    pia.json("PATCH", &path, json!({"window_seconds": 5})).await.problem(422, "invalid");
    let changed = pia.json("PATCH", &path, json!({"window_seconds": 600, "replace_publisher": true})).await;
    assert_eq!(changed.expect(200).json()["window_seconds"], 600);
    pia.get(&format!("{path}/live/master.m3u8")).await.problem(404, "not-found");
    pia.post(&format!("{path}/keep"), json!({})).await.problem(409, "conflict");
    house.owner().await.json("DELETE", &path, json!({})).await.expect(204);
    assert_eq!(pia.get("/api/channels").await.json()["channels"], json!([]));
}

#[tokio::test]
async fn a_key_is_shown_once_opens_its_channel_and_ends_its_publisher_when_it_is_revoked() {
    let house = House::new().await;
    let pia = house.player().await;
    let made = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let keys = format!("/api/channels/{id}/keys");
    let fresh = pia.post(&keys, json!({"name": "OBS"})).await.expect(201).json();
    let secret = fresh["secret"].as_str().unwrap();
    let list = pia.get(&keys).await.expect(200);
    assert!(!list.text().contains(secret), "a secret is shown once");
    assert_eq!(list.json()["keys"][0]["used"], json!(null));

    let door = Keys::new(house.store.clone());
    let from = "127.0.0.1".parse().unwrap();
    assert!(door.admit("nonsense", Protocol::Rtmp, from).await.is_err());
    let admission = door.admit(secret, Protocol::Rtmp, from).await.unwrap();
    assert_eq!(admission, Admission { channel: id.to_owned(), replace: false });
    let publisher = house.hub.publish(&admission, Protocol::Rtmp).unwrap();
    let live = house.until_at(&pia, &format!("/api/channels/{id}"), |channel| channel["live"] == true).await;
    assert_eq!((&live["protocol"], live["health"].is_object()), (&json!("RTMP"), true));

    let key = fresh["key"]["id"].as_str().unwrap();
    pia.json("DELETE", &format!("{keys}/{key}"), json!({})).await.expect(204);
    assert!(publisher.stream().has_ended(), "whoever publishes by a revoked key is cut off");
    assert!(door.admit(secret, Protocol::Rtmp, from).await.is_err());
    pia.json("DELETE", &format!("{keys}/{key}"), json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn whoever_listens_hears_that_a_channel_goes_on_the_air() {
    let house = House::new().await;
    let pia = house.player().await;
    let made = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let mut listening = pia.events().await;
    let admission = Admission { channel: id.clone(), replace: true };
    let publisher = house.hub.publish(&admission, Protocol::Rtmp).unwrap();
    read_until(&mut listening, &format!("{{\"id\":\"{id}\",\"live\":true}}")).await;
    drop(publisher);
    read_until(&mut listening, &format!("{{\"id\":\"{id}\",\"live\":false}}")).await;
}

#[tokio::test]
async fn publishers_are_told_where_they_really_come_in() {
    let house = House::with(1, |config| {
        config.rtmp = Some("0.0.0.0:19350".parse().unwrap());
        config.srt = Some("[::1]:9000".parse().unwrap());
    })
    .await;
    let pia = house.player().await;
    let made = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let keys = format!("/api/channels/{}/keys", made["id"].as_str().unwrap());
    let publish = pia.get(&keys).await.expect(200).json()["publish"].clone();
    // What listens everywhere is reached where the pages are; what listens in one place, there.
    assert_eq!(publish["rtmp"], "rtmp://127.0.0.1:19350/live");
    assert_eq!(publish["srt"], "srt://[::1]:9000");
    assert_eq!(publish["whip"], format!("http://{}/api/whip", pia.address));
    let silent = House::new().await;
    let pia = silent.player().await;
    let made = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let keys = format!("/api/channels/{}/keys", made["id"].as_str().unwrap());
    assert_eq!(pia.get(&keys).await.expect(200).json()["publish"]["rtmp"], json!(null));
}
