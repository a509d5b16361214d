//! The catalogue: good, broken, hidden and uninstalled titles.

use serde_json::{Value, json};

use crate::house::{GAME, House, write_title};

fn by_id<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
    list["titles"].as_array().unwrap().iter().find(|title| title["id"] == id)
}

#[tokio::test]
async fn a_bad_manifest_is_shown_to_its_owner_with_the_mistake() {
    let house = House::new().await;
    write_title(house.folder.path(), "broken", "name = \"Broken\"\nhost = \"dos\"\n");
    let (owner, player) = (house.owner().await, house.player().await);
    let list = owner.post("/api/titles/rescan", json!({})).await.expect(200).json();
    let broken = by_id(&list, "broken").unwrap();
    assert_eq!(broken["available"], false);
    assert!(broken["problem"].as_str().unwrap().contains("title.toml of `broken`, line 2"), "{broken}");
    assert!(by_id(&player.get("/api/titles").await.json(), "broken").is_none());
    owner.post("/api/sessions", json!({"title": "broken"})).await.problem(422, "unavailable-title");
    player.post("/api/sessions", json!({"title": "broken"})).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_missing_package_is_named_with_the_command_that_installs_it() {
    let house = House::new().await;
    let text = GAME.replace("[\"game\"]", "[\"absent\"]") + "packages = [\"freedoom\"]\n";
    write_title(house.folder.path(), "doom", &text);
    let player = house.player().await;
    let reply = player.post("/api/sessions", json!({"title": "doom"})).await;
    let problem = reply.problem(422, "unavailable-title");
    assert_eq!(problem["install"], "sudo apt install freedoom");
    assert!(problem["detail"].as_str().unwrap().contains("sudo apt install freedoom"));
    let title = player.get("/api/titles/doom").await.expect(200).json();
    assert_eq!(
        (&title["available"], &title["install"]),
        (&json!(false), &json!("sudo apt install freedoom"))
    );
}

#[tokio::test]
async fn an_unknown_title_is_a_sentence() {
    let house = House::new().await;
    let player = house.player().await;
    let problem = player.post("/api/sessions", json!({"title": "nope"})).await.problem(404, "not-found");
    assert!(problem["detail"].as_str().unwrap().contains("`nope`"));
    player.get("/api/titles/nope").await.problem(404, "not-found");
    house.nobody.get("/api/titles/nope/cover.svg").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_hidden_title_is_the_owners_alone() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    owner.patch("/api/titles/game", json!({"hidden": true})).await.expect(200);
    assert!(by_id(&player.get("/api/titles").await.json(), "game").is_none());
    player.get("/api/titles/game").await.problem(404, "not-found");
    player.post("/api/sessions", json!({"title": "game"})).await.problem(404, "not-found");
    assert_eq!(by_id(&owner.get("/api/titles").await.json(), "game").unwrap()["hidden"], true);
}

#[tokio::test]
async fn a_game_reaches_the_network_only_if_it_asks_and_the_owner_agrees() {
    let house = House::with(9, |_| {}).await;
    write_title(house.folder.path(), "online", &(GAME.to_owned() + "network = true\n"));
    let owner = house.owner().await;
    owner.post("/api/titles/rescan", json!({})).await.expect(200);
    let start = |title: &'static str| {
        let (owner, node) = (owner.clone(), house.node.clone());
        async move {
            let body = json!({"title": title, "fresh": true});
            let session = owner.post("/api/sessions", body).await.expect(201).json();
            node.spec(session["id"].as_str().unwrap()).game.network
        }
    };
    assert!(!start("online").await);
    let title = owner.patch("/api/titles/online", json!({"network": true})).await.expect(200).json();
    assert_eq!(title["network"], json!({"asked": true, "allowed": true}));
    assert!(start("online").await);
    let title = owner.patch("/api/titles/game", json!({"network": true})).await.expect(200).json();
    assert_eq!(title["network"], json!({"asked": false, "allowed": false}));
    assert!(!start("game").await);
}

#[tokio::test]
async fn every_title_has_a_cover_and_it_is_only_a_picture() {
    let house = House::new().await;
    let player = house.player().await;
    let title = player.get("/api/titles/game").await.expect(200).json();
    assert_eq!(title["cover"], "/api/titles/game/cover.svg");
    let drawn = house.nobody.get("/api/titles/game/cover.svg").await.expect(200);
    assert_eq!(drawn.header("content-type"), Some("image/svg+xml"));
    assert!(drawn.header("content-security-policy").unwrap().contains("sandbox"));
    assert!(drawn.text().starts_with("<svg"));

    let own = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    std::fs::write(house.folder.path().join("titles/game/cover.svg"), own).unwrap();
    house.owner().await.post("/api/titles/rescan", json!({})).await.expect(200);
    let title = player.get("/api/titles/game").await.expect(200).json();
    assert_eq!(title["cover"], "/api/titles/game/cover");
    let file = house.nobody.get("/api/titles/game/cover").await.expect(200);
    assert_eq!(file.text(), own);
    assert!(file.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_title_remembers_when_it_was_played() {
    let house = House::new().await;
    let player = house.player().await;
    assert_eq!(player.get("/api/titles/game").await.json()["last_played"], json!(null));
    let session = house.start(&player).await;
    player.delete(&format!("/api/sessions/{session}")).await.expect(204);
    assert!(player.get("/api/titles/game").await.json()["last_played"].is_i64());
    let plays = player.get("/api/plays").await.expect(200).json();
    assert_eq!(plays["plays"][0]["title"], json!({"id": "game", "name": "Good Game"}));
    assert_eq!(plays["plays"][0]["reason"], "stopped");
}
