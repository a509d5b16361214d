//! The program itself with a folder of its own, asked over HTTP as anybody would; killed when dropped.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The program.
pub(crate) struct House {
    process: Child,
    pub(crate) address: String,
    pub(crate) rtmp: u16,
    token: String,
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of loopback that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl House {
    /// Starts in `folder`, where it keeps what it keeps, and signs the owner in.
    pub(crate) fn start(folder: &Path) -> Self {
        let rtmp = free_port();
        let titles = folder.join("titles");
        std::fs::create_dir_all(&titles).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_playhouse"))
            .args(["serve", "--listen", "127.0.0.1:0", "--reserve-mib", "0", "--srt", "off"])
            .args(["--address", "127.0.0.1", "--rtmp", &format!("127.0.0.1:{rtmp}"), "--titles"])
            .arg(titles)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("?code="))).unwrap();
        let (address, code) = line.trim().strip_prefix("http://").unwrap().split_once("/?code=").unwrap();
        let mut house = Self { process, address: address.to_owned(), rtmp, token: String::new() };
        house.sign_in(code);
        house
    }

    /// From now on asks as whom a one-time code is for; gives the account's id.
    pub(crate) fn sign_in(&mut self, code: &str) -> String {
        let me = self.post("/api/sign-in/code", &serde_json::json!({"code": code, "token": true}));
        me["token"].as_str().unwrap().clone_into(&mut self.token);
        me["id"].as_str().unwrap().to_owned()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// The header that says who asks.
    pub(crate) fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }

    /// Sends a request; gives status and body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.authorization(),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_off(end + 4))
    }

    fn json(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let (status, body) = self.send(method, path, body);
        let text = String::from_utf8_lossy(&body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        if body.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.json("GET", path, b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.json("POST", path, body.to_string().as_bytes())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Value {
        self.json("PUT", path, body.to_string().as_bytes())
    }

    /// Asks at `path` until the answer has what is wanted.
    pub(crate) fn until<T>(&self, path: &str, mut wanted: impl FnMut(&Value) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(path);
            if let Some(found) = wanted(&seen) {
                return found;
            }
            assert!(Instant::now() < end, "{path} does not become what it should: {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs a program of ffmpeg on an address of the house; gives what it prints.
    pub(crate) fn judge(&self, program: &str, before: &[&str], path: &str, after: &[&str]) -> String {
        let output = Command::new(program)
            .args(["-v", "error", "-headers", &self.authorization()])
            .args(before)
            .args(["-i", &format!("http://{}{path}", self.address)])
            .args(after)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{program} about {path}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}
