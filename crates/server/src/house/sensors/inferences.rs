//! Devices of AITRIOS, which report what they detect on `devices/{id}/inferences`: the house follows it as an agent beside
//! their camera would, and takes what comes of it as from any other sensor.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use playhouse_broker::{Inbox, Message};
use playhouse_sense::aitrios::{EPOCH, Follower, Refused, Unusable};
use playhouse_sense::observation::{Batch, Event};
use playhouse_store::Millis;
use playhouse_store::observations::Delivery;
use tokio::time::{Duration, interval};

use crate::app::Shared;
use crate::clock::{MINUTE, now};
use crate::house::sensors::fleet::{Member, Trouble};
use crate::house::sensors::ingest::{Coming, ROWS, TOGETHER, take};
use crate::house::sensors::{foreign, listen, rows, twin};

/// Reports that wait to be followed: 64 MB of the longest. While there are more, devices are held up, each by its own
/// connection.
pub(crate) const WAITING: usize = 1_024;

/// The most devices that are followed at a time. Each takes some 10 kB, and 100 kB in a crowd.
const MOST: usize = 4_096;

/// A device that reports nothing for so long is not followed any more: the apps of AITRIOS put some seconds into a report.
const SILENT: Millis = MINUTE;

/// How often it is looked who is silent.
const LOOK: Duration = Duration::from_secs(5);

/// Who is followed, by the key of each sensor.
#[derive(Default)]
struct Devices {
    known: HashMap<i64, Device>,
}

/// A device that has reported something since the house started.
struct Device {
    id: String,
    follower: Follower,
    /// The version of its settings that is followed.
    version: Option<i64>,
    heard: Millis,
}

/// Follows what comes until the broker ends.
pub(crate) async fn keep(app: Shared, mut inbox: Inbox) {
    let mut devices = Devices::default();
    let mut messages = Vec::new();
    let mut tick = interval(LOOK);
    loop {
        let (mut coming, mut deliveries, mut rows) = (Vec::new(), Vec::new(), 0);
        let mut told = Vec::new();
        tokio::select! {
            many = inbox.recv_many(&mut messages, TOGETHER) => {
                if many == 0 {
                    return;
                }
                for message in messages.drain(..) {
                    told.extend(devices.read(&app, &message).await);
                    // What a crowd takes to be followed is not to keep others waiting.
                    tokio::task::yield_now().await;
                }
            }
            _ = tick.tick() => told = devices.silent(&app),
        }
        for (batch, delivery) in told {
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

impl Devices {
    /// Reads a report; what is wrong with it is counted, and hurts nobody else.
    async fn read(&mut self, app: &Shared, message: &Message) -> Option<(Coming, Delivery)> {
        let (sensor, _) = foreign::parse(&message.topic)?;
        let member = app.sensors.fleet.get(sensor)?;
        let now = now();
        match self.follow(app, &member, sensor, &message.payload, now).await {
            Ok(events) => deliver(app, sensor, member, events, now),
            Err((trouble, why)) => {
                tracing::warn!(sensor, why, "a report of a device is of no use");
                member.now().troubles.count(trouble, 1, format!("It sent {why}."), now);
                None
            }
        }
    }

    async fn follow(
        &mut self,
        app: &Shared,
        member: &Member,
        sensor: &str,
        report: &[u8],
        now: Millis,
    ) -> Result<Vec<Event>, (Trouble, String)> {
        if let Entry::Vacant(place) = self.known.entry(member.key) {
            let last = app.store.observations().mark(member.key, EPOCH).await.map_err(|error| {
                (Trouble::Refused, format!("a report while the records could not be read ({error})"))
            })?;
            let device =
                Device { id: sensor.to_owned(), follower: Follower::after(last), version: None, heard: now };
            place.insert(device);
        }
        let active = |device: &Device| device.follower.is_active();
        if !self.known.get(&member.key).is_some_and(active)
            && self.known.values().filter(|one| active(one)).count() >= MOST
        {
            let why =
                format!("a report while {MOST} devices were followed, which is as many as there can be");
            return Err((Trouble::Refused, why));
        }
        let Some(device) = self.known.get_mut(&member.key) else { return Ok(Vec::new()) };
        let (version, row) = {
            let at_once = member.now();
            let version = at_once.row.version;
            (version, (device.version != Some(version)).then(|| at_once.row.clone()))
        };
        if let Some(row) = row {
            // What the house has written down was checked before.
            if let Err(error) = device.follower.change(twin::desired(&row).settings) {
                tracing::error!(sensor, %error, "what a device is to do cannot be followed");
            }
            device.version = Some(version);
        }
        let oldest = rows::oldest(now, app.config.sense.observation_days);
        let millis = |at: Millis| u64::try_from(at).unwrap_or_default();
        let believed = millis(oldest)..=millis(now.saturating_add(rows::AHEAD));
        let news = device.follower.report(report, &believed).map_err(|unusable| {
            let trouble = match unusable {
                Unusable::Report(Refused::TooLarge(_)) => Trouble::Oversize,
                _ => Trouble::Malformed,
            };
            (trouble, unusable.to_string())
        })?;
        device.heard = now;
        {
            let mut at_once = member.now();
            at_once.seen = Some(now);
            if news.passed_over > 0 {
                at_once.troubles.count(Trouble::Replayed, news.passed_over as u64, "", now);
            }
        }
        if member.is_watched()
            && let Some(glimpse) = device.follower.glimpse()
        {
            listen::show(member, glimpse);
        }
        Ok(news.events)
    }

    /// Ends the following of those that say nothing any more, and forgets those that are gone.
    fn silent(&mut self, app: &Shared) -> Vec<(Coming, Delivery)> {
        let now = now();
        let here: HashSet<i64> = app.sensors.fleet.all().iter().map(|member| member.key).collect();
        self.known.retain(|key, _| here.contains(key));
        let quiet = self.known.values_mut().filter(|device| now - device.heard >= SILENT);
        quiet
            .filter_map(|device| {
                let events = device.follower.silent();
                deliver(app, &device.id, app.sensors.fleet.get(&device.id)?, events, now)
            })
            .collect()
    }
}

/// What is taken of a device.
fn deliver(
    app: &Shared,
    sensor: &str,
    member: Arc<Member>,
    events: Vec<Event>,
    now: Millis,
) -> Option<(Coming, Delivery)> {
    if events.is_empty() {
        return None;
    }
    let oldest = rows::oldest(now, app.config.sense.observation_days);
    let batch = Batch { epoch: EPOCH, events };
    // Numbers of a follower rise.
    let delivery = rows::delivery(member.key, &batch, now, oldest).ok()?;
    Some((Coming { sensor: sensor.to_owned(), member, epoch: EPOCH, events: batch.events }, delivery))
}
