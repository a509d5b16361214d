//! The program itself as a process of its own, and its owner, who asks it by HTTP.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The program; killed when dropped.
pub(crate) struct House {
    pub(crate) process: Child,
    pub(crate) address: String,
    code: String,
    log: Arc<Mutex<String>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The command that serves what is in a folder, with more arguments.
pub(crate) fn serve(folder: &Path, more: &[&str]) -> Vec<String> {
    let titles = folder.to_str().unwrap();
    let own = [env!("CARGO_BIN_EXE_playhouse"), "serve", "--listen", "127.0.0.1:0", "--reserve-mib", "0"];
    own.iter().chain(&["--titles", titles]).chain(more).map(ToString::to_string).collect()
}

impl House {
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        Self::run(folder, &serve(folder, more))
    }

    /// Starts whatever ends in the program, and waits until it says its address.
    pub(crate) fn run(folder: &Path, command: &[String]) -> Self {
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, said) = (BufReader::new(process.stderr.take().unwrap()).lines(), Arc::clone(&log));
        let listening = std::thread::Builder::new().name("log".into()).spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push_str(&line);
                said.push('\n');
            }
        });
        listening.unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("?code=")));
        let line = line.unwrap_or_else(|| panic!("it did not start: {}", log.lock().unwrap()));
        let (address, code) = line.trim().strip_prefix("http://").unwrap().split_once("/?code=").unwrap();
        Self { process, address: address.to_owned(), code: code.to_owned(), log }
    }

    /// Serves with a data folder that is a small disk of its own, which only the program sees.
    pub(crate) fn with_small_disk(folder: &Path, mebibytes: u32, more: &[&str]) -> Self {
        let data = folder.join("data");
        std::fs::create_dir(&data).unwrap();
        let mount = format!("mount -t tmpfs -o size={mebibytes}m none \"$0\" && exec \"$@\"");
        let mut command: Vec<String> =
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &mount]
                .map(str::to_owned)
                .to_vec();
        command.push(data.to_str().unwrap().to_owned());
        command.extend(serve(folder, more));
        command.extend(["--data".to_owned(), data.to_str().unwrap().to_owned()]);
        Self::run(folder, &command)
    }

    /// The small disk, as its program sees it.
    pub(crate) fn disk(&self, folder: &Path) -> PathBuf {
        Path::new("/proc")
            .join(self.process.id().to_string())
            .join("root")
            .join(folder.join("data").strip_prefix("/").unwrap())
    }

    /// A number of kilobytes that the system knows of the program, by its name in `/proc/…/status`.
    pub(crate) fn kilobytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Everything it said on standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// Sends a request; gives the head and the body of the answer.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    }

    /// The header that signs the owner in.
    pub(crate) fn sign_in(&self) -> String {
        let body = format!("{{\"code\": \"{}\", \"token\": true}}", self.code);
        let (_, body) =
            self.send("POST", "/api/sign-in/code", &["Content-Type: application/json"], body.as_bytes());
        let me: Value = serde_json::from_slice(&body).unwrap();
        format!("Authorization: Bearer {}", me["token"].as_str().unwrap())
    }

    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner { house: self, token: self.sign_in() }
    }
}

/// The owner of a house.
pub(crate) struct Owner<'a> {
    pub(crate) house: &'a House,
    pub(crate) token: String,
}

impl Owner<'_> {
    /// Asks; gives the status and the body of the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let json = "Content-Type: application/json";
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let (head, body) = self.house.send(method, path, &[&self.token, json], &body);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null).1
    }

    /// The bytes at an address; none where there are none.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let (head, body) = self.house.send("GET", path, &[&self.token], b"");
        head.contains(" 200 ").then_some(body)
    }

    /// The text at an address; empty where there is none.
    pub(crate) fn text(&self, path: &str) -> String {
        self.bytes(path).map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default()
    }

    /// Makes a channel; gives it and a key for it.
    pub(crate) fn channel(&self) -> (String, String) {
        let (status, made) = self.ask("POST", "/api/channels", &serde_json::json!({"name": "Live"}));
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap().to_owned();
        let (status, key) = self.ask("POST", &format!("/api/channels/{id}/keys"), &serde_json::json!({}));
        assert_eq!(status, 201, "{key}");
        (id, key["secret"].as_str().unwrap().to_owned())
    }
}

/// Fills a disk up to its last byte; gives the file that does.
pub(crate) fn fill(disk: &Path) -> PathBuf {
    let fill = disk.join("fill");
    let mut file = std::fs::File::create(&fill).unwrap();
    let zeros = vec![0; 1 << 20];
    while file.write_all(&zeros).is_ok() {}
    while file.write_all(&[0; 512]).is_ok() {}
    fill
}

/// A port of loopback that nobody listens at.
pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until something is there.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}
