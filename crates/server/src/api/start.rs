//! What a player reads first of a film, in one answer: each file that waits for another one costs a way there and back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::api::on::Key;
use crate::app::Shared;
use crate::extract::{Id, Params};
use crate::house::buffers::Buffers;
use crate::house::films::Opened;
use crate::problem::{Answer, Problem};

use super::watching::{Lost, bytes, headed, lost_film};

/// The media type of several files in one answer.
const BUNDLE: &str = "application/vnd.playhouse.bundle";

/// Where somebody begins, and with what.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beginning {
    /// Seconds into the film.
    #[serde(default)]
    at: f64,
    /// Bits per second that the network carries.
    #[serde(default = "any_bits")]
    bits: u64,
    /// Lines of the picture that can be seen.
    #[serde(default = "any_lines")]
    lines: u32,
}

const fn any_bits() -> u64 {
    u64::MAX
}

const fn any_lines() -> u32 {
    u32::MAX
}

/// A file of the bundle.
#[derive(Serialize)]
struct Entry {
    name: String,
    bytes: u64,
}

/// What a player reads first, in one answer: the playlists, and of one picture and one sound the head and the segment
/// at that place. The first line is JSON, a list of `{"name", "bytes"}`; the files follow in that order without
/// anything between them. Their names are those of the film's playlists; what is not among them is fetched as usual.
#[utoipa::path(get, path = "/api/films/{id}/start", tag = "Films", params(("id" = String, Path), Beginning),
    responses((status = 200, content_type = "application/vnd.playhouse.bundle"), (status = 404),
              (status = 409, description = "It cannot be watched."), (status = 422)))]
pub(crate) async fn start(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(beginning): Params<Beginning>,
) -> Answer<Response> {
    let at = Duration::try_from_secs_f64(beginning.at)
        .or(Err(Problem::invalid("at", "A place in a film is a number of seconds from 0 on.")))?;
    let opened = app.films.open(&app.store, &id).await?;
    let reading = {
        let (opened, buffers) = (Arc::clone(&opened), Arc::clone(&app.buffers));
        tokio::task::spawn_blocking(move || bundle(&opened, at, &beginning, &buffers))
    };
    let read = reading.await.map_err(|error| Problem::internal("Reading a film", &error))?;
    let (body, len) = read.map_err(|lost| lost_film(&app, &opened.film, lost))?;
    let known = [
        (CONTENT_TYPE, BUNDLE.to_owned()),
        (CONTENT_LENGTH, len.to_string()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok(headed(StatusCode::OK, body, &known))
}

/// The answer with its length. Blocks.
fn bundle(
    opened: &Opened,
    at: Duration,
    beginning: &Beginning,
    buffers: &Arc<Buffers>,
) -> Result<(Bytes, u64), Lost> {
    let parts = opened.presentation.first(at, beginning.bits, beginning.lines).map_err(Lost::Index)?;
    let (mut entries, mut bodies, mut len) = (Vec::new(), Vec::new(), 0);
    for part in parts {
        let (body, bytes) = bytes(opened, part, &Key::default(), buffers)?;
        entries.push(Entry { name: part.to_string(), bytes });
        bodies.push(body);
        len += bytes;
    }
    let mut line = serde_json::to_vec(&entries).map_err(|error| Lost::File(error.into()))?;
    line.push(b'\n');
    len += line.len() as u64;
    bodies.insert(0, Bytes::from(line));
    let all = stream::iter(bodies).flat_map(Bytes::into_data_stream);
    Ok((Bytes::from_stream(all), len))
}
