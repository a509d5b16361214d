//! All bytes between a sensor and its server, beside the same scene as H.264; and its count of a line's crossings, beside the
//! truth.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_sense::geometry::Point;
use playhouse_sense::scene::{Options, Scene};
use playhouse_sense::settings::Line;
use serde_json::{Value, json};

use super::agent::Agent;
use crate::figures::rounded;
use crate::house::{House, Settings};
use crate::progress::Progress;

/// Bytes of IP and TCP headers around a segment, with time stamps.
const HEADERS: u64 = 20 + 20 + 12;
/// What the video has that is compared with, in bits per second.
pub(super) const VIDEO: u64 = 2_000_000;
/// The line: across the middle of the picture.
const LINE: [Point; 2] = [Point { x: 0.5, y: 1.0 }, Point { x: 0.5, y: 0.0 }];

/// Fills in `bytes_ratio_to_video`, `count_error_percent` and `wire`.
pub(super) fn measure(seed: u64, minutes: u32, figures: &mut Value) -> Result<()> {
    let house = House::start(Settings { sessions: 1, kbps: 6000, ports: (46_220, 46_229) })?;
    let line = Line { id: 1, name: "Middle".into(), from: LINE[0], to: LINE[1] };
    let agent = Agent::start(&house, &format!("virtual:{seed}"), &json!({"lines": [line.clone()]}))?;
    let (begin, mut sockets) = (Instant::now(), Sockets::default());
    let progress = Progress::new("Minutes watched", usize::try_from(minutes)?);
    for minute in 0..minutes {
        let end = begin + Duration::from_mins(1) * (minute + 1);
        while Instant::now() < end {
            sockets.look(agent.pid())?;
            std::thread::sleep(Duration::from_secs(2).min(end.saturating_duration_since(Instant::now())));
        }
        progress.step(usize::try_from(minute)?);
    }
    sockets.look(agent.pid())?;
    let seconds = begin.elapsed().as_secs_f64();
    let path = format!("/api/sensors/{}", agent.sensor);
    let health = house.call("GET", &path, &Value::Null)?["health"].clone();
    // What is on its way is waited for: high-value events wait for nothing, so that a moment is enough.
    std::thread::sleep(Duration::from_secs(3));
    let counted = counted(&house, &path)?;
    drop(agent);
    let truth = truth(seed, seconds, &line);
    let sent = sockets.bytes();
    ensure!(sent > 0, "no connection of the agent was seen");
    let per_hour = sent as f64 / seconds * 3600.0;
    let video = (VIDEO / 8 * 3600) as f64;
    let error = |side: usize| (counted[side] as f64 - truth[side] as f64).abs();
    figures["bytes_ratio_to_video"] = json!(rounded(video / per_hour));
    figures["count_error_percent"] =
        json!(rounded(100.0 * (error(0) + error(1)) / (truth[0] + truth[1]).max(1) as f64));
    figures["wire"] = json!({
        "seconds": rounded(seconds), "bytes": sent, "bytes_an_hour": rounded(per_hour),
        "video_bytes_an_hour": video, "connections": sockets.0.len(),
        "counted": {"in": counted[0], "out": counted[1]}, "truth": {"in": truth[0], "out": truth[1]},
        "health": health,
    });
    Ok(())
}

/// Crossings in and out that the server has.
fn counted(house: &House, path: &str) -> Result<[u64; 2]> {
    let counts = house.call("GET", &format!("{path}/counts?by=hour"), &Value::Null)?;
    let rows = counts["lines"][0]["rows"].as_array().context("the line has no counts")?;
    let sum = |side: &str| rows.iter().filter_map(|row| row[side].as_u64()).sum();
    Ok([sum("in"), sum("out")])
}

/// Crossings in and out that there were.
fn truth(seed: u64, seconds: f64, line: &Line) -> [u64; 2] {
    let options = Options { seed, ..Options::default() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "frames of some hours")]
    let frames = (seconds * f64::from(options.fps)) as u64;
    let scene = Scene::new(options);
    let (mut sides, mut before) = ([0, 0], scene.truth(0));
    for frame in 1..frames {
        let now = scene.truth(frame);
        for crossing in now.crossings(&before, line) {
            sides[usize::from(crossing.direction != playhouse_sense::observation::Direction::In)] += 1;
        }
        before = now;
    }
    sides
}

/// Bytes on the wire of each connection of a process, headers included, by its local port.
#[derive(Debug, Default)]
struct Sockets(BTreeMap<String, u64>);

impl Sockets {
    /// Reads the kernel's counters; a connection that has ended keeps what it had.
    fn look(&mut self, pid: u32) -> Result<()> {
        let output = Command::new("ss").args(["-tinpHO", "state", "established"]).output();
        let output = output.context("`ss` is missing (Debian: iproute2)")?;
        let owner = format!("pid={pid},");
        for line in String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(&owner)) {
            let number = |name: &str| {
                let value =
                    line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix(':'));
                value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
            };
            let segments = number("segs_out") + number("segs_in");
            let bytes = number("bytes_sent") + number("bytes_received") + segments * HEADERS;
            let Some(local) = line.split_whitespace().nth(2) else { continue };
            self.0.insert(local.to_owned(), bytes);
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.0.values().sum()
    }
}
