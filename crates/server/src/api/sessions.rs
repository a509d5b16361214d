//! Sessions: starting, looking, ending.

use std::collections::{BTreeMap, HashMap};

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use playhouse_media::frame::Size;
use playhouse_play::control::{GameSpec, Stats};
use playhouse_store::accounts::Role;
use playhouse_store::id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::api::titles;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::live::{Live, Named, State as Stage};
use crate::house::stage::{self, Start};
use crate::house::view::{self, SessionView};
use crate::problem::{Answer, Problem};

/// Sessions that one player can have at a time: places are for everybody.
const PER_PLAYER: usize = 2;

/// What to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "freedoom", "quality": {"width": 1280, "height": 720, "rate": 60, "kbps": 6000}}))]
pub(crate) struct NewSession {
    /// The title's id.
    title: String,
    /// The picture; what is left out is as the title has it.
    quality: Option<Quality>,
    /// A session of its own beside one that runs already, for owners: its saves are not kept.
    #[serde(default)]
    fresh: bool,
}

/// A picture's size, rate and bitrate.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quality {
    /// Pixels across, 160 to 3840.
    width: Option<u32>,
    /// Pixels down, 120 to 2160.
    height: Option<u32>,
    /// Frames per second, 5 to 120.
    rate: Option<u32>,
    /// Kilobits per second at most, 200 to 100,000.
    kbps: Option<u32>,
}

impl Quality {
    fn check(self) -> Answer<Self> {
        let within = |field: &str, value: Option<u32>, low: u32, high: u32| match value {
            Some(value) if !(low..=high).contains(&value) => Err(Problem::invalid(
                &format!("quality.{field}"),
                format!("`{field}` is {value}; allowed are {low} to {high}."),
            )),
            _ => Ok(()),
        };
        within("width", self.width, 160, 3840)?;
        within("height", self.height, 120, 2160)?;
        within("rate", self.rate, 5, 120)?;
        within("kbps", self.kbps, 200, 100_000)?;
        Ok(self)
    }
}

/// Which sessions to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Everybody's, for owners.
    #[serde(default)]
    all: bool,
}

impl Which {
    /// Whether everybody's are asked for.
    pub(crate) fn all(&self) -> bool {
        self.all
    }
}

/// Sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    sessions: Vec<SessionView>,
}

