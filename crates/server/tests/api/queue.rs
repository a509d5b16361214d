//! A full house: the queue for a place.

use playhouse_store::accounts::Role;
use serde_json::json;

use crate::house::House;
use crate::http::read_until;

#[tokio::test]
async fn places_are_given_in_the_order_of_asking() {
    let house = House::with(1, |_| {}).await;
    let ada = house.account("Ada", Role::Player).await;
    let bob = house.account("Bob", Role::Player).await;
    let cy = house.account("Cy", Role::Player).await;
    let session = house.start(&ada).await;
    let reply = bob.post("/api/sessions", json!({"title": "game"})).await;
    let problem = reply.problem(503, "capacity");
    assert_eq!(problem["place_in_queue"], 1);
    assert!(problem["detail"].as_str().unwrap().contains("number 1"));
    assert!(reply.header("retry-after").is_some());
    let problem = cy.post("/api/sessions", json!({"title": "game"})).await.problem(503, "capacity");
    assert_eq!(problem["place_in_queue"], 2);
    let place = cy.get("/api/queue").await.expect(200).json();
    assert_eq!(place, json!({"place": 2, "length": 2, "offered_until": null}));

    let mut told = bob.events().await;
    ada.delete(&format!("/api/sessions/{session}")).await.expect(204);
    let told = read_until(&mut told, "offered_until").await;
    assert!(told.contains("event: queue"), "{told}");
    let problem = cy.post("/api/sessions", json!({"title": "game"})).await.problem(503, "capacity");
    assert_eq!(problem["place_in_queue"], 2, "the free place is kept for the first");
    assert!(bob.get("/api/queue").await.json()["offered_until"].is_i64());
    house.start(&bob).await;
    let place = cy.get("/api/queue").await.expect(200).json();
    assert_eq!(place, json!({"place": 1, "length": 1, "offered_until": null}));
    cy.delete("/api/queue").await.expect(204);
    assert_eq!(cy.get("/api/queue").await.json()["place"], json!(null));
}

#[tokio::test]
async fn a_crash_frees_its_place() {
    let house = House::with(1, |_| {}).await;
    let (ada, bob) = (house.account("Ada", Role::Player).await, house.account("Bob", Role::Player).await);
    let session = house.start(&ada).await;
    bob.post("/api/sessions", json!({"title": "game"})).await.problem(503, "capacity");
    house.node.crash(&session, "It stopped.", "");
    house.until(&ada, &session, |session| session["state"] == "ended").await;
    house.start(&bob).await;
}

#[tokio::test]
async fn many_at_once_do_not_get_more_places_than_there_are() {
    let house = House::with(2, |_| {}).await;
    let mut starting = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = house.account(&format!("P{number}"), Role::Player).await;
        starting.spawn(async move { client.post("/api/sessions", json!({"title": "game"})).await.status });
    }
    let mut all = starting.join_all().await;
    all.sort_unstable();
    assert_eq!(all, [201, 201, 503, 503, 503, 503, 503, 503]);
}
