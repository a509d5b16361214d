//! Invites: watching and playing along by a link, and being let out again.

use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_stranger_watches_by_a_link() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    let look = house.nobody.get(&format!("/api/invites/{token}")).await.expect(200).json();
    assert_eq!(
        (&look["kind"], &look["from"], &look["needs_name"]),
        (&json!("spectator"), &json!("Pia"), &json!(false))
    );
    assert_eq!(look["title"]["name"], "Good Game");
    let visitor = house.visitor(&token, None).await;
    let me = visitor.get("/api/me").await.expect(200).json();
    assert_eq!((&me["kind"], &me["session"]), (&json!("visitor"), &json!(session)));
    let reply = visitor.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    assert_eq!(reply.header("playhouse-seat"), Some("0"));
    visitor.offer(&format!("/api/sessions/{session}/whep?seat=2")).await.problem(403, "not-allowed");
    assert_eq!(visitor.get("/api/sessions").await.json()["sessions"][0]["id"], session.as_str());
    visitor.get("/api/titles").await.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_friend_takes_the_second_seat_and_loses_it_again() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    player.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    let token = house.invite(&player, &session, json!({"kind": "player"})).await;
    let nameless = house.nobody.post(&format!("/api/invites/{token}"), json!({})).await;
    assert_eq!(nameless.problem(422, "invalid")["field"], "name");
    let friend = house.visitor(&token, Some("Bob")).await;
    let reply = friend.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    assert_eq!(reply.header("playhouse-seat"), Some("2"));
    let seats = player.get(&format!("/api/sessions/{session}/seats")).await.expect(200).json();
    assert_eq!(seats["seats"][1]["holder"]["name"], "Bob");
    assert_eq!(seats["seats"][1]["holder"]["account"], json!(null));
    let second = player.offer(&format!("/api/sessions/{session}/whep?seat=2")).await;
    assert_eq!(second.problem(409, "seat-taken")["holder"], "Bob");
    friend.offer(&format!("/api/sessions/{session}/whep?seat=1")).await.problem(409, "seat-taken");

    let own = player.send("POST", &format!("/api/sessions/{session}/seats/1/take-back"), &[], b"").await;
    own.problem(409, "conflict");
    let back = player
        .send("POST", &format!("/api/sessions/{session}/seats/2/take-back"), &[], b"")
        .await
        .expect(200);
    assert_eq!(back.json()["seats"][1]["holder"], json!(null));
    assert!(house.node.calls().iter().any(|call| call.starts_with("role ") && call.ends_with(" spectator")));
    let again = friend.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    assert_eq!(again.header("playhouse-seat"), Some("0"), "a seat that was taken back stays taken back");
    friend.offer(&format!("/api/sessions/{session}/whep?seat=2")).await.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_guest_with_an_account_keeps_the_account() {
    let house = House::new().await;
    let (player, guest) = (house.player().await, house.account("Gil", Role::Guest).await);
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "player", "seat": 2})).await;
    assert_eq!(guest.get(&format!("/api/invites/{token}")).await.json()["needs_name"], false);
    let reply = guest.post(&format!("/api/invites/{token}"), json!({})).await.expect(200);
    assert_eq!(reply.header("set-cookie"), None);
    assert_eq!(reply.json()["me"]["name"], "Gil");
    let reply = guest.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    assert_eq!(reply.header("playhouse-seat"), Some("2"));
    assert_eq!(guest.get("/api/sessions").await.json()["sessions"][0]["you"]["invited"], "player");
    guest.delete(&format!("/api/sessions/{session}")).await.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_link_alone_is_enough_for_a_player_on_another_page() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "player", "seat": 2})).await;
    let whep = format!("/api/sessions/{session}/whep");
    let reply = house.nobody.offer(&format!("{whep}?invite={token}")).await.expect(201);
    assert_eq!(reply.header("playhouse-seat"), Some("2"));
    let location = reply.header("location").unwrap();
    assert!(location.ends_with(&format!("?invite={token}")), "{location}");
    house.nobody.delete(location).await.expect(200);
    house.nobody.offer(&format!("{whep}?invite=wrong")).await.problem(401, "sign-in-required");
    let other = house.start(&house.owner().await).await;
    let elsewhere = house.nobody.offer(&format!("/api/sessions/{other}/whep?invite={token}")).await;
    elsewhere.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_revoked_invite_lets_everybody_out() {
    let house = House::new().await;
    let (player, guest) = (house.player().await, house.account("Gil", Role::Guest).await);
    let session = house.start(&player).await;
    let invites = format!("/api/sessions/{session}/invites");
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    let visitor = house.visitor(&token, None).await;
    guest.post(&format!("/api/invites/{token}"), json!({})).await.expect(200);
    for client in [&visitor, &guest] {
        client.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    }
    let listed = player.get(&invites).await.expect(200).json();
    assert_eq!(listed["invites"][0]["uses"], 2);
    assert!(!listed.to_string().contains(&token), "a link is shown once");
    let id = listed["invites"][0]["id"].as_str().unwrap();
    player.delete(&format!("{invites}/{id}")).await.expect(204);
    visitor.get("/api/me").await.problem(401, "sign-in-required");
    guest.get(&format!("/api/sessions/{session}")).await.problem(403, "not-allowed");
    house.nobody.get(&format!("/api/invites/{token}")).await.problem(410, "gone");
    let seen = player.get(&format!("/api/sessions/{session}")).await.json();
    assert_eq!(seen["peers"], json!([]));
    assert_eq!(house.node.calls().iter().filter(|call| call.starts_with("close ")).count(), 2);
    player.delete(&format!("{invites}/{id}")).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_invite_ends_with_its_session() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    player.delete(&format!("/api/sessions/{session}")).await.expect(204);
    house.nobody.get(&format!("/api/invites/{token}")).await.problem(410, "gone");
    house.nobody.post(&format!("/api/invites/{token}"), json!({})).await.problem(410, "gone");
    house.nobody.get("/api/invites/wrong").await.problem(404, "not-found");
    let more = player.post(&format!("/api/sessions/{session}/invites"), json!({"kind": "spectator"})).await;
    more.problem(409, "not-running");
}

#[tokio::test]
async fn an_invite_for_a_seat_that_is_not_there_is_refused() {
    let house = House::new().await;
    let player = house.player().await;
    let session = house.start(&player).await;
    let invites = format!("/api/sessions/{session}/invites");
    for wrong in [
        json!({"kind": "player", "seat": 3}),
        json!({"kind": "player", "seat": 0}),
        json!({"kind": "spectator", "seat": 1}),
    ] {
        player.post(&invites, wrong).await.problem(422, "invalid");
    }
    player.post(&invites, json!({"kind": "king"})).await.problem(422, "invalid");
}
