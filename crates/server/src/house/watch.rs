//! Background work: follows what happens in sessions, and tidies up.

use std::time::Duration;

use playhouse_play::control::{EndReason, Ended};
use tokio::sync::broadcast::error::RecvError;

use crate::app::Shared;
use crate::clock::now;
use crate::house::live::{Live, State};
use crate::house::stage::finish;
use crate::node::{Event, Happening, NodeError};

/// How often things are tidied up: a queue whose head sleeps should move within seconds.
const TIDY: Duration = Duration::from_secs(5);

/// How many rounds of tidying pass between two sweeps of the records: an hour.
const RECORDS_EVERY: u32 = 720;

/// Follows the node's events until it has none any more.
pub(crate) async fn follow(app: Shared) {
    let mut events = app.node.events();
    loop {
        match events.recv().await {
            Ok(event) => take(&app, event).await,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "events of sessions were missed; asking each one");
                ask_all(&app).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn take(app: &Shared, event: Event) {
    let id = event.session;
    let changed = match event.what {
        Happening::Ready => app.sessions.change(&id, |live| {
            if live.state == State::Starting {
                live.state = State::Running;
            }
        }),
        Happening::Peer { peer, connected } => {
            app.sessions.change(&id, |live| live.connected(&peer, connected, now()))
        }
        Happening::Ended(ended) => {
            finish(app, &id, ended).await;
            return;
        }
    };
    if changed.is_err() {
        tracing::debug!(session = id, "something happened in a session that is not known here");
    }
}

/// Finds out which sessions ended unseen.
async fn ask_all(app: &Shared) {
    let running = app.sessions.list(|live| (!live.is_over()).then(|| live.id.clone()));
    for id in running {
        if let Err(NodeError::NoSession(_)) = app.node.stats(&id).await {
            let message = "The session is over; how it ended was missed.".to_owned();
            finish(app, &id, Ended { reason: EndReason::Failed, message, last_words: String::new() }).await;
        }
    }
}

/// Tidies up for ever.
pub(crate) async fn tidy(app: Shared) {
    let mut rounds = 0_u32;
    let mut every = tokio::time::interval(TIDY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let swept = app.sessions.sweep(app.node.capacity(), now());
        for (session, peer) in swept.stale {
            if let Err(error) = app.node.close_peer(&session, &peer).await {
                tracing::debug!(session, peer, %error, "a connection that never came up could not be closed");
            }
        }
        for session in swept.forgotten {
            if let Err(error) = app.store.invites().end_session(&session).await {
                tracing::error!(session, %error, "the invites of a past session could not be removed");
            }
        }
        if rounds.is_multiple_of(RECORDS_EVERY)
            && let Err(error) = app.store.sign_ins().sweep(now()).await
        {
            tracing::error!(%error, "sign-ins that have ended could not be removed");
        }
        if rounds.is_multiple_of(RECORDS_EVERY) {
            let uploads = app.clone();
            let tidying = move || uploads.uploads.tidy(std::time::SystemTime::now());
            for film in tokio::task::spawn_blocking(tidying).await.unwrap_or_default() {
                app.films.arrived(&film.folder, &film.path, film.stamp);
            }
        }
        rounds = rounds.wrapping_add(1);
    }
}

/// Ends all sessions, at the program's end.
pub(crate) async fn stop_all(app: &Shared) {
    /// What the processes get to save and go.
    const PATIENCE: Duration = Duration::from_secs(10);
    let running = app.sessions.list(|live: &Live| (!live.is_over()).then(|| live.id.clone()));
    let mut stopping = tokio::task::JoinSet::new();
    for id in running {
        let app = app.clone();
        stopping.spawn(async move {
            if crate::house::stage::stop(&app, &id, "The server was shut down.").await.is_err() {
                tracing::warn!(session = id, "a session did not end by itself");
            }
        });
    }
    if tokio::time::timeout(PATIENCE, async { while stopping.join_next().await.is_some() {} }).await.is_err()
    {
        tracing::warn!("some sessions did not end in time");
    }
}
