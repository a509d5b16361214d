//! The library: films, how far each was watched, and what an owner does about them.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use playhouse_store::Millis;
use playhouse_store::extras::Extra;
use playhouse_store::films::{Film, Position, State as Condition};
use playhouse_store::renderings::{Rendering, State as Progress};
use playhouse_watch::container::{Chapter, Kind, Track};
use playhouse_watch::household::may_see;
use playhouse_watch::loudness::Loudness;
use playhouse_watch::name;
use playhouse_watch::notes::Notes;
use playhouse_watch::sprites::Sprites;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::profiles::{age, said};
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::cover;
use crate::house::extras::{PICTURES, Text, loudness};
use crate::house::films::no_film;
use crate::house::renderings::RenderingView;
use crate::house::stage::to_its_end;
use crate::problem::{Answer, Problem};

/// How long a request for a look waits for its end: a new library of a thousand films takes minutes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// No film is longer: a position beyond is a mistake.
const LONGEST_SECONDS: f64 = 1e7;

/// All films.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilmList {
    pub(crate) films: Vec<FilmView>,
}

/// A film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilmView {
    pub(crate) id: String,
    /// The film's title, or the episode's.
    #[schema(example = "The General")]
    pub(crate) title: String,
    #[schema(example = 1926)]
    pub(crate) year: Option<u16>,
    /// The show that an episode belongs to.
    pub(crate) show: Option<String>,
    season: Option<u16>,
    episode: Option<u16>,
    duration_s: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
    /// `ready`, `rendering` (it is being made playable), `unplayable` or `missing`.
    #[schema(example = "ready")]
    state: &'static str,
    /// How it is being made playable, for owners.
    rendering: Option<RenderingView>,
    /// Why it cannot be watched, in a sentence.
    reason: Option<String>,
    /// When it was first seen.
    added_ms: Millis,
    /// Where its picture is.
    #[schema(example = "/api/films/abc/poster")]
    pub(crate) poster: String,
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

/// What the numbers of a picture mean (ITU-T H.273), by ffmpeg's names; null is not known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColourView {
    #[schema(example = "bt2020")]
    primaries: Option<String>,
    #[schema(example = "smpte2084")]
    transfer: Option<String>,
    #[schema(example = "bt2020nc")]
    matrix: Option<String>,
    /// `tv` or `pc`.
    #[schema(example = "tv")]
    range: Option<String>,
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
    /// What the film calls it.
    title: Option<String>,
    /// Of pictures.
    colour: Option<ColourView>,
    /// Whether players show or sound it. Subtitles that are pictures stay in the file.
    shown: bool,
}

/// A part of a film with a name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChapterView {
    start_s: f64,
    /// Empty where the film does not say.
    title: String,
}

/// A text that can be shown with a film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TextView {
    /// As RFC 5646 has it.
    #[schema(example = "en")]
    language: Option<String>,
    name: Option<String>,
    /// Only what is foreign in the film's own language.
    forced: bool,
    /// The text as `WebVTT`.
    #[schema(example = "/api/films/abc/s0.vtt")]
    url: String,
}

/// Somebody who plays in a film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorView {
    name: String,
    /// Whom they play; empty where nobody says.
    role: String,
}

/// How loud a sound is (EBU R128).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoudnessView {
    /// Integrated, in LUFS.
    #[schema(example = -27.4)]
    lufs: f64,
    /// The true peak, in dB below full scale.
    #[schema(example = -9.1)]
    peak_db: f64,
    /// By how much a player amplifies it so that all films are equally loud (-16 LUFS) and no peak is cut.
    #[schema(example = 8.1)]
    gain_db: f64,
}

/// Bytes that are kept of a film.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredView {
    /// Indices.
    index_bytes: u64,
    /// Small pictures and texts.
    extras_bytes: u64,
    /// Renditions, where browsers do not play the file itself.
    renditions_bytes: Option<i64>,
    /// Indices, small pictures and texts, in percent of what plays.
    overhead_percent: f64,
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
    /// What a player reads first, in one answer.
    #[schema(example = "/api/films/abc/start")]
    start: String,
    /// The DASH manifest.
    #[schema(example = "/api/films/abc/manifest.mpd")]
    dash: String,
    /// The file as it is.
    #[schema(example = "/api/films/abc/file")]
    file: String,
    /// The file's path in its folder, for owners.
    path: Option<String>,
    bytes: i64,
    chapters: Vec<ChapterView>,
    subtitles: Vec<TextView>,
    /// Subtitles that are pictures, as they are in the file: a Matroska file of nothing else, for players that show them.
    #[schema(example = "/api/films/abc/pictures.mks")]
    pictures: Option<String>,
    /// How loud the sounds are that play, in the order of the playlists; empty until they were measured, null for what
    /// could not be.
    loudness: Vec<Option<LoudnessView>>,
    /// Where small pictures are described, as `WebVTT`, once there are some.
    #[schema(example = "/api/films/abc/sprites/sprites.vtt")]
    sprites: Option<String>,
    /// What it is about.
    plot: Option<String>,
    genres: Vec<String>,
    actors: Vec<ActorView>,
    stored: StoredView,
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

