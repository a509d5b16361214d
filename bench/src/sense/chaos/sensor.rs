//! The agent that is killed and started again: one folder, one camera, behind the relays, with a clock that can be moved.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use playhouse_testkit::child::Program;
use serde_json::{Value, json};

use crate::house::{Doors, built, kill};

/// The most that may wait for the server, in MiB: the least that can be said, so that it is reached.
pub(super) const OUTBOX_MIB: u64 = 1;

/// An agent; there or not.
pub(super) struct Sensor {
    folder: PathBuf,
    program: Option<Program>,
    /// What makes a clock wrong, where it is installed.
    faketime: Option<PathBuf>,
}

impl Sensor {
    /// One that keeps what it has in `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let sensor = Self { folder: folder.to_owned(), program: None, faketime: faketime() };
        sensor.set_clock(0)?;
        Ok(sensor)
    }

    /// Whether its clock can be moved.
    pub(super) fn has_clock(&self) -> bool {
        self.faketime.is_some()
    }

    /// So many seconds beside the right time; it looks once a second.
    pub(super) fn set_clock(&self, seconds: i64) -> Result<()> {
        let (file, new) = (self.folder.join("clock"), self.folder.join("clock.new"));
        fs::write(&new, format!("{seconds:+}s\n"))?;
        Ok(fs::rename(new, file)?)
    }

    /// Where it keeps what it has.
    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Starts it with this input.
    pub(super) fn start(&mut self, input: &str, more: &[&str]) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(built("playhouse")?);
        command.args(["sense", "--truth", "--input", input, "--outbox", &OUTBOX_MIB.to_string()]);
        command.args(more).arg("--state").arg(self.state());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        if let Some(library) = &self.faketime {
            command.env("LD_PRELOAD", library);
            command.env("FAKETIME_TIMESTAMP_FILE", self.folder.join("clock"));
            command.env("FAKETIME_CACHE_DURATION", "1");
            // What counts the time that goes by never jumps, whatever people set.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        }
        self.program = Some(Program::start(&mut command)?);
        Ok(())
    }

    /// Lets it go through other doors from its next start on: those that the server named at enrolment are its own.
    pub(super) fn go_through(&self, doors: Doors) -> Result<()> {
        let file = self.state().join("identity.json");
        let mut identity: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let enrolled = identity.get_mut("enrolled").context("the agent's identity has no addresses")?;
        enrolled["mqtt"] = json!(format!("127.0.0.1:{}", doors.mqtt));
        enrolled["https"] = json!(format!("127.0.0.1:{}", doors.https));
        Ok(fs::write(file, identity.to_string())?)
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            kill(&mut program);
            // What makes the clock wrong leaves its memory behind where it is killed.
            for name in ["faketime_shm", "sem.faketime_sem"] {
                drop(fs::remove_file(format!("/dev/shm/{name}_{}", program.pid())));
            }
        }
    }

    /// Asks it to end, and waits for that.
    pub(super) fn stop(&mut self) {
        self.program = None;
    }

    /// Whether it ended by itself.
    pub(super) fn ended(&mut self) -> Result<bool> {
        Ok(match &mut self.program {
            Some(program) => program.ended()?.is_some(),
            None => false,
        })
    }

    /// Lines of what it said, the newest last.
    pub(super) fn log(&self, lines: usize) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// The library of Debian's `faketime`.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.is_file())
}
