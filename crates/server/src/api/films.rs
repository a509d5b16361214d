//! The library: films, how far each was watched, and what an owner does about them.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use playhouse_store::Millis;
use playhouse_store::films::{Film, Position, State as Condition};
use playhouse_watch::container::{Kind, Track};
use playhouse_watch::household::may_see;
use playhouse_watch::name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::profiles::{age, said};
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::cover;
use crate::house::films::no_film;
use crate::house::stage::to_its_end;
use crate::problem::{Answer, Problem};

/// How long a request for a look waits for its end: a new library of a thousand films takes minutes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// No film is longer: a position beyond is a mistake.
const LONGEST_SECONDS: f64 = 1e7;

/// All films.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilmList {
    films: Vec<FilmView>,
}

/// A film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilmView {
    id: String,
    /// The film's title, or the episode's.
    #[schema(example = "The General")]
    title: String,
    #[schema(example = 1926)]
    year: Option<u16>,
    /// The show that an episode belongs to.
    show: Option<String>,
    season: Option<u16>,
    episode: Option<u16>,
    duration_s: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
    /// `ready`, `unplayable` or `missing`.
    #[schema(example = "ready")]
    state: &'static str,
    /// Why it cannot be watched, in a sentence.
    reason: Option<String>,
    /// When it was first seen.
    added_ms: Millis,
    /// Where its picture is.
    #[schema(example = "/api/films/abc/poster")]
    poster: String,
    /// How far you have watched it.
    position_s: Option<f64>,
    /// Whether you have watched it to its end.
    finished: bool,
    /// From which age on it is for; null is not known.
    #[schema(example = 6)]
    age: Option<u8>,
    /// When you last watched it.
    watched_ms: Option<Millis>,
}

/// A track of a film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrackView {
    /// `video`, `audio` or `subtitle`.
    kind: &'static str,
    #[schema(example = "h264")]
    codec: String,
    /// By ISO 639.
    #[schema(example = "eng")]
    language: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    channels: Option<u32>,
}

/// A film with its tracks, and where it is played from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilmDetail {
    #[serde(flatten)]
    film: FilmView,
    tracks: Vec<TrackView>,
    /// The HLS playlist.
    #[schema(example = "/api/films/abc/master.m3u8")]
    hls: String,
    /// The DASH manifest.
    #[schema(example = "/api/films/abc/manifest.mpd")]
    dash: String,
    /// The file as it is.
    #[schema(example = "/api/films/abc/file")]
    file: String,
    /// The file's path in its folder, for owners.
    path: Option<String>,
    bytes: i64,
}

/// How far somebody has watched a film.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 754.2, "finished": false}))]
pub(crate) struct NewPosition {
    seconds: f64,
    /// Whether it was watched to its end.
    #[serde(default)]
    finished: bool,
}

/// What to delete.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct What {
    /// Whether the file goes as well, for good.
    #[serde(default)]
    file: bool,
}

fn view(film: &Film, position: Option<&Position>) -> FilmView {
    FilmView {
        id: film.id.clone(),
        title: film.title.clone(),
        year: film.year,
        show: film.show.clone(),
        season: film.season,
        episode: film.episode,
        duration_s: film.duration_ms.map(|millis| millis as f64 / 1000.0),
        width: film.width,
        height: film.height,
        state: match film.state {
            Condition::Ready => "ready",
            Condition::Unplayable => "unplayable",
            Condition::Missing => "missing",
        },
        reason: film.reason.clone(),
        added_ms: film.added,
        poster: format!("/api/films/{}/poster", film.id),
        position_s: position.map(|position| position.seconds),
        finished: position.is_some_and(|position| position.finished),
        age: film.age,
        watched_ms: position.map(|position| position.at),
    }
}

