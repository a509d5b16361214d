//! Starts Chromium with a window that fills a display.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::cdp::{Cdp, CdpError};
use super::window;
use crate::child::Program;
use crate::eye::EyeError;

/// Names under which systems have it, the first that starts is taken.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What keeps it from doing anything but showing the page, and lets sound and video begin by themselves.
const FLAGS: [&str; 18] = [
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-features=Translate,MediaRouter",
    "--disable-dev-shm-usage",
    "--password-store=basic",
    "--use-mock-keychain",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--window-position=0,0",
    "--kiosk",
];

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// None installed, or it cannot start.
    #[error("cannot start a browser (Debian: `chromium`): {0}")]
    Start(#[from] io::Error),
    /// It started and does not answer.
    #[error(transparent)]
    Line(#[from] CdpError),
    /// Its window cannot be placed.
    #[error(transparent)]
    Display(#[from] EyeError),
}

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Pixels of its window; the display's for a kiosk.
    pub size: (u32, u32),
    /// Sound server (`PULSE_SERVER`), or none.
    pub sound: Option<OsString>,
    /// More flags.
    pub flags: Vec<String>,
}

/// A Chromium with a window on a display; it ends when dropped.
#[derive(Debug)]
pub struct Browser {
    /// The line to its page. Declared first: it closes before the program ends.
    pub page: Cdp,
    program: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts it with an empty profile and an empty page.
    ///
    /// # Errors
    /// [`BrowserError`] where it is missing or does not come up.
    pub fn start(display: &OsStr, options: &Options) -> Result<Self, BrowserError> {
        let profile = tempfile::Builder::new().prefix("testkit-browser-").tempdir()?;
        let mut program = Self::spawn(display, options, &profile)?;
        let (Some(input), Some(output)) = (program.stdin(), program.stdout()) else {
            return Err(io::Error::other("the browser has no pipes").into());
        };
        let mut page = Cdp::over(input, output)?;
        page.attach()?;
        if !window::fill(display, options.size.0, options.size.1)? {
            return Err(io::Error::other("the browser shows no window").into());
        }
        Ok(Self { page, program, _profile: profile })
    }

    fn spawn(display: &OsStr, options: &Options, profile: &TempDir) -> Result<Program, BrowserError> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for name in NAMES {
            if !on_path(name) {
                continue;
            }
            // Chromium reads descriptor 3 and writes 4; a shell can put the pipes there without foreign code.
            let mut command = Command::new("sh");
            command
                .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", name])
                .args(FLAGS)
                .arg(format!("--window-size={},{}", options.size.0, options.size.1))
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .args(&options.flags)
                .arg("data:text/html,<title>testkit</title>")
                .env("DISPLAY", display)
                .env("HOME", profile.path())
                .env_remove("WAYLAND_DISPLAY")
                .env_remove("PULSE_SERVER")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            if let Some(sound) = &options.sound {
                command.env("PULSE_SERVER", sound);
            }
            match Program::start(&mut command) {
                Ok(program) => return Ok(program),
                Err(error) => failed = error,
            }
        }
        Err(failed.into())
    }

    /// Number of the browser's first process.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
