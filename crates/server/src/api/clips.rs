//! Clips: the last seconds of a session, kept as MP4.

use axum::Json as Body;
use axum::body::Body as Bytes;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_store::clips::Clip;
use playhouse_store::{Millis, id};
use playhouse_watch::session;
use serde::{Deserialize, Serialize};
use tower_http::services::ServeFile;
use utoipa::ToSchema;

use crate::api::me::account;
use crate::api::sessions::running;
use crate::api::titles::catalogue;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::live::Named;
use crate::house::stage::to_its_end;
use crate::house::view::NamedView;
use crate::problem::{Answer, Problem};

/// Seconds that the session keeps.
const LONGEST: u32 = 60;

/// How much of the last seconds to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 30}))]
pub(crate) struct NewClip {
    /// 1 to 60.
    seconds: u32,
}

/// A clip.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClipView {
    id: String,
    title: NamedView,
    session: String,
    created: Millis,
    duration_ms: i64,
    bytes: i64,
    #[schema(example = "/api/clips/abc.mp4")]
    url: String,
}

/// A film that was made of a clip.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClipFilm {
    /// Its file in the first folder of films; the library shows it within seconds.
    #[schema(example = "Recorded sessions S26E001 - Freedoom, 1 January 12-00-00.mp4")]
    file: String,
}

/// Your clips, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClipList {
    clips: Vec<ClipView>,
    /// What everybody's clips take.
    used_bytes: i64,
    quota_bytes: u64,
}

/// How to send a clip.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct How {
    /// Whether the browser should save it rather than show it.
    #[serde(default)]
    download: bool,
}

fn view(clip: &Clip, title: String) -> ClipView {
    ClipView {
        id: clip.id.clone(),
        title: NamedView { id: clip.title.clone(), name: title },
        session: clip.session.clone(),
        created: clip.created,
        duration_ms: clip.duration_ms,
        bytes: clip.bytes,
        url: format!("/api/clips/{}.mp4", clip.id),
    }
}

/// Saves the last seconds of a session as MP4, as they were sent: nothing is encoded again.
#[utoipa::path(post, path = "/api/sessions/{id}/clips", tag = "Clips", params(("id" = String, Path)),
    request_body = NewClip,
    responses((status = 201, body = ClipView), (status = 409, description = "The session is over."),
              (status = 507, description = "The clips take all the room that they may.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Id(session): Id<String>,
    Json(body): Json<NewClip>,
) -> Answer<Response> {
    if !(1..=LONGEST).contains(&body.seconds) {
        return Err(Problem::invalid("seconds", format!("A clip has 1 to {LONGEST} seconds.")));
    }
    let title = app.sessions.get(&session, |live| running(live).map(|()| live.title.clone()))??;
    let account = account(&caller)?.id.clone();
    let (clip, name) = to_its_end(save(app, account, session, title, body.seconds)).await?;
    let view = view(&clip, name);
    Ok((StatusCode::CREATED, [(LOCATION, view.url.clone())], Body(view)).into_response())
}

async fn save(
    app: Shared,
    account: String,
    session: String,
    title: Named,
    seconds: u32,
) -> Answer<(Clip, String)> {
    let room = app.config.clips_quota;
    let used = u64::try_from(app.store.clips().bytes().await?).unwrap_or_default();
    if used >= room {
        let detail = format!(
            "The clips take {} MiB, which is all that they may. Delete some, or let the owner raise the limit.",
            used >> 20
        );
        return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "No room for clips", detail));
    }
    let folder = app.config.data.join("clips");
    let failed = |error: std::io::Error| Problem::internal("Saving a clip", &error);
    tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
    let id = id::fresh();
    let name = format!("{id}.mp4");
    let path = folder.join(&name);
    let written = app.node.clip(&session, path.clone(), seconds).await;
    let saved = async {
        let duration = written?;
        let bytes = tokio::fs::metadata(&path).await.map_err(failed)?.len();
        let clip = Clip {
            id,
            account,
            title: title.id,
            session,
            created: now(),
            duration_ms: i64::try_from(duration).unwrap_or_default(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            path: name.clone(),
        };
        app.store.clips().create(&clip).await?;
        Ok(clip)
    };
    match saved.await {
        Ok(clip) => Ok((clip, title.name)),
        Err(problem) => {
            remove_file(&app, &name).await;
            Err(problem)
        }
    }
}

/// Removes a clip's file; what is not there needs no removing.
pub(crate) async fn remove_file(app: &Shared, name: &str) {
    let path = app.config.data.join("clips").join(name);
    if let Err(error) = tokio::fs::remove_file(&path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::error!(file = %path.display(), %error, "a clip could not be removed from the disk");
    }
}

