//! Lower qualities of live channels: made while there is capacity, and said where there is none.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_library::transcode;
use playhouse_live::Broadcast;
use playhouse_live::ladder::{self, Fallen, Made, Transcoder};
use playhouse_media::frame::Size;
use playhouse_watch::live_ladder;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::app::Shared;
use crate::house::sessions::Change;

/// How often it is looked whether somebody plays, and what became of the transcoders.
const EVERY: Duration = Duration::from_millis(500);
/// How long the broadcast of a stream that has begun is waited for, and how often it is looked for.
const BEGINNING: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// How long a channel whose transcoder died is left alone, and one that the machine was too slow for.
const DIED: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_mins(1);

/// What pages see of it.
#[derive(Debug, Default)]
pub(crate) struct Ladders {
    /// Why channels have no lower qualities though they want some.
    reasons: Mutex<HashMap<String, String>>,
    wake: Notify,
}

impl Ladders {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a channel has no lower qualities though it wants some, in a sentence.
    pub(crate) fn reason(&self, channel: &str) -> Option<String> {
        self.lock().get(channel).cloned()
    }

    /// Has it looked what channels want.
    pub(crate) fn look_soon(&self) {
        self.wake.notify_one();
    }
}

/// The transcoders that run, and channels that are left alone for a while.
#[derive(Default)]
struct Work {
    running: HashMap<String, JoinHandle<Result<(), Fallen>>>,
    resting: HashMap<String, Instant>,
}

/// Makes lower qualities for ever.
pub(crate) async fn keep(app: Shared) {
    let mut events = app.hub.events();
    let mut work = Work::default();
    loop {
        // Whatever comes, comes soon: a stream that begins, somebody who changes a channel, or the next look.
        tokio::select! {
            event = events.recv() => if matches!(event, Err(RecvError::Closed)) { return },
            () = app.ladders.wake.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
        work.settle(&app).await;
        work.look(&app).await;
    }
}

impl Work {
    /// What became of transcoders that ended.
    async fn settle(&mut self, app: &Shared) {
        let over: Vec<String> =
            self.running.iter().filter(|(_, task)| task.is_finished()).map(|(id, _)| id.clone()).collect();
        for id in over {
            let Some(task) = self.running.remove(&id) else { continue };
            let ended = task.await.unwrap_or(Err(Fallen::Died));
            let broadcast = app.air.broadcast(&id);
            match ended {
                // The publisher is gone, or has changed something: then it goes on at once.
                Ok(()) => {
                    if app.hub.stream(&id).is_none()
                        && let Some(broadcast) = broadcast
                    {
                        broadcast.end_renditions();
                    }
                }
                Err(fallen) => {
                    tracing::warn!(channel = id, %fallen, "lower qualities of a live channel are not made");
                    let rest = if matches!(fallen, Fallen::Slow | Fallen::Small) { SLOW } else { DIED };
                    self.resting.insert(id.clone(), Instant::now() + rest);
                    let seconds = rest.as_secs();
                    let again = format!(
                        "There are no lower qualities: {fallen}. It is tried again after {seconds} s."
                    );
                    say(app, &id, Some(&again));
                    drop_renditions(app, broadcast).await;
                }
            }
            app.sessions.tell(Change::Channel(id));
        }
    }

    /// Begins and ends what has to be.
    async fn look(&mut self, app: &Shared) {
        if self.running.is_empty() && app.hub.streams().is_empty() {
            return;
        }
        let channels = match app.store.channels().all().await {
            Ok(channels) => channels,
            Err(error) => {
                tracing::error!(%error, "the channels could not be read");
                return;
            }
        };
        let wanted =
            channels.iter().filter(|channel| channel.ladder && app.hub.stream(&channel.id).is_some());
        let mut wanted: Vec<&str> = wanted.map(|channel| channel.id.as_str()).collect();
        // Whoever has lower qualities keeps them.
        wanted.sort_by_key(|id| !self.running.contains_key(*id));
        let sessions = usize::try_from(app.node.capacity().running).unwrap_or(usize::MAX);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = live_ladder::channels(cores, sessions);
        for id in wanted.iter().skip(most) {
            let why = if sessions > 0 {
                "Games are played, which need this machine: lower qualities come back after that."
            } else {
                "Other channels have lower qualities already, and this machine makes no more of them at a time."
            };
            self.stop(app, id).await;
            say(app, id, Some(why));
        }
        let off: Vec<String> = self
            .running
            .keys()
            .filter(|id| !channels.iter().any(|channel| channel.ladder && channel.id == **id))
            .cloned()
            .collect();
        for id in off {
            self.stop(app, &id).await;
            say(app, &id, None);
        }
        self.resting.retain(|_, until| *until > Instant::now());
        for id in wanted.into_iter().take(most) {
            if self.running.contains_key(id) || self.resting.contains_key(id) {
                continue;
            }
            say(app, id, None);
            self.running.insert(id.to_owned(), tokio::spawn(make(app.clone(), id.to_owned())));
        }
    }

    async fn stop(&mut self, app: &Shared, id: &str) {
        let Some(task) = self.running.remove(id) else { return };
        task.abort();
        // It lets go of everything before this goes on.
        drop(task.await);
        drop_renditions(app, app.air.broadcast(id)).await;
        tracing::info!(channel = id, "lower qualities of a live channel are not made any more");
    }
}

/// Says why a channel has none, where that is news.
fn say(app: &Shared, id: &str, reason: Option<&str>) {
    let before = match reason {
        Some(reason) => app.ladders.lock().insert(id.to_owned(), reason.to_owned()),
        None => app.ladders.lock().remove(id),
    };
    if before.as_deref() != reason {
        app.sessions.tell(Change::Channel(id.to_owned()));
    }
}

async fn drop_renditions(app: &Shared, broadcast: Option<Arc<Broadcast>>) {
    let Some(broadcast) = broadcast else { return };
    let dropping = tokio::task::spawn_blocking(move || broadcast.drop_renditions());
    if let Err(error) = dropping.await {
        tracing::error!(%error, started = app.started, "lower qualities could not be removed");
    }
}

async fn make(app: Shared, id: String) -> Result<(), Fallen> {
    let end = Instant::now() + BEGINNING;
    let broadcast = loop {
        match app.air.broadcast(&id) {
            Some(broadcast) => break broadcast,
            None if Instant::now() > end => return Ok(()),
            None => tokio::time::sleep(LOOK).await,
        }
    };
    broadcast.await_renditions();
    ladder::follow(&broadcast, start).await
}

/// Starts a transcoder for pictures of that size.
fn start(size: Size) -> io::Result<Option<Made>> {
    let rungs = live_ladder::rungs(size.height);
    if rungs.is_empty() {
        return Ok(None);
    }
    let transcode::Transcoder { input, output, program } = transcode::start(&rungs)?;
    let transcoder =
        Transcoder { input: Box::new(input), output: Box::new(output), program: Box::new(program) };
    Ok(Some((rungs.into_iter().map(live_ladder::name).collect(), transcoder)))
}
