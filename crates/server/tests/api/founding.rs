//! A fresh house has a channel of the film that it comes with, once, and not against its owner's will.

use std::time::{Duration, Instant};

use playhouse_store::channels::{Channel, Kind};
use playhouse_store::schedules::Schedule;
use serde_json::{Value, json};

use crate::films::{folder, make};
use crate::house::House;

/// How long a fresh house may take.
const A_MINUTE: Duration = Duration::from_mins(1);

fn lantern(channels: &Value) -> Option<&Value> {
    channels["channels"].as_array().unwrap().iter().find(|channel| channel["name"] == "Lantern")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_house_is_on_the_air_within_a_minute() {
    let house = House::new().await;
    let owner = house.owner().await;
    let begun = Instant::now();
    make(&folder(&house).join("The Little Lantern (2026).mp4"), "320x180", &[]);
    let channels = house.until_at(&owner, "/api/channels", |channels| lantern(channels).is_some()).await;
    let channel = lantern(&channels).unwrap();
    assert_eq!((&channel["live"], &channel["kind"]), (&json!(true), &json!("schedule")));
    let id = channel["id"].as_str().unwrap().to_owned();
    let path = format!("/api/channels/{id}/on/master.m3u8");
    while owner.get(&path).await.status != 200 {
        assert!(begun.elapsed() < A_MINUTE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What people record is on it too, once they add it to the films.
    let schedule = owner.get(&format!("/api/channels/{id}/schedule")).await.expect(200).json();
    assert_eq!(schedule["always"]["shows"], json!(["Recorded sessions"]));
    assert!(house.folder.path().join("data/founding-channel").exists());
    owner.json("DELETE", &format!("/api/channels/{id}"), json!({})).await.expect(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_was_deleted_does_not_come_back() {
    let house = House::new().await;
    let owner = house.owner().await;
    // As an earlier run of the program has left it.
    let films = folder(&house);
    std::fs::write(house.folder.path().join("data/founding-channel"), "").unwrap();
    make(&films.join("The Little Lantern (2026).mp4"), "320x180", &[]);
    let ready =
        |films: &Value| films["films"].as_array().unwrap().iter().any(|film| film["state"] == "ready");
    house.until_at(&owner, "/api/films", ready).await;
    // A schedule that is only in the records is followed by the round that would have made the channel.
    let me = owner.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    let channel = Channel {
        id: "other".to_owned(),
        owner: me,
        name: "Other".to_owned(),
        kind: Kind::Schedule,
        source: None,
        number: None,
        category: None,
        logo: None,
        guide_id: None,
        replace_publisher: false,
        window_seconds: 7200,
        created: 0,
    };
    house.store.channels().put(&channel).await.unwrap();
    let definition = json!({"zone": "UTC", "always": {"everything": true}}).to_string();
    let schedule = Schedule { channel: "other".to_owned(), definition, changed: 0 };
    house.store.schedules().put(&schedule).await.unwrap();
    let end = Instant::now() + A_MINUTE;
    while owner.get("/api/channels/other/on/master.m3u8").await.status != 200 {
        assert!(Instant::now() < end, "the schedule is not followed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lantern(&owner.get("/api/channels").await.json()), None);
}
