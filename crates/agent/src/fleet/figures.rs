//! What a fleet is judged by.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;

/// Answers of which the time is remembered; of more, the last ones.
const REMEMBERED: usize = 200_000;

/// Counters that all sensors share.
#[derive(Debug)]
pub(super) struct Figures {
    devices: usize,
    connected: AtomicUsize,
    changed: Notify,
    pub(super) connects: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) told: AtomicU64,
    pub(super) crossed_in: AtomicU64,
    pub(super) crossed_out: AtomicU64,
    pub(super) taken: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) gone: AtomicU64,
    answers: Mutex<Answers>,
    storm: Mutex<Storm>,
}

#[derive(Debug, Default)]
struct Answers {
    ms: Vec<f32>,
    count: usize,
}

/// A time in which most sensors had lost the hub.
#[derive(Debug, Default)]
struct Storm {
    /// Whether all have been connected since the last one.
    whole: bool,
    since: Option<Instant>,
    lasted: Vec<f32>,
}

/// A fleet's figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Simulated sensors.
    pub devices: usize,
    /// Of these, connected when the time was over.
    pub connected: usize,
    /// How long enrolling took (nothing where all were enrolled before), in seconds.
    pub enrol_s: f32,
    /// From the first to the last that connected, in seconds; `None` where some never did.
    pub connect_s: Option<f32>,
    /// Connections made, and how many tries failed or broke.
    pub connects: u64,
    /// See `connects`.
    pub failed: u64,
    /// Sensors that the hub refused for good.
    pub gone: u64,
    /// Events that happened.
    pub told: u64,
    /// Of these, crossings *in*, and *out*: to be held against the hub's counts.
    pub crossed_in: u64,
    /// See `crossed_in`.
    pub crossed_out: u64,
    /// Events that the hub has taken.
    pub taken: u64,
    /// Events thrown away because an outbox was full.
    pub lost: u64,
    /// Batches sent, and their bytes without MQTT's and TLS's own.
    pub batches: u64,
    /// See `batches`.
    pub bytes: u64,
    /// From a batch being sent to the hub having taken it, in milliseconds: median.
    pub taken_ms_p50: Option<f32>,
    /// See `taken_ms_p50`: 99 of 100.
    pub taken_ms_p99: Option<f32>,
    /// Each time that more than half lost the hub: how long until all were connected again, in seconds.
    pub storms_s: Vec<f32>,
    /// Memory of this process at the end, and what each sensor added to it, in bytes.
    pub rss_bytes: u64,
    /// See `rss_bytes`.
    pub rss_per_device_bytes: u64,
    /// Processor time of this process, in seconds.
    pub cpu_s: f32,
}

impl Figures {
    pub(super) fn new(devices: usize) -> Self {
        Self {
            devices,
            connected: AtomicUsize::new(0),
            changed: Notify::new(),
            connects: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            told: AtomicU64::new(0),
            crossed_in: AtomicU64::new(0),
            crossed_out: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            answers: Mutex::default(),
            storm: Mutex::default(),
        }
    }

    /// A sensor is connected, or no longer.
    pub(super) fn connected(&self, is: bool) {
        let now = if is {
            self.connects.fetch_add(1, Ordering::Relaxed);
            self.connected.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.connected.fetch_sub(1, Ordering::Relaxed) - 1
        };
        let mut storm = self.storm.lock().unwrap_or_else(PoisonError::into_inner);
        if now == self.devices {
            storm.whole = true;
            if let Some(since) = storm.since.take() {
                storm.lasted.push(since.elapsed().as_secs_f32());
            }
        } else if storm.whole && now * 2 < self.devices {
            storm.whole = false;
            storm.since = Some(Instant::now());
        }
        self.changed.notify_waiters();
    }

    /// The hub has taken a batch so long after it was sent.
    pub(super) fn answered(&self, after: Duration) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, ms) = (answers.count % REMEMBERED, after.as_secs_f32() * 1000.0);
        match answers.ms.get_mut(place) {
            Some(old) => *old = ms,
            None => answers.ms.push(ms),
        }
        answers.count += 1;
    }

    /// Waits until all are connected or gone; whether all are connected.
    pub(super) async fn all_connected(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let connected = self.connected.load(Ordering::Relaxed);
            let gone = usize::try_from(self.gone.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
            if connected.saturating_add(gone) >= self.devices {
                return gone == 0;
            }
            changed.await;
        }
    }

    /// A sensor that the hub wants no more of.
    pub(super) fn left(&self) {
        self.gone.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    pub(super) fn report(
        &self,
        before: u64,
        after: u64,
        enrolled_in: Duration,
        connected_in: Option<Duration>,
    ) -> Report {
        Report {
            devices: self.devices,
            connected: self.connected.load(Ordering::Relaxed),
            enrol_s: enrolled_in.as_secs_f32(),
            connect_s: connected_in.map(|time| time.as_secs_f32()),
            connects: 0,
            failed: 0,
            gone: 0,
            told: 0,
            crossed_in: 0,
            crossed_out: 0,
            taken: 0,
            lost: 0,
            batches: 0,
            bytes: 0,
            taken_ms_p50: None,
            taken_ms_p99: None,
            storms_s: Vec::new(),
            rss_bytes: after,
            rss_per_device_bytes: after.saturating_sub(before) / self.devices.max(1) as u64,
            cpu_s: 0.0,
        }
    }

    /// Fills in what is known once everything was sent.
    pub(super) fn settle(&self, report: &mut Report) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.connects = read(&self.connects);
        report.failed = read(&self.failed);
        report.gone = read(&self.gone);
        report.told = read(&self.told);
        report.crossed_in = read(&self.crossed_in);
        report.crossed_out = read(&self.crossed_out);
        report.taken = read(&self.taken);
        report.lost = read(&self.lost);
        report.batches = read(&self.batches);
        report.bytes = read(&self.bytes);
        let mut ms = self.answers.lock().unwrap_or_else(PoisonError::into_inner).ms.clone();
        ms.sort_unstable_by(f32::total_cmp);
        report.taken_ms_p50 = ms.get(ms.len() / 2).copied();
        report.taken_ms_p99 = ms.get((ms.len() * 99 / 100).min(ms.len().saturating_sub(1))).copied();
        report.storms_s.clone_from(&self.storm.lock().unwrap_or_else(PoisonError::into_inner).lasted);
        report.cpu_s = crate::health::cpu().as_secs_f32();
    }
}

/// Memory of this process that is in the machine's, in bytes.
pub(super) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
