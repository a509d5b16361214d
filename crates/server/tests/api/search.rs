//! One search over everything, and what somebody may not see is not found.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::films::{folder, make, until};
use crate::house::House;
use crate::http::Client;

/// Longest wait for what is made beside a film: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

async fn find(who: &Client, words: &str) -> Value {
    who.get(&format!("/api/search?q={words}")).await.expect(200).json()
}

fn names(found: &Value, kind: &str, name: &str) -> Vec<String> {
    found[kind].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_search_finds_games_films_shows_channels_what_is_on_and_people() {
    let house = House::new().await;
    let owner = house.owner().await;
    let films = folder(&house);
    let notes = "<movie><title>The Good General</title><year>1926</year><actor><name>Buster Keaton</name></actor></movie>";
    std::fs::write(films.join("The Good General (1926).nfo"), notes).unwrap();
    make(&films.join("The Good General (1926).mp4"), "320x180", &[]);
    make(&films.join("Good Rooms S01E02 The Window.mp4"), "320x180", &[]);
    for title in ["The Good General", "The Window"] {
        until(&owner, |film| film["title"] == title && film["state"] == "ready").await;
    }
    let schedule = json!({"zone": "UTC", "always": {"everything": true}});
    let channel = json!({"name": "Good Channel", "schedule": schedule});
    owner.post("/api/guide/channels", channel).await.expect(201);

    let found = find(&owner, "good").await;
    assert_eq!(names(&found, "titles", "name"), ["Good Game"]);
    assert_eq!(names(&found, "films", "title"), ["The Good General"]);
    assert_eq!(
        (names(&found, "shows", "name"), &found["shows"][0]["episodes"]),
        (vec!["Good Rooms".into()], &json!(1))
    );
    assert_eq!(names(&found, "channels", "name"), ["Good Channel"]);
    let mut on = names(&found, "programmes", "title");
    on.sort();
    // What is shown over and over is found once.
    assert_eq!(on, ["Good Rooms", "The Good General"]);

    assert_eq!(names(&find(&owner, "windwo").await, "films", "title"), ["The Window"]);
    assert_eq!(names(&find(&owner, "genera%201926").await, "films", "title"), ["The Good General"]);
    let end = Instant::now() + PATIENCE;
    let people = loop {
        let found = find(&owner, "keaton").await;
        if found["people"].as_array().unwrap().len() == 1 {
            break found["people"][0].clone();
        }
        assert!(Instant::now() < end, "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&people["name"], &people["films"][0]["title"]),
        (&json!("Buster Keaton"), &json!("The Good General"))
    );
    for nothing in ["", "%20", "nothing%20such"] {
        let found = find(&owner, nothing).await;
        assert!(found.as_object().unwrap().values().all(|some| some == &json!([])), "{found}");
    }
    house.nobody.get("/api/search?q=good").await.problem(401, "sign-in-required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_with_an_age_limit_finds_only_what_it_may_see() {
    let house = House::new().await;
    let owner = house.owner().await;
    make(&folder(&house).join("Wild (2001).mp4"), "320x180", &[]);
    let film = until(&owner, |film| film["title"] == "Wild" && film["state"] == "ready").await;
    owner
        .json("PATCH", &format!("/api/films/{}", film["id"].as_str().unwrap()), json!({"age": 16}))
        .await
        .expect(200);
    let schedule = json!({"zone": "UTC", "always": {"everything": true}});
    owner.post("/api/guide/channels", json!({"name": "All", "schedule": schedule})).await.expect(201);
    let found = find(&owner, "wild").await;
    assert_eq!(
        (found["films"].as_array().unwrap().len(), found["programmes"].as_array().unwrap().len()),
        (1, 1)
    );

    let kim = owner.post("/api/profiles", json!({"name": "Kim", "age_limit": 6})).await.expect(201).json();
    owner.post(&format!("/api/profiles/{}/open", kim["id"].as_str().unwrap()), json!({})).await.expect(200);
    let found = find(&owner, "wild").await;
    assert!(found.as_object().unwrap().values().all(|some| some == &json!([])), "{found}");
}
