//! janus: takes a stream by RTP, and sends it to each viewer by WebRTC, as its streaming plugin does.

use std::fs;
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use playhouse_testkit::viewer::Viewer;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::debian::{self, Root};
use crate::house::free_port;
use crate::progress::say;

const PROGRAM: &str = "usr/bin/janus";
const PACKAGES: [&str; 1] = ["janus"];
/// Said where it is not there.
pub(crate) const MISSING: &str = "janus was not found, or this machine has no address but loopback's; `bench -- watch \
                                  --install-peers` unpacks Debian's into target/peers";
/// How long it may take to come up, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// It, or nothing, which is said.
pub(crate) fn find(install: bool) -> Option<Root> {
    debian::find("janus", PROGRAM, &PACKAGES, install)
}

/// The address of this machine that its candidates are at: those of loopback it does not offer.
pub(crate) fn address() -> Option<IpAddr> {
    // Nothing is sent: the address of documentation (RFC 5737) only asks for a way out.
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let found = socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback());
    if found.is_none() {
        say("janus needs an address of this machine that is not loopback's. Its figures stay empty.");
    }
    found
}

/// A running janus with one mountpoint. Ends when dropped.
pub(crate) struct Janus {
    program: Program,
    agent: ureq::Agent,
    origin: String,
    address: IpAddr,
    /// Where the stream goes by RTP.
    pub(crate) rtp: u16,
    _folder: TempDir,
}

impl Janus {
    /// Starts it for viewers at `address`, an address of this machine.
    pub(crate) fn start(root: &Root, address: IpAddr) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-janus-").tempdir()?;
        let (http, rtp) = (free_port()?, free_port()?);
        let at = folder.path().display();
        let parts = root.path(&format!("usr/lib/{}-linux-gnu/janus", std::env::consts::ARCH));
        let parts = parts.display();
        let general = format!(
            "general: {{ configs_folder = \"{at}\"\n plugins_folder = \"{parts}/plugins\"\n \
             transports_folder = \"{parts}/transports\"\n events_folder = \"{parts}/events\"\n \
             loggers_folder = \"{parts}/loggers\"\n debug_level = 3\n session_timeout = 0\n \
             interface = \"127.0.0.1\" }}\ncertificates: {{ }}\nmedia: {{ ipv6 = false }}\n\
             nat: {{ ice_lite = false\n ice_enforce_list = \"{address}\" }}\n\
             plugins: {{ disable = \"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,\
             libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,\
             libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so\" }}\n\
             transports: {{ disable = \"libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,\
             libjanus_rabbitmq.so,libjanus_websockets.so\" }}\n"
        );
        let streaming = format!(
            "live: {{ type = \"rtp\"\n id = 1\n audio = false\n video = true\n videoport = {rtp}\n \
             videoiface = \"127.0.0.1\"\n videopt = 96\n videocodec = \"h264\"\n \
             videofmtp = \"profile-level-id=42e01f;packetization-mode=1\" }}\n"
        );
        let transport = format!(
            "general: {{ json = \"compact\"\n base_path = \"/janus\"\n http = true\n port = {http}\n \
             interface = \"lo\"\n https = false }}\nadmin: {{ admin_http = false }}\n"
        );
        for (name, text) in
            [("janus", general), ("janus.plugin.streaming", streaming), ("janus.transport.http", transport)]
        {
            fs::write(folder.path().join(format!("{name}.jcfg")), text)?;
        }
        let log = fs::File::create(folder.path().join("log"))?;
        let mut program = Program::start(
            root.command(PROGRAM)
                .arg("-F")
                .arg(folder.path())
                .arg("-C")
                .arg(folder.path().join("janus.jcfg"))
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
        )
        .context("janus does not start")?;
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", http)).is_err() {
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            ensure!(program.ended()?.is_none() && Instant::now() < end, "janus does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
        let origin = format!("http://127.0.0.1:{http}");
        Ok(Self { program, agent, origin, address, rtp, _folder: folder })
    }

    /// Number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// One more viewer.
    pub(crate) fn join(&self) -> Result<Viewer> {
        let session = self.post("/janus", &json!({"janus": "create", "transaction": "a"}))?;
        let session = format!("/janus/{}", session["data"]["id"]);
        let attach = json!({"janus": "attach", "plugin": "janus.plugin.streaming", "transaction": "b"});
        let handle = format!("{session}/{}", self.post(&session, &attach)?["data"]["id"]);
        let watch = json!({"janus": "message", "transaction": "c", "body": {"request": "watch", "id": 1}});
        self.post(&handle, &watch)?;
        let end = Instant::now() + PATIENCE;
        let offer = loop {
            let mut events = self.agent.get(format!("{}{session}", self.origin)).call()?;
            let event: Value = serde_json::from_str(&events.body_mut().read_to_string()?)?;
            if let Some(offer) = event["jsep"]["sdp"].as_str() {
                break offer.to_owned();
            }
            ensure!(Instant::now() < end, "janus makes no offer: {event}");
        };
        let (viewer, answer) = Viewer::invited(&offer, self.address)?;
        let start = json!({"janus": "message", "transaction": "d", "body": {"request": "start"},
            "jsep": {"type": "answer", "sdp": answer}});
        self.post(&handle, &start)?;
        Ok(viewer)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.origin))
            .header("content-type", "application/json")
            .send(body.to_string())
            .context("janus does not answer")?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }
}
