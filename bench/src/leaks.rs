//! Sessions are opened, watched and closed many times; afterwards the house has to be as it was.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use playhouse_testkit::machine::Watch;
use playhouse_testkit::procs::{self, Process};
use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
use serde_json::{Value, json};

use crate::density::watch_session;
use crate::figures::Spread;
use crate::house::{House, Settings};
use crate::progress::{Progress, say};
use crate::scene::KBPS;

/// Sessions before the first look: pools and caches fill with these.
const WARM_UP: usize = 8;
/// Every so many sessions, one is a game of X11, which has a display server of its own.
const X11_EVERY: usize = 4;
/// How long the house may take to be as it was.
const PATIENCE: Duration = Duration::from_secs(20);
/// Threads of the server's pool come and go with its load.
const THREADS: usize = 8;
/// Memory that is not given back at once is not lost yet; this much would be, over 200 sessions.
const RSS_BYTES: u64 = 24 << 20;
/// Things left behind that are named.
const NAMED: usize = 12;
const PORTS: (u16, u16) = (46_900, 46_949);

/// What there is at one moment.
#[derive(Clone, Debug)]
struct Snapshot {
    /// Of the server, itself included.
    processes: Vec<String>,
    /// Those whose parent ended before them.
    orphans: Vec<String>,
    descriptors: Vec<String>,
    /// Of these descriptors.
    sockets: usize,
    threads: usize,
    /// In the folder for sockets and temporary files.
    runtime_files: Vec<String>,
    /// In the folder that is kept.
    data_files: Vec<String>,
    rss_bytes: u64,
}

impl Snapshot {
    fn of(house: &House) -> Self {
        let server = procs::tree(house.pid());
        let known = |pid: u32| pid == std::process::id() || server.iter().any(|p| p.pid == pid);
        let orphans: Vec<Process> = procs::tree(std::process::id())
            .into_iter()
            .filter(|p| !known(p.pid))
            .filter(|p| !reaped(p))
            .collect();
        let names = |list: &[Process]| list.iter().map(|p| format!("{} {}", p.name, p.pid)).collect();
        let paths = |folder: &Path| {
            let files = procs::files(folder);
            files.iter().map(|f| f.strip_prefix(folder).unwrap_or(f).display().to_string()).collect()
        };
        let open = procs::open(house.pid());
        Self {
            processes: names(&server),
            orphans: names(&orphans),
            descriptors: open.names,
            sockets: open.sockets,
            threads: open.threads,
            runtime_files: paths(&house.runtime()),
            data_files: paths(&house.data()),
            rss_bytes: server.iter().find(|p| p.pid == house.pid()).map_or(0, |p| p.rss_bytes),
        }
    }

    /// What `self` has more of than `before`, in sentences.
    fn more_than(&self, before: &Self) -> Vec<String> {
        let lists = [
            ("processes", &self.processes, &before.processes),
            ("orphaned processes", &self.orphans, &before.orphans),
            ("open descriptors", &self.descriptors, &before.descriptors),
            ("files in the runtime folder", &self.runtime_files, &before.runtime_files),
            ("files in the data folder", &self.data_files, &before.data_files),
        ];
        let mut more = Vec::new();
        for (what, now, then) in lists.into_iter().filter(|(_, now, then)| now.len() > then.len()) {
            let new: Vec<&str> =
                now.iter().filter(|n| !then.contains(n)).take(NAMED).map(String::as_str).collect();
            more.push(format!("{} {what}, before {}: {}", now.len(), then.len(), new.join(", ")));
        }
        if self.sockets > before.sockets {
            more.push(format!("{} open sockets, before {}", self.sockets, before.sockets));
        }
        if self.threads > before.threads + THREADS {
            more.push(format!("{} threads, before {}", self.threads, before.threads));
        }
        if self.rss_bytes > before.rss_bytes + RSS_BYTES {
            more.push(format!("{} resident bytes, before {}", self.rss_bytes, before.rss_bytes));
        }
        more
    }

    fn counts(&self) -> Value {
        json!({
            "processes": self.processes.len(),
            "orphans": self.orphans.len(),
            "descriptors": self.descriptors.len(),
            "sockets": self.sockets,
            "threads": self.threads,
            "runtime_files": self.runtime_files.len(),
            "data_files": self.data_files.len(),
            "rss_bytes": self.rss_bytes,
        })
    }
}

/// An ended process that nobody asks how: the system's first process would do so, here this one has to.
fn reaped(process: &Process) -> bool {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    process.zombie && pid.is_some_and(|pid| waitpid(Some(pid), WaitOptions::NOHANG).is_ok())
}

/// How long the parts of a session's life took, milliseconds.
#[derive(Debug, Default)]
struct Times {
    open: Vec<f64>,
    first_frame: Vec<f64>,
    close: Vec<f64>,
}

/// Opens and closes so many sessions.
pub(crate) fn run(sessions: usize) -> Result<Value> {
    let watch = Watch::begin();
    // What outlives its parent becomes a child of this process, and is found.
    set_child_subreaper(Some(getpid())).context("cannot watch for orphans")?;
    let house = House::start(Settings { sessions: 2, kbps: KBPS, ports: PORTS })?;
    say("Opening and closing a few sessions, so that pools and caches are filled");
    for index in 0..WARM_UP {
        live(&house, index, &mut Times::default())?;
    }
    let before = settled(&house, None);
    let progress = Progress::new("leaks", sessions);
    let mut times = Times::default();
    for index in 0..sessions {
        live(&house, index, &mut times).with_context(|| format!("session {} of {sessions}", index + 1))?;
        progress.step(index);
    }
    let after = settled(&house, Some(&before));
    Ok(json!({
        "case": "leaks",
        "sessions": sessions,
        "failed": after.more_than(&before),
        "before": before.counts(),
        "after": after.counts(),
        "open_ms": Spread::of(&times.open),
        "first_frame_ms": Spread::of(&times.first_frame),
        "close_ms": Spread::of(&times.close),
        "machine": watch.end(),
    }))
}

/// One session's life.
fn live(house: &House, index: usize, times: &mut Times) -> Result<()> {
    let title = if index % X11_EVERY == X11_EVERY - 1 { "probe-x11" } else { "probe-light" };
    let begin = Instant::now();
    let session = house.open(title)?;
    times.open.push(begin.elapsed().as_secs_f64() * 1000.0);
    let begin = Instant::now();
    drop(watch_session(house, &session)?);
    times.first_frame.push(begin.elapsed().as_secs_f64() * 1000.0);
    let begin = Instant::now();
    house.close(&session)?;
    times.close.push(begin.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

/// What there is when nothing changes any more: as much as `before`, or the same for a while.
fn settled(house: &House, before: Option<&Snapshot>) -> Snapshot {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = Snapshot::of(house);
        let done = before.map_or(now.processes.len() == 1, |before| now.more_than(before).is_empty());
        if done || Instant::now() > end {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
