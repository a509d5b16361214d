//! Watch parties: who may come in, and what is told over the web socket.

use playhouse_store::accounts::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::household::with_film;
use crate::http::{Client, read_until};

/// A web socket, as far as a party needs one (RFC 6455): short text messages.
struct Socket(TcpStream);

impl Socket {
    async fn open(client: &Client, party: &str) -> Self {
        let mut stream = TcpStream::connect(client.address).await.unwrap();
        stream.write_all(upgrade(client, party, "").as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self(stream)
    }

    async fn say(&mut self, message: Value) {
        let text = message.to_string();
        let len = u16::try_from(text.len()).unwrap().to_be_bytes();
        // The mask may be zero, so that the text stands as it is.
        let mut frame = vec![0x81, 0x80 | 0x7E, len[0], len[1], 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await.unwrap();
        assert_eq!(head[0], 0x81, "no text");
        let len = match head[1] {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
            len => usize::from(len),
        };
        let mut text = vec![0; len];
        self.0.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The next message of a kind.
    async fn until(&mut self, kind: &str) -> Value {
        let waiting = async {
            loop {
                let told = self.hear().await;
                if told["kind"] == kind {
                    return told;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("nobody says it")
    }
}

fn upgrade(client: &Client, party: &str, more: &str) -> String {
    let token = client.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
    let cookie = client.cookie.as_ref().map(|cookie| format!("Cookie: playhouse={cookie}\r\n"));
    format!(
        "GET /api/parties/{party}/live HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{}{}{more}\r\n",
        client.address,
        token.unwrap_or_default(),
        cookie.unwrap_or_default(),
    )
}

async fn begin(host: &Client, film: &str, steering: &str) -> String {
    let party =
        host.post("/api/parties", json!({"film": film, "steering": steering})).await.expect(201).json();
    assert_eq!((&party["hosting"], &party["film"]["id"]), (&json!(true), &json!(film)));
    party["id"].as_str().unwrap().to_owned()
}

async fn link(host: &Client, party: &str) -> String {
    let link = host.post(&format!("/api/parties/{party}/invites"), json!({})).await.expect(201).json();
    link["link"].as_str().unwrap().strip_prefix("/join/").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_is_for_its_people_and_its_film_for_nobody_else() {
    let house = House::new().await;
    let owner = house.owner().await;
    let (film, other) = (with_film(&house, &owner, "Ours").await, with_film(&house, &owner, "Other").await);
    let (host, stranger) = (house.player().await, house.account("Stan", Role::Player).await);
    let guest = house.account("Gil", Role::Guest).await;
    let party = begin(&host, &film, "host").await;
    let path = format!("/api/parties/{party}");
    house.nobody.get(&path).await.problem(401, "sign-in-required");
    for outsider in [&stranger, &guest] {
        outsider.get(&path).await.problem(403, "not-allowed");
        outsider.get(&format!("{path}/live")).await.problem(403, "not-allowed");
        outsider.patch(&path, json!({"steering": "everyone"})).await.problem(403, "not-allowed");
        outsider.post(&format!("{path}/invites"), json!({})).await.problem(403, "not-allowed");
        outsider.delete(&path).await.problem(403, "not-allowed");
    }
    host.get(&format!("{path}/live")).await.problem(426, "method");

    let token = link(&host, &party).await;
    let look = house.nobody.get(&format!("/api/invites/{token}")).await.expect(200).json();
    assert_eq!(
        (&look["party"], &look["title"]["name"], &look["needs_name"]),
        (&json!(true), &json!("Ours"), &json!(true))
    );
    let visitor = house.visitor(&token, Some("Vera")).await;
    guest.post(&format!("/api/invites/{token}"), json!({})).await.expect(200);
    for member in [&visitor, &guest] {
        assert_eq!(member.get(&path).await.expect(200).json()["hosting"], false);
        for part in ["", "/poster", "/master.m3u8", "/0.m3u8", "/0/init.mp4", "/0/0.m4s"] {
            member.get(&format!("/api/films/{film}{part}")).await.expect(200);
        }
        member.get(&format!("/api/films/{other}/master.m3u8")).await.problem(403, "not-allowed");
        member.patch(&path, json!({"steering": "everyone"})).await.problem(403, "not-allowed");
        member.delete(&path).await.problem(403, "not-allowed");
        assert!(
            member.json("PUT", &format!("/api/films/{film}/position"), json!({"seconds": 1.0})).await.status
                == 403
        );
    }
    visitor.get("/api/films").await.problem(403, "not-allowed");
    // Another site's page gets no socket by a cookie that it cannot read.
    let mut stream = TcpStream::connect(visitor.address).await.unwrap();
    stream.write_all(upgrade(&visitor, &party, "Origin: https://evil.example\r\n").as_bytes()).await.unwrap();
    let refused = read_until(&mut stream, "}").await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("wrong-origin"), "{refused}");

    host.delete(&path).await.expect(204);
    visitor.get(&format!("/api/films/{film}/master.m3u8")).await.problem(401, "sign-in-required");
    guest.get(&format!("/api/films/{film}/master.m3u8")).await.problem(403, "not-allowed");
    house.nobody.get(&format!("/api/invites/{token}")).await.problem(404, "not-found");
    host.get(&path).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_where_the_film_is_and_what_is_said() {
    let house = House::new().await;
    let host = house.owner().await;
    let film = with_film(&house, &host, "Ours").await;
    let party = begin(&host, &film, "host").await;
    let visitor = house.visitor(&link(&host, &party).await, Some("Vera")).await;
    let mut first = Socket::open(&host, &party).await;
    let state = first.until("state").await;
    assert_eq!((&state["timeline"]["playing"], &state["steering"]), (&json!(false), &json!("host")));
    let mut second = Socket::open(&visitor, &party).await;
    let members = first.until("members").await;
    let members = if members["members"].as_array().unwrap().len() == 2 {
        members
    } else {
        first.until("members").await
    };
    assert_eq!(
        (&members["members"][0]["host"], &members["members"][1]["name"]),
        (&json!(true), &json!("Vera"))
    );

    second.say(json!({"kind": "steer", "steer": {"playing": true}})).await;
    assert!(second.until("refused").await["detail"].as_str().unwrap().contains("host"));
    first.say(json!({"kind": "steer", "steer": {"playing": true, "position": 2.0}})).await;
    for socket in [&mut first, &mut second] {
        let timeline = &socket.until("timeline").await["timeline"];
        assert_eq!((&timeline["playing"], &timeline["position"]), (&json!(true), &json!(2.0)));
    }
    second.say(json!({"kind": "ping", "sent": 42})).await;
    let pong = second.until("pong").await;
    assert!(pong["sent"] == 42 && pong["at"].as_u64().unwrap() > state["at"].as_u64().unwrap(), "{pong}");
    second.say(json!({"kind": "say", "text": "<b>Hello</b>"})).await;
    second.say(json!({"kind": "react", "sign": "clap"})).await;
    let line = &first.until("line").await["line"];
    assert_eq!((&line["name"], &line["text"]), (&json!("Vera"), &json!("<b>Hello</b>")));
    assert_eq!(first.until("reaction").await["sign"], "clap");
    for _ in 0..5 {
        second.say(json!({"kind": "say", "text": "again"})).await;
    }
    assert!(second.until("refused").await["detail"].as_str().unwrap().contains("wait"));
    for rubbish in
        [json!({"kind": "nothing"}), json!(1), json!({"kind": "say"}), json!({"kind": "ping", "sent": -1})]
    {
        second.say(rubbish).await;
        assert!(second.until("refused").await["detail"].as_str().unwrap().contains("no message"));
    }
    host.patch(&format!("/api/parties/{party}"), json!({"steering": "everyone"})).await.expect(200);
    assert_eq!(second.until("steering").await["steering"], "everyone");
    second.say(json!({"kind": "steer", "steer": {"playing": false}})).await;
    assert_eq!(first.until("timeline").await["timeline"]["playing"], false);
    drop(second);
    while first.until("members").await["members"].as_array().unwrap().len() > 1 {}
    host.delete(&format!("/api/parties/{party}")).await.expect(204);
    assert!(first.until("over").await["detail"].as_str().unwrap().contains("over"));
}
