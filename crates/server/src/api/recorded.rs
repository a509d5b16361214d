//! A recording of a live channel on its way to players while it is being recorded, from its start.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use playhouse_live::Tape;
use playhouse_media::live::{File, Found, Window};

use crate::api::live::{Directives, file, no_part, sent, text};
use crate::api::recordings::own;
use crate::app::Shared;
use crate::extract::{Id, Params};
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// How long the first segment is waited for: none is longer than twelve seconds.
const BEGINNING: Duration = Duration::from_secs(15);

/// What is being recorded of a recording of the caller's.
async fn tape(app: &Shared, caller: &Caller, id: &str) -> Answer<Arc<Tape>> {
    let recording = own(app, caller, id).await?;
    app.air.recording(&recording.id).ok_or_else(|| {
        Problem::not_found("That is not being recorded at the moment; once it is over it is among the films.")
    })
}

/// The HLS playlist that a player starts from, of what a recording of yours has so far.
#[utoipa::path(get, path = "/api/recordings/{id}/watch/master.m3u8", tag = "Recordings", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"),
              (status = 404, description = "It is not being recorded."), (status = 503, description = "Nothing came yet.")))]
pub(crate) async fn master(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Response> {
    let tape = tape(&app, &caller, &id).await?;
    let write = |window: &Window| window.master().map_or(Found::Soon, Found::Here);
    let written = tape.broadcast().when(write, BEGINNING).await;
    let nothing =
        || Problem::busy("Nothing is recorded yet; it begins once somebody publishes on the channel.");
    Ok(text(File::Master, written.or(Err(nothing()))?))
}

/// The HLS playlist of one track of it, from the start of the recording on; it grows by segments.
#[utoipa::path(get, path = "/api/recordings/{id}/watch/{playlist}", tag = "Recordings",
    params(("id" = String, Path), ("playlist" = String, Path), Directives),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404)))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    caller: Caller,
    Id((id, name)): Id<(String, String)>,
    Params(asked): Params<Directives>,
) -> Answer<Response> {
    let File::Playlist(track) = file(&name)? else { return Err(no_part()) };
    let tape = tape(&app, &caller, &id).await?;
    let playlist = tape.broadcast().playlist(track, asked.skips()).ok_or_else(no_part)?;
    Ok(text(File::Playlist(track), playlist.to_string()))
}

/// A segment of a track (CMAF), or the beginning of the track: `7.m4s`, `init-7.mp4`.
#[utoipa::path(get, path = "/api/recordings/{id}/watch/{track}/{segment}", tag = "Recordings",
    params(("id" = String, Path), ("track" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 404)))]
pub(crate) async fn segment(
    State(app): State<Shared>,
    caller: Caller,
    Id((id, track, name)): Id<(String, String, String)>,
) -> Answer<Response> {
    let file = file(&format!("{track}/{name}"))?;
    let tape = tape(&app, &caller, &id).await?;
    let found = tape.broadcast().window().find(file);
    let Found::Here(asked) = found else { return Err(no_part()) };
    sent(&app, tape.broadcast(), file, asked).await
}
