//! A channel on its way to players: playlists, which wait for what comes next, segments and their parts.

use std::fs::File as Disk;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use playhouse_live::{Broadcast, Missing};
use playhouse_media::live::{Asked, File, Found, Window};
use serde::Deserialize;

use crate::api::on::Key;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Params};
use crate::house::piece::Piece;
use crate::problem::{Answer, Problem};

/// Segments and parts never change, and no number is given twice. An hour is longer than anybody rewinds to the same
/// place.
const SEGMENTS: &str = "private, max-age=3600, immutable";

/// A playlist is another one a fraction of a second later.
const PLAYLISTS: &str = "private, no-cache";

/// How long the beginning of a broadcast is waited for: until the first keyframe has come.
const BEGINNING: Duration = Duration::from_secs(10);

/// How often a broadcast that is about to begin is looked for.
const EVERY: Duration = Duration::from_millis(20);

/// How many target durations a request for what comes next waits (RFC 8216bis, section 6.2.5.2).
const TARGETS: u32 = 3;

/// What a player of low latency asks for (RFC 8216bis, section 6.2.5).
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Directives {
    /// Answer once the playlist has this segment.
    #[serde(rename = "_HLS_msn")]
    segment: Option<u64>,
    /// Answer once it has this part of it.
    #[serde(rename = "_HLS_part")]
    part: Option<u32>,
    /// `YES` leaves out segments that the player knows.
    #[serde(rename = "_HLS_skip")]
    skip: Option<String>,
}

impl Directives {
    /// Whether segments that the player knows are left out.
    pub(crate) fn skips(&self) -> bool {
        self.skip.as_ref().is_some_and(|skip| skip == "YES" || skip == "v2")
    }
}

fn off_air() -> Problem {
    Problem::not_found(
        "Nothing is on this channel at the moment. It begins by itself once somebody publishes.",
    )
}

pub(crate) fn no_part() -> Problem {
    Problem::not_found("There is no such segment or part (any more); read the playlist again.")
}

fn no_rendition() -> Problem {
    Problem::not_found(
        "This channel has no such quality at the moment; its playlist names those that it has.",
    )
}

fn missing(missing: Missing) -> Problem {
    match missing {
        Missing::Nowhere => no_part(),
        Missing::Late => Problem::busy(
            "The publisher of this channel sends nothing at the moment; ask again, it goes on by itself.",
        ),
    }
}

pub(crate) fn file(name: &str) -> Answer<File> {
    name.parse().or(Err(Problem::not_found(
        "A channel has no file of that name; its playlists name those that it has.",
    )))
}

/// The broadcast of a channel; one that has just begun may need a moment until it is there.
async fn broadcast(app: &Shared, id: &str) -> Answer<Arc<Broadcast>> {
    if let Some(known) = app.air.broadcast(id) {
        return Ok(known);
    }
    let looking = async {
        while app.hub.stream(id).is_some() {
            if let Some(known) = app.air.broadcast(id) {
                return Ok(known);
            }
            tokio::time::sleep(EVERY).await;
        }
        Err(off_air())
    };
    tokio::time::timeout(BEGINNING, looking).await.unwrap_or_else(|_| Err(off_air()))
}

pub(crate) fn text(kind: File, body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, kind.content_type()), (CACHE_CONTROL, PLAYLISTS)], body.into()).into_response()
}

/// The broadcast of a channel, once `there` finds something to play in its window, and its lower qualities where they are
/// about to come.
async fn beginning(app: &Shared, id: &str, there: impl Fn(&Window) -> bool) -> Answer<Arc<Broadcast>> {
    let broadcast = broadcast(app, id).await?;
    let live = || app.hub.stream(id).is_some();
    let begun = broadcast.when(
        |window| match there(window) {
            true if live() && broadcast.is_climbing() => Found::Soon,
            // What is left of the last broadcast is not shown to somebody who comes for the new one.
            true if !window.edge().ended || !live() => Found::Here(()),
            _ if live() => Found::Soon,
            _ => Found::Nowhere,
        },
        BEGINNING,
    );
    begun.await.or(Err(off_air()))?;
    Ok(broadcast)
}

/// The HLS playlist that a player starts from (RFC 8216bis). A broadcast that has just begun is waited for.
#[utoipa::path(get, path = "/api/channels/{id}/live/master.m3u8", tag = "Channels", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"),
              (status = 404, description = "Nothing is on, or there is no such channel.")))]
pub(crate) async fn master(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    let broadcast = beginning(&app, &id, |window| !window.is_empty()).await?;
    let master = broadcast.master().ok_or_else(off_air)?;
    Ok(text(File::Master, key.in_addresses(&master)))
}

/// The DASH manifest (ISO/IEC 23009-1).
#[utoipa::path(get, path = "/api/channels/{id}/live/manifest.mpd", tag = "Channels", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/dash+xml"),
              (status = 404, description = "Nothing is on, or there is no such channel.")))]
pub(crate) async fn manifest(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    let micros = u64::try_from(now()).unwrap_or_default().saturating_mul(1000);
    let broadcast = beginning(&app, &id, |window| window.manifest(micros).is_some()).await?;
    Ok(text(File::Manifest, key.in_manifest(&broadcast.manifest(micros).ok_or_else(off_air)?)))
}

/// The HLS playlist of one track: `0.m3u8` is the picture's. It waits for what comes next where it is asked to, and
/// reaches back as far as one can rewind.
#[utoipa::path(get, path = "/api/channels/{id}/live/{playlist}", tag = "Channels",
    params(("id" = String, Path), ("playlist" = String, Path), Directives),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404),
              (status = 400, description = "Nothing that far ahead is about to come."),
              (status = 503, description = "It did not come in time.")))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    Id((id, name)): Id<(String, String)>,
    Params(asked): Params<Directives>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    let File::Playlist(track) = file(&name)? else { return Err(no_part()) };
    let broadcast = app.air.broadcast(&id).ok_or_else(off_air)?;
    reached(&broadcast, track, &asked).await?;
    let playlist = broadcast.playlist(track, asked.skips()).ok_or_else(no_part)?;
    Ok(shared(File::Playlist(track), playlist, &key))
}

