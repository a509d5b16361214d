//! Links for players of others: they open one film or channel, as foreign players read it, and nothing else.

use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::films::{decoded, folder, make, until};
use crate::house::House;

/// The path and query of an address of this house.
fn path(link: &Value, kind: &str, host: std::net::SocketAddr) -> String {
    let address = link[kind].as_str().unwrap();
    address.strip_prefix(&format!("http://{host}")).expect("our own host").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_plays_its_film_in_foreign_players_until_it_is_revoked_and_opens_nothing_else() {
    let house = House::new().await;
    let player = house.player().await;
    let file = folder(&house).join("The Tester (2019).mp4");
    make(&file, "320x180", &[]);
    make(&folder(&house).join("Another (2020).mp4"), "320x180", &[]);
    let film = until(&player, |film| film["title"] == "The Tester" && film["state"] == "ready").await;
    let other = until(&player, |film| film["title"] == "Another" && film["state"] == "ready").await;
    let id = film["id"].as_str().unwrap();
    let link = player.post(&format!("/api/films/{id}/links"), json!({})).await.expect(201).json();

    // Pictures and sound arrive as they are, without cookie or header.
    let source = decoded(file.to_str().unwrap(), None);
    for kind in ["hls", "dash"] {
        let url = link[kind].as_str().unwrap().to_owned();
        let seen = tokio::task::spawn_blocking(move || decoded(&url, None)).await.unwrap();
        assert_eq!(seen, source, "{kind}");
    }
    let list = house.nobody.get(&path(&link, "list", player.address)).await.expect(200);
    assert_eq!(list.header("content-type"), Some("audio/x-mpegurl"));
    assert!(list.text().contains(",The Tester\n") && list.text().contains(link["hls"].as_str().unwrap()));

    let hls = path(&link, "hls", player.address);
    let secret = hls.split_once("token=").unwrap().1;
    let elsewhere = format!("/api/films/{}/master.m3u8?token={secret}", other["id"].as_str().unwrap());
    house.nobody.get(&elsewhere).await.problem(401, "sign-in-required");
    for closed in
        ["/api/films", "/api/guide/playlist.m3u", "/api/guide/xmltv.xml", &format!("/api/films/{id}")]
    {
        house.nobody.get(&format!("{closed}?token={secret}")).await.problem(401, "sign-in-required");
    }
    // A token of the guide opens no films.
    let guide = player.post("/api/guide/tokens", json!({"name": "Kodi"})).await.expect(201).json();
    let guide = guide["playlist"].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
    let path = format!("/api/films/{id}/master.m3u8?token={guide}");
    house.nobody.get(&path).await.problem(401, "sign-in-required");

    let known = player.get("/api/guide/tokens").await.expect(200).json();
    let one = known["tokens"].as_array().unwrap().iter().find(|token| token["only"] == id).unwrap();
    assert_eq!((&one["name"], &one["until_ms"]), (&json!("The Tester"), &link["until_ms"]));
    let guest = house.account("Gus", Role::Guest).await;
    guest.post(&format!("/api/films/{id}/links"), json!({})).await.problem(403, "not-allowed");
    player.delete(&format!("/api/guide/tokens/{}", link["id"].as_str().unwrap())).await.expect(204);
    house.nobody.get(&hls).await.problem(401, "sign-in-required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_newest_links_of_an_account_hold_and_channels_have_some_too() {
    let house = House::new().await;
    let owner = house.owner().await;
    make(&folder(&house).join("One (2001).mp4"), "320x180", &[]);
    until(&owner, |film| film["state"] == "ready").await;
    let schedule = json!({"zone": "UTC", "always": {"everything": true}});
    let made = json!({"name": "House Channel", "number": 3, "schedule": schedule});
    let id =
        owner.post("/api/guide/channels", made).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    let first = owner.post(&format!("/api/channels/{id}/links"), json!({})).await.expect(201).json();
    assert_eq!(first["dash"], Value::Null);
    let hls = path(&first, "hls", owner.address);
    let master = house.nobody.get(&hls).await.expect(200).text();
    assert!(master.contains("picture.m3u8?token="), "{master}");
    let list = house.nobody.get(&path(&first, "list", owner.address)).await.expect(200).text();
    assert!(list.contains(",House Channel\n") && list.contains(&hls), "{list}");
    for _ in 0..20 {
        owner.post(&format!("/api/channels/{id}/links"), json!({})).await.expect(201);
    }
    assert_eq!(owner.get("/api/guide/tokens").await.json()["tokens"].as_array().unwrap().len(), 20);
    house.nobody.get(&hls).await.problem(401, "sign-in-required");
    owner.post("/api/channels/none/links", json!({})).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_with_links_count_among_the_streams_of_whoever_made_them() {
    let house = House::with(2, |config| config.streams = 1).await;
    let player = house.player().await;
    make(&folder(&house).join("Popular (2001).mp4"), "320x180", &[]);
    let film = until(&player, |film| film["state"] == "ready").await;
    let id = film["id"].as_str().unwrap();
    let mut segments = Vec::new();
    for _ in 0..2 {
        let link = player.post(&format!("/api/films/{id}/links"), json!({})).await.expect(201).json();
        let hls = path(&link, "hls", player.address);
        let secret = hls.split_once("token=").unwrap().1.to_owned();
        segments.push(format!("/api/films/{id}/0/0.m4s?token={secret}"));
    }
    house.nobody.get(&segments[0]).await.expect(200);
    house.nobody.get(&segments[0]).await.expect(200);
    // The television of the second link is another stream of the same account, and so is a page of it.
    house.nobody.get(&segments[1]).await.problem(409, "streams-taken");
    player.post("/api/streams", json!({"film": id})).await.problem(409, "streams-taken");
    let streams = player.get("/api/streams").await.json();
    assert_eq!(streams["streams"].as_array().unwrap().len(), 1, "{streams}");
}
