//! Benchmarks, side by side with peers: each prints one JSON object on standard output, progress on standard error.

mod cli;
mod figures;
mod floor;
mod inputs;
mod progress;
mod scene;

fn main() -> anyhow::Result<()> {
    cli::run()
}