/// The HLS playlist of a lower quality, such as `480p/0.m3u8`: as that of the picture itself.
#[utoipa::path(get, path = "/api/channels/{id}/live/renditions/{rendition}/{playlist}", tag = "Channels",
    params(("id" = String, Path), ("rendition" = String, Path), ("playlist" = String, Path), Directives),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404),
              (status = 400, description = "Nothing that far ahead is about to come."),
              (status = 503, description = "It did not come in time.")))]
pub(crate) async fn rendition_playlist(
    State(app): State<Shared>,
    Id((id, rendition, name)): Id<(String, String, String)>,
    Params(asked): Params<Directives>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    let File::Playlist(0) = file(&name)? else { return Err(no_part()) };
    let broadcast = app.air.broadcast(&id).ok_or_else(off_air)?;
    reached(&broadcast.rendition(&rendition).ok_or_else(no_rendition)?, 0, &asked).await?;
    let playlist = broadcast.rendition_playlist(&rendition, asked.skips()).ok_or_else(no_part)?;
    Ok(shared(File::Playlist(0), playlist, &key))
}

/// Waits until a playlist has what is asked for.
async fn reached(broadcast: &Broadcast, track: usize, asked: &Directives) -> Answer<()> {
    let mistaken = |detail: &str| {
        Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid", "That cannot be used", detail)
    };
    match (asked.segment, asked.part) {
        (None, Some(_)) => Err(mistaken("`_HLS_part` says nothing without `_HLS_msn`.")),
        (None, None) => Ok(()),
        (Some(segment), part) => {
            let patience = broadcast.window().target() * TARGETS;
            let came = broadcast.when(|window| window.reaches(segment, part, track), patience).await;
            came.map_err(|lost| match lost {
                Missing::Nowhere => mistaken("The segment that `_HLS_msn` asks for is too far ahead."),
                Missing::Late => missing(lost),
            })
        }
    }
}

/// A playlist, whose text players share that bring no token.
fn shared(kind: File, playlist: Arc<str>, key: &Key) -> Response {
    let body = if key.after().is_empty() {
        Body::from(Bytes::from_owner(Text(playlist)))
    } else {
        Body::from(key.in_addresses(&playlist))
    };
    text(kind, body)
}

/// A playlist that many answers share.
struct Text(Arc<str>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A segment of a lower quality, or a part of one, as of the picture itself.
#[utoipa::path(get, path = "/api/channels/{id}/live/renditions/{rendition}/{track}/{segment}", tag = "Channels",
    params(("id" = String, Path), ("rendition" = String, Path), ("track" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 404),
              (status = 503, description = "It did not come in time.")))]
pub(crate) async fn rendition_segment(
    State(app): State<Shared>,
    Id((id, rendition, track, name)): Id<(String, String, String, String)>,
) -> Answer<Response> {
    let file = file(&format!("{track}/{name}"))?;
    let broadcast = app.air.broadcast(&id).ok_or_else(off_air)?;
    piece(&app, &broadcast.rendition(&rendition).ok_or_else(no_rendition)?, file).await
}

/// A segment of a track (CMAF), a part of one, or the beginning of the track: `7.m4s`, `7.0.m4s`, `init-7.mp4`. The part
/// that the playlist hints at is waited for.
#[utoipa::path(get, path = "/api/channels/{id}/live/{track}/{segment}", tag = "Channels",
    params(("id" = String, Path), ("track" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 404),
              (status = 503, description = "It did not come in time.")))]
pub(crate) async fn segment(
    State(app): State<Shared>,
    Id((id, track, name)): Id<(String, String, String)>,
) -> Answer<Response> {
    let file = file(&format!("{track}/{name}"))?;
    piece(&app, &app.air.broadcast(&id).ok_or_else(off_air)?, file).await
}

/// A segment or part, which is waited for where it comes next.
async fn piece(app: &Shared, broadcast: &Broadcast, file: File) -> Answer<Response> {
    let patience = broadcast.window().target() * TARGETS;
    let asked = broadcast.when(|window| window.find(file), patience).await.map_err(missing)?;
    sent(app, broadcast, file, asked).await
}

/// The bytes of a segment or part.
pub(crate) async fn sent(app: &Shared, broadcast: &Broadcast, file: File, asked: Asked) -> Answer<Response> {
    let (length, body) = match asked {
        Asked::Memory(pieces) => {
            let length: usize = pieces.iter().map(|piece| piece.len()).sum();
            let mut pieces: Vec<Bytes> = pieces.into_iter().map(Bytes::from_owner).collect();
            let body = if pieces.len() == 1 {
                pieces.pop().map(Body::from).unwrap_or_default()
            } else {
                Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>)))
            };
            (length as u64, body)
        }
        Asked::Disk(number, range) => {
            let path = broadcast.segment_path(number);
            let (length, buffers) = (range.end - range.start, app.buffers.clone());
            let reading = tokio::task::spawn_blocking(move || {
                Piece::new(Vec::new(), Disk::open(path)?, [range], &buffers).body()
            });
            let read = reading.await.map_err(|error| Problem::internal("Reading a segment", &error))?;
            (length, read.or(Err(no_part()))?)
        }
    };
    let headers = [
        (CONTENT_TYPE, file.content_type().to_owned()),
        (CACHE_CONTROL, SEGMENTS.to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, body).into_response())
}
