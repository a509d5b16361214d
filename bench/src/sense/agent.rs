//! A sensor of the server under measurement: an agent as a process of its own, with a virtual camera.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use playhouse_testkit::child::Program;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house::{House, built};

/// How long an agent may take until it follows what it is told.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running agent.
pub(crate) struct Agent {
    pub(crate) sensor: String,
    program: Program,
    folder: TempDir,
}

impl Agent {
    /// Adds a sensor with these settings, starts its agent with `input`, and waits until it follows them.
    pub(crate) fn start(house: &House, input: &str, settings: &Value) -> Result<Self> {
        let (sensor, code) = add(house, settings)?;
        let folder = tempfile::Builder::new().prefix("bench-sensor-").tempdir()?;
        let program = Program::start(
            Command::new(built("playhouse")?)
                .args(["sense", "--server", &house.origin, "--input", input])
                .args(["--code", &code])
                .arg("--state")
                .arg(folder.path().join("state"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(folder.path().join("log"))?),
        )?;
        let agent = Self { sensor, program, folder };
        follows(house, &agent.sensor).with_context(|| agent.log())?;
        Ok(agent)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// Adds a sensor with these settings; its id and the code for its agent.
pub(super) fn add(house: &House, settings: &Value) -> Result<(String, String)> {
    let made = house.call("POST", "/api/sensors", &json!({"name": "Bench"}))?;
    let sensor = made["sensor"]["id"].as_str().context("no sensor was made")?.to_owned();
    house.call("PATCH", &format!("/api/sensors/{sensor}/desired"), settings)?;
    Ok((sensor, made["code"].as_str().context("no code was made")?.to_owned()))
}

/// Waits until an agent follows its settings.
pub(super) fn follows(house: &House, sensor: &str) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let seen = house.call("GET", &format!("/api/sensors/{sensor}"), &Value::Null)?;
        if seen["state"] == "online" && seen["reported"]["version"] == seen["desired"]["version"] {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("the agent does not follow its settings")
}
