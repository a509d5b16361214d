//! WHEP as its draft has it, and who gets which seat.

use playhouse_server::IceServer;
use playhouse_server::node::NodeError;
use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;
use crate::http::{Client, Reply};

fn peer_of(reply: &Reply) -> String {
    let path = reply.header("location").unwrap().split('?').next().unwrap();
    path.rsplit('/').next().unwrap().to_owned()
}

async fn join(who: &Client, session: &str, query: &str) -> String {
    peer_of(&who.offer(&format!("/api/sessions/{session}/whep{query}")).await.expect(201))
}

#[tokio::test]
async fn an_offer_is_answered_as_the_draft_has_it() {
    let house = House::with(2, |config| {
        config.ice_servers = vec![
            IceServer { url: "stun:stun.example:3478".to_owned(), username: None, credential: None },
            IceServer {
                url: "turn:turn.example:3478?transport=udp".to_owned(),
                username: Some("user".to_owned()),
                credential: Some("secret".to_owned()),
            },
        ];
    })
    .await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let whep = format!("/api/sessions/{session}/whep");
    let options = house.nobody.send("OPTIONS", &whep, &[], b"").await.expect(204);
    assert_eq!(options.header("accept-post"), Some("application/sdp"));
    assert!(!format!("{options:?}").contains("secret"), "nobody gets the relay's password");

    let reply = player.offer(&whep).await.expect(201);
    assert_eq!(reply.header("content-type"), Some("application/sdp"));
    assert_eq!(reply.text(), "v=0\r\ns=answer to 10 bytes\r\n");
    assert_eq!(reply.header("playhouse-seat"), Some("1"));
    assert!(reply.header("etag").is_some());
    let links: Vec<&str> =
        reply.headers.iter().filter(|(name, _)| name == "link").map(|(_, link)| link.as_str()).collect();
    assert_eq!(links.len(), 2);
    assert!(links[1].contains("rel=\"ice-server\"; username=\"user\"; credential=\"secret\""));
    let peer = peer_of(&reply);
    assert_eq!(reply.header("location"), Some(format!("{whep}/{peer}").as_str()));

    let connection = format!("{whep}/{peer}");
    let fragment = b"a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n";
    let kind = [("Content-Type", "application/trickle-ice-sdpfrag")];
    player.send("PATCH", &connection, &kind, fragment).await.expect(204);
    let call = format!("candidate {peer} candidate:1 1 udp 1 192.0.2.1 9 typ host");
    assert!(house.node.calls().contains(&call), "{:?}", house.node.calls());
    player
        .patch(&connection, json!({"candidate": "candidate:2 1 udp 1 192.0.2.1 9 typ host"}))
        .await
        .expect(204);
    player
        .send("PATCH", &connection, &[("Content-Type", "text/plain")], b"x")
        .await
        .problem(415, "wrong-type");
    player.delete(&connection).await.expect(200);
    assert!(house.node.calls().contains(&format!("close {peer}")));
    player.delete(&connection).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_no_offer_is_refused() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let whep = format!("/api/sessions/{session}/whep");
    let sdp = [("Content-Type", "application/sdp; charset=utf-8")];
    let wrong = player.send("POST", &whep, &[("Content-Type", "text/plain")], b"v=0\r\n").await;
    wrong.problem(415, "wrong-type");
    assert_eq!(wrong.header("accept-post"), Some("application/sdp"));
    player.send("POST", &whep, &sdp, b"hello").await.problem(422, "invalid");
    player.send("POST", &whep, &sdp, &[0xff; 40]).await.problem(422, "invalid");
    player.send("POST", &whep, &sdp, "v".repeat(65_537).as_bytes()).await.problem(413, "too-large");
    player.offer(&format!("{whep}?seat=3")).await.problem(422, "invalid");
    player.offer(&format!("{whep}?seat=0")).await.problem(422, "invalid");
    player.offer(&format!("{whep}?seat=900")).await.problem(422, "invalid");
    player.offer(&format!("{whep}?role=king")).await.problem(422, "invalid");
    player.offer("/api/sessions/nope/whep").await.problem(404, "not-found");
    player.get(&whep).await.problem(405, "method");
    house.node.refuse(NodeError::Refused("The offer has no video that we can send.".to_owned()));
    let problem = player.offer(&whep).await.problem(502, "session-failed");
    assert_eq!(problem["detail"], "The offer has no video that we can send.");
    let seen = player.get(&format!("/api/sessions/{session}")).await.json();
    assert_eq!(seen["peers"], json!([]), "who was refused is not there");
    house.node.refuse(NodeError::Silent(5));
    player.offer(&whep).await.problem(504, "timeout");
}