/// Owners see what cannot be watched too, with the reason. Profiles with an age limit see what it lets through.
fn visible(film: &Film, caller: &Caller) -> bool {
    let sees = may_see(caller.watcher.age_limit, film.age);
    sees && (caller.is_owner() || film.state == Condition::Ready)
}

/// A film that a caller may see.
async fn find(app: &Shared, caller: &Caller, id: &str) -> Answer<Film> {
    app.store.films().get(id).await?.filter(|film| visible(film, caller)).ok_or_else(no_film)
}

async fn all(app: &Shared, caller: &Caller) -> Answer<FilmList> {
    let positions = match &caller.watcher.profile {
        Some(profile) => app.store.films().positions(profile).await?,
        None => Vec::new(),
    };
    let positions: HashMap<&str, &Position> =
        positions.iter().map(|position| (position.film.as_str(), position)).collect();
    let mut films = app.store.films().all().await?;
    films.retain(|film| visible(film, caller));
    films.sort_by_cached_key(|film| {
        let shelf = film.show.as_deref().unwrap_or(&film.title);
        (
            name::sorted(shelf),
            film.season,
            film.episode,
            name::sorted(&film.title),
            film.year,
            film.id.clone(),
        )
    });
    Ok(FilmList {
        films: films.iter().map(|film| view(film, positions.get(film.id.as_str()).copied())).collect(),
    })
}

/// All films by title, episodes by their show, each with how far you have watched it. Owners see those too that cannot
/// be watched.
#[utoipa::path(get, path = "/api/films", tag = "Films", responses((status = 200, body = FilmList)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<FilmList>> {
    Ok(Body(all(&app, &caller).await?))
}

/// Looks at the folders of films again. That happens by itself as well, every few seconds. Where there is much to do
/// the answer comes before it is done.
#[utoipa::path(post, path = "/api/films/rescan", tag = "Films", responses((status = 200, body = FilmList)))]
pub(crate) async fn rescan(State(app): State<Shared>, caller: Caller) -> Answer<Body<FilmList>> {
    let looking = {
        let app = app.clone();
        to_its_end(async move { Ok(app.films.look_now(&app.store).await?) })
    };
    if let Ok(looked) = tokio::time::timeout(PATIENCE, looking).await {
        looked?;
    }
    Ok(Body(all(&app, &caller).await?))
}

/// One film.
#[utoipa::path(get, path = "/api/films/{id}", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, body = FilmDetail), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<FilmDetail>> {
    let film = find(&app, &caller, &id).await?;
    let position = match &caller.watcher.profile {
        Some(profile) => app.store.films().position(profile, &id).await?,
        None => None,
    };
    Ok(Body(detail(&film, position.as_ref(), caller.is_owner())))
}

/// A film with its tracks, as somebody sees it who has watched it so far; `path` for owners.
pub(crate) fn detail(film: &Film, position: Option<&Position>, path: bool) -> FilmDetail {
    let id = &film.id;
    let tracks: Vec<Track> = serde_json::from_str(&film.codecs).unwrap_or_default();
    let track = |track: Track| TrackView {
        kind: match track.kind {
            Kind::Video => "video",
            Kind::Audio => "audio",
            Kind::Subtitle => "subtitle",
        },
        codec: track.codec,
        language: track.language,
        width: track.width,
        height: track.height,
        channels: track.channels,
    };
    FilmDetail {
        tracks: tracks.into_iter().map(track).collect(),
        hls: format!("/api/films/{id}/master.m3u8"),
        dash: format!("/api/films/{id}/manifest.mpd"),
        file: format!("/api/films/{id}/file"),
        path: path.then(|| film.path.clone()),
        bytes: film.size,
        film: view(film, position),
    }
}

/// What to change about a film.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"age": 12}))]
pub(crate) struct ChangeFilm {
    /// From which age on it is for; null is not known.
    #[serde(default, deserialize_with = "said")]
    age: Option<Option<u8>>,
}

