//! Many devices against one server: memory and processor time, how soon a rule acts, and how soon all are back after the
//! server was away.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use serde_json::{Value, json};

use crate::figures::{Spread, rounded};
use crate::house::{House, Settings, built};
use crate::progress::say;
use crate::usage::Usage;

/// Devices that connect each second at first.
const RAMP: usize = 100;
/// How long all are watched once they are there.
const WATCH: Duration = Duration::from_secs(30);
/// How often notices are looked for.
const GLANCE: Duration = Duration::from_millis(10);
/// How long they may take to say goodbye, all at once.
const FAREWELL: Duration = Duration::from_mins(1);
/// How long they may take to connect, and to come back.
const PATIENCE: Duration = Duration::from_mins(10);

/// Measures so many devices.
pub(super) fn measure(devices: usize) -> Result<Value> {
    let mut house = House::start(Settings { sessions: 1, kbps: 6000, ports: (46_240, 46_249) })?;
    let code = house.call("POST", "/api/sensors/fleet-code", &json!({"count": devices, "group": "Fleet"}))?;
    let rule = json!({
        "name": "Somebody came in", "when": {"kind": "crossings", "line": 1, "direction": "in", "count": 1, "within_s": 1},
        "then": [{"do": "notice", "text": "Somebody came in"}],
    });
    let before = house.processes();
    let folder = tempfile::Builder::new().prefix("bench-fleet-").tempdir()?;
    let out = folder.path().join("figures.json");
    let mut fleet = Program::start(
        Command::new(built("playhouse")?)
            .args(["sense", "--server", &house.origin, "--simulate", &devices.to_string()])
            .args(["--code", code["code"].as_str().context("no code was made")?, "--ramp", &RAMP.to_string()])
            .arg("--state")
            .arg(folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(folder.path().join("log"))?),
    )?;
    let connected = online(&house, devices)?;
    say(&format!("{devices} devices are connected after {:.0} s", connected.as_secs_f64()));
    let begin = Usage::now(house.processes(), Vec::new());
    std::thread::sleep(WATCH);
    let end = Usage::now(house.processes(), Vec::new());
    let used = begin.until(&end);
    house.call("POST", "/api/sensor-rules", &rule)?;
    let rule_ms = rule_ms(&house)?;

    say("The server goes and comes back");
    house.restart()?;
    let storm = online(&house, devices)?;
    ensure!(fleet.stop_within(FAREWELL), "the fleet did not end within {} s", FAREWELL.as_secs());
    let report: Value = serde_json::from_slice(&std::fs::read(&out)?)
        .with_context(|| std::fs::read_to_string(folder.path().join("log")).unwrap_or_default())?;
    let rss = used.rss_bytes.saturating_sub(before.iter().map(|process| process.rss_bytes).sum());
    Ok(json!({
        "devices": devices,
        "rss_per_device_bytes": rss / devices.max(1) as u64,
        "cpu_cores": rounded(used.streaming_cores),
        "rule_ms": rule_ms, "rule_p99_ms": rule_ms.map(|spread| spread.p99),
        "connect_s": rounded(connected.as_secs_f64()),
        "reconnect_storm_s": rounded(storm.as_secs_f64()),
        "devices_side": report,
    }))
}

/// How long it takes until all are connected.
fn online(house: &House, devices: usize) -> Result<Duration> {
    let begin = Instant::now();
    loop {
        let map = house.call("GET", "/api/sensors/map?state=online", &Value::Null)?;
        let there = map["counts"]["online"].as_u64().context("no counts")?;
        if there >= devices as u64 {
            return Ok(begin.elapsed());
        }
        ensure!(begin.elapsed() < PATIENCE, "{there} of {devices} devices are connected");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// From what happened to the notice of it being there for everybody to read, in milliseconds; nothing where the rule never
/// acted.
fn rule_ms(house: &House) -> Result<Option<Spread>> {
    let (begin, mut newest, mut times) = (Instant::now(), 0, Vec::new());
    while begin.elapsed() < WATCH {
        let notices = house.call("GET", "/api/notices?limit=200", &Value::Null)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
        let before = newest;
        for notice in notices["notices"].as_array().into_iter().flatten() {
            let (Some(id), Some(at)) = (notice["id"].as_i64(), notice["at"].as_f64()) else { continue };
            if id > before {
                times.push(now - at);
            }
            newest = newest.max(id);
        }
        std::thread::sleep(GLANCE);
    }
    Ok((!times.is_empty()).then(|| Spread::of(&times)))
}
