//! Requests that make no sense, or mean harm.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_huge_body_is_refused_without_being_read() {
    let house = House::new().await;
    let json = ("Content-Type", "application/json");
    let announced = [json, ("Content-Length", "9999999999")];
    house.nobody.send("POST", "/api/sign-in", &announced, b"{").await.problem(413, "too-large");
    let chunk = "x".repeat(70_000);
    let chunked = format!("{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len());
    let headers = [json, ("Transfer-Encoding", "chunked")];
    house.nobody.send("POST", "/api/sign-in", &headers, chunked.as_bytes()).await.problem(413, "too-large");
}

#[tokio::test]
async fn paths_do_not_climb() {
    let house = House::new().await;
    std::fs::write(house.folder.path().join("secret.txt"), "secret").unwrap();
    let owner = house.owner().await;
    for path in [
        "/../playhouse.db",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/api/titles/..%2f..%2fsecret.txt/cover",
        "/api/titles/%2e%2e/cover",
        "/api/clips/..%2f..%2fsecret.txt",
        "/api/clips/../../playhouse.db",
        "/api/clips/%2e%2e%5csecret.txt",
        "/api/titles/game%00/cover",
    ] {
        let reply = owner.get(path).await;
        reply.problem(404, "not-found");
    }
}

#[tokio::test]
async fn every_mistake_is_a_sentence() {
    let house = House::new().await;
    let owner = house.owner().await;
    owner.get("/api/nope").await.problem(404, "not-found");
    owner.send("PUT", "/api/titles", &[], b"").await.problem(405, "method");
    owner.send("DELETE", "/some/page", &[], b"").await.problem(405, "method");
    let text = [("Content-Type", "text/plain")];
    owner.send("POST", "/api/sessions", &text, b"{}").await.problem(415, "wrong-type");
    let kind = [("Content-Type", "application/json")];
    owner.send("POST", "/api/sessions", &kind, b"{\"title\":").await.problem(422, "invalid");
    owner.post("/api/sessions", json!({"title": 3})).await.problem(422, "invalid");
    let unknown = owner.post("/api/sessions", json!({"title": "game", "colour": "red"})).await;
    assert!(unknown.problem(422, "invalid")["detail"].as_str().unwrap().contains("colour"));
    owner.get("/api/sessions?all=perhaps").await.problem(422, "invalid");
    owner.get("/api/sessions/nope").await.problem(404, "not-found");
    let seat = format!("/api/sessions/{}/seats/many/take-back", house.start(&owner).await);
    owner.send("POST", &seat, &[], b"").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_nobodys() {
    let house = House::new().await;
    let mut client = house.nobody.clone();
    for token in ["", "x", "' OR 1=1 --", &"a".repeat(5_000)] {
        client.token = Some(token.to_owned());
        client.get("/api/me").await.problem(401, "sign-in-required");
        client.token = None;
        client.cookie = Some(token.to_owned());
        client.get("/api/me").await.problem(401, "sign-in-required");
        client.cookie = None;
    }
}
