//! An upload into the program itself, which is killed in the middle: what was acknowledged is there.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program; killed when dropped.
struct House {
    process: Child,
    address: String,
    code: String,
}

impl Drop for House {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl House {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_playhouse"))
            .args(["serve", "--listen", "127.0.0.1:0", "--reserve-mib", "0", "--titles"])
            .arg(folder)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("?code="))).unwrap();
        let (address, code) = line.trim().strip_prefix("http://").unwrap().split_once("/?code=").unwrap();
        Self { process, address: address.to_owned(), code: code.to_owned() }
    }

    /// Sends a request; gives the head and the body of the answer.
    fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    /// The header that signs the owner in.
    fn sign_in(&self) -> String {
        let body = format!("{{\"code\": \"{}\", \"token\": true}}", self.code);
        let (_, body) =
            self.send("POST", "/api/sign-in/code", &["Content-Type: application/json"], body.as_bytes());
        let me: serde_json::Value = serde_json::from_str(&body).unwrap();
        format!("Authorization: Bearer {}", me["token"].as_str().unwrap())
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[test]
fn an_upload_outlives_a_killed_server() {
    const HALF: usize = 300_000;
    let folder = tempfile::tempdir().unwrap();
    let film: Vec<u8> = (0..2 * HALF).map(|n| (n % 251).to_le_bytes()[0]).collect();
    let tus = "Tus-Resumable: 1.0.0";
    let bytes = "Content-Type: application/offset+octet-stream";
    let mut house = House::start(folder.path());
    let token = house.sign_in();
    let length = format!("Upload-Length: {}", film.len());
    // `Film.mp4` in base 64.
    let name = "Upload-Metadata: filename RmlsbS5tcDQ=";
    let (head, body) = house.send("POST", "/api/uploads", &[&token, tus, &length, name], b"");
    assert!(head.contains(" 201 "), "{head} {body}");
    let url = header(&head, "location").to_owned();
    let (head, _) = house.send("PATCH", &url, &[&token, tus, bytes, "Upload-Offset: 0"], &film[..HALF]);
    assert!(head.contains(" 204 ") && header(&head, "upload-offset") == HALF.to_string(), "{head}");
    // More is on its way when the program is killed.
    let mut stream = TcpStream::connect(&house.address).unwrap();
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nHost: x\r\n{token}\r\n{tus}\r\n{bytes}\r\nUpload-Offset: {HALF}\r\n\
         Content-Length: {HALF}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&film[HALF..HALF + 100_000]).unwrap();
    house.process.kill().unwrap();
    house.process.wait().unwrap();
    drop(house);

    let house = House::start(folder.path());
    let token = house.sign_in();
    let (head, _) = house.send("HEAD", &url, &[&token, tus], b"");
    let at: usize = header(&head, "upload-offset").parse().unwrap();
    assert!((HALF..=HALF + 100_000).contains(&at), "{at}");
    let from = format!("Upload-Offset: {at}");
    let (head, _) = house.send("PATCH", &url, &[&token, tus, bytes, &from], &film[at..]);
    assert!(head.contains(" 204 ") && header(&head, "upload-offset") == film.len().to_string(), "{head}");
    assert!(
        fs::read(folder.path().join(".playhouse/films/Film.mp4")).unwrap() == film,
        "the film is another one"
    );
    // It is none, which the library says at once.
    let end = Instant::now() + PATIENCE;
    loop {
        let (_, body) = house.send("GET", "/api/films", &[&token], b"");
        if body.contains("This is no film") {
            break;
        }
        assert!(Instant::now() < end, "{body}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
