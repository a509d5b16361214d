//! Channels on the air: records whatever is published, and says so.

use std::time::Duration;

use playhouse_live::{Event, Happening};
use playhouse_store::channels::Channel;
use tokio::sync::broadcast::error::RecvError;

use crate::app::Shared;
use crate::house::on_air;
use crate::house::sessions::Change;
use crate::problem::Problem;

/// How far back one can go where nobody says: two hours.
pub(crate) const WINDOW_SECONDS: u32 = 7_200;

/// There is no such channel.
pub(crate) fn no_channel() -> Problem {
    Problem::not_found("There is no such channel (any more). Look at the list for what there is.")
}

/// How far back one can go.
pub(crate) fn length(channel: &Channel) -> Duration {
    Duration::from_secs(channel.window_seconds.into())
}

/// Brings back what an earlier run of the program recorded, then follows what is published for ever.
pub(crate) async fn follow(app: Shared) {
    // Before anything is read, so that nothing is missed.
    let mut events = app.hub.events();
    match app.store.channels().all().await {
        Ok(channels) => {
            let known: Vec<_> =
                channels.into_iter().map(|channel| (channel.id.clone(), length(&channel))).collect();
            let air = app.air.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || air.restore(&known)).await {
                tracing::error!(%error, "what was recorded of channels could not be read");
            }
        }
        Err(error) => tracing::error!(%error, "the channels could not be read"),
    }
    for stream in app.hub.streams() {
        take(&app, Event { stream, what: Happening::Begun }).await;
    }
    loop {
        match events.recv().await {
            Ok(event) => take(&app, event).await,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "events of live streams were missed");
                for stream in app.hub.streams() {
                    take(&app, Event { stream, what: Happening::Begun }).await;
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn take(app: &Shared, event: Event) {
    let channel = event.stream.channel().to_owned();
    tracing::info!(channel, protocol = %event.stream.protocol(), what = ?event.what, "a live stream");
    app.sessions.tell(Change::Channel(channel.clone()));
    if event.what == Happening::Ended {
        on_air::ended(app, &event.stream);
    }
    if event.what == Happening::Ended || !app.air.is_new(&event.stream) {
        return;
    }
    let window = match app.store.channels().get(&channel).await {
        Ok(Some(channel)) => length(&channel),
        Ok(None) => Duration::from_secs(WINDOW_SECONDS.into()),
        Err(error) => {
            tracing::error!(channel, %error, "a channel could not be looked up");
            Duration::from_secs(WINDOW_SECONDS.into())
        }
    };
    tokio::spawn(app.air.clone().record(event.stream, window));
}
