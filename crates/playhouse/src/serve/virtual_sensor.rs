//! The virtual sensor of a fresh house: an agent as a process of its own, with a drawn shop's door for a camera.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use playhouse_sense::geometry::Point;
use playhouse_sense::settings::{Line, Settings, Zone};
use playhouse_store::Store;
use tokio::process::{Child, Command};

use crate::config::Config;

/// Its name.
const NAME: &str = "Shop door";

/// Pictures a second: enough to follow people who walk, and a few percent of a core.
const RATE: f32 = 10.0;

/// Starts its agent, which ends when what is given is dropped, and with the server in any case. Nothing where nobody asked
/// for it, or it was removed.
///
/// # Errors
/// When the records or the agent's process fail.
pub(super) async fn begin(
    config: &Config,
    data: &Path,
    store: &Store,
    server: &str,
) -> anyhow::Result<Option<Child>> {
    if !config.virtual_sensor.value {
        return Ok(None);
    }
    let state = data.join("virtual-sensor");
    let code = playhouse_server::first_sensor(store, NAME, &settings()).await?;
    if code.is_none() && !state.join("identity.json").exists() {
        return Ok(None);
    }
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["sense", "--beside", "--input", &format!("virtual:seed=1,fps={RATE}"), "--state"])
        .arg(&state);
    if let Some(code) = code {
        command.args(["--server", server, "--code", &code]);
    }
    if config.tls.value {
        // Nobody else vouches for the house's own certificate, which is made where there is none yet.
        playhouse_server::certificate(data, &config.names())?;
        command.env("SSL_CERT_FILE", data.join("tls/cert.pem"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(Some(command.spawn().context("the virtual sensor could not be started")?))
}

/// A line across the door, and a zone before the shelves.
fn settings() -> Settings {
    let point = |x, y| Point { x, y };
    let door = Line { id: 1, name: "Door".into(), from: point(0.5, 1.0), to: point(0.5, 0.1) };
    let corners = vec![point(0.06, 0.45), point(0.34, 0.45), point(0.34, 0.96), point(0.06, 0.96)];
    let shelves = Zone { id: 1, name: "Shelves".into(), corners, dwell_ms: Some(10_000) };
    Settings { lines: vec![door], zones: vec![shelves], rate: RATE, ..Settings::default() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_first_sensor_is_told_is_valid() {
        assert_eq!(super::settings().check(), Ok(()));
    }
}
