//! A household: profiles with their PINs and age limits, how far each watched, and how many watch at a time.

use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::films::{folder, make, until};
use crate::house::House;
use crate::http::Client;

/// A house with a film; gives its id.
pub(crate) async fn with_film(house: &House, owner: &Client, title: &str) -> String {
    make(&folder(house).join(format!("{title}.mp4")), "160x90", &[]);
    let film = until(owner, |film| film["title"] == title && film["state"] == "ready").await;
    film["id"].as_str().unwrap().to_owned()
}

/// The same account on another device.
async fn again(house: &House, client: &Client) -> Client {
    let me = client.get("/api/me").await.expect(200).json();
    let whom = playhouse_store::sign_ins::For::Account(me["id"].as_str().unwrap());
    let secret =
        house.store.sign_ins().create(whom, "Another/1.0", 1_000_000_000_000, i64::MAX).await.unwrap();
    Client { token: Some(secret), ..house.nobody.clone() }
}

async fn add(client: &Client, profile: Value) -> String {
    let added = client.post("/api/profiles", profile).await.expect(201).json();
    added["id"].as_str().unwrap().to_owned()
}

async fn open(client: &Client, profile: &str) {
    client.post(&format!("/api/profiles/{profile}/open"), json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_profile_remembers_its_own_place_on_every_device() {
    let house = House::new().await;
    let owner = house.owner().await;
    let film = with_film(&house, &owner, "Shared").await;
    let position = format!("/api/films/{film}/position");
    owner.json("PUT", &position, json!({"seconds": 2.5})).await.expect(204);
    let kim = add(&owner, json!({"name": "Kim"})).await;
    let tablet = again(&house, &owner).await;
    let path = format!("/api/films/{film}");
    assert_eq!(tablet.get(&path).await.expect(200).json()["position_s"], 2.5, "on another device");
    open(&tablet, &kim).await;
    assert_eq!(tablet.get(&path).await.expect(200).json()["position_s"], json!(null), "for somebody else");
    tablet.json("PUT", &position, json!({"seconds": 0.0, "finished": true})).await.expect(204);
    assert_eq!(tablet.get("/api/films").await.json()["films"][0]["finished"], true);
    let first = owner.get(&path).await.expect(200).json();
    assert_eq!((&first["position_s"], &first["finished"]), (&json!(2.5), &json!(false)));
    let listed = tablet.get("/api/profiles").await.expect(200).json();
    assert_eq!(listed["profiles"][1]["here"], true);
    owner.delete(&format!("/api/profiles/{kim}")).await.expect(204);
    assert_eq!(tablet.get(&path).await.expect(200).json()["position_s"], 2.5, "back to the first profile");
    let last = listed["profiles"][0]["id"].as_str().unwrap();
    owner.delete(&format!("/api/profiles/{last}")).await.problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_neither_sees_nor_gets_what_is_above_its_limit_and_is_no_owner() {
    let house = House::new().await;
    let owner = house.owner().await;
    let (wild, tame, unknown) = (
        with_film(&house, &owner, "Wild").await,
        with_film(&house, &owner, "Tame").await,
        with_film(&house, &owner, "Unknown").await,
    );
    owner.patch(&format!("/api/films/{wild}"), json!({"age": 16})).await.expect(200);
    let rated = owner.patch(&format!("/api/films/{tame}"), json!({"age": 6})).await.expect(200).json();
    assert_eq!(rated["age"], 6);
    owner.patch(&format!("/api/films/{tame}"), json!({"age": 99})).await.problem(422, "invalid");
    let kid = add(&owner, json!({"name": "Kim", "age_limit": 6})).await;
    let tablet = again(&house, &owner).await;
    open(&tablet, &kid).await;
    let films = tablet.get("/api/films").await.expect(200).json();
    let titles: Vec<&Value> = films["films"].as_array().unwrap().iter().map(|film| &film["title"]).collect();
    assert_eq!(titles, ["Tame"]);
    for film in [&wild, &unknown] {
        for part in
            ["", "/poster", "/master.m3u8", "/manifest.mpd", "/0.m3u8", "/0/init.mp4", "/0/0.m4s", "/file"]
        {
            tablet.get(&format!("/api/films/{film}{part}")).await.problem(403, "age-limit");
        }
        let position = format!("/api/films/{film}/position");
        tablet.json("PUT", &position, json!({"seconds": 1.0})).await.problem(403, "age-limit");
        tablet.post("/api/streams", json!({"film": film})).await.problem(403, "age-limit");
        let party = json!({"film": film, "steering": "host"});
        tablet.post("/api/parties", party).await.problem(403, "age-limit");
    }
    for part in ["", "/poster", "/master.m3u8", "/0/0.m4s"] {
        tablet.get(&format!("/api/films/{tame}{part}")).await.expect(200);
    }
    // An owner's child owns nothing, and cannot let itself out.
    assert_eq!(tablet.get("/api/me").await.json()["role"], "player");
    tablet.get("/api/accounts").await.problem(403, "not-allowed");
    tablet.patch(&format!("/api/films/{wild}"), json!({"age": 0})).await.problem(403, "not-allowed");
    tablet.post("/api/profiles", json!({"name": "Grown"})).await.problem(403, "not-allowed");
    tablet.patch("/api/me", json!({"password": "a good long one"})).await.problem(403, "not-allowed");
    let own = format!("/api/profiles/{kid}");
    tablet.patch(&own, json!({"age_limit": null})).await.problem(403, "not-allowed");
    tablet.patch(&own, json!({"subtitles": "ja", "autoplay": false})).await.expect(200);
    tablet.delete(&own).await.problem(403, "not-allowed");
}

#[tokio::test]
async fn a_pin_opens_its_profile_and_wrong_ones_have_to_wait() {
    let house = House::new().await;
    let player = house.player().await;
    let me = player.get("/api/me").await.json();
    let first = me["profile"].as_str().unwrap();
    let kid = add(&player, json!({"name": "Kim", "age_limit": 6})).await;
    let tablet = again(&house, &player).await;
    player.patch(&format!("/api/profiles/{first}"), json!({"pin": "12"})).await.problem(422, "invalid");
    let closed =
        player.patch(&format!("/api/profiles/{first}"), json!({"pin": "2580"})).await.expect(200).json();
    assert_eq!((&closed["has_pin"], &closed["here"]), (&json!(true), &json!(true)));
    assert!(!closed.to_string().contains("2580") && !closed.to_string().contains("argon2"));
    // The other device is let out, and a new one begins where no PIN is needed.
    for device in [&tablet, &again(&house, &player).await] {
        assert_eq!(device.get("/api/me").await.json()["profile"], kid.as_str());
    }
    let door = format!("/api/profiles/{first}/open");
    tablet.post(&door, json!({})).await.problem(409, "wrong-pin");
    for pin in ["0000", "0001", "2581", "25800"] {
        tablet.post(&door, json!({"pin": pin})).await.problem(409, "wrong-pin");
    }
    let wait = tablet.post(&door, json!({"pin": "2580"})).await;
    assert!(wait.problem(429, "too-many-attempts")["retry_after_seconds"].as_u64().unwrap() > 0);
    // Nobody else can change it from without, not even from a profile without a limit.
    let other = add(&player, json!({"name": "Otto"})).await;
    let phone = again(&house, &player).await;
    open(&phone, &other).await;
    phone.patch(&format!("/api/profiles/{first}"), json!({"pin": null})).await.problem(403, "not-allowed");
    phone.delete(&format!("/api/profiles/{first}")).await.problem(403, "not-allowed");
    player.patch(&format!("/api/profiles/{first}"), json!({"pin": null})).await.expect(200);
    open(&tablet, first).await;
}

#[tokio::test]
async fn a_profile_of_another_account_is_nobodys_business() {
    let house = House::new().await;
    let (player, other) = (house.player().await, house.account("Stan", Role::Player).await);
    let kim = add(&player, json!({"name": "Kim"})).await;
    other.post(&format!("/api/profiles/{kim}/open"), json!({})).await.problem(404, "not-found");
    other.patch(&format!("/api/profiles/{kim}"), json!({"name": "Mine"})).await.problem(404, "not-found");
    other.delete(&format!("/api/profiles/{kim}")).await.problem(404, "not-found");
    for number in 0..6 {
        add(&player, json!({"name": format!("{number}")})).await;
    }
    player.post("/api/profiles", json!({"name": "Nine"})).await.problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_too_many_is_told_who_watches_where_and_takes_over() {
    let house = House::with(2, |config| config.streams = 1).await;
    let owner = house.owner().await;
    let film = with_film(&house, &owner, "Popular").await;
    let sign_ins = owner.get("/api/me/sign-ins").await.json();
    let here = sign_ins["sign_ins"][0]["id"].as_str().unwrap().to_owned();
    owner.patch(&format!("/api/me/sign-ins/{here}"), json!({"device": "Kitchen tablet"})).await.expect(204);
    let tablet = owner.post("/api/streams", json!({"film": film})).await.expect(200).json();
    owner
        .json("PUT", &format!("/api/streams/{}", tablet["id"].as_str().unwrap()), json!({}))
        .await
        .expect(204);

    let phone = again(&house, &owner).await;
    let segment = format!("/api/films/{film}/0/0.m4s");
    phone.get(&format!("/api/films/{film}/master.m3u8")).await.expect(200);
    phone.get(&segment).await.problem(409, "streams-taken");
    let refused = phone.post("/api/streams", json!({"film": film})).await;
    let problem = refused.problem(409, "streams-taken");
    assert!(problem["detail"].as_str().unwrap().starts_with("Kitchen tablet watches “Popular”"), "{problem}");
    assert_eq!(
        (&problem["streams"][0]["profile"], &problem["streams"][0]["here"]),
        (&json!("Olga"), &json!(false))
    );

    let instead = json!({"film": film, "instead_of": problem["streams"][0]["id"]});
    let taken = phone.post("/api/streams", instead).await.expect(200).json();
    phone.get(&segment).await.expect(200);
    owner.get(&segment).await.problem(409, "stream-ended");
    let renewed =
        owner.json("PUT", &format!("/api/streams/{}", tablet["id"].as_str().unwrap()), json!({})).await;
    renewed.problem(409, "stream-ended");
    phone.delete(&format!("/api/streams/{}", taken["id"].as_str().unwrap())).await.expect(204);
    owner.post("/api/streams", json!({"film": film})).await.expect(200);

    let account = owner.get("/api/me").await.json();
    let account = format!("/api/accounts/{}", account["id"].as_str().unwrap());
    let two = owner.post("/api/plans", json!({"name": "Two", "streams": 2})).await.expect(201).json();
    assert_eq!(owner.patch(&account, json!({"plan": two["id"]})).await.expect(200).json()["plan"], two["id"]);
    phone.get(&segment).await.expect(200);
    let streams = owner.get("/api/streams").await.expect(200).json();
    assert_eq!((streams["streams"].as_array().unwrap().len(), &streams["limit"]), (2, &json!(2)));
}

#[tokio::test]
async fn owners_make_plans_and_give_them_to_accounts() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let id = player.get("/api/me").await.json()["id"].as_str().unwrap().to_owned();
    let account = format!("/api/accounts/{id}");
    let empty = owner.get("/api/plans").await.expect(200).json();
    assert_eq!((&empty["plans"], &empty["usual_streams"]), (&json!([]), &json!(4)));
    for wrong in [json!({"name": "A", "streams": 0}), json!({"name": "A", "streams": 33})] {
        owner.post("/api/plans", wrong).await.problem(422, "invalid");
    }
    let plan = owner.post("/api/plans", json!({"name": "Family", "streams": 6})).await.expect(201).json();
    owner.post("/api/plans", json!({"name": "family"})).await.problem(409, "conflict");
    owner.patch(&account, json!({"plan": "none"})).await.problem(422, "invalid");
    owner.patch(&account, json!({"plan": plan["id"]})).await.expect(200);
    let limit = async || player.get("/api/streams").await.expect(200).json()["limit"].clone();
    assert_eq!(limit().await, 6);
    let path = format!("/api/plans/{}", plan["id"].as_str().unwrap());
    let changed = owner.patch(&path, json!({"streams": 2, "name": "Couple"})).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["accounts"]), (&json!("Couple"), &json!(1)));
    assert_eq!(limit().await, 2);
    // Whose plan is gone has what the house gives everybody.
    owner.delete(&path).await.expect(204);
    owner.delete(&path).await.problem(404, "not-found");
    assert_eq!(limit().await, 4);
}
