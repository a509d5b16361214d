//! What sensors say that is not kept for good: glimpses, how they are, what they are; and who comes and goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use playhouse_broker::{Inbox, Left, Message, Presence, PresenceFeed};
use playhouse_sense::enrolment::{Ask, Health, Reported};
use playhouse_sense::observation::{Glimpse, Thing};
use playhouse_sense::topic;
use serde_json::{Value, json};

use crate::app::Shared;
use crate::clock::now;
use crate::house::sensors::fleet::{Member, Trouble};

/// Messages of sensors that wait to be looked at. Glimpses beyond that are dropped.
pub(crate) const WAITING: usize = 4_096;

/// Messages that are looked at together.
const TOGETHER: usize = 512;

/// For how many seconds a sensor is asked for glimpses; it is asked again while somebody looks.
pub(crate) const GLIMPSES: u32 = 20;

/// How often it is written down when sensors were last heard of.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// Longest report of what a sensor is: a model may have a thousand labels.
const LONGEST: usize = 32 << 10;

/// Looks at what comes until the broker ends.
pub(crate) async fn hear(app: Shared, mut inbox: Inbox) {
    while let Some(message) = inbox.recv().await {
        let Some((sensor, kind)) = topic::parse(&message.topic) else { continue };
        let Some(member) = app.sensors.fleet.get(sensor) else { continue };
        let heard = match kind {
            topic::GLIMPSE => glimpse(&member, &message),
            topic::HEALTH => health(&member, &message),
            _ => Ok(()),
        };
        if let Err(why) = heard {
            trouble(&member, sensor, &why);
        }
    }
}

fn trouble(member: &Member, sensor: &str, why: &str) {
    tracing::debug!(sensor, why, "a message of a sensor is of no use");
    member.now().troubles.count(Trouble::Malformed, 1, format!("It sent {why}."), now());
}

fn glimpse(member: &Member, message: &Message) -> Result<(), String> {
    if !member.is_watched() {
        return Ok(());
    }
    let glimpse =
        Glimpse::decode(&message.payload).map_err(|error| format!("a glimpse that is none: {error}"))?;
    show(member, glimpse);
    Ok(())
}

/// Shows whoever looks what is in the picture.
pub(super) fn show(member: &Member, glimpse: Glimpse) {
    if member.viewers.any() {
        let Glimpse { frame, at, took_us, things } = &glimpse;
        let things: Vec<Value> = things.iter().map(thing).collect();
        let shown = json!({
            "glimpse": {"frame": frame, "at": at, "took_us": took_us, "hub_at": now(), "things": things}
        });
        member.viewers.show(&Utf8Bytes::from(shown.to_string()));
    }
    member.glimpses.send_replace(glimpse);
}

/// Rounds to a ten-thousandth, which is less than a pixel.
fn rounded(fraction: f64) -> f64 {
    (fraction * 10_000.0).round() / 10_000.0
}

fn thing(thing: &Thing) -> Value {
    let place = thing.place.map(|edge| rounded(f64::from(edge) / 65_535.0));
    let score = rounded(f64::from(thing.score) / 255.0);
    json!({
        "track": thing.track, "label": thing.label, "place": place, "score": score, "provisional": thing.provisional
    })
}

fn health(member: &Member, message: &Message) -> Result<(), String> {
    let health: Health = serde_json::from_slice(&message.payload)
        .map_err(|error| format!("a word on its health that is none: {error}"))?;
    if member.viewers.any() {
        member.viewers.tell(&Utf8Bytes::from(json!({"health": health}).to_string()));
    }
    let mut sensor = member.now();
    (sensor.health, sensor.seen) = (Some(health), Some(now()));
    Ok(())
}

/// Keeps what sensors say of themselves, until the broker ends. A fleet that comes back after a cut says what is known
/// already, and costs no write.
pub(crate) async fn reports(app: Shared, mut inbox: Inbox) {
    let mut messages = Vec::new();
    while inbox.recv_many(&mut messages, TOGETHER).await > 0 {
        for message in messages.drain(..) {
            let Some((sensor, _)) = topic::parse(&message.topic) else { continue };
            let Some(member) = app.sensors.fleet.get(sensor) else { continue };
            if let Err(why) = report(&app, &member, sensor, &message).await {
                trouble(&member, sensor, &why);
            }
            // It has subscribed by now, and hears what it is asked.
            if member.is_watched() {
                app.sensors.ask(sensor, &Ask::Glimpses { seconds: GLIMPSES });
            }
        }
    }
}

async fn report(app: &Shared, member: &Member, sensor: &str, message: &Message) -> Result<(), String> {
    if message.payload.len() > LONGEST {
        return Err(format!(
            "a report of {} bytes on what it is, and {LONGEST} are possible",
            message.payload.len()
        ));
    }
    let reported: Reported = serde_json::from_slice(&message.payload)
        .map_err(|error| format!("a report on what it is that is none: {error}"))?;
    let text = serde_json::to_string(&reported).map_err(|error| error.to_string())?;
    {
        let mut at_once = member.now();
        at_once.seen = Some(now());
        if at_once.reported.as_ref() == Some(&reported) {
            return Ok(());
        }
        at_once.reported = Some(reported);
        at_once.row.reported = Some(text.clone());
    }
    if let Err(error) = app.store.sensors().report(sensor, &text).await {
        tracing::warn!(sensor, %error, "what a sensor is cannot be written down");
    }
    Ok(())
}

/// Follows who comes and goes, and writes down now and then when each was last heard of.
pub(crate) async fn presence(app: Shared, mut feed: PresenceFeed) {
    let mut written = HashMap::new();
    let mut tick = tokio::time::interval(SEEN_EVERY);
    loop {
        tokio::select! {
            news = feed.recv() => follow(&app, &news),
            _ = tick.tick() => seen(&app, &mut written).await,
        }
    }
}

fn follow(app: &Shared, news: &Presence) {
    let Some(member) = app.sensors.fleet.get(news.identity().name()) else { return };
    {
        let mut sensor = member.now();
        sensor.seen = Some(now());
        sensor.online = matches!(news, Presence::Connected { .. });
        if let Presence::Disconnected { reason: Left::Refused, .. } = news {
            let why = "Its connection was ended since it sent what it may not, or too much at a time.";
            sensor.troubles.count(Trouble::Refused, 1, why, now());
        }
    }
    member.tell_state();
}

async fn seen(app: &Shared, written: &mut HashMap<i64, i64>) {
    let mut list = Vec::new();
    let members: Vec<Arc<Member>> = app.sensors.fleet.all();
    for member in &members {
        let sensor = member.now();
        if let Some(seen) = sensor.seen.filter(|seen| written.get(&member.key) != Some(seen)) {
            written.insert(member.key, seen);
            list.push(json!([sensor.row.id, seen]));
        }
    }
    if list.is_empty() {
        return;
    }
    if let Err(error) = app.store.sensors().seen(&Value::Array(list).to_string()).await {
        tracing::warn!(%error, "when sensors were last heard of cannot be written down");
    }
}
