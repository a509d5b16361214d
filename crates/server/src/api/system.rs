//! The machine: health for everybody, numbers for owners.

use std::fmt::Write as _;
use std::path::Path;

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use playhouse_store::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::gate::who::Caller;
use crate::house::view::{self, SessionView};
use crate::problem::{Answer, Problem};

/// Whether the server is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    version: String,
    /// Whether there is an owner yet; without one, the printed code makes one.
    set_up: bool,
    capacity: Capacity,
}

/// Places for sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Capacity {
    running: u32,
    limit: u32,
}

/// The machine in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    version: String,
    started: Millis,
    capacity: Capacity,
    /// How many wait for a place.
    queue: usize,
    encoders: Vec<Encoder>,
    /// The configured encoder; nothing means the first one that is available.
    encoder: Option<String>,
    disk: Disk,
    /// Processes that want to run, on average over 1, 5 and 15 minutes.
    load: [f64; 3],
    cpus: usize,
    memory: Memory,
    /// Everybody's sessions.
    sessions: Vec<SessionView>,
}

/// An encoder of this machine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Encoder {
    name: String,
    available: bool,
    /// Why it cannot be used here.
    reason: Option<String>,
}

/// The disk on which the data lies.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "names of the API carry their unit")]
pub(crate) struct Disk {
    free_bytes: u64,
    total_bytes: u64,
    clips_bytes: i64,
    clips_quota_bytes: u64,
}

/// The machine's memory.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Memory {
    total_bytes: u64,
    available_bytes: u64,
}

fn capacity(app: &Shared) -> Capacity {
    let capacity = app.node.capacity();
    Capacity { running: capacity.running, limit: capacity.limit }
}

/// Free and total bytes of the disk of a folder.
fn disk(folder: &Path) -> (u64, u64) {
    match rustix::fs::statvfs(folder) {
        Ok(state) => (state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize),
        Err(_) => (0, 0),
    }
}

fn load() -> [f64; 3] {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap_or_default());
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

fn memory(meminfo: &str) -> Memory {
    let value = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    Memory {
        total_bytes: value("MemTotal:").unwrap_or_default(),
        available_bytes: value("MemAvailable:").unwrap_or_default(),
    }
}

/// Whether the server is well, and has an owner.
#[utoipa::path(get, path = "/api/health", tag = "System", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(app): State<Shared>) -> Answer<Body<Health>> {
    let set_up = app.store.codes().has_owner().await?;
    Ok(Body(Health { status: "ok", version: app.config.version.clone(), set_up, capacity: capacity(&app) }))
}

/// Versions, capacity, encoders with the reasons where one cannot be used, disk, load, memory, all sessions.
#[utoipa::path(get, path = "/api/system", tag = "System", responses((status = 200, body = System)))]
pub(crate) async fn system(State(app): State<Shared>, caller: Caller) -> Answer<Body<System>> {
    let data = app.config.data.clone();
    let measure = move || {
        let memory = memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default());
        (disk(&data), load(), memory)
    };
    let measured = tokio::task::spawn_blocking(measure).await;
    let ((free_bytes, total_bytes), load, memory) =
        measured.map_err(|error| Problem::internal("Measuring the machine", &error))?;
    let encoders = app.node.encoders().into_iter();
    Ok(Body(System {
        version: app.config.version.clone(),
        started: app.started,
        capacity: capacity(&app),
        queue: app.sessions.waiting(),
        encoders: encoders
            .map(|encoder| Encoder {
                name: encoder.name,
                available: encoder.unavailable.is_none(),
                reason: encoder.unavailable,
            })
            .collect(),
        encoder: app.config.encoder.clone(),
        disk: Disk {
            free_bytes,
            total_bytes,
            clips_bytes: app.store.clips().bytes().await?,
            clips_quota_bytes: app.config.clips_quota,
        },
        load,
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory,
        sessions: app.sessions.list(|live| Some(view::session(live, &caller))),
    }))
}

/// Numbers for Prometheus (text format 0.0.4).
#[utoipa::path(get, path = "/metrics", tag = "System", responses((status = 200, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<Shared>) -> Answer<Response> {
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, value: f64| {
        // Writing to a string cannot fail.
        let line = writeln!(
            out,
            "# HELP playhouse_{name} {help}\n# TYPE playhouse_{name} gauge\nplayhouse_{name} {value}"
        );
        line.unwrap_or_default();
    };
    let Capacity { running, limit } = capacity(&app);
    gauge("live_streams", "Live streams that somebody publishes.", app.hub.streams().len() as f64);
    gauge("sessions_running", "Sessions running.", f64::from(running));
    gauge("sessions_limit", "Sessions at most.", f64::from(limit));
    gauge("queue_length", "Accounts waiting for a place.", app.sessions.waiting() as f64);
    let peers: usize = app.sessions.list(|live| Some(live.peers.len())).into_iter().sum();
    gauge("peers", "Connections into sessions.", peers as f64);
    gauge("clips_bytes", "Bytes of all clips.", app.store.clips().bytes().await? as f64);
    gauge("started_seconds", "When the server started, unix time.", app.started as f64 / 1000.0);
    for id in app.sessions.list(|live| (!live.is_over()).then(|| live.id.clone())) {
        let Ok(stats) = app.node.stats(&id).await else { continue };
        let numbers = [
            ("session_frames_per_second", stats.frames_per_second),
            ("session_bitrate_bits_per_second", stats.bitrate as f64),
            ("session_cpu_seconds_total", stats.cpu_seconds),
            ("session_game_cpu_seconds_total", stats.game_cpu_seconds),
            ("session_resident_bytes", stats.rss_bytes as f64),
            ("session_encode_p99_seconds", f64::from(stats.encode.p99) / 1e6),
        ];
        for (name, value) in numbers {
            writeln!(out, "playhouse_{name}{{session=\"{id}\"}} {value}").unwrap_or_default();
        }
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_table() {
        let memory = memory("MemTotal:       16 kB\nMemFree: 1 kB\nMemAvailable:    8 kB\n");
        assert_eq!((memory.total_bytes, memory.available_bytes), (16 << 10, 8 << 10));
    }

    #[test]
    fn the_disk_of_a_folder_has_a_size() {
        let (free, total) = disk(Path::new("/"));
        assert!(total > 0 && free <= total);
    }
}
