//! What the main thread is told by all others: one bounded queue.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use playhouse_net::PeerEvent;
use playhouse_play::control::Ask;
use playhouse_stage::compositor;

use super::hands::Wish;
use super::link::Asks;

/// Messages that wait for the main thread, which handles each in microseconds: estimates of 32 peers for seconds.
const SIGNALS: usize = 1024;

/// Something to decide about.
pub(super) enum Signal {
    /// The node asks.
    Ask(Ask),
    /// The node is gone.
    NodeGone,
    /// The stage saw something.
    Stage(compositor::Event),
    /// A peer's connection changed.
    Peer(PeerEvent),
    /// A peer wants something.
    Wish(playhouse_net::PeerId, Wish),
    /// The encoder of a quality gave up.
    EncoderFailed(u8, String),
}

/// Sends signals; a full queue loses them, with a warning, rather than delay a picture.
#[derive(Clone)]
pub(super) struct Signals(SyncSender<Signal>);

impl Signals {
    /// Leaves a signal for the main thread.
    pub(super) fn send(&self, signal: Signal) {
        if self.0.try_send(signal).is_err() {
            tracing::warn!("the session's main thread is far behind: a signal was lost");
        }
    }
}

/// The queue.
pub(super) fn channel() -> (Signals, Receiver<Signal>) {
    let (sender, receiver) = sync_channel(SIGNALS);
    (Signals(sender), receiver)
}

/// Reads the node on a thread of its own.
pub(super) fn listen(mut asks: Asks, signals: &Signals) -> anyhow::Result<()> {
    let signals = signals.clone();
    let read = move || {
        loop {
            match asks.next() {
                // A question must not be lost: its asker waits. This thread may wait for the main one.
                Ok(Some(ask)) => {
                    if signals.0.send(Signal::Ask(ask)).is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!("{error:#}");
                    break;
                }
            }
        }
        drop(signals.0.send(Signal::NodeGone));
    };
    std::thread::Builder::new()
        .name("link".to_owned())
        .spawn(read)
        .context("no thread for the node's socket")?;
    Ok(())
}
