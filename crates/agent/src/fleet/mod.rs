//! A fleet of simulated sensors in one process: real keys, certificates, TLS and MQTT sessions, and events by chance.
//!
//! Nothing is drawn or looked at: what each sensor tells is drawn from a seed, so that the hub's figures can be held against
//! what was told. Each sensor is one task, whose memory is mostly that of its TLS session.

mod device;
mod figures;
mod life;
mod roll;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

pub use figures::Report;

use crate::folder::Folder;
use crate::identity::Server;
use crate::tls::{Hub, TlsError};
use device::Device;
use figures::Figures;
use roll::RollError;

/// The most sensors of one process.
pub const MOST: usize = 50_000;

/// Descriptors that the process needs beside one for each sensor.
const OTHERS: u64 = 128;

/// How many sensors are connecting at a time: handshakes take processor time, and one that waits too long has failed.
const CONNECTING: usize = 64;

/// How long the fleet waits at its end until the hub has taken everything.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many sensors.
    pub devices: usize,
    /// Where to enrol.
    pub server: String,
    /// A code that may be used as often as there are sensors to enrol.
    pub code: Option<String>,
    /// The folder that keeps their identities, so that the next run needs no code.
    pub state: PathBuf,
    /// How long they live once all are connected; `None`: until `end`.
    pub lasts: Option<Duration>,
    /// Sensors that connect each second, at most.
    pub ramp: u32,
    /// People who cross each sensor's line in a minute, on average.
    pub crossings: f32,
    /// What everything is drawn from.
    pub seed: u64,
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Too many.
    #[error("{0} sensors; 1 to {MOST} can be simulated by one process, and more by several")]
    Count(usize),
    /// Not enough descriptors.
    #[error(
        "{needed} sensors at a time need as many open files, and this system allows {most}; raise `ulimit -Hn`"
    )]
    Files {
        /// How many are needed.
        needed: u64,
        /// How many are allowed.
        most: u64,
    },
    /// They are nobody.
    #[error(transparent)]
    Roll(#[from] RollError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Runs a fleet until its time is over or `end` is ready; gives its figures.
pub async fn simulate(options: Options, end: impl Future<Output = ()>) -> Result<Report, FleetError> {
    if !(1..=MOST).contains(&options.devices) {
        return Err(FleetError::Count(options.devices));
    }
    allow_files(options.devices as u64 + OTHERS)?;
    let before = figures::resident();
    let begun = Instant::now();
    let folder = Folder::open(&options.state).map_err(RollError::from)?;
    let server = Server::parse(&options.server).map_err(RollError::from)?;
    let roll = roll::call(&folder, &server, options.code.as_deref(), options.devices).await?;
    let enrolled_in = begun.elapsed();
    let figures = Arc::new(Figures::new(options.devices));
    let (stopped, stop) = watch::channel(false);
    let gate = Arc::new(Semaphore::new(CONNECTING));
    let mut hubs: Option<(String, Hub)> = None;
    let mut tasks = JoinSet::new();
    let mut every = tokio::time::interval(Duration::from_secs(1) / options.ramp.clamp(1, 100_000));
    every.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    for (number, identity) in roll.into_iter().enumerate() {
        every.tick().await;
        if hubs.as_ref().is_none_or(|(authority, _)| authority != identity.authority()) {
            hubs = Some((identity.authority().to_owned(), Hub::of(identity.authority())?));
        }
        let Some((_, hub)) = &hubs else { continue };
        let device = Device::new(number as u64, &identity, hub, &options)?;
        tasks.spawn(device.live(Arc::clone(&figures), Arc::clone(&gate), stop.clone()));
    }
    let connected_in = figures.all_connected().await.then(|| begun.elapsed());
    tracing::info!(
        devices = options.devices,
        seconds = begun.elapsed().as_secs_f32(),
        "the fleet is connected"
    );
    let lasts = async {
        match options.lasts {
            Some(lasts) => tokio::time::sleep(lasts).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = lasts => {}
        () = end => {}
    }
    let after = figures::resident();
    let mut report = figures.report(before, after, enrolled_in, connected_in);
    stopped.send_replace(true);
    let drained = async { while tasks.join_next().await.is_some() {} };
    // Who is not done by then says so in the figures.
    tokio::time::timeout(PATIENCE, drained).await.ok();
    figures.settle(&mut report);
    Ok(report)
}

/// Raises the limit of open files as far as it goes, and sees whether that is enough.
fn allow_files(needed: u64) -> Result<(), FleetError> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    if most < needed {
        return Err(FleetError::Files { needed, most });
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|_refused| FleetError::Files { needed, most })
}
