//! The server under measurement: started on loopback with a folder of its own, signed in to through its API.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use playhouse_testkit::browser::Cdp;
use playhouse_testkit::child::Program;
use playhouse_testkit::procs::{self, Process};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the server, or a session, may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who plays.
const NAME: &str = "Bench";
const PASSWORD: &str = "a bench needs no secret";

/// How to start the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Sessions at once.
    pub(crate) sessions: u32,
    /// Most kilobits per second of a session's video.
    pub(crate) kbps: u32,
    /// UDP ports of its sessions.
    pub(crate) ports: (u16, u16),
}

/// A running server; ends, with its games, when dropped.
pub(crate) struct House {
    // Declared in the order in which they have to end.
    server: Program,
    launch: Launch,
    pub(crate) origin: String,
    token: String,
    /// Where publishers come in by RTMP.
    pub(crate) rtmp: u16,
    doors: Doors,
    agent: ureq::Agent,
    pub(crate) folder: TempDir,
}

/// Ports for sensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doors {
    pub(crate) mqtt: u16,
    pub(crate) https: u16,
}

/// How the server is started, and again after it was stopped.
struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    runtime: PathBuf,
    log: PathBuf,
}

impl Launch {
    /// Starts it, and gives the address that it prints.
    fn start(&self) -> Result<(Program, String)> {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut server = Program::start(
            Command::new(&self.program)
                .args(&self.arguments)
                .env("XDG_RUNTIME_DIR", &self.runtime)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log),
        )?;
        let lines = BufReader::new(server.stdout().context("the server has no output")?).lines();
        let address = lines.map_while(Result::ok).find(|line| line.trim().starts_with("http"));
        let address = address.with_context(|| format!("the server ended at once: {}", tail(&self.log)))?;
        Ok((server, address.trim().to_owned()))
    }
}

/// A running game.
pub(crate) struct Session {
    pub(crate) id: String,
    /// The session's own process.
    pub(crate) pid: u32,
}

