//! A film on its way to a player: playlists, segments, and the file itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body as Bytes;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_library::folder;
use playhouse_media::film::{self, Part};
use playhouse_store::films::{Film, State as Condition};
use playhouse_watch::sprites::Sprites;

use crate::api::on::Key;
use crate::app::Shared;
use crate::extract::{Id, Params};
use crate::house::buffers::Buffers;
use crate::house::films::{Opened, changed, no_film};
use crate::house::piece::{Asked, Piece, asked};
use crate::problem::{Answer, Problem};

/// Segments never change while the film does not; an hour is longer than anybody waits for one, and shorter than the
/// life of a browser that saw the film before its file was replaced.
const SEGMENTS: &str = "private, max-age=3600, immutable";

/// Playlists are asked for again each time, and not sent again while they are the same.
const PLAYLISTS: &str = "private, no-cache";

/// Characters of a fingerprint that stand in an `ETag`.
const TAG: usize = 16;

/// Another version of the program may cut the same film otherwise.
fn tag(opened: &Opened, version: &str, part: Part) -> String {
    let print = opened.film.print.get(..TAG).unwrap_or_default();
    format!("\"{print}-{}-{version}-{part}\"", opened.mark)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the client has it already (RFC 9110, section 13.1.2).
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = text(headers, &IF_NONE_MATCH).unwrap_or_default();
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

pub(super) fn headed(status: StatusCode, body: Bytes, headers: &[(HeaderName, String)]) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What went wrong with a part of a film.
pub(super) enum Lost {
    Index(film::Error),
    File(io::Error),
    Changed,
}

/// A part's bytes with their number. Blocks.
pub(super) fn bytes(
    opened: &Opened,
    part: Part,
    key: &Key,
    buffers: &Arc<Buffers>,
) -> Result<(Bytes, u64), Lost> {
    let film = &opened.presentation;
    let whole = |bytes: Vec<u8>| (bytes.len() as u64, Bytes::from(bytes));
    let list = |text: &str| whole(key.in_addresses(text).into_bytes());
    let (len, body) = match part {
        Part::Master => list(&film.master()),
        Part::Manifest => whole(key.in_manifest(&film.manifest()).into_bytes()),
        Part::Playlist(track) => list(&film.playlist(track).map_err(Lost::Index)?),
        Part::Texts(text) => list(&film.text_playlist(text).map_err(Lost::Index)?),
        Part::Text(text) if text < film.texts().len() => whole(opened.text(text).map_err(Lost::File)?),
        Part::Text(track) => {
            let tracks = film.texts().len();
            return Err(Lost::Index(film::Error::NoTrack { track, tracks }));
        }
        Part::Init(track) => whole(film.init(track).map_err(Lost::Index)?),
        Part::Segment(track, number) => {
            let (index, segment) = film.segment(track, number).map_err(Lost::Index)?;
            let file = opened.file(index).map_err(Lost::File)?;
            let len = film.indices().get(index).map(film::Index::film_len);
            if Some(file.metadata().map_err(Lost::File)?.len()) != len {
                return Err(Lost::Changed);
            }
            let piece = Piece::new(segment.head, file, segment.ranges, buffers);
            (segment.len, piece.body().map_err(Lost::File)?)
        }
    };
    Ok((body, len))
}

/// A part of a film; a token in the address goes on to the addresses within it.
pub(crate) async fn serve(
    app: &Shared,
    id: &str,
    part: Part,
    key: &Key,
    headers: &HeaderMap,
) -> Answer<Response> {
    let opened = app.films.open(&app.store, id).await?;
    let lasts = if matches!(part, Part::Init(_) | Part::Segment(..)) { SEGMENTS } else { PLAYLISTS };
    let tag = tag(&opened, &app.config.version, part);
    let mut known = vec![(ETAG, tag.clone()), (CACHE_CONTROL, lasts.to_owned())];
    if has(headers, &tag) {
        return Ok(headed(StatusCode::NOT_MODIFIED, Bytes::empty(), &known));
    }
    let reading = {
        let (opened, key, buffers) = (Arc::clone(&opened), key.clone(), Arc::clone(&app.buffers));
        tokio::task::spawn_blocking(move || bytes(&opened, part, &key, &buffers))
    };
    let read = reading.await.map_err(|error| Problem::internal("Reading a film", &error))?;
    let (body, len) = read.map_err(|lost| lost_film(app, &opened.film, lost))?;
    known.extend([(CONTENT_TYPE, part.content_type().to_owned()), (CONTENT_LENGTH, len.to_string())]);
    Ok(headed(StatusCode::OK, body, &known))
}

/// Says what is wrong, and has it looked at. What is held open of a film that is not what it was is let go.
pub(super) fn lost_film(app: &Shared, film: &Film, lost: Lost) -> Problem {
    if !matches!(lost, Lost::Index(film::Error::NoTrack { .. } | film::Error::NoSegment { .. })) {
        app.films.forget(&film.id);
        app.films.look_soon();
    }
    match lost {
        Lost::Index(film::Error::NoTrack { .. } | film::Error::NoSegment { .. }) => {
            Problem::not_found("This film has no such track or segment; read its playlist again.")
        }
        Lost::Index(error) => Problem::internal("Reading a film's index", &error),
        Lost::File(error) => {
            tracing::info!(film = film.id, %error, "a film's file could not be read");
            changed(film)
        }
        Lost::Changed => changed(film),
    }
}

/// The part of a film that a name stands for.
pub(crate) fn part(name: &str) -> Answer<Part> {
    name.parse()
        .or(Err(Problem::not_found("A film has no part of that name; its playlists name those that it has.")))
}

/// The HLS playlist that a player starts from (RFC 8216).
#[utoipa::path(get, path = "/api/films/{id}/master.m3u8", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 304), (status = 404),
              (status = 409, description = "It cannot be watched.")))]
