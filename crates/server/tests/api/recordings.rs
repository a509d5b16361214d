//! Recordings over their life: found by words, refused for lack of room, and gone after their time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use playhouse_store::accounts::Role;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::recordings::{Recording, State};
use serde_json::{Value, json};

use crate::films::{folder, make, until};
use crate::guide::{channel, everything, with_films_of};
use crate::house::House;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_a_word_in_it_is_recorded_by_itself_and_nothing_else() {
    let (house, owner) = with_films_of("320x180").await;
    let id = channel(&owner, everything()).await;
    let player = house.player().await;
    let rule = json!({"kind": "keyword", "words": "TWO", "channel": id, "pad_before_s": 0, "pad_after_s": 0});
    let made = player.post("/api/recordings/rules", rule).await.expect(201).json();
    let planned = made["recordings"].as_array().unwrap();
    assert!(!planned.is_empty() && planned.iter().all(|each| each["subtitle"] == "Two"), "{made}");
    let first = |list: &Value| list["recordings"].as_array().unwrap().first().cloned().unwrap_or_default();
    let done = house.until_at(&player, "/api/recordings", |list| first(list)["state"] == "done").await;
    let recording = first(&done);
    assert_eq!((&recording["subtitle"], &recording["rule"]), (&json!("Two"), &made["rule"]));
    let film = player.get(&format!("/api/films/{}", recording["film"].as_str().unwrap())).await.expect(200);
    assert_eq!(film.json()["title"], "Two");
    let titles = done["recordings"].as_array().unwrap().iter();
    assert_eq!(titles.filter(|each| each["subtitle"] != "Two").count(), 0, "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_beyond_the_room_of_a_plan_is_refused_before_it_is_made() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let account = house.store.accounts().create("Lia", Role::Owner, None, 0).await.unwrap();
    let live = Channel {
        id: "live".to_owned(),
        owner: account.id,
        name: "Live".to_owned(),
        kind: Kind::Push,
        source: None,
        number: None,
        category: None,
        logo: None,
        guide_id: None,
        replace_publisher: false,
        ladder: false,
        window_seconds: 60,
        created: 0,
    };
    house.store.channels().put(&live).await.unwrap();
    let plan = owner
        .post("/api/plans", json!({"name": "Small", "streams": null, "recording_hours": 2}))
        .await
        .expect(201)
        .json();
    let me = player.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    owner.patch(&format!("/api/accounts/{me}"), json!({"plan": plan["id"]})).await.expect(200);
    let start = now() + HOUR_MS;
    let body = |at: i64, hours: i64| {
        json!({"channel": "live", "start_ms": at, "stop_ms": at + hours * HOUR_MS, "pad_before_s": 0,
            "pad_after_s": 0})
    };
    player.post("/api/recordings", body(start, 1)).await.expect(201);
    let mut dry = body(start + 2 * HOUR_MS, 2);
    dry["dry_run"] = true.into();
    let weighed = player.post("/api/recordings", dry).await.expect(200).json();
    assert_eq!((&weighed["fits"], &weighed["quota"]["limit_s"]), (&json!(false), &json!(7200)));
    let refused = player.post("/api/recordings", body(start + 2 * HOUR_MS, 2)).await;
    let problem = refused.problem(507, "disk");
    assert!(problem["detail"].as_str().unwrap().contains("more than 2 hours"), "{problem}");
    assert_eq!(player.get("/api/recordings").await.json()["recordings"].as_array().unwrap().len(), 1);
    // Another plan has room for it.
    let path = format!("/api/plans/{}", plan["id"].as_str().unwrap());
    owner.patch(&path, json!({"recording_hours": 3})).await.expect(200);
    player.post("/api/recordings", body(start + 2 * HOUR_MS, 2)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_gone_with_its_file_after_its_time_unless_it_is_protected() {
    let house = House::new().await;
    let player = house.player().await;
    let me = player.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    let films = folder(&house);
    for title in ["Old.mp4", "Protected.mp4"] {
        make(&films.join(title), "320x180", &[]);
    }
    let stop = now() - 28 * DAY_MS - 60_000;
    for (number, title) in (0..).zip(["Protected", "Old"]) {
        let film = until(&player, |film| film["title"] == title && film["state"] == "ready").await;
        let recording = Recording {
            id: title.to_owned(),
            account: me.clone(),
            channel: None,
            channel_name: "Live".to_owned(),
            rule: None,
            title: title.to_owned(),
            subtitle: None,
            description: None,
            start: stop - HOUR_MS + number,
            stop,
            pad_before: 0,
            pad_after: 0,
            state: State::Done,
            reason: None,
            film: Some(film["id"].as_str().unwrap().to_owned()),
            bytes: 1,
            protected: title == "Protected",
            keep_days: None,
            // Nothing says otherwise, so that it was given 28 days.
            expires: Some(stop + 28 * DAY_MS),
            created: 0,
        };
        assert!(house.store.recordings().create(&recording).await.unwrap());
    }
    let titles = |list: &Value| {
        let all = list["recordings"].as_array().unwrap().iter();
        all.map(|each| each["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    house.until_at(&player, "/api/recordings", |list| titles(list) == ["Protected"]).await;
    let end = Instant::now() + Duration::from_secs(30);
    while films.join("Old.mp4").exists() {
        assert!(Instant::now() < end, "its file stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(films.join("Protected.mp4").exists());
}