/// Your clips.
#[utoipa::path(get, path = "/api/clips", tag = "Clips", responses((status = 200, body = ClipList)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<ClipList>> {
    let clips = app.store.clips().of_account(&account(&caller)?.id).await?;
    let titles = catalogue(&app, false).await?;
    let name = |id: &str| {
        let manifest = titles.get(id).and_then(|title| title.manifest.as_ref().ok());
        manifest.map_or_else(|| id.to_owned(), |manifest| manifest.name.clone())
    };
    Ok(Body(ClipList {
        clips: clips.iter().map(|clip| view(clip, name(&clip.title))).collect(),
        used_bytes: app.store.clips().bytes().await?,
        quota_bytes: app.config.clips_quota,
    }))
}

/// A clip of the caller, or of anybody for an owner.
async fn own(app: &Shared, caller: &Caller, name: &str) -> Answer<Clip> {
    let clip = app.store.clips().get(name.strip_suffix(".mp4").unwrap_or(name)).await?;
    let account = account(caller)?;
    clip.filter(|clip| clip.account == account.id || caller.is_owner())
        .ok_or_else(|| Problem::not_found("You have no such clip (any more)."))
}

/// A clip's file, whole or in ranges (RFC 9110, section 14). The address may end in `.mp4`.
#[utoipa::path(get, path = "/api/clips/{id}", tag = "Clips", params(("id" = String, Path), How),
    responses((status = 200, content_type = "video/mp4"), (status = 206), (status = 404), (status = 416)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(name): Id<String>,
    Params(how): Params<How>,
    request: Request,
) -> Answer<Response> {
    let clip = own(&app, &caller, &name).await?;
    let path = app.config.data.join("clips").join(&clip.path);
    let served = ServeFile::new(&path).try_call(request).await;
    let mut response =
        served.map_err(|error| Problem::internal("Reading a clip", &error))?.map(Bytes::new).into_response();
    if response.status() == StatusCode::NOT_FOUND {
        return Err(Problem::not_found("The file of this clip is not on the disk any more."));
    }
    let headers = response.headers_mut();
    let disposition = if how.download { "attachment" } else { "inline" };
    let disposition = format!("{disposition}; filename=\"{}-{}.mp4\"", clip.title, clip.created);
    if let Ok(value) = HeaderValue::try_from(disposition) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    // A clip that is opened by itself is shown in a page of the browser's own, which brings its own style.
    let content = HeaderValue::from_static("default-src 'none'; media-src 'self'; style-src 'unsafe-inline'");
    headers.insert(CONTENT_SECURITY_POLICY, content);
    Ok(response)
}

/// Makes a film of a clip: a copy of it, which everybody here can watch, and which channels can show. All of them are
/// episodes of the show “Recorded sessions”.
#[utoipa::path(post, path = "/api/clips/{id}/film", tag = "Clips", params(("id" = String, Path)),
    responses((status = 201, body = ClipFilm), (status = 404), (status = 409, description = "It is one already."),
              (status = 507)))]
pub(crate) async fn to_film(
    State(app): State<Shared>,
    caller: Caller,
    Id(name): Id<String>,
) -> Answer<(StatusCode, Body<ClipFilm>)> {
    let clip = own(&app, &caller, &name).await?;
    let titles = catalogue(&app, false).await?;
    let manifest = titles.get(&clip.title).and_then(|title| title.manifest.as_ref().ok());
    let game = manifest.map_or(clip.title.as_str(), |manifest| manifest.name.as_str());
    let file = session::file_name(game, clip.created)
        .ok_or_else(|| Problem::conflict("The clip is from a time that no calendar has."))?;
    if app.store.films().all().await?.iter().any(|film| film.path == file) {
        return Err(Problem::conflict("This clip is among the films already."));
    }
    to_its_end(async move {
        let path = app.config.data.join("clips").join(&clip.path);
        let copying = {
            let app = app.clone();
            tokio::task::spawn_blocking(move || {
                let failed = |error: std::io::Error| Problem::internal("Copying a clip", &error);
                let mut from = std::fs::File::open(path)
                    .or(Err(Problem::not_found("The file of this clip is not on the disk any more.")))?;
                let length = from.metadata().map_err(failed)?.len();
                app.uploads.take_in(&file, length, &clip.account, |film| {
                    std::io::copy(&mut from, film).map_err(failed).map(drop)
                })
            })
        };
        let ((), film) = copying.await.map_err(|error| Problem::internal("Copying a clip", &error))??;
        app.films.arrived(&film.folder, &film.path, film.stamp);
        Ok((StatusCode::CREATED, Body(ClipFilm { file: film.path })))
    })
    .await
}

/// Deletes a clip for good.
#[utoipa::path(delete, path = "/api/clips/{id}", tag = "Clips", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Id(name): Id<String>,
) -> Answer<StatusCode> {
    let clip = own(&app, &caller, &name).await?;
    app.store.clips().delete(&clip.id).await?;
    remove_file(&app, &clip.path).await;
    Ok(StatusCode::NO_CONTENT)
}
