//! Sessions on the air: whose session, on whose channel, and what becomes of them when a stream ends.

use playhouse_live::{Admission, Protocol};
use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn a_player_publishes_a_session_on_a_channel_of_theirs() {
    let house = House::new().await;
    let (pia, stan) = (house.player().await, house.account("Stan", Role::Player).await);
    let channel = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = channel["id"].as_str().unwrap();
    let session = house.start(&pia).await;
    let air = format!("/api/sessions/{session}/air");
    stan.json("PUT", &air, json!({"channel": id})).await.problem(403, "not-allowed");
    let theirs = stan.post("/api/channels", json!({"name": "Stan's"})).await.expect(201).json();
    pia.json("PUT", &air, json!({"channel": theirs["id"]})).await.problem(403, "not-allowed");
    pia.json("PUT", &air, json!({"channel": "nothing"})).await.problem(404, "not-found");

    let shown = pia.json("PUT", &air, json!({"channel": id})).await.expect(200).json();
    assert_eq!(shown["on_air"], json!({"id": id, "name": "Pia's"}));
    let live = pia.get(&format!("/api/channels/{id}")).await.json();
    assert_eq!((&live["live"], &live["protocol"]), (&json!(true), &json!("session")));
    // Once more is no second publisher.
    pia.json("PUT", &air, json!({"channel": id})).await.expect(200);
    pia.delete(&air).await.expect(204);
    pia.delete(&air).await.expect(204);
    house.until(&pia, &session, |session| session["on_air"] == Value::Null).await;
    assert_eq!(pia.get(&format!("/api/channels/{id}")).await.json()["live"], false);
}

#[tokio::test]
async fn a_channel_with_a_publisher_refuses_a_session_or_gives_the_other_up() {
    let house = House::new().await;
    let pia = house.player().await;
    let channel = pia.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = channel["id"].as_str().unwrap().to_owned();
    let admission = Admission { channel: id.clone(), replace: false };
    let publisher = house.hub.publish(&admission, Protocol::Rtmp).unwrap();
    let session = house.start(&pia).await;
    let air = format!("/api/sessions/{session}/air");
    let problem = pia.json("PUT", &air, json!({"channel": id})).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("RTMP"), "{problem}");
    pia.json("PATCH", &format!("/api/channels/{id}"), json!({"replace_publisher": true})).await.expect(200);
    pia.json("PUT", &air, json!({"channel": id})).await.expect(200);
    assert!(publisher.stream().has_ended());
    // Whoever comes next ends what the session publishes, which the session's page says.
    let next = house.hub.publish(&Admission { replace: true, ..admission }, Protocol::Rtmp).unwrap();
    house.until(&pia, &session, |session| session["on_air"] == Value::Null).await;
    drop(next);
    pia.json("PUT", &air, json!({"channel": id})).await.expect(200);
    house.hub.end(&id);
    house.until(&pia, &session, |session| session["on_air"] == Value::Null).await;
    pia.delete(&format!("/api/sessions/{session}")).await.expect(204);
    pia.json("PUT", &air, json!({"channel": id})).await.problem(409, "not-running");
}
