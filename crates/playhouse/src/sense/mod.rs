//! The agent's process: options in, and the agent (or a fleet of simulated ones) until the program is told to end.

mod options;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use playhouse_agent::agent::{self, AgentError};
use playhouse_agent::detector::{Loader, Networks, Oracles};
use playhouse_agent::fleet;
use playhouse_agent::input::{Film, Pictures, Rtsp, V4l2, Virtual};
use playhouse_sense::outbox::Limits;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

pub use options::Flags;
use options::Input;

/// Pictures a second of a directory.
const PICTURES_RATE: f32 = 15.0;

/// Runs the agent until the program is told to end.
///
/// # Errors
/// A sentence that says why it cannot, and what to do.
pub fn run(flags: &Flags) -> anyhow::Result<()> {
    if flags.beside {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
        rustix::process::nice(10)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("sense")
        .build()
        .context("the agent's threads could not be started")?;
    match flags.simulate {
        Some(devices) => simulate(&runtime, flags, devices),
        None => Ok(runtime.block_on(sense(flags))?),
    }
}

async fn sense(flags: &Flags) -> Result<(), AgentError> {
    let limits = Limits { bytes: usize::try_from(flags.outbox).unwrap_or(8) << 20, ..Limits::default() };
    let options = agent::Options {
        server: flags.server.clone(),
        code: flags.code.clone(),
        state: flags.state.clone(),
        limits,
    };
    let (folder, identity) = agent::identity(&options).await?;
    tracing::info!(sensor = identity.sensor(), hub = identity.server(), "the agent begins");
    let loader: Arc<dyn Loader> = match &flags.input {
        Input::Virtual(scene) if flags.truth => Arc::new(Oracles(scene.clone())),
        _ => Arc::new(Networks),
    };
    let input: Box<dyn playhouse_agent::input::Input> = match &flags.input {
        Input::Virtual(scene) => Box::new(Virtual::new(scene.clone())),
        Input::V4l2(device) => Box::new(V4l2::new(device)),
        Input::Rtsp(url) => Box::new(Rtsp::new(url, Handle::current())),
        Input::File(film) => Box::new(Film::new(film)),
        Input::Pictures(folder) => Box::new(Pictures::new(folder, PICTURES_RATE)),
    };
    Box::pin(agent::run(folder, identity, limits, input, loader, told_to_end())).await
}

fn simulate(runtime: &Runtime, flags: &Flags, devices: usize) -> anyhow::Result<()> {
    let options = fleet::Options {
        devices,
        server: flags.server.clone().unwrap_or_default(),
        code: flags.code.clone(),
        state: flags.state.clone(),
        lasts: flags.seconds.map(|seconds| Duration::from_secs(seconds.into())),
        ramp: flags.ramp,
        crossings: flags.crossings,
        seed: flags.seed,
    };
    let report = runtime.block_on(fleet::simulate(options, told_to_end()))?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &report)?;
    writeln!(out)?;
    Ok(())
}

/// Until somebody presses Ctrl-C, or the service is stopped.
async fn told_to_end() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
