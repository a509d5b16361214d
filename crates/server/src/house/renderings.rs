//! Films that browsers do not play are made playable, one after the other, in the background.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_library::render::{self, Control, Progress, RenderError, Rendered, Step};
use playhouse_library::{folder, probe};
use playhouse_store::films::{Film, State as Condition};
use playhouse_store::renderings::{Made, Rendering, State};
use playhouse_store::{Millis, StoreError};
use playhouse_watch::container::{Kind, Track};
use playhouse_watch::rendering::{Picture, Plan};
use serde::Serialize;
use tokio::sync::{Notify, watch};
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::now;
use crate::config::Config;
use crate::house::sessions::Change;

/// How often it is looked whether there is something to do, and whether somebody plays.
const EVERY: Duration = Duration::from_secs(2);

/// How long a film waits for the disk to have room again.
const AGAIN_MS: Millis = 60_000;

/// How often pages are told how far it has come.
const TELL: Duration = Duration::from_millis(500);

/// What runs, and what pages see of it.
#[derive(Debug)]
pub(crate) struct Renderings {
    folder: PathBuf,
    reserve: u64,
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
        Self { folder, reserve: config.reserve, current: Mutex::default(), wake: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the renditions of a film lie.
    pub(crate) fn folder_of(&self, film: &str) -> PathBuf {
        self.folder.join(film)
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

/// Whether a film that does not play can be made to: something in it is a picture.
pub(crate) fn convertible(film: &Film) -> bool {
    let tracks: Vec<Track> = serde_json::from_str(&film.codecs).unwrap_or_default();
    film.state == Condition::Unplayable && tracks.iter().any(|track| track.kind == Kind::Video)
}

/// Makes films playable for ever.
pub(crate) async fn keep(app: Shared) {
    if let Err(error) = app.store.renderings().recover().await {
        tracing::error!(%error, "what was being made of films could not be gone on with");
    }
    loop {
        match next(&app).await {
            Ok(true) => {}
            Ok(false) => {
                // Somebody who asks for one ends the pause.
                tokio::time::timeout(EVERY, app.renderings.wake.notified()).await.ok();
            }
            Err(error) => {
                tracing::error!(%error, "films could not be made playable");
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        }
    }
}

/// Asks for what is missing, and does one; whether there was one.
async fn next(app: &Shared) -> Result<bool, StoreError> {
    let asked = app.store.renderings().all().await?;
    for film in app.store.films().all().await?.iter().filter(|film| convertible(film)) {
        let before = asked.iter().find(|rendering| rendering.film == film.id);
        if before.is_none_or(|before| before.print != film.print) && !film.print.is_empty() {
            discard(app, &film.id).await;
            app.store.renderings().ask(&film.id, &film.print, now()).await?;
            tell(app, &film.id).await;
        }
    }
    let Some(rendering) = app.store.renderings().begin(now()).await? else { return Ok(false) };
    let Some(film) = app.store.films().get(&rendering.film).await? else { return Ok(true) };
    let cancel = Arc::new(Notify::new());
    *app.renderings.lock() = Some(Current {
        film: film.id.clone(),
        progress: Progress { step: Step::Picture, done: 0.0, speed: None },
        began: None,
        told: Instant::now(),
        paused: false,
        cancel: cancel.clone(),
    });
    tell(app, &film.id).await;
    let done = tokio::select! {
        done = work(app, &film) => Some(done),
        () = cancel.notified() => None,
    };
    settle(app, &film, done).await?;
    *app.renderings.lock() = None;
    tell(app, &film.id).await;
    Ok(true)
}

/// What became of the work, in the records.
async fn settle(
    app: &Shared,
    film: &Film,
    done: Option<Result<Rendered, Failure>>,
) -> Result<(), StoreError> {
    let renderings = app.store.renderings();
    match done {
        Some(Ok(rendered)) => {
            let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            let made = Made {
                bytes: number(rendered.bytes),
                index_bytes: number(rendered.index_bytes),
                renditions: number(render::count(&app.renderings.folder_of(&film.id)) as u64),
                saving_percent: rendered.ladder.and_then(|ladder| ladder.saving_percent),
            };
            if renderings.finish(&film.id, &film.print, made, now()).await? {
                tracing::info!(film = film.id, bytes = made.bytes, "a film can be played now");
                app.films.forget(&film.id);
                app.extras.look_soon();
                return Ok(());
            }
            discard(app, &film.id).await;
        }
        Some(Err(Failure::Later(reason))) => {
            tracing::warn!(film = film.id, reason, "a film has to wait to be made playable");
            renderings.put_off(&film.id, &reason, now() + AGAIN_MS).await?;
        }
        Some(Err(Failure::Film(reason))) => {
            tracing::info!(film = film.id, reason, "a film could not be made playable");
            discard(app, &film.id).await;
            renderings.fail(&film.id, &reason, now()).await?;
        }
        None => discard(app, &film.id).await,
    }
    Ok(())
}

/// Why it did not work.
enum Failure {
    /// The film is to blame.
    Film(String),
    /// This machine is; it is tried again.
    Later(String),
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Full { .. } | RenderError::Folder(_) => Self::Later(format!("It waits: {error}.")),
            RenderError::Film(_) => Self::Later(format!("It waits, since {error}.")),
            RenderError::Tool(_) | RenderError::Index(_) => {
                Self::Film(format!("It could not be made playable: {error}."))
            }
        }
    }
}

async fn work(app: &Shared, film: &Film) -> Result<Rendered, Failure> {
    let open = || {
        let file = folder::open(Path::new(&film.folder), &film.path)?;
        let size = folder::stamp(&file.metadata()?).size;
        if i64::try_from(size).ok() == Some(film.size) {
            Ok(file)
        } else {
            Err(io::Error::other("the file has just changed"))
        }
    };
    let file = open().map_err(RenderError::Film)?;
    let container = probe::probe(file).await.map_err(|error| Failure::Film(format!("{error}.")))?;
    let mut plan = Plan::of(&container).map_err(Failure::Film)?;
    let to = app.renderings.folder_of(&film.id);
    let copied = make(app, film, &plan, &to, &open).await;
    match copied {
        // What cannot be kept as it is can be encoded still.
        Err(RenderError::Tool(_) | RenderError::Index(_)) if plan.picture == Picture::Copy => {
            tracing::info!(film = film.id, "a film's picture cannot be kept as it is and is encoded");
            discard(app, &film.id).await;
            plan.picture = Picture::Encode;
            Ok(make(app, film, &plan, &to, &open).await?)
        }
        other => Ok(other?),
    }
}

async fn make(
    app: &Shared,
    film: &Film,
    plan: &Plan,
    to: &Path,
    open: &(dyn Fn() -> io::Result<std::fs::File> + Sync),
) -> Result<Rendered, RenderError> {
    let (pause, paused) = watch::channel(busy(app));
    let heard = Notify::new();
    let tell_film = |progress| {
        if app.renderings.progress(progress) {
            heard.notify_one();
        }
    };
    let control = Control { paused, tell: &tell_film, reserve: app.renderings.reserve };
    let attend = async {
        loop {
            tokio::time::timeout(EVERY, heard.notified()).await.ok();
            let busy = busy(app);
            if pause.send_if_modified(|paused| std::mem::replace(paused, busy) != busy) {
                app.renderings.pause(busy);
            }
            tell(app, &film.id).await;
        }
    };
    tokio::select! {
        done = render::render(open, plan, to, control) => done,
        () = attend => Err(RenderError::Folder(io::Error::other("nobody attends to it"))),
    }
}

/// Whether somebody plays: games take all that there is.
fn busy(app: &Shared) -> bool {
    app.node.capacity().running > 0
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

/// Removes what was made of a film, finished or not.
pub(crate) async fn discard(app: &Shared, film: &str) {
    let folder = app.renderings.folder_of(film);
    let removing = tokio::task::spawn_blocking(move || render::remove(&folder)).await;
    if let Ok(Err(error)) = removing {
        tracing::warn!(film, %error, "what was made of a film could not be removed");
    }
}
