//! selkies: streams an X display. Display A has the game and is captured; the browser is on a display B, as ours is.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use playhouse_testkit::child::Program;
use playhouse_testkit::display::Display;
use playhouse_testkit::procs;
use tempfile::TempDir;

use crate::client::Client;
use crate::house::built;
use crate::progress::say;
use crate::round::Side;
use crate::scene::{KBPS, RATE, SIZE};
use crate::usage::Usage;

/// The version that is compared with.
const PACKAGE: &str = "selkies==2.1.*";
/// Said where it is not there.
pub(crate) const MISSING: &str = "selkies was not found; `bench -- play --peer selkies --install-peers` installs it from PyPI into target/peers";
/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);
const USER: &str = "u";
const PASSWORD: &str = "p";

/// Its program, or nothing, which is said.
pub(crate) fn find(install: bool) -> Option<PathBuf> {
    let folder = built("bench").ok()?.parent()?.parent()?.join("peers/selkies");
    let program = folder.join("bin/selkies");
    if !program.is_file() && install {
        say(&format!("Installing {PACKAGE} into {}", folder.display()));
        if let Err(error) = set_up(&folder) {
            say(&format!("selkies could not be installed: {error:#}."));
        }
    }
    if program.is_file() {
        return Some(program);
    }
    say(&format!("{MISSING}. Only our own side is measured."));
    None
}

fn set_up(folder: &Path) -> Result<()> {
    let run = |command: &mut Command| -> Result<()> {
        let output = command.stdin(Stdio::null()).output().context("python3 with venv and pip is needed")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", PACKAGE]))
}

/// The game on a display, streamed to a browser. Fields are ended in their order.
pub(crate) struct Selkies {
    client: Client,
    program: Program,
    game: Program,
    display: Display,
    _home: TempDir,
}

impl Selkies {
    /// Starts everything from nothing.
    pub(crate) fn start(program: &Path, still: bool) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("bench-selkies-").tempdir()?;
        let display = Display::start(SIZE.0, SIZE.1)?;
        let mut game = Command::new(built("probe")?);
        game.args([
            "--x11",
            "--silent",
            "--size",
            &format!("{}x{}", SIZE.0, SIZE.1),
            "--rate",
            &RATE.to_string(),
        ]);
        if still {
            game.arg("--still");
        }
        let log = fs::File::create(home.path().join("log"))?;
        let game = Program::start(
            game.env("DISPLAY", display.name())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut program = Program::start(
            Command::new(program)
                .args([
                    "--addr=127.0.0.1",
                    &format!("--port={port}"),
                    "--mode=webrtc",
                    "--enable-https=false",
                ])
                .args([&format!("--basic-auth-user={USER}"), &format!("--basic-auth-password={PASSWORD}")])
                .args([
                    "--audio-enabled=false",
                    "--encoder=h264enc",
                    "--use-cpu=true",
                    "--rate-control-mode=cbr",
                ])
                .args([format!("--framerate={RATE}"), format!("--video-bitrate={KBPS}")])
                .args(["--manual-resolution=true", "--enable-resize=false"])
                .args([format!("--manual-width={}", SIZE.0), format!("--manual-height={}", SIZE.1)])
                .current_dir(home.path())
                .env("HOME", home.path())
                .env("DISPLAY", display.name())
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
        )?;
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > end || program.ended()?.is_some() {
                bail!("selkies did not come up: {}", fs::read_to_string(home.path().join("log"))?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut client = Client::start(None, None)?;
        client.browser.page.open(&format!("http://{USER}:{PASSWORD}@127.0.0.1:{port}/"))?;
        Ok(Self { client, program, game, display, _home: home })
    }
}

impl Side for Selkies {
    fn name(&self) -> &'static str {
        "selkies"
    }

    fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Its X server streams as much as it does: without it there is no picture to take.
    fn usage(&self) -> Usage {
        let mut streaming = procs::tree(self.program.pid());
        streaming.extend(procs::read(self.display.pid()));
        Usage::now(streaming, procs::tree(self.game.pid()))
    }
}
