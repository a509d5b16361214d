//! Changes as they happen: server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use playhouse_store::accounts::Role;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::api::queue;
use crate::app::Shared;
use crate::gate::caller;
use crate::gate::who::Caller;
use crate::house::sessions::Change;
use crate::house::view;
use crate::problem::{Answer, Problem};

/// How often a silent stream says that it is there: proxies cut what is silent for a minute.
const ALIVE: Duration = Duration::from_secs(15);

/// A reader of changes.
struct Reader {
    app: Shared,
    caller: Caller,
    changes: Receiver<Change>,
    /// Sessions that have to be told since some changes were missed.
    again: Vec<String>,
    /// Counts this stream while it is open.
    _place: OwnedSemaphorePermit,
}

fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}

impl Reader {
    fn session(&self, id: &str) -> Option<Event> {
        let shown = self
            .app
            .sessions
            .read(id, |live| live.admits(&self.caller).map(|_| view::session(live, &self.caller)));
        event("session", &shown.flatten()?)
    }

    fn queue(&self) -> Option<Event> {
        event("queue", &queue::of(&self.app, &self.caller.account()?.id))
    }

    /// Channels are everybody's who has an account. What else is known of one is asked for.
    fn channel(&self, id: &str) -> Option<Event> {
        self.caller.account()?;
        event("channel", &serde_json::json!({"id": id, "live": self.app.hub.stream(id).is_some()}))
    }

    /// Whether the reader may know what sensors see.
    fn watches(&self) -> bool {
        self.caller.role() >= Some(Role::Player)
    }

    /// Looks again who is reading: a stream outlives the request that opened it, and a sign-in or a role may have
    /// ended since. False where nobody is there any more.
    async fn look_again(&mut self) -> bool {
        let Some(secret) = &self.caller.secret else { return false };
        let Ok(Some(signed)) = caller::by_secret(&self.app, secret).await else { return false };
        self.caller.who = signed.who;
        self.caller.watcher = signed.watcher;
        true
    }

    fn tell(&self, change: &Change) -> Option<Event> {
        match change {
            Change::Session(id) => self.session(id),
            Change::Queue => self.queue(),
            Change::Rendering(view) => self.caller.is_owner().then(|| event("rendering", view)).flatten(),
            Change::Channel(id) => self.channel(id),
            Change::Notice(view) => self.watches().then(|| event("notice", view)).flatten(),
        }
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            let change = match self.again.pop() {
                Some(id) => Change::Session(id),
                None => match self.changes.recv().await {
                    Ok(change) => change,
                    Err(RecvError::Lagged(_)) => {
                        self.again = self.app.sessions.list(|live| Some(live.id.clone()));
                        Change::Queue
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            // Most changes are somebody else's affair and cost no look at the records.
            if self.tell(&change).is_none() {
                continue;
            }
            if !self.look_again().await {
                return None;
            }
            if let Some(event) = self.tell(&change) {
                return Some((Ok(event), self));
            }
        }
    }
}

/// Changes of your sessions (`event: session`) and of your place in the queue (`event: queue`), and which channels change
/// or go on or off the air (`event: channel`), as they happen; for owners also how films that are made playable are
/// getting on (`event: rendering`), and for players and owners what rules tell of sensors (`event: notice`). After connecting, ask once for the state.
#[utoipa::path(get, path = "/api/events", tag = "Sessions",
    responses((status = 200, content_type = "text/event-stream"), (status = 503, description = "Too many streams.")))]
pub(crate) async fn stream(State(app): State<Shared>, caller: Caller) -> Answer<Response> {
    let Ok(place) = app.streams.clone().try_acquire_owned() else {
        return Err(Problem::busy(
            "Too many pages listen for changes; ask for the state from time to time instead.",
        ));
    };
    let changes = app.sessions.changes();
    let reader = Reader { app, caller, changes, again: Vec::new(), _place: place };
    let events = stream::unfold(reader, Reader::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}
