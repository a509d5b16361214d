//! The command line.

use std::io::{Write, stdout};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::floor;

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
}

/// Runs the case that was asked for.
pub(crate) fn run() -> Result<()> {
    let (result, json) = match Arguments::parse().case {
        Case::Floor { common, inputs } => (floor::run(inputs, common.seed)?, common.json),
    };
    let text = if json { serde_json::to_string(&result)? } else { serde_json::to_string_pretty(&result)? };
    writeln!(stdout().lock(), "{text}")?;
    Ok(())
}