/// Starts a title, or takes up the session of it that you have running already.
#[utoipa::path(post, path = "/api/sessions", tag = "Sessions", request_body = NewSession,
    responses((status = 201, body = SessionView, description = "It is starting."),
              (status = 200, body = SessionView, description = "You have it running already."),
              (status = 404, description = "There is no such title."),
              (status = 422, description = "The title cannot be started here; `install` says what to install."),
              (status = 503, description = "All places are taken; `place_in_queue` is yours.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewSession>,
) -> Answer<Response> {
    let account = account(&caller)?.clone();
    if body.fresh && account.role != Role::Owner {
        return Err(Problem::not_allowed("Only an owner may start a second session of a title."));
    }
    let quality = body.quality.unwrap_or_default().check()?;
    let (title, settings) = titles::find(&app, &caller, &body.title).await?;
    let manifest = titles::startable(&title)?;
    let mine = |live: &Live| live.account.id == account.id && !live.is_over();
    if !body.fresh {
        let running = app
            .sessions
            .list(|live| (mine(live) && live.title.id == title.id).then(|| view::session(live, &caller)));
        if let Some(session) = running.into_iter().next() {
            return Ok(with_location(StatusCode::OK, session));
        }
    }
    let count = app.sessions.list(|live| mine(live).then_some(())).len();
    if account.role != Role::Owner && count >= PER_PLAYER {
        let detail =
            format!("You have {count} sessions running, which is as many as one player can have. End one.");
        return Err(Problem::conflict(detail));
    }
    let session = id::fresh();
    let size = manifest.size;
    let size = Size::new(quality.width.unwrap_or(size.width), quality.height.unwrap_or(size.height)).even();
    let rate = quality.rate.unwrap_or(manifest.rate);
    let at = now();
    let start = Start {
        live: Live {
            id: session.clone(),
            title: Named { id: title.id.clone(), name: manifest.name.clone() },
            cover: titles::cover_of(&title),
            account: Named { id: account.id.clone(), name: account.name.clone() },
            created: at,
            state: Stage::Starting,
            size,
            rate,
            seats: manifest.seats,
            idle_seconds: app.config.idle_seconds,
            idle_since: Some(at),
            peers: BTreeMap::new(),
            admitted: HashMap::new(),
            watching: Vec::new(),
            on_air: None,
            sensors: BTreeMap::new(),
        },
        game: GameSpec {
            title: title.id.clone(),
            host: manifest.host,
            command: manifest.command.clone(),
            env: manifest.env.clone(),
            files: Some(title.folder.clone()),
            home: if body.fresh {
                app.config.runtime.join("homes").join(&session)
            } else {
                app.config.data.join("homes").join(&account.id).join(&title.id)
            },
            network: manifest.network && settings.network,
            memory_mib: manifest.limits.memory_mib,
            processes: manifest.limits.processes,
            seconds: manifest.limits.minutes * 60,
            seats: manifest.seats,
        },
        size,
        rate,
        bitrate: quality.kbps.map_or(app.config.bitrate, |kbps| kbps * 1000),
    };
    let house = app.clone();
    stage::to_its_end(async move { stage::start(&house, start).await }).await?;
    let shown = app.sessions.get(&session, |live| view::session(live, &caller))?;
    Ok(with_location(StatusCode::CREATED, shown))
}

fn with_location(status: StatusCode, session: SessionView) -> Response {
    let location = format!("/api/sessions/{}", session.id);
    (status, [(LOCATION, location)], Body(session)).into_response()
}

/// Your sessions and those that you were invited to, running ones and those that just ended.
#[utoipa::path(get, path = "/api/sessions", tag = "Sessions", params(Which),
    responses((status = 200, body = SessionList)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Answer<Body<SessionList>> {
    if which.all && !caller.is_owner() {
        return Err(Problem::not_allowed("Only an owner may see everybody's sessions."));
    }
    let account = caller.account().map(|account| account.id.clone());
    let sessions = app.sessions.list(|live| {
        let mine =
            account.as_ref().is_some_and(|id| *id == live.account.id || live.admitted.contains_key(id));
        let visiting = account.is_none() && live.admits(&caller).is_some();
        (which.all || mine || visiting).then(|| view::session(live, &caller))
    });
    Ok(Body(SessionList { sessions }))
}

/// One session.
#[utoipa::path(get, path = "/api/sessions/{id}", tag = "Sessions", params(("id" = String, Path)),
    responses((status = 200, body = SessionView), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<SessionView>> {
    app.sessions.get(&id, |live| view::session(live, &caller)).map(Body)
}

/// Ends a session; done when its processes are gone. Saves are kept.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "Sessions", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn end(State(app): State<Shared>, caller: Caller, Id(id): Id<String>) -> Answer<StatusCode> {
    let title = app.sessions.get(&id, |live| live.title.name.clone())?;
    let message = format!("{} was ended by {}.", title, caller.name());
    stage::to_its_end(async move { stage::stop(&app, &id, &message).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session's numbers of now: frames, bitrate, how long each step of a frame takes, CPU and memory.
#[utoipa::path(get, path = "/api/sessions/{id}/stats", tag = "Sessions", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/json"), (status = 409, description = "It is over.")))]
pub(crate) async fn stats(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<Stats>> {
    app.sessions.get(&id, running)??;
    Ok(Body(app.node.stats(&id).await?))
}

/// The problem of a session that is over, with its last words where the caller may read them.
pub(crate) fn over(live: &Live, steers: bool) -> Option<Problem> {
    let Stage::Over { ended, .. } = &live.state else { return None };
    let detail = format!("{} Start the title again to go on.", live.message());
    let problem = Problem::new(StatusCode::CONFLICT, "not-running", "The session is over", detail)
        .with("reason", crate::house::live::reason_word(ended.reason));
    Some(if steers { problem.with("last_words", ended.last_words.clone()) } else { problem })
}

/// Refuses for a session that is over.
pub(crate) fn running(live: &Live) -> Answer<()> {
    over(live, false).map_or(Ok(()), Err)
}