/// Says from which age on a film is for. Profiles with an age limit see no film of which that is not known.
#[utoipa::path(patch, path = "/api/films/{id}", tag = "Films", params(("id" = String, Path)), request_body = ChangeFilm,
    responses((status = 200, body = FilmDetail), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeFilm>,
) -> Answer<Body<FilmDetail>> {
    if let Some(new) = body.age
        && !app.store.films().set_age(&id, age("age", new)?).await?
    {
        return Err(no_film());
    }
    get(State(app), caller, Id(id)).await
}

/// Keeps how far you have watched a film, to go on there on any device.
#[utoipa::path(put, path = "/api/films/{id}/position", tag = "Films", params(("id" = String, Path)),
    request_body = NewPosition, responses((status = 204), (status = 404)))]
pub(crate) async fn set_position(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<NewPosition>,
) -> Answer<StatusCode> {
    if !(0.0..=LONGEST_SECONDS).contains(&body.seconds) {
        return Err(Problem::invalid("seconds", "A position is a number of seconds from 0 on."));
    }
    let position = Position { film: id, seconds: body.seconds, finished: body.finished, at: now() };
    let profile = caller.watcher.profile.as_deref().ok_or_else(|| {
        Problem::conflict("Nobody was chosen on this device yet; open a profile, then it is remembered.")
    })?;
    let kept = app.store.films().set_position(profile, &position).await?;
    if kept { Ok(StatusCode::NO_CONTENT) } else { Err(no_film()) }
}

/// Forgets a film, with how far everybody has watched it. While its file is there it would come back: say
/// `?file=true` to delete that too, for good.
#[utoipa::path(delete, path = "/api/films/{id}", tag = "Films", params(("id" = String, Path), What),
    responses((status = 204), (status = 404), (status = 409, description = "The file is still there.")))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(what): Params<What>,
) -> Answer<StatusCode> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    if film.state != Condition::Missing && !what.file {
        return Err(Problem::conflict(format!(
            "The file `{}` is still in its folder, so that the film would come back. Say `?file=true` to delete the \
             file too, for good.",
            film.path
        )));
    }
    to_its_end(async move {
        if what.file {
            let removing = {
                let (folder, path) = (std::path::PathBuf::from(&film.folder), film.path.clone());
                tokio::task::spawn_blocking(move || playhouse_library::folder::remove(&folder, &path))
            };
            let removed = removing.await.map_err(|error| Problem::internal("Deleting a film", &error))?;
            removed.map_err(|error| {
                let detail = format!("The file `{}` could not be deleted: {error}.", film.path);
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "The disk refused", detail)
            })?;
        }
        app.store.films().delete(&film.id).await?;
        app.films.discard(&film.id).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// A film's picture: the one that lies beside it, one from the film itself, or a drawn one where there is none.
#[utoipa::path(get, path = "/api/films/{id}/poster", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, content_type = "image/*"), (status = 404)))]
pub(crate) async fn poster(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Response> {
    let film = find(&app, &caller, &id).await?;
    let beside = {
        let (folder, path) = (std::path::PathBuf::from(&film.folder), film.path.clone());
        tokio::task::spawn_blocking(move || playhouse_library::poster::beside(&folder, &path)).await
    };
    let (kind, bytes) = match (beside, tokio::fs::read(app.films.poster_of(&film.id))) {
        (Ok(Some(picture)), _) => picture,
        (_, made) => match made.await {
            Ok(bytes) => ("image/jpeg", bytes),
            Err(_) => ("image/svg+xml", cover::draw(&film.id, &film.title).into_bytes()),
        },
    };
    // A drawn one is only there until the film's own is made.
    let lasts = if kind == "image/svg+xml" { "private, max-age=5" } else { "private, max-age=3600" };
    let picture = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, lasts), (CONTENT_SECURITY_POLICY, picture)];
    Ok((headers.map(|(name, value)| (name, HeaderValue::from_static(value))), bytes).into_response())
}
