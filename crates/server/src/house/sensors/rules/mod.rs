//! Rules: when sensors see something, something is done. What decides is `playhouse_sense::rule`; here it is fed and heeded.

pub(crate) mod act;
pub(crate) mod webhooks;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use playhouse_sense::observation::Event;
use playhouse_sense::rule::{Engine, Firing, Rule};
use playhouse_store::{Millis, Store, StoreError};
use tokio::sync::{Notify, mpsc};

use crate::app::Shared;
use crate::clock::{MINUTE, now};
use crate::house::sensors::rules::webhooks::Signer;
use crate::serve::ServeError;

/// Firings that wait to be acted upon: a rule that fires all the time loses some, and the house goes on.
const WAITING: usize = 1_024;

/// How often it is looked what time alone has made so.
const EVERY: Duration = Duration::from_millis(250);

/// How often the clock on the wall is looked at.
const WALL: Duration = Duration::from_mins(1);

/// Rules, and what they know.
pub(crate) struct Rules {
    inner: Mutex<Inner>,
    firings: mpsc::Sender<Firing>,
    waiting: Mutex<Option<mpsc::Receiver<Firing>>>,
    /// Signs calls.
    pub(crate) signer: Signer,
    /// There is a call to be made.
    pub(crate) calls: Notify,
}

struct Inner {
    engine: Engine,
    rules: Vec<Rule>,
}

/// How many minutes the clock on the wall is ahead of UTC.
pub(crate) fn ahead(at: Millis) -> i32 {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    jiff::tz::TimeZone::system().to_offset(at).seconds() / 60
}

/// When the day began that it is now, by the clock on the wall.
pub(crate) fn midnight(now: Millis) -> Millis {
    let ahead = Millis::from(ahead(now)) * MINUTE;
    (now + ahead).div_euclid(crate::clock::DAY) * crate::clock::DAY - ahead
}

impl Rules {
    /// No rules yet; calls are signed with the key that is kept in `folder`.
    ///
    /// # Errors
    /// [`ServeError::Authority`] where the key can neither be read nor made.
    pub(crate) fn open(folder: &Path) -> Result<Self, ServeError> {
        let (firings, waiting) = mpsc::channel(WAITING);
        let signer = Signer::open(&folder.join("webhook.key"))
            .map_err(|error| ServeError::Authority(format!("the key of webhooks: {error}")))?;
        let inner = Inner { engine: Engine::new(Vec::new(), ahead(now())), rules: Vec::new() };
        Ok(Self {
            inner: Mutex::new(inner),
            firings,
            waiting: Mutex::new(Some(waiting)),
            signer,
            calls: Notify::new(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the records.
    pub(crate) async fn load(&self, store: &Store) -> Result<(), StoreError> {
        let rows = store.sensor_rules().all().await?;
        let rules: Vec<Rule> = rows
            .iter()
            .filter_map(|row| {
                serde_json::from_str(&row.rule)
                    .inspect_err(|error| tracing::error!(rule = row.id, %error, "a rule cannot be read"))
                    .ok()
            })
            .collect();
        let mut inner = self.inner();
        inner.engine.set_rules(rules.clone());
        inner.rules = rules;
        Ok(())
    }

    /// All rules.
    pub(crate) fn all(&self) -> Vec<Rule> {
        self.inner().rules.clone()
    }

    /// The rule of an id.
    pub(crate) fn get(&self, id: &str) -> Option<Rule> {
        self.inner().rules.iter().find(|rule| rule.id == id).cloned()
    }

    /// A sensor told of something that is in the records now.
    pub(crate) fn events(&self, sensor: &str, events: &[&Event]) {
        let at = u64::try_from(now()).unwrap_or_default();
        let firings: Vec<Firing> = {
            let mut inner = self.inner();
            if inner.rules.is_empty() {
                return;
            }
            events.iter().flat_map(|event| inner.engine.event(at, sensor, event)).collect()
        };
        self.fire(firings);
    }

    fn fire(&self, firings: Vec<Firing>) {
        for firing in firings {
            if let Err(error) = self.firings.try_send(firing) {
                tracing::warn!(%error, "a rule fires more often than can be acted upon");
            }
        }
    }
}

/// Looks what time alone makes so, for as long as the program runs.
pub(crate) async fn tick(app: Shared) {
    let (mut tick, mut wall) = (tokio::time::interval(EVERY), tokio::time::interval(WALL));
    let rules = &app.sensors.rules;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let at = u64::try_from(now()).unwrap_or_default();
                let firings = rules.inner().engine.tick(at);
                rules.fire(firings);
            }
            _ = wall.tick() => rules.inner().engine.set_ahead(ahead(now())),
        }
    }
}

/// Does what rules say, for as long as the program runs.
pub(crate) async fn keep(app: Shared) {
    let waiting = app.sensors.rules.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut waiting) = waiting else { return };
    while let Some(firing) = waiting.recv().await {
        act::act(&app, &firing).await;
    }
}
