//! The hub of the sensors: who they are, what they say, and who looks.
//!
//! The row is the truth about a sensor, and what is here follows it: whoever changes the row says so here ([`Fleet::put`]).

pub(crate) mod adviser;
pub(crate) mod asks;
pub(crate) mod authority;
pub(crate) mod doors;
pub(crate) mod files;
pub(crate) mod fleet;
pub(crate) mod foreign;
pub(crate) mod inferences;
pub(crate) mod ingest;
pub(crate) mod listed;
pub(crate) mod listen;
pub(crate) mod parquet;
pub(crate) mod rights;
pub(crate) mod rollouts;
pub(crate) mod rows;
pub(crate) mod rules;
pub(crate) mod sweep;
pub(crate) mod twin;
pub(crate) mod viewers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_broker::{Broker, Limits, Qos};
use playhouse_sense::enrolment::{Ask, Desired};
use playhouse_sense::topic;
use playhouse_store::sensors::Sensor;
use playhouse_store::{Millis, Store, StoreError};
use serde::Serialize;

use crate::config::Config;
use crate::house::sensors::adviser::Adviser;
use crate::house::sensors::authority::Authority;
use crate::house::sensors::files::Files;
use crate::house::sensors::fleet::Fleet;
use crate::house::sensors::rules::Rules;
use crate::serve::ServeError;

/// How long a sensor that is thrown out gets to hear why. It can say nothing more meanwhile.
const FAREWELL: Duration = Duration::from_millis(300);

/// The most sensors: what the broker holds sessions for, with room for those that reconnect.
pub(crate) const MOST: usize = 20_000;

/// The hub of the sensors.
pub(crate) struct Sensors {
    pub(crate) authority: Authority,
    pub(crate) broker: Broker,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) files: Files,
    pub(crate) rules: Rules,
    pub(crate) adviser: Adviser,
    /// Held by whoever says what a sensor is to do.
    saying: Mutex<()>,
}

impl Sensors {
    /// The hub, with the authority of the data folder.
    ///
    /// # Errors
    /// [`ServeError::Authority`] where there is none to be had.
    pub(crate) fn open(config: &Config, now: Millis) -> Result<Self, ServeError> {
        let fleet = Arc::new(Fleet::default());
        let folder = config.data.join("sensors");
        Ok(Self {
            authority: Authority::open(&folder, now)?,
            rules: Rules::open(&folder)?,
            broker: Broker::new(fleet.clone(), Limits::default()),
            fleet,
            adviser: Adviser::default(),
            saying: Mutex::default(),
            files: Files::new(&config.data),
        })
    }

    /// Learns who there is from the records, and tells each what it is to do.
    pub(crate) async fn load(&self, store: &Store) -> Result<(), StoreError> {
        self.files.tidy();
        for sensor in store.sensors().all().await? {
            self.follow(&sensor);
        }
        self.rules.load(store).await
    }

    /// Follows a row that is new, or has changed.
    pub(crate) fn follow(&self, sensor: &Sensor) {
        self.fleet.put(sensor.clone());
        self.retain(&sensor.id);
    }

    /// Says what a sensor is to do, for now and whenever it comes.
    fn retain(&self, sensor: &str) {
        let Some(member) = self.fleet.get(sensor) else { return };
        // One at a time, so that what is said last is the newest.
        let _turn = self.saying.lock().unwrap_or_else(PoisonError::into_inner);
        let row = member.now().row.clone();
        if row.revoked.is_none() {
            self.say::<Desired>(sensor, topic::DESIRED, &twin::desired(&row), (Qos::AtLeastOnce, true));
        }
    }

    /// Asks a sensor for something right now; nothing happens where it is not there.
    pub(crate) fn ask(&self, sensor: &str, ask: &Ask) {
        self.say(sensor, topic::ASK, ask, (Qos::AtLeastOnce, false));
    }

    /// Says something to a sensor, so surely, and whether the broker retains it.
    pub(crate) fn say<T: Serialize>(&self, sensor: &str, kind: &str, what: &T, (qos, retain): (Qos, bool)) {
        let said = serde_json::to_vec(what).unwrap_or_default();
        if let Err(error) = self.broker.publish(&topic::of(sensor, kind), said, qos, retain) {
            tracing::warn!(sensor, kind, %error, "a sensor cannot be told something");
        }
    }

    /// Ends what a sensor that was thrown out or removed has here: it hears why, and its connections are closed. The row says
    /// so already, and `fleet` follows it.
    pub(crate) fn dismiss(&self, sensor: &str) {
        let nothing = Vec::new();
        if let Err(error) =
            self.broker.publish(&topic::of(sensor, topic::DESIRED), nothing, Qos::AtLeastOnce, true)
        {
            tracing::warn!(sensor, %error, "what a sensor was to do stays with the broker");
        }
        self.ask(sensor, &Ask::Leave);
        let (broker, sensor) = (self.broker.clone(), sensor.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(FAREWELL).await;
            broker.disconnect(&sensor);
        });
    }
}
