//! Signing in: the first minute, passwords, guesses, other sites.

use playhouse_server::first_code;
use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn the_printed_code_makes_the_owner_once() {
    let house = House::new().await;
    let code = first_code(&house.store).await.unwrap();
    assert_eq!(house.nobody.get("/api/health").await.json()["set_up"], false);
    house.nobody.get("/api/me").await.problem(401, "sign-in-required");
    let mut browser = house.nobody.clone();
    let body = json!({"code": code, "name": "Ada", "password": "a good long one"});
    let reply = browser.post("/api/sign-in/code", body.clone()).await.expect(200);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/")
    );
    assert!(!cookie.contains("Secure"), "without TLS a browser would drop it");
    assert_eq!(reply.json()["token"], json!(null));
    browser.keep(&reply);
    let me = browser.get("/api/me").await.expect(200).json();
    assert_eq!(
        (&me["name"], &me["role"], &me["has_password"]),
        (&json!("Ada"), &json!("owner"), &json!(true))
    );
    assert_eq!(house.nobody.get("/api/health").await.json()["set_up"], true);
    house.nobody.post("/api/sign-in/code", body).await.problem(401, "wrong-code");

    let later = first_code(&house.store).await.unwrap();
    let again =
        house.nobody.post("/api/sign-in/code", json!({"code": later, "token": true})).await.expect(200);
    assert_eq!(again.json()["id"], me["id"], "a later start signs the same owner in");
    assert_eq!(again.json()["name"], "Ada");
    assert!(again.json()["token"].is_string());
}

#[tokio::test]
async fn a_bad_name_or_password_does_not_use_the_code_up() {
    let house = House::new().await;
    let code = first_code(&house.store).await.unwrap();
    let short = json!({"code": code, "password": "short"});
    let problem = house.nobody.post("/api/sign-in/code", short).await.problem(422, "invalid");
    assert_eq!(problem["field"], "password");
    let name = json!({"code": code, "name": "  "});
    house.nobody.post("/api/sign-in/code", name).await.problem(422, "invalid");
    house.nobody.post("/api/sign-in/code", json!({"code": code})).await.expect(200);
}

