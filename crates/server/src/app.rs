//! What every request can reach.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use playhouse_live::{Air, Hub};
use playhouse_store::{Millis, Store};
use playhouse_watch::places::Places;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::gate::known::Known;
use crate::house::buffers::Buffers;
use crate::house::catalogue::Catalogue;
use crate::house::extras::Extras;
use crate::house::films::Films;
use crate::house::guide::Guide;
use crate::house::guide::relay::Relay;
use crate::house::keys::Keys;
use crate::house::ladders::Ladders;
use crate::house::parties::Parties;
use crate::house::recordings::live::Finishing;
use crate::house::renderings::Renderings;
use crate::house::sensors::Sensors;
use crate::house::sessions::Sessions;
use crate::house::throttle::Throttle;
use crate::house::uploads::Uploads;
use crate::node::Node;
use crate::webrtc::Webrtc;

/// Passwords hashed at a time: each takes 19 MiB and a core for some 20 ms.
const HASHING: usize = 2;

/// Requests answered at a time; more than that wait for nothing but memory.
pub(crate) const REQUESTS: usize = 512;

/// Event streams open at a time: each is a connection that stays.
pub(crate) const STREAMS: usize = 256;

/// Requests of players of live channels at a time: each of them waits most of the time, for two playlists and two parts.
pub(crate) const VIEWERS: usize = 8_192;

/// What every request can reach.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) node: Arc<dyn Node>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) air: Arc<Air>,
    pub(crate) webrtc: Arc<dyn Webrtc>,
    pub(crate) keys: Keys,
    pub(crate) known: Known,
    pub(crate) catalogue: Catalogue,
    pub(crate) films: Arc<Films>,
    pub(crate) guide: Guide,
    pub(crate) relay: Arc<Relay>,
    pub(crate) renderings: Renderings,
    pub(crate) ladders: Ladders,
    pub(crate) extras: Extras,
    pub(crate) uploads: Uploads,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) parties: Parties,
    pub(crate) finishing: Finishing,
    pub(crate) places: Mutex<Places>,
    pub(crate) sensors: Sensors,
    pub(crate) sessions: Sessions,
    pub(crate) throttle: Mutex<Throttle>,
    pub(crate) hashing: Semaphore,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) viewers: Arc<Semaphore>,
    pub(crate) started: Millis,
    begun: Instant,
}

/// The application, shared by all requests.
pub(crate) type Shared = Arc<App>;

impl App {
    /// Puts the parts together.
    pub(crate) fn new(
        config: Config,
        store: Store,
        node: Arc<dyn Node>,
        hub: Arc<Hub>,
        webrtc: Arc<dyn Webrtc>,
        sensors: Sensors,
        now: Millis,
    ) -> Self {
        Self {
            catalogue: Catalogue::new(config.titles.clone(), config.programs.clone()),
            films: Arc::new(Films::new(&config)),
            guide: Guide::default(),
            relay: Arc::default(),
            renderings: Renderings::new(&config),
            ladders: Ladders::default(),
            extras: Extras::new(&config),
            uploads: Uploads::new(&config),
            buffers: Arc::default(),
            air: Arc::new(Air::new(config.data.join("live"), config.data.join("recordings"))),
            parties: Parties::default(),
            finishing: Finishing::default(),
            places: Mutex::default(),
            config,
            keys: Keys::new(store.clone()),
            known: Known::default(),
            store,
            node,
            hub,
            webrtc,
            sensors,
            sessions: Sessions::default(),
            throttle: Mutex::default(),
            hashing: Semaphore::new(HASHING),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            started: now,
            begun: Instant::now(),
        }
    }

    /// The clock of parties and places: microseconds since the start. Unlike the time of day it never jumps.
    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Wrong attempts to sign in.
    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
