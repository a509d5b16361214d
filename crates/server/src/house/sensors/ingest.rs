//! Takes what sensors saw: many messages of many sensors in one transaction, and an answer to each once it is on the disk.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use playhouse_broker::{Inbox, Message, Qos};
use playhouse_sense::observation::{Batch, Event, Malformed};
use playhouse_sense::topic;
use playhouse_store::Millis;
use playhouse_store::observations::{Delivery, Taken};
use serde_json::json;

use crate::app::Shared;
use crate::clock::now;
use crate::house::sensors::fleet::{Member, Trouble};
use crate::house::sensors::foreign::{self, Numbers};
use crate::house::sensors::rows;

/// Messages that wait for the database. While there are more, sensors are held up, each by its own connection.
pub(crate) const WAITING: usize = 4_096;

/// Messages that are taken together, at most.
pub(super) const TOGETHER: usize = 512;

/// Observations of one transaction, at most: some 2 MB, and a tenth of a second.
pub(super) const ROWS: usize = 8_192;

/// How long it takes until a database that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A batch on its way into the database.
pub(super) struct Coming {
    pub(super) sensor: String,
    pub(super) member: Arc<Member>,
    pub(super) epoch: u64,
    pub(super) events: Vec<Event>,
}

/// Takes what comes until the broker ends.
///
/// What is in hand when the program dies was not answered, and comes again.
pub(crate) async fn keep(app: Shared, mut inbox: Inbox) {
    let mut messages = Vec::new();
    let mut numbers = Numbers::new(u64::try_from(app.started).unwrap_or_default());
    while inbox.recv_many(&mut messages, TOGETHER).await > 0 {
        let (mut coming, mut deliveries, mut rows) = (Vec::new(), Vec::new(), 0);
        for message in messages.drain(..) {
            let Some((batch, delivery)) = read(&app, &mut numbers, &message) else { continue };
            rows += delivery.observations.len();
            coming.push(batch);
            deliveries.push(delivery);
            if rows >= ROWS {
                take(&app, &mut coming, &mut deliveries).await;
                rows = 0;
            }
        }
        take(&app, &mut coming, &mut deliveries).await;
    }
}

/// Reads a message; what is wrong with it is counted, and hurts nobody else.
fn read(app: &Shared, numbers: &mut Numbers, message: &Message) -> Option<(Coming, Delivery)> {
    let device = foreign::parse(&message.topic);
    let (sensor, _) = device.or_else(|| topic::parse(&message.topic))?;
    let member = app.sensors.fleet.get(sensor)?;
    let now = now();
    let oldest = rows::oldest(now, app.config.sense.observation_days);
    let read = if device.is_some() {
        let at = u64::try_from(now).unwrap_or_default();
        numbers.batch(member.key, &message.payload, at).map_err(|wrong| (Trouble::Malformed, wrong))
    } else {
        Batch::decode(&message.payload).map_err(|malformed| {
            let trouble = match malformed {
                Malformed::TooLarge(_) => Trouble::Oversize,
                _ => Trouble::Malformed,
            };
            (trouble, malformed.to_string())
        })
    };
    let read = read.and_then(|batch| {
        let delivery = rows::delivery(member.key, &batch, now, oldest);
        delivery.map(|delivery| (batch, delivery)).map_err(|wrong| (Trouble::Malformed, wrong.to_string()))
    });
    match read {
        Ok((Batch { epoch, events }, delivery)) => {
            let disbelieved = delivery.observations.iter().filter(|seen| seen.sent.is_some()).count();
            let mut at_once = member.now();
            at_once.seen = Some(now);
            if disbelieved > 0 {
                let why = "Its clock is wrong: what it sees stands at the time when it came here.";
                at_once.troubles.count(Trouble::Clock, disbelieved as u64, why, now);
            }
            drop(at_once);
            Some((Coming { sensor: sensor.to_owned(), member, epoch, events }, delivery))
        }
        Err((trouble, why)) => {
            tracing::warn!(sensor, why, "a message of a sensor is of no use");
            member.now().troubles.count(trouble, 1, format!("It sent {why}."), now);
            None
        }
    }
}

/// Writes deliveries down, however long the database takes to be well again, and answers them.
pub(super) async fn take(app: &Shared, coming: &mut Vec<Coming>, deliveries: &mut Vec<Delivery>) {
    if deliveries.is_empty() {
        return;
    }
    let mut failures = 0_u64;
    let outcomes = loop {
        match app.store.observations().take(deliveries, now()).await {
            Ok(outcomes) => break outcomes,
            Err(error) => {
                // Once a minute: a full disk stays full for a while.
                if failures.is_multiple_of(60) {
                    tracing::error!(%error, "what sensors saw cannot be written down; they are told to wait");
                }
                failures += 1;
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    for (batch, outcome) in coming.drain(..).zip(outcomes) {
        if let Some(taken) = outcome {
            answer(app, &batch, taken);
        }
    }
    deliveries.clear();
}

fn answer(app: &Shared, batch: &Coming, taken: Taken) {
    let said = json!({"epoch": batch.epoch, "seq": taken.seq});
    // A sensor that does not hear it sends again, and is told once more.
    app.sensors.say(&batch.sensor, topic::TAKEN, &said, (Qos::AtMostOnce, false));
    let fresh: Vec<&Event> = batch.events.iter().filter(|event| event.seq > taken.before).collect();
    let again = batch.events.len() - fresh.len();
    if again > 0 {
        batch.member.now().troubles.count(Trouble::Replayed, again as u64, "", Millis::default());
    }
    app.sensors.rules.events(&batch.sensor, &fresh);
    if !fresh.is_empty() && batch.member.viewers.any() {
        batch.member.viewers.tell(&Utf8Bytes::from(json!({"events": fresh}).to_string()));
    }
}
