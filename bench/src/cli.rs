//! The command line.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{density, floor, leaks, network, play, sense, watch};

/// Measures Playhouse on this machine, side by side with its peers. Build the program first:
/// `cargo build --release`. Each case prints one JSON object.
#[derive(Debug, Parser)]
#[command(name = "bench", about)]
struct Arguments {
    #[command(subcommand)]
    case: Case,
}

#[derive(Debug, Args)]
struct Common {
    /// One line instead of many
    #[arg(long, global = true)]
    json: bool,
    /// Names the run's random numbers
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
enum Case {
    /// The least that this way of measuring can give: a plain page that answers a key
    Floor {
        #[command(flatten)]
        common: Common,
        /// Key presses
        #[arg(long, default_value_t = 100)]
        inputs: usize,
    },
    /// From a key to a pixel: `probe` at 1280x720 and 60 frames a second, in a headed browser
    Play {
        #[command(flatten)]
        common: Common,
        /// Key presses, of each side
        #[arg(long, default_value_t = 300)]
        inputs: usize,
        /// Whom to measure against, in alternating rounds
        #[arg(long)]
        peer: Option<Peer>,
        /// Install a peer that is missing, into target/peers
        #[arg(long)]
        install_peers: bool,
    },
    /// How many sessions of a light game hold 30 frames a second
    Density {
        #[command(flatten)]
        common: Common,
        /// What to play: `probe-light` (640x360) or `probe-30` (1280x720)
        #[arg(long, default_value = "probe-light")]
        title: String,
        /// Sessions at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Loss, jitter and a narrow pipe between session and browser
    Network {
        #[command(flatten)]
        common: Common,
        /// Only networks whose name begins so
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Sessions opened and closed leave nothing behind; fails where they do
    Leaks {
        #[command(flatten)]
        common: Common,
        /// How many
        #[arg(long, default_value_t = 200)]
        sessions: usize,
    },
    /// Films and live channels: start, seek, requests and viewers per core, parties, ladders; beside nginx, hls.js and janus
    Watch {
        #[command(flatten)]
        common: Common,
        /// How often the film is started, of each side
        #[arg(long, default_value_t = 20)]
        starts: usize,
        /// How often somebody goes to another place of it, of each side
        #[arg(long, default_value_t = 50)]
        seeks: usize,
        /// Viewers of a live stream at 600 kbit/s, of each side; a tenth of them at 6 Mbit/s
        #[arg(long, default_value_t = 150)]
        viewers: usize,
        /// Only these; the figures of the others stay empty
        #[arg(long, value_delimiter = ',')]
        only: Vec<watch::Part>,
        /// Unpack peers that are missing into target/peers
        #[arg(long)]
        install_peers: bool,
    },
    /// Cameras that understand: cost and precision of looking, bytes on the wire, pages, a fleet, and chaos
    Sense {
        #[command(flatten)]
        common: Common,
        /// How long a scene is watched for its bytes and counts
        #[arg(long, default_value_t = 60)]
        minutes: u32,
        /// Simulated devices of the fleet
        #[arg(long, default_value_t = 10_000)]
        devices: usize,
        /// How long either side is killed, the link cut, the disk filled and the clock moved
        #[arg(long, default_value_t = 10)]
        chaos_minutes: u32,
        /// Only these; the figures of the others stay empty
        #[arg(long, value_delimiter = ',')]
        only: Vec<sense::Part>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peer {
    Selkies,
}

/// Runs the case that was asked for.
pub(crate) fn run() -> Result<()> {
    let (result, json) = match Arguments::parse().case {
        Case::Floor { common, inputs } => (floor::run(inputs, common.seed)?, common.json),
        Case::Play { common, inputs, peer, install_peers } => {
            let selkies = peer == Some(Peer::Selkies);
            let plan = play::Plan { inputs, seed: common.seed, selkies, install: install_peers };
            (play::run(plan)?, common.json)
        }
        Case::Density { common, title, limit } => (density::run(&title, limit)?, common.json),
        Case::Network { common, only } => (network::run(common.seed, &only)?, common.json),
        Case::Watch { common, starts, seeks, viewers, only, install_peers } => {
            let (seed, install) = (common.seed, install_peers);
            (watch::run(&watch::Plan { seed, starts, seeks, viewers, only, install })?, common.json)
        }
        Case::Sense { common, minutes, devices, chaos_minutes, only } => {
            let plan = sense::Plan { seed: common.seed, minutes, devices, chaos_minutes, only };
            (sense::run(&plan)?, common.json)
        }
        Case::Leaks { common, sessions } => (leaks::run(sessions)?, common.json),
    };
    let text = if json { serde_json::to_string(&result)? } else { serde_json::to_string_pretty(&result)? };
    writeln!(stdout().lock(), "{text}")?;
    ensure!(result["failed"].as_array().is_none_or(Vec::is_empty), "failed: {}", result["failed"]);
    Ok(())
}
