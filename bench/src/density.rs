//! How many sessions of a light game this machine holds: they are added one by one, each with a viewer that receives
//! and does not decode, until one of them falls short.

use std::time::Duration;

use anyhow::{Result, bail};
use playhouse_testkit::machine::Watch;
use playhouse_testkit::viewer::{Offered, Viewer};
use serde_json::{Value, json};

use crate::figures::rounded;
use crate::house::{House, Session, Settings, parted};
use crate::progress::say;
use crate::scene::KBPS;
use crate::usage::Usage;

/// Frames per second that each session has to hold, of the game's 30: fewer than one in thirty may be missing.
const HELD_FPS: f64 = 29.0;
/// How long new sessions are left alone before they are looked at, and how long they are.
const SETTLE: Duration = Duration::from_secs(3);
const SPAN: Duration = Duration::from_secs(6);
/// A machine may have a bad moment: so many looks are taken before a number counts as not held.
const LOOKS: usize = 2;
/// How long a viewer may wait for its first frame.
const PATIENCE: Duration = Duration::from_secs(20);
/// Ports for as many sessions as are tried.
const PORTS: (u16, u16) = (46_100, 46_899);

/// Adds sessions of `title`, at most `limit`.
pub(crate) fn run(title: &str, limit: u32) -> Result<Value> {
    let watch = Watch::begin();
    let house = House::start(Settings { sessions: limit, kbps: KBPS, ports: PORTS })?;
    let (mut sessions, mut viewers, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut held, mut stopped_by) = (0, "limit");
    while viewers.len() < limit as usize {
        let session = match house.open(title) {
            Ok(session) => session,
            Err(error) => {
                say(&format!("No more sessions: {error:#}."));
                stopped_by = "a session did not start";
                break;
            }
        };
        viewers.push(watch_session(&house, &session)?);
        sessions.push(session);
        std::thread::sleep(SETTLE);
        let mut look = look(&sessions, &viewers);
        for _ in 1..LOOKS {
            if look.slowest >= HELD_FPS {
                break;
            }
            look = self::look(&sessions, &viewers);
        }
        say(&format!("{} sessions: slowest {:.1} frames a second", sessions.len(), look.slowest));
        steps.push(look.report(sessions.len()));
        if look.slowest < HELD_FPS {
            stopped_by = "frames";
            break;
        }
        held = sessions.len();
    }
    if steps.is_empty() {
        bail!("not one session started: {}", house.log());
    }
    Ok(json!({
        "case": "density",
        "title": title,
        "sessions_at_30_fps": held,
        "stopped_by": stopped_by,
        "steps": steps,
        "machine": watch.end(),
    }))
}

/// Lets a viewer join a session and waits for its first frame.
pub(crate) fn watch_session(house: &House, session: &Session) -> Result<Viewer> {
    let (offered, offer) = Offered::new()?;
    let answer = house.join(session, &offer)?;
    let viewer = offered.answered(&answer)?;
    if !viewer.wait(1, PATIENCE) {
        bail!("a viewer got no frame within {PATIENCE:?}: {}", house.log());
    }
    Ok(viewer)
}

struct Look {
    slowest: f64,
    mean: f64,
    session_cores: f64,
    game_cores: f64,
    rss_bytes: u64,
    busy: f64,
}

impl Look {
    fn report(&self, sessions: usize) -> Value {
        json!({
            "sessions": sessions,
            "slowest_fps": rounded(self.slowest),
            "mean_fps": rounded(self.mean),
            "cpu_cores_per_session": (self.session_cores * 1000.0).round() / 1000.0,
            "game_cpu_cores_per_session": (self.game_cores * 1000.0).round() / 1000.0,
            "rss_bytes_per_session": self.rss_bytes,
            "machine_busy": rounded(self.busy),
        })
    }
}

fn look(sessions: &[Session], viewers: &[Viewer]) -> Look {
    let usage = || {
        let (streaming, game): (Vec<_>, Vec<_>) = sessions.iter().map(|s| parted(s.pid)).unzip();
        Usage::now(streaming.concat(), game.concat())
    };
    let watch = Watch::begin();
    let before: Vec<u64> = viewers.iter().map(Viewer::frames).collect();
    let (used, begin) = (usage(), std::time::Instant::now());
    std::thread::sleep(SPAN);
    let seconds = begin.elapsed().as_secs_f64();
    let rates: Vec<f64> = viewers
        .iter()
        .zip(before)
        .map(|(viewer, before)| (viewer.frames() - before) as f64 / seconds)
        .collect();
    let used = used.until(&usage());
    let count = sessions.len().max(1) as f64;
    Look {
        slowest: rates.iter().copied().fold(f64::INFINITY, f64::min),
        mean: rates.iter().sum::<f64>() / count,
        session_cores: used.streaming_cores / count,
        game_cores: used.game_cores / count,
        rss_bytes: used.rss_bytes / sessions.len().max(1) as u64,
        busy: watch.end().busy,
    }
}
