//! Clips: saved, listed, sent in ranges, deleted, bounded.

use playhouse_server::node::NodeError;
use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn the_last_seconds_are_kept_and_sent_in_ranges() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let reply =
        player.post(&format!("/api/sessions/{session}/clips"), json!({"seconds": 30})).await.expect(201);
    let clip = reply.json();
    let url = clip["url"].as_str().unwrap();
    assert_eq!(reply.header("location"), Some(url));
    assert_eq!((&clip["duration_ms"], &clip["bytes"]), (&json!(30_000), &json!(10_000)));
    let list = player.get("/api/clips").await.expect(200).json();
    assert_eq!((&list["clips"][0], &list["used_bytes"]), (&clip, &json!(10_000)));

    let whole = player.get(url).await.expect(200);
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert!(whole.header("content-disposition").unwrap().starts_with("inline; filename=\"game-"));
    assert_eq!(whole.body.len(), 10_000);
    let part = player.send("GET", url, &[("Range", "bytes=256-259")], b"").await.expect(206);
    assert_eq!(
        (part.body.as_slice(), part.header("content-range")),
        ([0, 1, 2, 3].as_slice(), Some("bytes 256-259/10000"))
    );
    player.send("GET", url, &[("Range", "bytes=20000-")], b"").await.expect(416);
    let saved = player.get(&format!("{url}?download=true")).await.expect(200);
    assert!(saved.header("content-disposition").unwrap().starts_with("attachment"));

    let stranger = house.account("Stan", Role::Player).await;
    stranger.get(url).await.problem(404, "not-found");
    stranger.delete(url).await.problem(404, "not-found");
    house.nobody.get(url).await.problem(401, "sign-in-required");
    player.delete(url).await.expect(204);
    player.get(url).await.problem(404, "not-found");
    assert_eq!(std::fs::read_dir(house.folder.path().join("data/clips")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_clip_that_fails_leaves_nothing_behind() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let clips = format!("/api/sessions/{session}/clips");
    player.post(&clips, json!({"seconds": 61})).await.problem(422, "invalid");
    player.post(&clips, json!({"seconds": 0})).await.problem(422, "invalid");
    house.node.refuse(NodeError::Refused("Nothing was shown yet, so there is nothing to keep.".to_owned()));
    player.post(&clips, json!({"seconds": 5})).await.problem(502, "session-failed");
    assert_eq!(player.get("/api/clips").await.json()["clips"], json!([]));
    player.delete(&format!("/api/sessions/{session}")).await.expect(204);
    player.post(&clips, json!({"seconds": 5})).await.problem(409, "not-running");
}

#[tokio::test]
async fn clips_do_not_fill_the_disk() {
    let house = House::with(2, |config| config.clips_quota = 15_000).await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let clips = format!("/api/sessions/{session}/clips");
    player.post(&clips, json!({"seconds": 5})).await.expect(201);
    player.post(&clips, json!({"seconds": 5})).await.expect(201);
    player.post(&clips, json!({"seconds": 5})).await.problem(507, "disk");
}

#[tokio::test]
async fn a_clip_becomes_a_film_that_a_channel_can_show() {
    let house = House::new().await;
    crate::films::folder(&house);
    let player = house.player().await;
    let session = house.start(&player).await;
    let clip = player
        .post(&format!("/api/sessions/{session}/clips"), json!({"seconds": 5}))
        .await
        .expect(201)
        .json();
    let path = format!("/api/clips/{}/film", clip["id"].as_str().unwrap());
    let stranger = house.account("Stan", Role::Player).await;
    stranger.post(&path, json!({})).await.problem(404, "not-found");
    let film = player.post(&path, json!({})).await.expect(201).json();
    let file = film["file"].as_str().unwrap();
    assert!(file.starts_with("Recorded sessions S") && file.contains("Good Game"), "{file}");
    assert_eq!(std::fs::read(house.folder.path().join("data/films").join(file)).unwrap().len(), 10_000);
    let owner = house.owner().await;
    let films =
        house.until_at(&owner, "/api/films", |films| films["films"][0]["show"] == "Recorded sessions").await;
    assert!(films["films"][0]["title"].as_str().unwrap().starts_with("Good Game"), "{films}");
    player.post(&path, json!({})).await.problem(409, "conflict");
    // The film is a copy.
    player.delete(clip["url"].as_str().unwrap()).await.expect(204);
    assert!(house.folder.path().join("data/films").join(file).exists());
}
