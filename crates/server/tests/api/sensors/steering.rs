//! Playing with one's body: what a sensor sees is the pad of a seat.

use std::time::Duration;

use playhouse_sense::observation::{Glimpse, Thing};
use playhouse_sense::topic;
use playhouse_store::accounts::Role;
use serde_json::json;

use super::device::{Device, Link};
use super::listening;
use crate::house::House;

/// Somebody whose middle is so far across the picture, in percent.
async fn stands(link: &Link, percent: u16) {
    let middle = u16::try_from(u32::from(percent) * 65_535 / 100).unwrap();
    let thing = Thing {
        track: 7,
        label: 0,
        place: [middle - 3000, 20_000, middle + 3000, 60_000],
        score: 204,
        provisional: false,
    };
    let glimpse = Glimpse { frame: 1, at: 5, took_us: 900, things: vec![thing] };
    link.say(topic::GLIMPSE, glimpse.encode()).await;
}

/// Waits until the node was asked for something like this.
async fn asked(house: &House, wanted: impl Fn(&str) -> bool) -> String {
    let asking = async {
        loop {
            if let Some(found) = house.node.calls().into_iter().rev().find(|line| wanted(line)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), asking).await;
    found.unwrap_or_else(|_| panic!("only this was asked: {:#?}", house.node.calls()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_the_sensor_sees_plays_in_the_seat_until_it_is_taken_back() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mut link = device.connect().await;
    let session = house.start(&owner).await;
    let seat = format!("/api/sessions/{session}/seats/1");
    let body = json!({"sensor": device.id, "mirrored": false});
    let seats = owner.json("PUT", &format!("{seat}/sensor"), body).await.expect(200).json();
    assert_eq!(seats["seats"][0]["sensor"]["name"], "Door", "{seats}");
    assert_eq!(link.hear(topic::ASK).await["ask"], "glimpses");
    stands(&link, 90).await;
    asked(&house, |line| line.contains(" 1 [32767, ")).await;
    stands(&link, 10).await;
    asked(&house, |line| line.contains(" 1 [-32767, ")).await;
    // Nobody comes any more: the pad goes, and comes again with them.
    asked(&house, |line| line.contains("steer") && line.ends_with("gone")).await;
    // Nobody else gets the seat meanwhile.
    let problem =
        owner.offer(&format!("/api/sessions/{session}/whep?seat=1")).await.problem(409, "seat-taken");
    assert!(problem["detail"].as_str().unwrap().contains("Door"), "{problem}");
    let seats = owner.post(&format!("{seat}/take-back"), json!({})).await.expect(200).json();
    assert_eq!(seats["seats"][0]["sensor"], json!(null));
    owner.offer(&format!("/api/sessions/{session}/whep?seat=1")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_that_takes_a_seat_makes_its_player_watch_and_is_refused_in_words_where_there_is_none() {
    let house = listening().await;
    let (owner, player) = (house.owner().await, house.account("Hana", Role::Player).await);
    let device = Device::new(&house, &owner, "Door").await;
    let session = house.start(&player).await;
    player.offer(&format!("/api/sessions/{session}/whep?seat=1")).await.expect(201);
    let put = |seat: u8, sensor: &str| {
        let (path, body) =
            (format!("/api/sessions/{session}/seats/{seat}/sensor"), json!({"sensor": sensor}));
        let player = &player;
        async move { player.json("PUT", &path, body).await }
    };
    put(9, &device.id).await.problem(404, "not-found");
    put(1, "nope").await.problem(404, "not-found");
    put(1, &device.id).await.expect(200);
    asked(&house, |line| line.starts_with("role ") && line.ends_with("spectator")).await;
    let seats = player.get(&format!("/api/sessions/{session}/seats")).await.expect(200).json();
    assert_eq!(
        (&seats["seats"][0]["holder"], &seats["seats"][0]["sensor"]["id"]),
        (&json!(null), &json!(device.id))
    );
    // Once the sensor is gone, the seat is free.
    owner.delete(&format!("/api/sensors/{}", device.id)).await.expect(200);
    let path = format!("/api/sessions/{session}");
    house.until_at(&player, &path, |session| session["seats"][0]["sensor"].is_null()).await;
}
