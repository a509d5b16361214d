//! Forgets what sensors saw when its time is over: a bounded piece at a time, so that nobody waits for the database.

use std::time::Duration;

use playhouse_store::{Millis, StoreError};

use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::house::sensors::rows;

/// How often it is looked what is old.
const EVERY: Duration = Duration::from_hours(1);

/// Rows of each kind that are removed in one transaction: some tens of milliseconds.
const PIECE: u32 = 2_000;

/// How long others get between two pieces.
const PAUSE: Duration = Duration::from_millis(20);

/// Lives of an outbox that are remembered for each sensor.
const EPOCHS: u32 = 64;

/// Forgets what is old, for as long as the program runs.
pub(crate) async fn keep(app: Shared) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tick.tick().await;
        if let Err(error) = sweep(&app, now()).await {
            tracing::warn!(%error, "old observations cannot be removed; it is tried again in an hour");
        }
    }
}

async fn sweep(app: &Shared, now: Millis) -> Result<(), StoreError> {
    let sense = &app.config.sense;
    let oldest = rows::oldest(now, sense.observation_days);
    let days = |days: u32| now - Millis::from(days) * DAY;
    for member in app.sensors.fleet.all() {
        while app.store.observations().forget(member.key, oldest, PIECE).await? == u64::from(PIECE) {
            tokio::time::sleep(PAUSE).await;
        }
        let (minutes, hours) = (days(sense.minute_days), days(sense.hour_days));
        while app.store.figures().forget(member.key, minutes, hours, PIECE).await? >= u64::from(PIECE) {
            tokio::time::sleep(PAUSE).await;
        }
        app.store.observations().forget_marks(member.key, EPOCHS).await?;
    }
    Ok(())
}
