//! Watching and publishing live streams by WebRTC: who may, and what they are told.

use playhouse_server::webrtc::WebrtcError;
use playhouse_store::accounts::Role;
use playhouse_store::channels::{Channel, Kind};
use serde_json::json;

use crate::house::House;
use crate::http::Client;

/// A channel of a player, and a key for it.
async fn channel(house: &House) -> (Client, String) {
    let owner = house.store.accounts().create("Cleo", Role::Player, None, 0).await.unwrap();
    let channel = Channel {
        id: "one".to_owned(),
        owner: owner.id,
        name: "One".to_owned(),
        kind: Kind::Push,
        source: None,
        number: None,
        category: None,
        logo: None,
        guide_id: None,
        replace_publisher: false,
        ladder: false,
        window_seconds: 60,
        created: 0,
    };
    house.store.channels().put(&channel).await.unwrap();
    let (key, secret) = house.store.channels().create_key("one", "studio", 0).await.unwrap();
    (Client { token: Some(secret), ..house.nobody.clone() }, key.id)
}

#[tokio::test]
async fn a_key_publishes_its_channel_until_it_is_revoked() {
    let house = House::new().await;
    let (studio, key) = channel(&house).await;
    let reply = studio.offer("/api/whip").await.expect(201);
    assert_eq!(house.air.calls(), ["publish one"]);
    assert_eq!(reply.header("content-type"), Some("application/sdp"));
    let connection = reply.header("location").unwrap().to_owned();
    assert!(connection.starts_with("/api/whip/"), "{connection}");

    let candidate = json!({"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host"});
    studio.patch(&connection, candidate.clone()).await.expect(204);
    house.nobody.patch(&connection, candidate.clone()).await.problem(403, "not-allowed");
    let owner = house.owner().await;
    owner.delete(&connection).await.problem(403, "not-allowed");
    studio.delete(&connection).await.expect(200);
    studio.delete(&connection).await.problem(404, "not-found");

    house.nobody.offer("/api/whip").await.problem(401, "wrong-key");
    owner.offer("/api/whip").await.problem(401, "wrong-key");
    house.store.channels().delete_key("one", &key).await.unwrap();
    studio.offer("/api/whip").await.problem(401, "wrong-key");
}

#[tokio::test]
async fn a_player_watches_and_nobody_else_ends_that() {
    let house = House::new().await;
    channel(&house).await;
    let (pia, stan) = (house.player().await, house.account("Stan", Role::Player).await);
    let reply = pia.offer("/api/channels/one/whep").await.expect(201);
    let connection = reply.header("location").unwrap().to_owned();
    assert!(connection.starts_with("/api/channels/one/whep/"), "{connection}");
    stan.delete(&connection).await.problem(403, "not-allowed");
    pia.delete(&connection).await.expect(200);
    pia.offer("/api/channels/two/whep").await.problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_watched_or_published_says_why() {
    let house = House::new().await;
    let (studio, _) = channel(&house).await;
    let pia = house.player().await;
    for (error, status, slug) in [
        (WebrtcError::NotLive, 409, "not-live"),
        (WebrtcError::Unsuitable("The stream has B-frames.".to_owned()), 409, "unsuitable"),
        (WebrtcError::Refused("The offer has no video in it.".to_owned()), 422, "invalid"),
        (WebrtcError::Busy("All places are taken.".to_owned()), 503, "busy"),
    ] {
        house.air.refuse(error);
        pia.offer("/api/channels/one/whep").await.problem(status, slug);
    }
    house.air.refuse(WebrtcError::Taken("Somebody else publishes it already.".to_owned()));
    studio.offer("/api/whip").await.problem(409, "conflict");
    let json = [("Content-Type", "application/json")];
    studio.send("POST", "/api/whip", &json, b"{}").await.problem(415, "wrong-type");
}