#[tokio::test]
async fn the_second_device_takes_the_seat_over() {
    let house = House::new().await;
    let laptop = house.player().await;
    let phone = laptop.clone();
    let session = house.start(&laptop).await;
    let first = join(&laptop, &session, "").await;
    house.node.peer(&session, &first, true);
    house.until(&laptop, &session, |session| session["seats"][0]["holder"]["connected"] == true).await;
    let second = join(&phone, &session, "").await;
    let seen = phone.get(&format!("/api/sessions/{session}")).await.json();
    assert_eq!(seen["seats"][0]["holder"]["peer"], second.as_str());
    assert_eq!(seen["peers"].as_array().unwrap().len(), 1);
    assert!(house.node.calls().contains(&format!("close {first}")));
    let one_seat_each: Vec<String> =
        house.node.calls().into_iter().filter(|call| call.starts_with("offer")).collect();
    assert_eq!(one_seat_each, [format!("offer {first} seat 1"), format!("offer {second} seat 1")]);
}

#[tokio::test]
async fn a_session_waits_for_its_player() {
    let house = House::with(2, |config| config.idle_seconds = 77).await;
    let player = house.player().await;
    let session = house.start(&player).await;
    assert_eq!(house.node.spec(&session).idle_seconds, 77);
    let peer = join(&player, &session, "").await;
    house.node.peer(&session, &peer, true);
    house.until(&player, &session, |session| session["idle_since"].is_null()).await;
    house.node.peer(&session, &peer, false);
    let seen = house.until(&player, &session, |session| session["idle_since"].is_i64()).await;
    assert_eq!((&seen["state"], &seen["idle_seconds"]), (&json!("starting"), &json!(77)));
    assert_eq!(seen["seats"][0]["holder"], json!(null));
    join(&player, &session, "").await;
}

#[tokio::test]
async fn owners_watch_and_strangers_do_not() {
    let house = House::new().await;
    let (player, owner) = (house.player().await, house.owner().await);
    let stranger = house.account("Stan", Role::Player).await;
    let session = house.start(&player).await;
    stranger.offer(&format!("/api/sessions/{session}/whep")).await.problem(403, "not-allowed");
    let reply = owner.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    assert_eq!(reply.header("playhouse-seat"), Some("0"));
    let peer = join(&player, &session, "?role=spectator").await;
    let seen = player.get(&format!("/api/sessions/{session}")).await.json();
    assert_eq!(seen["spectators"], 2);
    let stolen = owner.delete(&format!("/api/sessions/{session}/whep/{peer}")).await;
    assert_eq!(stolen.status, 200, "an owner of the place may close any connection");
}

#[tokio::test]
async fn a_session_has_room_for_so_many() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    for _ in 0..64 {
        join(&player, &session, "?role=spectator").await;
    }
    player.offer(&format!("/api/sessions/{session}/whep?role=spectator")).await.problem(503, "busy");
}

#[tokio::test]
async fn only_configured_pages_embed_the_player() {
    let house =
        House::with(2, |config| config.embed_origins = vec!["https://arcade.example".parse().unwrap()]).await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    let path = format!("/api/sessions/{session}/whep?invite={token}");
    let send = |origin: &'static str| {
        let (nobody, path) = (house.nobody.clone(), path.clone());
        async move {
            let headers = [("Content-Type", "application/sdp"), ("Origin", origin)];
            nobody.send("POST", &path, &headers, b"v=0\r\n").await
        }
    };
    let allowed = send("https://arcade.example").await.expect(201);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://arcade.example"));
    assert!(allowed.header("access-control-expose-headers").unwrap().contains("Location"));
    let refused = send("https://evil.example").await;
    refused.problem(403, "wrong-origin");
    assert_eq!(refused.header("access-control-allow-origin"), None);
    let ancestors = allowed.header("content-security-policy").unwrap();
    assert!(ancestors.contains("frame-ancestors 'self' https://arcade.example"));
}
