//! Benchmarks, side by side with peers: each prints one JSON object on standard output, progress on standard error.

mod cli;
mod client;
mod density;
mod figures;
mod floor;
mod house;
mod inputs;
mod leaks;
mod network;
mod ours;
mod peer;
mod play;
mod progress;
mod round;
mod scene;
mod sense;
mod sound;
mod usage;
mod watch;

fn main() -> anyhow::Result<()> {
    cli::run()
}
