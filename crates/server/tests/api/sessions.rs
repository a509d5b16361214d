//! Sessions: starting, following, ending.

use playhouse_server::node::NodeError;
use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::read_until;

#[tokio::test]
async fn a_title_starts_runs_and_ends() {
    let house = House::new().await;
    let player = house.player().await;
    let quality = json!({"width": 641, "height": 360, "rate": 30, "kbps": 1500});
    let reply = player.post("/api/sessions", json!({"title": "game", "quality": quality})).await.expect(201);
    let session = reply.json();
    let id = session["id"].as_str().unwrap();
    assert_eq!(reply.header("location"), Some(format!("/api/sessions/{id}").as_str()));
    assert_eq!(session["state"], "starting");
    assert_eq!(session["message"], "Good Game is starting.");
    assert_eq!(session["you"], json!({"steer": true, "seat": null, "invited": null}));
    let spec = house.node.spec(id);
    assert_eq!((spec.size.width, spec.size.height, spec.rate, spec.bitrate), (640, 360, 30, 1_500_000));
    assert_eq!(spec.encoder, "x264", "the best encoder that works");
    assert!(spec.game.home.ends_with("game") && spec.game.home.is_dir());
    assert_eq!(spec.game.files.unwrap().file_name().unwrap(), "game");

    house.node.ready(id);
    house.until(&player, id, |session| session["state"] == "running").await;
    let stats = player.get(&format!("/api/sessions/{id}/stats")).await.expect(200).json();
    assert_eq!(stats["frames_per_second"], 59.5);
    player.delete(&format!("/api/sessions/{id}")).await.expect(204);
    let ended = player.get(&format!("/api/sessions/{id}")).await.expect(200).json();
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("ended"), &json!("stopped")));
    player.delete(&format!("/api/sessions/{id}")).await.expect(204);
    let stats = player.get(&format!("/api/sessions/{id}/stats")).await;
    stats.problem(409, "not-running");
}

#[tokio::test]
async fn a_title_that_runs_already_is_taken_up_again() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let again = player.post("/api/sessions", json!({"title": "game"})).await.expect(200);
    assert_eq!(again.json()["id"], session.as_str());
    player.post("/api/sessions", json!({"title": "game", "fresh": true})).await.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_game_that_died_shows_its_last_words_to_its_player_alone() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    let spectator = house.visitor(&token, None).await;
    house.node.ready(&session);
    let message = "Good Game stopped: it could not find its data file";
    house.node.crash(&session, message, "W_AddFile: no such file");
    let seen = house.until(&player, &session, |session| session["state"] == "ended").await;
    assert_eq!(seen["message"], message);
    assert_eq!(seen["reason"], "crashed");
    assert_eq!(seen["last_words"], "W_AddFile: no such file");
    let watched = spectator.get(&format!("/api/sessions/{session}")).await.expect(200).json();
    assert_eq!((&watched["message"], &watched["last_words"]), (&json!(message), &json!(null)));
    let offer = player.offer(&format!("/api/sessions/{session}/whep")).await;
    let problem = offer.problem(409, "not-running");
    assert_eq!(problem["last_words"], "W_AddFile: no such file");
    // The record is written after the session is seen to be over.
    let written = |plays: &Value| plays["plays"][0]["last_words"] == "W_AddFile: no such file";
    house.until_at(&player, "/api/plays", written).await;
}

#[tokio::test]
async fn a_session_that_cannot_be_started_is_a_sentence() {
    let house = House::new().await;
    let player = house.player().await;
    house.node.refuse(NodeError::Process("bwrap is not installed".to_owned()));
    let reply = player.post("/api/sessions", json!({"title": "game"})).await;
    let problem = reply.problem(502, "session-failed");
    assert!(problem["detail"].as_str().unwrap().contains("bwrap is not installed"));
    let plays = player.get("/api/plays").await.json();
    assert_eq!(plays["plays"][0]["reason"], "not_started");
    house.start(&player).await;
}

