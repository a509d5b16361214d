//! Accounts, for owners.

use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn the_last_owner_cannot_be_lost() {
    let house = House::new().await;
    let owner = house.owner().await;
    let me = owner.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    owner.delete(&format!("/api/accounts/{me}")).await.problem(409, "conflict");
    owner.patch(&format!("/api/accounts/{me}"), json!({"role": "guest"})).await.problem(409, "conflict");
    house.account("Second", Role::Owner).await;
    owner.delete(&format!("/api/accounts/{me}")).await.expect(204);
    owner.get("/api/me").await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn a_removed_account_leaves_nothing_behind() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let id = player.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    let session = house.start(&player).await;
    player.post(&format!("/api/sessions/{session}/clips"), json!({"seconds": 5})).await.expect(201);
    let home = house.folder.path().join("data/homes").join(&id);
    let clips = house.folder.path().join("data/clips");
    assert!(home.join("game").is_dir());
    assert_eq!(std::fs::read_dir(&clips).unwrap().count(), 1);
    owner.delete(&format!("/api/accounts/{id}")).await.expect(204);
    assert!(house.node.calls().contains(&"stop".to_owned()));
    assert!(!home.exists());
    assert_eq!(std::fs::read_dir(&clips).unwrap().count(), 0);
    player.get("/api/me").await.problem(401, "sign-in-required");
    owner.delete(&format!("/api/accounts/{id}")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_removed_account_is_let_out_of_other_sessions() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let guest = house.account("Gil", Role::Guest).await;
    let session = house.start(&player).await;
    let token = house.invite(&player, &session, json!({"kind": "spectator"})).await;
    guest.post(&format!("/api/invites/{token}"), json!({})).await.expect(200);
    guest.offer(&format!("/api/sessions/{session}/whep")).await.expect(201);
    let id = guest.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    owner.delete(&format!("/api/accounts/{id}")).await.expect(204);
    assert_eq!(player.get(&format!("/api/sessions/{session}")).await.json()["peers"], json!([]));
    assert!(house.node.calls().iter().any(|call| call.starts_with("close ")));
}

#[tokio::test]
async fn a_name_that_is_taken_says_so() {
    let house = House::new().await;
    let owner = house.owner().await;
    let problem =
        owner.post("/api/accounts", json!({"name": "OLGA", "role": "guest"})).await.problem(409, "conflict");
    assert_eq!(problem["field"], "name");
    owner.post("/api/accounts", json!({"name": "X", "role": "king"})).await.problem(422, "invalid");
    owner
        .post("/api/accounts", json!({"name": "x".repeat(41), "role": "guest"}))
        .await
        .problem(422, "invalid");
}

#[tokio::test]
async fn a_demoted_player_cannot_start_anything_from_then_on() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let id = player.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    let changed = owner
        .patch(&format!("/api/accounts/{id}"), json!({"role": "guest", "name": "Gus"}))
        .await
        .expect(200);
    assert_eq!((&changed.json()["role"], &changed.json()["name"]), (&json!("guest"), &json!("Gus")));
    player.post("/api/sessions", json!({"title": "game"})).await.problem(403, "not-allowed");
}