pub(crate) async fn master(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&app, &id, Part::Master, &key, &headers).await
}

/// The DASH manifest (ISO/IEC 23009-1).
#[utoipa::path(get, path = "/api/films/{id}/manifest.mpd", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/dash+xml"), (status = 304), (status = 404),
              (status = 409, description = "It cannot be watched.")))]
pub(crate) async fn manifest(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&app, &id, Part::Manifest, &key, &headers).await
}

/// The HLS playlist of one track: `0.m3u8` is the best picture's, `s0.m3u8` the first text's; and `s0.vtt` that text.
#[utoipa::path(get, path = "/api/films/{id}/{playlist}", tag = "Films",
    params(("id" = String, Path), ("playlist" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 304), (status = 404),
              (status = 409, description = "It cannot be watched.")))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    Id((id, playlist)): Id<(String, String)>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&app, &id, part(&playlist)?, &key, &headers).await
}

/// A segment of a track (CMAF): `init.mp4`, then `0.m4s` and so on.
#[utoipa::path(get, path = "/api/films/{id}/{track}/{segment}", tag = "Films",
    params(("id" = String, Path), ("track" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 304), (status = 404),
              (status = 409, description = "It cannot be watched.")))]
pub(crate) async fn segment(
    State(app): State<Shared>,
    Id((id, track, segment)): Id<(String, String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    serve(&app, &id, part(&format!("{track}/{segment}"))?, &Key::default(), &headers).await
}

/// Small pictures of a film for the bar below it: `sprites.vtt` says when each was taken and where it lies on which
/// sheet, `sheet-0.jpg` and so on are the sheets.
#[utoipa::path(get, path = "/api/films/{id}/sprites/{name}", tag = "Films",
    params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 200, content_type = "text/vtt"), (status = 404, description = "There are none (yet).")))]
pub(crate) async fn sprites(
    State(app): State<Shared>,
    Id((id, name)): Id<(String, String)>,
) -> Answer<Response> {
    let none =
        || Problem::not_found("This film has no such small pictures (yet); they are made in the background.");
    let extra = app.store.extras().get(&id).await?.ok_or_else(none)?;
    let sprites: Option<Sprites> = serde_json::from_str(&extra.sprites).unwrap_or_default();
    let sprites = sprites.ok_or_else(none)?;
    let lasts = (CACHE_CONTROL, "private, max-age=3600".to_owned());
    if name == "sprites.vtt" {
        let body = Bytes::from(sprites.vtt());
        return Ok(headed(
            StatusCode::OK,
            body,
            &[(CONTENT_TYPE, "text/vtt; charset=utf-8".to_owned()), lasts],
        ));
    }
    let number = name.strip_prefix("sheet-").and_then(|rest| rest.strip_suffix(".jpg"));
    let number =
        number.and_then(|number| number.parse::<u32>().ok()).filter(|number| *number < sprites.sheets());
    let path = app.extras.folder_of(&extra.film).join(format!("sheet-{}.jpg", number.ok_or_else(none)?));
    let Ok(bytes) = tokio::fs::read(path).await else { return Err(none()) };
    Ok(headed(StatusCode::OK, Bytes::from(bytes), &[(CONTENT_TYPE, "image/jpeg".to_owned()), lasts]))
}

