//! Many viewers of one live stream, to see what they cost whoever sends it.
//!
//! `viewers whep 127.0.0.1:PORT PATH COUNT` joins by WHEP; `viewers janus 127.0.0.1:PORT ADDRESS COUNT` joins the first
//! mountpoint of Janus's streaming plugin, from an address that Janus has a candidate at. Prints the pictures that
//! arrived at all of them, each five seconds, until it is ended.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and ends where it cannot go on"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use playhouse_testkit::viewer::{Offered, Viewer};
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, at, what, count] = &arguments[..] else { panic!("four arguments") };
    let count: usize = count.parse().unwrap();
    let viewers: Vec<Viewer> =
        (0..count).map(|_| if kind == "whep" { whep(at, what) } else { janus(at, what) }).collect();
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_secs(5));
        let frames: u64 = viewers.iter().map(Viewer::frames).sum();
        let silent = viewers.iter().filter(|viewer| viewer.frames() == 0).count();
        println!(
            "{} pictures a second each, {silent} without any",
            (frames - before) as f64 / 5.0 / count as f64
        );
        before = frames;
    }
}

fn whep(at: &str, path: &str) -> Viewer {
    let (offered, offer) = Offered::new().unwrap();
    let answer = request(at, "POST", path, "application/sdp", &offer);
    offered.answered(&answer).unwrap()
}

fn janus(at: &str, address: &str) -> Viewer {
    let ask = |path: &str, body: Value| -> Value {
        serde_json::from_str(&request(at, "POST", path, "application/json", &body.to_string())).unwrap()
    };
    let session = &ask("/janus", json!({"janus": "create", "transaction": "a"}))["data"]["id"];
    let session = format!("/janus/{session}");
    let attach = json!({"janus": "attach", "plugin": "janus.plugin.streaming", "transaction": "b"});
    let handle = format!("{session}/{}", ask(&session, attach)["data"]["id"]);
    ask(&handle, json!({"janus": "message", "transaction": "c", "body": {"request": "watch", "id": 1}}));
    let offer = loop {
        let event: Value = serde_json::from_str(&request(at, "GET", &session, "text/plain", "")).unwrap();
        if let Some(offer) = event["jsep"]["sdp"].as_str() {
            break offer.to_owned();
        }
    };
    let (viewer, answer) = Viewer::invited(&offer, address.parse().unwrap()).unwrap();
    let start = json!({"janus": "message", "transaction": "d", "body": {"request": "start"},
        "jsep": {"type": "answer", "sdp": answer}});
    ask(&handle, start);
    viewer
}

fn request(at: &str, method: &str, path: &str, kind: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(at).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {at}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
