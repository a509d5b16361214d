//! The session process: one running game with its stage, its encoder and its peers.
//!
//! The main thread decides; `stage`, `encode`, `encode-1`, `net`, `sound`, `link` and `air` do. Pictures, sound and input
//! never pass through the main thread, so that nothing it does can delay them.

mod air;
mod audience;
mod choice;
mod clip;
mod director;
mod hands;
mod link;
mod meter;
mod picture;
mod signal;
mod theatre;
mod usage;

use playhouse_play::control::{EndReason, Ended, Tell};
use rustix::process::{Signal, set_parent_process_death_signal};

/// Runs a session: what to run comes from the node over standard input, a socket.
///
/// # Errors
/// When standard input is not a node's socket. What goes wrong with the game is told to the node.
pub fn run() -> anyhow::Result<()> {
    // A node that is killed cannot stop its sessions; the kernel does.
    set_parent_process_death_signal(Some(Signal::KILL)).ok();
    let (link, mut asks) = link::open()?;
    let spec = asks.specification()?;
    let (signals, inbox) = signal::channel();
    signal::listen(asks, &signals)?;
    let ended = match theatre::Theatre::open(&spec, &signals) {
        Ok(theatre) => director::Director::new(&spec, link.clone(), theatre).run(&inbox),
        Err(error) => {
            Ended { reason: EndReason::NotStarted, message: format!("{error:#}"), last_words: String::new() }
        }
    };
    link.tell(&Tell::Ended(ended));
    Ok(())
}
