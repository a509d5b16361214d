//! The list of sensors: page by page, and at a glance.

use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use super::device::{Device, crossings};
use super::{doors, listening};
use crate::house::House;
use crate::http::Client;

/// A fleet of many pages, in three groups.
const FLEET: usize = 2_000;

fn names(list: &Value) -> Vec<String> {
    let sensors = list["sensors"].as_array().unwrap();
    sensors.iter().map(|sensor| sensor["name"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a list.
async fn pages(who: &Client, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), String::new());
    loop {
        let list = who.get(&format!("/api/sensors?{query}&after={next}")).await.expect(200).json();
        pages.push(names(&list));
        match list["next"].as_str() {
            Some(after) => after.clone_into(&mut next),
            None => return pages,
        }
    }
}

/// A house with that fleet, which nobody has become yet.
async fn large() -> House {
    let sense = doors();
    let mut house = House::with(2, |config| config.sense = sense.clone()).await;
    for number in 0..FLEET {
        let (name, group) = (format!("Door {number}"), format!("Hall {}", number % 3));
        let tags = if number == 1_999 { r#"["till", "left"]"# } else { "[]" };
        house.store.sensors().create(&name, tags, Some(&group), "{}", 1_000).await.unwrap();
    }
    house.shut_down().await;
    house.start_again(|config| config.sense = sense.clone()).await;
    house
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_fleet_comes_page_by_page_and_at_a_glance() {
    let house = large().await;
    let owner = house.owner().await;
    let all: Vec<_> = (0..FLEET).map(|number| format!("Door {number}")).collect();
    let found = pages(&owner, "limit=200").await;
    assert_eq!((found.len(), found.concat()), (FLEET / 200, all.clone()));
    let list = owner.get("/api/sensors").await.expect(200);
    assert!(list.body.len() < 200_000, "{} bytes", list.body.len());
    assert_eq!((names(&list.json()).len(), &list.json()["total"]), (100, &json!(FLEET)));
    assert_eq!(names(&owner.get("/api/sensors?limit=9999").await.expect(200).json()).len(), 200);
    let third: Vec<_> = all.iter().skip(1).step_by(3).cloned().collect();
    assert_eq!(pages(&owner, "group=Hall%201&limit=200").await.concat(), third);
    assert_eq!(pages(&owner, "text=HALL%202%20do%C3%B6r%20100").await.concat()[0], "Door 1001");
    assert_eq!(pages(&owner, "tag=till").await, [["Door 1999"]]);
    assert_eq!(pages(&owner, "state=online").await.concat(), [""; 0]);

    let map = owner.get("/api/sensors/map").await.expect(200);
    assert!(map.body.len() < FLEET * 150, "{} bytes", map.body.len());
    let map = map.json();
    assert_eq!(names(&map), all);
    assert_eq!(map["counts"], json!({"online": 0, "offline": 0, "waiting": FLEET, "revoked": 0}));
    assert_eq!(map["groups"], json!(["Hall 0", "Hall 1", "Hall 2"]));
    assert_eq!(map["tags"], json!(["left", "till"]));
    let some = owner.get("/api/sensors/map?text=1999").await.expect(200).json();
    assert_eq!((names(&some), &some["counts"]["waiting"]), (vec!["Door 1999".to_owned()], &json!(FLEET)));

    // The list goes on after any sensor of the map, also after one that has moved or fits no more.
    let middle = map["sensors"][1_000]["id"].as_str().unwrap();
    let after = |query: &str| format!("/api/sensors?after={middle}&{query}");
    let list = owner.get(&after("limit=2")).await.expect(200).json();
    assert_eq!(names(&list), ["Door 1001", "Door 1002"]);
    let moved = json!({"name": "Attic", "group": ""});
    owner.patch(&format!("/api/sensors/{middle}"), moved).await.expect(200);
    let list = owner.get(&after("limit=1&group=Hall%200")).await.expect(200).json();
    assert_eq!(names(&list), ["Door 0"]);
    owner.delete(&format!("/api/sensors/{middle}")).await.expect(200);
    owner.get(&after("limit=1")).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_list_says_of_each_sensor_is_its_own() {
    let house = listening().await;
    let owner = house.owner().await;
    let one = Device::new(&house, &owner, "Door 2").await;
    let two = Device::new(&house, &owner, "Door 10").await;
    let mut link = two.connect().await;
    link.deliver(&crossings(1, 1..=3)).await;
    let path = "/api/sensors";
    let list = house.until_at(&owner, path, |list| list["sensors"][1]["state"] == "online").await;
    assert_eq!(
        (names(&list).as_slice(), &list["next"]),
        (["Door 2", "Door 10"].map(str::to_owned).as_slice(), &Value::Null)
    );
    assert_eq!(
        (&list["sensors"][0]["today"]["in"], &list["sensors"][1]["today"]["in"]),
        (&json!(0), &json!(2))
    );
    let map = owner.get("/api/sensors/map?state=offline").await.expect(200).json();
    assert_eq!((&map["sensors"][0]["id"], &map["counts"]["online"]), (&json!(one.id), &json!(1)));
    owner.get("/api/sensors?state=broken").await.problem(422, "invalid");
    let guest = house.account("Gil", Role::Guest).await;
    guest.get("/api/sensors/map").await.problem(403, "not-allowed");
}