fn view(
    app: &Shared,
    caller: &Caller,
    film: &Film,
    position: Option<&Position>,
    rendering: Option<&Rendering>,
) -> FilmView {
    let rendering = rendering.filter(|_| caller.is_owner());
    let open = rendering.is_some_and(|one| matches!(one.state, Progress::Waiting | Progress::Running));
    FilmView {
        rendering: rendering.map(|rendering| app.renderings.view(rendering, &film.title)),
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
            Condition::Unplayable if open => "rendering",
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

/// All films that a caller may see.
pub(crate) async fn all(app: &Shared, caller: &Caller) -> Answer<FilmList> {
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
    let renderings = if caller.is_owner() { app.store.renderings().all().await? } else { Vec::new() };
    let renderings: HashMap<&str, &Rendering> =
        renderings.iter().map(|rendering| (rendering.film.as_str(), rendering)).collect();
    let of = |film: &Film| {
        let id = film.id.as_str();
        view(app, caller, film, positions.get(id).copied(), renderings.get(id).copied())
    };
    Ok(FilmList { films: films.iter().map(of).collect() })
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
    Ok(Body(detail(&app, &caller, &film, position.as_ref()).await?))
}

/// A film with everything that is known of it, as somebody sees it who has watched it so far.
pub(crate) async fn detail(
    app: &Shared,
    caller: &Caller,
    film: &Film,
    position: Option<&Position>,
) -> Answer<FilmDetail> {
    let rendering = app.store.renderings().get(&film.id).await?;
    let extra = app.store.extras().get(&film.id).await?;
    let (rendering, extra) = (rendering.as_ref(), extra.as_ref());
    let id = &film.id;
    let tracks: Vec<Track> = serde_json::from_str(&film.codecs).unwrap_or_default();
    let chapters: Vec<Chapter> = parsed(extra.map(|extra| &extra.chapters));
    let texts: Vec<Text> = parsed(extra.map(|extra| &extra.texts));
    let notes: Notes = parsed(extra.map(|extra| &extra.notes));
    let sprites: Option<Sprites> = parsed(extra.map(|extra| &extra.sprites));
    let text = |(number, text): (usize, Text)| TextView {
        language: text.language,
        name: text.name,
        forced: text.forced,
        url: format!("/api/films/{id}/s{number}.vtt"),
    };
    Ok(FilmDetail {
        tracks: tracks.into_iter().map(track_view).collect(),
        hls: format!("/api/films/{id}/master.m3u8"),
        start: format!("/api/films/{id}/start"),
        dash: format!("/api/films/{id}/manifest.mpd"),
        file: format!("/api/films/{id}/file"),
        path: caller.is_owner().then(|| film.path.clone()),
        bytes: film.size,
        chapters: chapters
            .into_iter()
            .map(|chapter| ChapterView { start_s: chapter.start_ms as f64 / 1000.0, title: chapter.title })
            .collect(),
        subtitles: texts.into_iter().enumerate().map(text).collect(),
        pictures: app.extras.pictures_of(id).is_file().then(|| format!("/api/films/{id}/pictures.mks")),
        loudness: loudness::of(extra).unwrap_or_default().sounds.into_iter().map(loudness_view).collect(),
        sprites: sprites.map(|_| format!("/api/films/{id}/sprites/sprites.vtt")),
        plot: notes.plot,
        genres: notes.genres,
        actors: notes
            .actors
            .into_iter()
            .map(|actor| ActorView { name: actor.name, role: actor.role })
            .collect(),
        stored: stored(app, film, rendering, extra),
        film: view(app, caller, film, position, rendering),
    })
}

fn loudness_view(measured: Option<Loudness>) -> Option<LoudnessView> {
    let loudness = measured?;
    let gain = (loudness.playing_gain() * 10.0).round() / 10.0;
    Some(LoudnessView { lufs: loudness.integrated, peak_db: loudness.peak, gain_db: gain })
}

fn parsed<T: Default + serde::de::DeserializeOwned>(json: Option<&String>) -> T {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn track_view(track: Track) -> TrackView {
    let colour = (track.kind == Kind::Video).then_some(ColourView {
        primaries: track.colour.primaries,
        transfer: track.colour.transfer,
        matrix: track.colour.matrix,
        range: track.colour.range,
    });
    TrackView {
        shown: track.kind != Kind::Subtitle || !PICTURES.contains(&track.codec.as_str()),
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
        title: track.title,
        colour,
    }
}

/// What to change about a film.
#[expect(clippy::option_option, reason = "left out stays, null takes away: JSON has both")]
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

fn stored(app: &Shared, film: &Film, rendering: Option<&Rendering>, extra: Option<&Extra>) -> StoredView {
    let renditions = rendering.and_then(|rendering| rendering.bytes);
    let rendered = rendering.and_then(|rendering| rendering.index_bytes);
    let own = app.films.index_bytes(&film.id);
    let index_bytes = own + rendered.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    let extras_bytes = extra.map_or(0, |extra| u64::try_from(extra.bytes).unwrap_or(0));
    // A film that has renditions and no index of its own is played by them alone.
    let file = if own > 0 || renditions.is_none() { film.size } else { 0 };
    let plays = renditions.unwrap_or(0).saturating_add(file).max(1);
    let overhead_percent = (index_bytes + extras_bytes) as f64 / plays as f64 * 100.0;
    StoredView { index_bytes, extras_bytes, renditions_bytes: renditions, overhead_percent }
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
        app.renderings.stop(&film.id);
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
