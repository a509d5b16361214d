//! Many viewers of one live stream, to see what they cost whoever sends it.
//!
//! `viewers 127.0.0.1:PORT PATH COUNT` joins by WHEP. Prints the pictures that arrived at all of them, each five seconds,
//! until it is ended. `bench -- watch --only viewers` does the same with a whole server, beside janus.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and ends where it cannot go on"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use playhouse_testkit::viewer::{Offered, Viewer};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, at, path, count] = &arguments[..] else { panic!("three arguments") };
    let count: usize = count.parse().unwrap();
    let viewers: Vec<Viewer> = (0..count).map(|_| whep(at, path)).collect();
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
    let answer = request(at, path, &offer);
    offered.answered(&answer).unwrap()
}

fn request(at: &str, path: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(at).unwrap();
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {at}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
