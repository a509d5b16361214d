//! The work itself: films that browsers do not play are made playable, one after the other, in the background.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_library::render::{self, Control, Progress, RenderError, Rendered, Step};
use playhouse_library::{folder, probe};
use playhouse_store::films::{Film, State as Condition};
use playhouse_store::renderings::{Made, Rendering};
use playhouse_store::{Millis, StoreError};
use playhouse_watch::rendering::{Picture, Plan};
use tokio::sync::{Notify, watch};

use super::{Current, codecs, convertible, discard, recorded, tell};
use crate::app::Shared;
use crate::clock::now;

/// How often it is looked whether there is something to do, and whether somebody plays.
const EVERY: Duration = Duration::from_secs(2);

/// How long a film waits for the disk to have room again.
const AGAIN_MS: Millis = 60_000;

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
            discard(app, film).await;
            let also = recorded(&app.renderings.also);
            app.store.renderings().ask(&film.id, &film.print, &also, now()).await?;
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
        done = work(app, &film, &rendering) => Some(done),
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
            let folder = app.renderings.folder_of(&film.id);
            let made = Made {
                bytes: number(rendered.bytes),
                index_bytes: number(rendered.index_bytes),
                renditions: number((render::count(&folder) + render::beside(&folder)) as u64),
                saving_percent: rendered.ladder.and_then(|ladder| ladder.saving_percent),
            };
            if renderings.finish(&film.id, &film.print, made, now()).await? {
                tracing::info!(film = film.id, bytes = made.bytes, "a film can be played now");
                app.films.forget(&film.id);
                app.extras.look_soon();
                return Ok(());
            }
            discard(app, film).await;
        }
        Some(Err(Failure::Later(reason))) => {
            tracing::warn!(film = film.id, reason, "a film has to wait to be made playable");
            renderings.put_off(&film.id, &reason, now() + AGAIN_MS).await?;
        }
        Some(Err(Failure::Film(reason))) => {
            tracing::info!(film = film.id, reason, "a film could not be made playable");
            discard(app, film).await;
            renderings.fail(&film.id, &reason, now()).await?;
        }
        None => discard(app, film).await,
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

async fn work(app: &Shared, film: &Film, rendering: &Rendering) -> Result<Rendered, Failure> {
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
    plan.also = codecs(&rendering.also);
    if film.state == Condition::Ready {
        plan.picture = Picture::Keep;
    }
    if let Some(sentence) = render::missing(&plan.also).await {
        return Err(Failure::Film(sentence));
    }
    let to = app.renderings.folder_of(&film.id);
    let copied = make(app, film, &plan, &to, &open).await;
    match copied {
        // What cannot be kept as it is can be encoded still.
        Err(RenderError::Tool(_) | RenderError::Index(_)) if plan.picture == Picture::Copy => {
            tracing::info!(film = film.id, "a film's picture cannot be kept as it is and is encoded");
            discard(app, film).await;
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
    let already = busy(app);
    let (pause, paused) = watch::channel(already);
    if already {
        app.renderings.pause(true);
    }
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