#[tokio::test]
async fn a_new_account_chooses_its_own_password() {
    let house = House::new().await;
    let owner = house.owner().await;
    let made = owner.post("/api/accounts", json!({"name": "Bob", "role": "player"})).await.expect(201).json();
    let code = made["link"].as_str().unwrap().strip_prefix("/?code=").unwrap();
    let body = json!({"code": code, "password": "my own password"});
    let me = house.nobody.post("/api/sign-in/code", body).await.expect(200).json();
    assert_eq!((&me["name"], &me["role"]), (&json!("Bob"), &json!("player")));
    let body = json!({"name": "BOB", "password": "my own password", "token": true});
    let me = house.nobody.post("/api/sign-in", body).await.expect(200).json();
    let mut bob = house.nobody.clone();
    bob.token = me["token"].as_str().map(str::to_owned);
    assert_eq!(bob.get("/api/me").await.expect(200).json()["name"], "Bob");
    bob.send("POST", "/api/sign-out", &[], b"").await.expect(204);
    bob.get("/api/me").await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn guessing_a_password_becomes_slow() {
    let house = House::new().await;
    let ada = house.owner().await;
    ada.patch("/api/me", json!({"password": "a good long one"})).await.expect(200);
    let guess = |password: &str| {
        let (body, nobody) = (json!({"name": "olga", "password": password}), house.nobody.clone());
        async move { nobody.post("/api/sign-in", body).await }
    };
    for _ in 0..5 {
        guess("wrong").await.problem(401, "wrong-name-or-password");
    }
    let reply = guess("a good long one").await;
    let problem = reply.problem(429, "too-many-attempts");
    let wait = reply.header("retry-after").unwrap().parse::<u64>().unwrap();
    assert_eq!(problem["retry_after_seconds"], wait);
    assert!((1..=5).contains(&wait), "{wait}");
    let other = json!({"name": "somebody", "password": "wrong"});
    house.nobody.post("/api/sign-in", other).await.problem(401, "wrong-name-or-password");
    for _ in 0..5 {
        house.nobody.post("/api/sign-in/code", json!({"code": "guess"})).await.problem(401, "wrong-code");
    }
    house.nobody.post("/api/sign-in/code", json!({"code": "guess"})).await.problem(429, "too-many-attempts");
}

/// A guess that arrives with this `X-Forwarded-For`; gives the status of the answer.
async fn guess_for(house: &House, forwarded: &str) -> u16 {
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", forwarded)];
    let body = json!({"name": "olga", "password": "wrong"}).to_string();
    house.nobody.send("POST", "/api/sign-in", &headers, body.as_bytes()).await.status
}

#[tokio::test]
async fn one_guesser_behind_the_proxy_slows_nobody_else_there() {
    let house = House::with(2, |config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    for attempt in 0..5 {
        let invented = format!("198.51.100.{attempt}, 203.0.113.7");
        assert_eq!(guess_for(&house, &invented).await, 401);
    }
    assert_eq!(guess_for(&house, "203.0.113.7").await, 429, "an invented address in front bought guesses");
    assert_eq!(guess_for(&house, "203.0.113.8").await, 401, "another client of the proxy is slowed");
}

#[tokio::test]
async fn without_a_trusted_proxy_an_invented_address_buys_no_guesses() {
    let house = House::new().await;
    for attempt in 0..5 {
        assert_eq!(guess_for(&house, &format!("203.0.113.{attempt}")).await, 401);
    }
    assert_eq!(guess_for(&house, "203.0.113.9").await, 429);
}

#[tokio::test]
async fn a_changed_password_shuts_other_devices_out() {
    let house = House::new().await;
    let ada = house.owner().await;
    ada.patch("/api/me", json!({"password": "a good long one"})).await.expect(200);
    let body = json!({"name": "Olga", "password": "a good long one", "token": true});
    let phone = house.nobody.post("/api/sign-in", body).await.expect(200).json();
    let mut phone_client = house.nobody.clone();
    phone_client.token = phone["token"].as_str().map(str::to_owned);
    let devices = ada.get("/api/me/sign-ins").await.expect(200).json();
    assert_eq!(devices["sign_ins"].as_array().unwrap().len(), 2);

    let wrong = json!({"password": "another long one", "current_password": "wrong"});
    let problem = ada.patch("/api/me", wrong).await.problem(422, "invalid");
    assert_eq!(problem["field"], "current_password");
    phone_client.get("/api/me").await.expect(200);
    let right = json!({"password": "another long one", "current_password": "a good long one"});
    ada.patch("/api/me", right).await.expect(200);
    phone_client.get("/api/me").await.problem(401, "sign-in-required");
    ada.get("/api/me").await.expect(200);
    let devices = ada.get("/api/me/sign-ins").await.expect(200).json();
    let own = &devices["sign_ins"][0];
    assert_eq!(own["current"], true);
    ada.delete(&format!("/api/me/sign-ins/{}", own["id"].as_str().unwrap())).await.expect(204);
    ada.get("/api/me").await.problem(401, "sign-in-required");
}

#[tokio::test]
async fn another_sites_page_cannot_act_for_a_person() {
    let house = House::new().await;
    let mut browser = house.account("Pia", Role::Player).await;
    browser.cookie = browser.token.take();
    let body = br#"{"title": "game"}"#;
    let kind = ("Content-Type", "application/json");
    for foreign in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
    {
        browser.send("POST", "/api/sessions", &[kind, foreign], body).await.problem(403, "wrong-origin");
    }
    let own = format!("http://{}", house.nobody.address);
    browser.send("POST", "/api/sessions", &[kind, ("Origin", &own)], body).await.expect(201);
}