/// Subtitles of a film that are pictures, as they are in its file: Matroska with nothing else, for players that show them.
#[utoipa::path(get, path = "/api/films/{id}/pictures.mks", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, content_type = "video/x-matroska"),
              (status = 404, description = "It has none, or they are not taken out yet.")))]
pub(crate) async fn pictures(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Response> {
    let none = || {
        Problem::not_found(
            "This film has no subtitles that are pictures (yet); they are taken out in the background.",
        )
    };
    let path = app.extras.pictures_of(&id);
    let buffers = Arc::clone(&app.buffers);
    let reading = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        io::Result::Ok((len, Piece::new(Vec::new(), file, std::iter::once(0..len), &buffers).body()?))
    });
    let read = reading.await.map_err(|error| Problem::internal("Reading subtitles", &error))?;
    let Ok((len, body)) = read else { return Err(none()) };
    let known = [
        (CONTENT_TYPE, "video/x-matroska".to_owned()),
        (CONTENT_LENGTH, len.to_string()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok(headed(StatusCode::OK, body, &known))
}

/// What a file is called in HTTP, by its ending.
fn content_type(path: &str) -> &'static str {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "mp4" | "m4v" | "mov" => "video/mp4",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        _ => "application/octet-stream",
    }
}

/// The film's file as it is, whole or in a range (RFC 9110, section 14), also where browsers do not play it.
#[utoipa::path(get, path = "/api/films/{id}/file", tag = "Films", params(("id" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 206), (status = 304), (status = 404),
              (status = 409, description = "It is not there."), (status = 416)))]
pub(crate) async fn file(
    State(app): State<Shared>,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    if film.state == Condition::Missing {
        return Err(changed(&film));
    }
    let reading = {
        let (film, buffers) = (film.clone(), Arc::clone(&app.buffers));
        tokio::task::spawn_blocking(move || whole(&film, &headers, &buffers))
    };
    let read = reading.await.map_err(|error| Problem::internal("Reading a film", &error))?;
    read.map_err(|error| lost_film(&app, &film, Lost::File(error)))
}

/// Blocks.
fn whole(film: &Film, headers: &HeaderMap, buffers: &Arc<Buffers>) -> io::Result<Response> {
    let file = folder::open(Path::new(&film.folder), &film.path)?;
    let stamp = folder::stamp(&file.metadata()?);
    let tag =
        format!("\"{}-{:x}-{:x}\"", film.print.get(..TAG).unwrap_or_default(), stamp.size, stamp.modified);
    let mut known = vec![
        (ETAG, tag.clone()),
        (CACHE_CONTROL, PLAYLISTS.to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        // A film that is opened by itself is shown in a page of the browser's own, which brings its own style.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'".to_owned(),
        ),
    ];
    if has(headers, &tag) {
        return Ok(headed(StatusCode::NOT_MODIFIED, Bytes::empty(), &known));
    }
    known.push((CONTENT_TYPE, content_type(&film.path).to_owned()));
    // A part is of use only to somebody who has the rest of the same file (RFC 9110, section 13.1.5).
    let same = text(headers, &IF_RANGE).is_none_or(|known| known == tag);
    let range = text(headers, &RANGE).filter(|_| same);
    let (status, range) = match asked(range, stamp.size) {
        Asked::Whole => (StatusCode::OK, 0..stamp.size),
        Asked::Part(range) => {
            known.push((CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, stamp.size)));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Asked::Beyond => {
            let detail = format!("The file has {} bytes, and the range lies beyond them.", stamp.size);
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range", "Nothing there", detail);
            let all = HeaderValue::try_from(format!("bytes */{}", stamp.size));
            return Ok(match all {
                Ok(all) => problem.header(CONTENT_RANGE, all).into_response(),
                Err(_) => problem.into_response(),
            });
        }
    };
    known.push((CONTENT_LENGTH, (range.end - range.start).to_string()));
    Ok(headed(status, Piece::new(Vec::new(), file, [range], buffers).body()?, &known))
}
