//! A session process without a node: the test is its node.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use playhouse_media::frame::Size;
use playhouse_play::control::{Ask, Ended, GameSpec, Host, NetSpec, Role, SessionSpec, Stats, Tell};
use playhouse_testkit::child::Program;
use playhouse_testkit::emulator::{Relay, Schedule};
use playhouse_testkit::viewer::{Offered, Viewer};

/// Bits per second of the session.
pub(crate) const BITRATE: u32 = 6_000_000;

/// How long the session may be silent when it was asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the emulator's luck the same each time.
const SEED: u64 = 7;

/// A running session; ends when dropped.
pub(crate) struct Session {
    // Declared in the order in which they have to end.
    _process: Program,
    asks: UnixStream,
    tells: BufReader<UnixStream>,
    address: Option<SocketAddr>,
    requests: u64,
    _folder: tempfile::TempDir,
}

impl Session {
    /// Starts the probe game in a session, and waits for its first picture.
    pub(crate) fn start() -> Self {
        Self::start_as(|_| ())
    }

    /// The same, of a session that is asked for in another way.
    pub(crate) fn start_as(change: impl FnOnce(&mut SessionSpec)) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_playhouse"));
        let probe = program.with_file_name("probe");
        assert!(probe.is_file(), "`probe` is not built: run `cargo build --release -p probe` first");
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        std::fs::create_dir(&files).unwrap();
        std::fs::copy(&probe, files.join("probe")).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let process = Program::start(
            Command::new(program)
                .arg("session")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null()),
        )
        .unwrap();
        let tells = BufReader::new(ours.try_clone().unwrap());
        let mut spec = spec(folder.path());
        change(&mut spec);
        let mut session =
            Self { _process: process, asks: ours, tells, address: None, requests: 0, _folder: folder };
        session.ask(&Ask::Start(Box::new(spec)));
        session.told(|tell| matches!(tell, Tell::Ready).then_some(()));
        session
    }

    /// Lets a viewer in, without a network in between.
    pub(crate) fn join(&mut self, peer: &str, role: Role) -> Viewer {
        self.join_at(None, peer, role)
    }

    /// Lets a viewer in that reaches the session through an emulated network.
    pub(crate) fn join_through(&mut self, relay: &Relay, peer: &str, role: Role) -> Viewer {
        self.join_at(Some(relay), peer, role)
    }

    /// A network in front of the session, which has to have a peer already; up and down.
    pub(crate) fn relay(&self, (up, down): (Schedule, Schedule)) -> Relay {
        Relay::start(self.address.unwrap(), SEED, up, down).unwrap()
    }

    /// Sends a viewer away.
    pub(crate) fn close(&mut self, peer: &str) {
        self.ask(&Ask::ClosePeer { peer: peer.to_owned() });
    }

    /// Gives a viewer another role.
    pub(crate) fn seat(&mut self, peer: &str, role: Role) {
        self.ask(&Ask::SetRole { peer: peer.to_owned(), role });
    }

    /// The session's numbers.
    pub(crate) fn stats(&mut self) -> Stats {
        self.requests += 1;
        let asked = self.requests;
        self.ask(&Ask::Stats { request: asked });
        self.told(|tell| match tell {
            Tell::Stats { request, stats } if request == asked => Some(*stats),
            _ => None,
        })
    }

    /// Takes a viewer's offer (SDP); gives the session's answer, or the network's in front of it.
    pub(crate) fn offer(&mut self, through: Option<&Relay>, peer: &str, role: Role, sdp: String) -> String {
        self.requests += 1;
        let asked = self.requests;
        self.ask(&Ask::Offer { request: asked, peer: peer.to_owned(), role, sdp });
        let answer = self
            .told(|tell| match tell {
                Tell::Answer { request, result } if request == asked => Some(result),
                _ => None,
            })
            .unwrap();
        let address = candidate(&answer);
        self.address = Some(address);
        match through {
            Some(relay) => answer.replace(&way(address), &way(relay.address())),
            None => answer,
        }
    }

    /// Waits until it says that it is over, and why.
    pub(crate) fn ended(&mut self) -> Ended {
        loop {
            if let Tell::Ended(ended) = self.tell() {
                return ended;
            }
        }
    }

    fn join_at(&mut self, through: Option<&Relay>, peer: &str, role: Role) -> Viewer {
        let (offered, sdp) = Offered::new().unwrap();
        let answer = self.offer(through, peer, role, sdp);
        let viewer = offered.answered(&answer).unwrap();
        assert!(viewer.wait(1, PATIENCE), "`{peer}` sees nothing");
        viewer
    }

    fn ask(&mut self, ask: &Ask) {
        let mut line = serde_json::to_vec(ask).unwrap();
        line.push(b'\n');
        self.asks.write_all(&line).unwrap();
    }

    /// Reads on until the session has told what is waited for.
    fn told<T>(&mut self, pick: impl Fn(Tell) -> Option<T>) -> T {
        loop {
            let tell = self.tell();
            assert!(!matches!(tell, Tell::Ended(_)), "the session ended: {tell:?}");
            if let Some(told) = pick(tell) {
                return told;
            }
        }
    }

    fn tell(&mut self) -> Tell {
        let mut line = String::new();
        let read = self.tells.read_line(&mut line).expect("the session answers in time");
        assert!(read > 0, "the session is gone");
        serde_json::from_str(&line).unwrap()
    }
}

fn spec(folder: &Path) -> SessionSpec {
    let game = GameSpec {
        title: "probe".to_owned(),
        host: Host::Wayland,
        command: ["./probe", "--silent"].map(str::to_owned).to_vec(),
        env: std::collections::BTreeMap::new(),
        files: Some(folder.join("files")),
        home: folder.join("home"),
        network: false,
        memory_mib: 512,
        processes: 64,
        seconds: 3600,
        seats: 2,
    };
    SessionSpec {
        id: "test".to_owned(),
        game,
        size: Size::new(1280, 720),
        rate: 60,
        encoder: encoder().to_owned(),
        bitrate: BITRATE,
        runtime: folder.join("run"),
        net: NetSpec { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ports: (0, 0) },
        idle_seconds: 60,
    }
}

/// The software encoder of this build.
fn encoder() -> &'static str {
    if cfg!(feature = "x264") { "x264" } else { "openh264" }
}

/// Where an answer says that the session is.
fn candidate(answer: &str) -> SocketAddr {
    let line = answer.lines().find(|line| line.starts_with("a=candidate:")).expect("a candidate");
    let words: Vec<&str> = line.split(' ').collect();
    format!("{}:{}", words[4], words[5]).parse().unwrap()
}

/// An address as candidates name it.
fn way(address: SocketAddr) -> String {
    format!("{} {}", address.ip(), address.port())
}