#[tokio::test]
async fn a_picture_that_nobody_can_show_is_refused() {
    let house = House::new().await;
    let player = house.player().await;
    for quality in [json!({"width": 100_000}), json!({"rate": 0}), json!({"kbps": 1})] {
        let problem = player.post("/api/sessions", json!({"title": "game", "quality": quality})).await;
        problem.problem(422, "invalid");
    }
}

#[tokio::test]
async fn one_player_does_not_take_all_places() {
    let house = House::with(9, |_| {}).await;
    let player = house.player().await;
    crate::house::write_title(house.folder.path(), "third", crate::house::GAME);
    house.owner().await.post("/api/titles/rescan", json!({})).await.expect(200);
    player.post("/api/sessions", json!({"title": "game"})).await.expect(201);
    player.post("/api/sessions", json!({"title": "other"})).await.expect(201);
    player.post("/api/sessions", json!({"title": "third"})).await.problem(409, "conflict");
}

#[tokio::test]
async fn an_encoder_that_is_not_there_is_refused_by_name() {
    for (name, why) in [("h264_nvenc", "there is no such card"), ("h266", "known are: h264_nvenc, x264")] {
        let house = House::with(1, |config| config.encoder = Some(name.to_owned())).await;
        let player = house.player().await;
        let reply = player.post("/api/sessions", json!({"title": "game"})).await;
        let problem = reply.problem(503, "encoder");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(name) && detail.contains(why), "{detail}");
    }
}

#[tokio::test]
async fn changes_are_told_as_they_happen_to_those_who_may_know() {
    let house = House::new().await;
    let (player, stranger) = (house.player().await, house.account("Stan", Role::Player).await);
    let mut mine = player.events().await;
    let mut others = stranger.events().await;
    let session = house.start(&player).await;
    house.node.ready(&session);
    let told = read_until(&mut mine, "\"state\":\"running\"").await;
    assert!(told.contains("event: session"), "{told}");
    assert!(told.contains(&session));
    // The stranger's own change comes after the other's: whatever was told before it is seen here.
    let own = house.start(&stranger).await;
    let told = read_until(&mut others, &own).await;
    assert!(!told.contains(&session), "{told}");
}

#[tokio::test]
async fn whoever_is_signed_out_hears_nothing_more() {
    let house = House::new().await;
    let player = house.player().await;
    let mut stream = player.events().await;
    let session = house.start(&player).await;
    read_until(&mut stream, &session).await;
    let other = house.account("Olga", Role::Owner).await;
    player.send("POST", "/api/sign-out", &[], b"").await.expect(204);
    other.delete(&format!("/api/sessions/{session}")).await.expect(204);
    let rest = read_until(&mut stream, "\r\n0\r\n").await;
    assert!(!rest.contains("\"state\":\"ended\""), "{rest}");
}

#[tokio::test]
async fn ending_the_server_ends_all_sessions_and_writes_it_down() {
    let mut house = House::new().await;
    let player = house.player().await;
    house.start(&player).await;
    house.shut_down().await;
    assert!(house.node.calls().contains(&"stop".to_owned()));
    let plays = house.store.plays().list(None, 10).await.unwrap();
    assert_eq!(plays[0].reason.as_deref(), Some("stopped"));
}

#[tokio::test]
async fn owners_see_the_machine() {
    let house = House::new().await;
    let owner = house.owner().await;
    let session = house.start(&house.player().await).await;
    let system = owner.get("/api/system").await.expect(200).json();
    assert_eq!(system["capacity"], json!({"running": 1, "limit": 2}));
    assert_eq!(system["encoders"][0]["reason"], "there is no such card");
    assert_eq!(system["sessions"][0]["id"], session.as_str());
    assert!(system["disk"]["total_bytes"].as_u64().unwrap() > 0);
    let metrics = house.nobody.get("/metrics").await.expect(200).text();
    assert!(metrics.contains("playhouse_sessions_running 1\n"), "{metrics}");
    let proxied = house.nobody.send("GET", "/metrics", &[("X-Forwarded-For", "192.0.2.1")], b"").await;
    proxied.problem(401, "sign-in-required");
}
