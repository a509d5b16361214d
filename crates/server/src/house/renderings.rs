//! Films that are made playable, or are made in more codings: what pages see of that.

mod work;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_library::render::{self, Progress, Step};
use playhouse_store::Millis;
use playhouse_store::films::{Film, State as Condition};
use playhouse_store::renderings::{Rendering, State};
use playhouse_watch::codec::Codec;
use playhouse_watch::container::{Kind, Track};
use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;

pub(crate) use work::keep;

use crate::app::Shared;
use crate::config::Config;
use crate::house::sessions::Change;

/// How often pages are told how far it has come.
const TELL: Duration = Duration::from_millis(500);

/// What runs, and what pages see of it.
#[derive(Debug)]
pub(crate) struct Renderings {
    folder: PathBuf,
    reserve: u64,
    /// Codings that films get beside H.264 where nobody says anything else.
    also: Vec<Codec>,
    current: Mutex<Option<Current>>,
    wake: Notify,
}

#[derive(Debug)]
struct Current {
    film: String,
    progress: Progress,
    /// When work began, and how far it was then: what an earlier run did says nothing about the speed of this one.
    began: Option<(Instant, f64)>,
    told: Instant,
    paused: bool,
    cancel: Arc<Notify>,
}

/// How a film that is made playable is getting on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RenderingView {
    /// The film's id.
    film: String,
    /// Its title.
    #[schema(example = "The General")]
    title: String,
    /// `waiting`, `running`, `paused`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    state: &'static str,
    /// `probing`, `sound`, `picture` or `joining`, while it runs.
    step: Option<&'static str>,
    /// Percent of the work, while it runs.
    #[schema(example = 41.5)]
    percent: Option<f64>,
    /// Seconds of the film that take a second.
    speed: Option<f64>,
    /// Seconds that it will still take.
    left_s: Option<f64>,
    /// Why it waits or failed, in a sentence.
    reason: Option<String>,
    asked_ms: Millis,
    ended_ms: Option<Millis>,
    /// Codings that are made beside H.264: `hevc`, `av1`.
    #[schema(example = json!(["av1"]))]
    also: Vec<String>,
    /// How many renditions there are, and their bytes.
    renditions: Option<i64>,
    bytes: Option<i64>,
    /// Percent of the bits that the film's own ladder saves at the same quality against a fixed one; where it was
    /// probed.
    ladder_saving_percent: Option<f64>,
}

impl Renderings {
    /// Those of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let folder = config.data.join("renditions");
        Self {
            folder,
            reserve: config.reserve,
            also: config.also.clone(),
            current: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the renditions of a film lie.
    pub(crate) fn folder_of(&self, film: &str) -> PathBuf {
        self.folder.join(film)
    }

    /// Codings that films get beside H.264 where nobody says anything else.
    pub(crate) fn also(&self) -> &[Codec] {
        &self.also
    }

    /// Has it looked whether there is something to do.
    pub(crate) fn look_soon(&self) {
        self.wake.notify_one();
    }

    /// A rendering as pages see it.
    pub(crate) fn view(&self, rendering: &Rendering, title: &str) -> RenderingView {
        let current = self.lock();
        let running = current.as_ref().filter(|now| now.film == rendering.film);
        let running = running.filter(|_| rendering.state == State::Running);
        let done = running.map(|now| now.progress.done.clamp(0.0, 1.0));
        let left = running.and_then(|now| {
            let (began, before) = now.began?;
            let gone = now.progress.done - before;
            (gone > 0.005 && !now.paused)
                .then(|| began.elapsed().as_secs_f64() / gone * (1.0 - now.progress.done).max(0.0))
        });
        RenderingView {
            film: rendering.film.clone(),
            title: title.to_owned(),
            state: match rendering.state {
                State::Running if running.is_some_and(|now| now.paused) => "paused",
                State::Waiting => "waiting",
                State::Running => "running",
                State::Done => "done",
                State::Failed => "failed",
                State::Cancelled => "cancelled",
            },
            step: running.map(|now| match now.progress.step {
                Step::Probing => "probing",
                Step::Sound => "sound",
                Step::Picture => "picture",
                Step::Joining => "joining",
            }),
            percent: done.map(|done| (done * 1000.0).round() / 10.0),
            speed: running.and_then(|now| now.progress.speed),
            left_s: left.map(f64::round),
            reason: rendering.reason.clone(),
            asked_ms: rendering.created,
            ended_ms: rendering.ended,
            also: codecs(&rendering.also).iter().map(ToString::to_string).collect(),
            renditions: rendering.renditions,
            bytes: rendering.bytes,
            ladder_saving_percent: rendering.saving_percent,
        }
    }

    /// Ends the work at a film, if it is the one that is worked at.
    pub(crate) fn stop(&self, film: &str) {
        if let Some(current) = self.lock().as_ref().filter(|current| current.film == film) {
            current.cancel.notify_one();
        }
    }

    fn progress(&self, progress: Progress) -> bool {
        let mut current = self.lock();
        let Some(current) = current.as_mut() else { return false };
        current.progress = progress;
        current.began.get_or_insert((Instant::now(), progress.done));
        let tell = current.told.elapsed() >= TELL;
        if tell {
            current.told = Instant::now();
        }
        tell
    }

    fn pause(&self, paused: bool) {
        if let Some(current) = self.lock().as_mut() {
            current.paused = paused;
            // Time that was slept says nothing about the speed.
            current.began = None;
        }
    }
}

/// Codings as the records have them.
pub(crate) fn codecs(also: &str) -> Vec<Codec> {
    also.split(',').filter_map(|name| name.parse().ok()).collect()
}

/// Codings as the records are to have them.
pub(crate) fn recorded(codecs: &[Codec]) -> String {
    codecs.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether a film that does not play can be made to: something in it is a picture.
pub(crate) fn convertible(film: &Film) -> bool {
    let tracks: Vec<Track> = serde_json::from_str(&film.codecs).unwrap_or_default();
    film.state == Condition::Unplayable && tracks.iter().any(|track| track.kind == Kind::Video)
}

/// Tells owners' pages how one is getting on.
async fn tell(app: &Shared, film: &str) {
    let records = (app.store.renderings().get(film).await, app.store.films().get(film).await);
    if let (Ok(Some(rendering)), Ok(Some(film))) = records
        && let Ok(view) = serde_json::to_value(app.renderings.view(&rendering, &film.title))
    {
        app.sessions.tell(Change::Rendering(view));
    }
}

/// Removes what was made of a film that does not play, finished or not, and of one that plays what is not finished.
pub(crate) async fn discard(app: &Shared, film: &Film) {
    let folder = app.renderings.folder_of(&film.id);
    let remove = if film.state == Condition::Unplayable { render::remove } else { render::remove_unfinished };
    let removing = tokio::task::spawn_blocking(move || remove(&folder)).await;
    if let Ok(Err(error)) = removing {
        tracing::warn!(film = film.id, %error, "what was made of a film could not be removed");
    }
}