impl House {
    /// Starts it with the titles that benchmarks play, and signs in.
    pub(crate) fn start(settings: Settings) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-house-").tempdir()?;
        let program = built("playhouse")?;
        let titles = folder.path().join("titles");
        write_titles(&titles)?;
        let runtime = folder.path().join("run");
        fs::create_dir(&runtime)?;
        let rtmp = free_port()?;
        let doors = Doors { mqtt: free_port()?, https: free_port()? };
        let ports = settings.ports;
        let mut arguments: Vec<String> =
            ["serve", "--address", "127.0.0.1", "--srt", "off"].map(str::to_owned).into();
        for (name, value) in [
            ("--listen", format!("127.0.0.1:{}", free_port()?)),
            ("--rtmp", format!("127.0.0.1:{rtmp}")),
            ("--mqtt", format!("127.0.0.1:{}", doors.mqtt)),
            ("--sensor-https", format!("127.0.0.1:{}", doors.https)),
            ("--data", folder.path().join("data").display().to_string()),
            ("--titles", titles.display().to_string()),
            ("--sessions", settings.sessions.to_string()),
            ("--kbps", settings.kbps.to_string()),
            ("--udp-ports", format!("{}-{}", ports.0, ports.1)),
        ] {
            arguments.extend([name.to_owned(), value]);
        }
        let launch = Launch { program, arguments, runtime, log: folder.path().join("server.log") };
        let (server, address) = launch.start()?;
        let (origin, code) =
            address.split_once("/?code=").context("the server printed no code to sign in with")?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let origin = origin.to_owned();
        let mut house = Self { server, launch, origin, token: String::new(), rtmp, doors, agent, folder };
        let me = house.call(
            "POST",
            "/api/sign-in/code",
            &json!({"code": code, "name": NAME, "password": PASSWORD, "token": true}),
        )?;
        me["token"].as_str().context("signing in gave no token")?.clone_into(&mut house.token);
        Ok(house)
    }

    /// Stops the server, and starts it again with all that it keeps, where it was.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.server.stop();
        self.revive()
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        kill(&mut self.server);
    }

    /// Starts the server again, which was killed or stopped.
    pub(crate) fn revive(&mut self) -> Result<()> {
        self.server = self.launch.start()?.0;
        Ok(())
    }

    /// Where sensors come in: by MQTT, and by HTTPS.
    pub(crate) fn doors(&self) -> Doors {
        self.doors
    }

    /// The server's processes, without games.
    pub(crate) fn processes(&self) -> Vec<Process> {
        procs::tree(self.pid())
    }

    /// Calls the API; gives what it answers, or its problem as an error.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.origin);
        let what = || format!("{method} {path}");
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&url)
            .header("authorization", format!("Bearer {}", self.token))
            .header("origin", &self.origin)
            .header("content-type", "application/json");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut response = self.agent.run(request.body(text)?).with_context(what)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().with_context(what)?;
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        ensure!(
            status.is_success(),
            "{method} {path}: {status}: {}",
            value["detail"].as_str().unwrap_or(&text)
        );
        Ok(value)
    }

    /// Joins a session as a viewer with this offer; gives the answer.
    pub(crate) fn join(&self, session: &Session, offer: &str) -> Result<String> {
        self.whep(&format!("/api/sessions/{}/whep?role=spectator", session.id), offer)
    }

    /// Sends an offer (SDP) to that address; gives the answer.
    pub(crate) fn whep(&self, path: &str, offer: &str) -> Result<String> {
        let request = ureq::http::Request::builder()
            .method("POST")
            .uri(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {}", self.token))
            .header("origin", &self.origin)
            .header("content-type", "application/sdp");
        let mut response = self.agent.run(request.body(offer.to_owned())?).context("joining by WHEP")?;
        let answer = response.body_mut().read_to_string()?;
        ensure!(response.status() == 201, "joining by WHEP: {}: {answer}", response.status());
        Ok(answer)
    }

    /// Starts a title, beside others of its kind, and waits until it shows its first picture.
    pub(crate) fn open(&self, title: &str) -> Result<Session> {
        let before = self.session_pids();
        let session = self.call("POST", "/api/sessions", &json!({"title": title, "fresh": true}))?;
        let id = session["id"].as_str().context("a session without an id")?.to_owned();
        let end = Instant::now() + PATIENCE;
        loop {
            let session = self.call("GET", &format!("/api/sessions/{id}"), &Value::Null)?;
            match session["state"].as_str() {
                Some("running") => break,
                Some("ended") => {
                    bail!("`{title}` ended at once: {} {}", session["message"], session["last_words"])
                }
                _ if Instant::now() > end => {
                    bail!("`{title}` has not started within {PATIENCE:?}: {}", self.log());
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        let pid = self.session_pids().into_iter().find(|pid| !before.contains(pid));
        Ok(Session { id, pid: pid.context("a session without a process")? })
    }

    /// Ends a session.
    pub(crate) fn close(&self, session: &Session) -> Result<()> {
        self.call("DELETE", &format!("/api/sessions/{}", session.id), &Value::Null).map(drop)
    }

    /// The session's own numbers.
    pub(crate) fn stats(&self, session: &Session) -> Result<Value> {
        self.call("GET", &format!("/api/sessions/{}/stats", session.id), &Value::Null)
    }

    /// Signs a browser in and opens a session in it.
    pub(crate) fn play(&self, session: &Session, page: &mut Cdp) -> Result<()> {
        self.sign_in(page)?;
        page.open(&format!("{}/play/{}", self.origin, session.id))?;
        Ok(())
    }

    /// Signs a browser in.
    pub(crate) fn sign_in(&self, page: &mut Cdp) -> Result<()> {
        page.open(&format!("{}/favicon.svg", self.origin))?;
        let body = json!({"name": NAME, "password": PASSWORD}).to_string();
        let script = format!(
            "fetch('/api/sign-in', {{method: 'POST', headers: {{'content-type': 'application/json'}}, body: {}}})\
                .then((answer) => answer.status)",
            json!(body)
        );
        let origin = format!("location.origin === '{}'", self.origin);
        ensure!(page.wait(&origin, PATIENCE)?, "the browser does not reach the server");
        let status = page.evaluate(&script)?;
        ensure!(status == 200, "the browser could not sign in: {status}");
        Ok(())
    }

    /// What signs its owner in without a browser.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The folder that the server keeps.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder for its sockets.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// The last lines that the server wrote.
    pub(crate) fn log(&self) -> String {
        tail(&self.folder.path().join("server.log"))
    }

    fn session_pids(&self) -> Vec<u32> {
        let children = procs::all().into_values().filter(|p| p.parent == self.pid()).map(|p| p.pid);
        children.filter(|pid| procs::command_line(*pid).contains(" session")).collect()
    }
}

/// The processes of a session, parted: its own with its helpers, and the game's.
pub(crate) fn parted(session: u32) -> (Vec<Process>, Vec<Process>) {
    let tree = procs::tree(session);
    let mut games: Vec<u32> = tree.iter().filter(|p| p.name == "bwrap").map(|p| p.pid).collect();
    loop {
        let more: Vec<u32> = tree
            .iter()
            .filter(|p| games.contains(&p.parent) && !games.contains(&p.pid))
            .map(|p| p.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        games.extend(more);
    }
    tree.into_iter().partition(|p| !games.contains(&p.pid))
}

/// A program of this workspace, as built beside this one; where Cargo runs this one, what is measured is built first.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    static BUILD: OnceLock<bool> = OnceLock::new();
    let build = || {
        let Some(cargo) = std::env::var_os("CARGO") else { return true };
        let packages = ["playhouse", "playhouse-joystick", "probe", "lantern"].map(|name| ["-p", name]);
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--quiet"]).args(packages.as_flattened());
        command.current_dir(env!("CARGO_MANIFEST_DIR")).status().is_ok_and(|status| status.success())
    };
    ensure!(BUILD.get_or_init(build), "what is to be measured does not build");
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.is_file(),
        "`{}` is not built: run `cargo build --release --workspace` first",
        path.display()
    );
    Ok(path)
}

/// Ends a program, and what it started, without asking it.
pub(crate) fn kill(program: &mut Program) {
    if let Some(group) = i32::try_from(program.pid()).ok().and_then(Pid::from_raw) {
        // A group that is gone already is what is wanted.
        kill_process_group(group, Signal::KILL).unwrap_or(());
    }
    program.stop();
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The titles of a benchmark: the probe as it is, standing still, through Xwayland, and lighter.
fn write_titles(titles: &Path) -> Result<()> {
    let probe = built("probe")?;
    let cases = [
        ("probe", "wayland", "", (1280, 720), 60),
        ("probe-silent", "wayland", "\"--silent\"", (1280, 720), 60),
        ("probe-still", "wayland", "\"--still\"", (1280, 720), 60),
        ("probe-x11", "x11", "\"--x11\"", (1280, 720), 60),
        ("probe-30", "wayland", "", (1280, 720), 30),
        ("probe-light", "wayland", "", (640, 360), 30),
    ];
    for (id, host, arguments, (width, height), rate) in cases {
        let folder = titles.join(id);
        fs::create_dir_all(&folder)?;
        fs::copy(&probe, folder.join("probe"))?;
        let manifest = format!(
            "name = \"{id}\"\nsummary = \"For benchmarks.\"\nhost = \"{host}\"\n\
             command = [\"./probe\", {arguments}]\nrate = {rate}\n\
             width = {width}\nheight = {height}\n"
        );
        fs::write(folder.join("title.toml"), manifest)?;
    }
    Ok(())
}

fn tail(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
