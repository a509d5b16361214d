//! Keeps what was on a channel as a film.

use std::io::BufWriter;
use std::ops::Range;
use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_live::{Broadcast, NotKept};
use playhouse_store::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::channels::managed;
use crate::api::me::account;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::gate::who::Caller;
use crate::house::stage::to_its_end;
use crate::house::uploads::Arrived;
use crate::problem::{Answer, Problem};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;
/// What is kept of a segment that is just being written: the next one is over by then.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(3);

/// What to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from_ms": 1_767_268_800_000_i64, "to_ms": 1_767_272_400_000_i64, "name": "The first hour"}))]
pub(crate) struct Keep {
    /// From when; the beginning of what can be rewound if nothing is said.
    from_ms: Option<Millis>,
    /// Until when; now if nothing is said.
    to_ms: Option<Millis>,
    /// What the film is called; after the channel and the day if nothing is said.
    name: Option<String>,
}

/// A film that was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeptFilm {
    /// Its file in the first folder of films; the library shows it within seconds.
    #[schema(example = "The first hour.mp4")]
    file: String,
    duration_ms: u64,
}

/// Why no film was made.
pub(crate) fn refused(error: NotKept) -> Problem {
    match error {
        NotKept::Movie(error) => {
            let detail = format!("No film was made: {error}.");
            Problem::new(StatusCode::CONFLICT, "conflict", "Nothing was kept", detail)
        }
        NotKept::Disk(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            let detail = "The disk of the films has no room for it. Make room, or keep less.";
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "No room for the film", detail)
        }
        NotKept::Disk(error) => Problem::internal("Keeping a film", &error),
    }
}

/// Makes a film of what was on a channel of yours between two times, without encoding it anew: the same pictures and
/// sound, byte by byte. It begins and ends with whole segments, up to some seconds further out.
#[utoipa::path(post, path = "/api/channels/{id}/keep", tag = "Channels", params(("id" = String, Path)),
    request_body = Keep, responses((status = 201, body = KeptFilm), (status = 404),
    (status = 409, description = "Nothing was on, or in two formats."), (status = 507)))]
pub(crate) async fn keep(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<Keep>,
) -> Answer<(StatusCode, Body<KeptFilm>)> {
    let channel = managed(&app, &caller, &id).await?;
    let account = account(&caller)?.id.clone();
    let name = match &body.name {
        Some(name) => extract::name(name)?.to_owned(),
        None => channel.name.clone(),
    };
    let nothing = || Problem::conflict("Nothing was recorded of this channel, so there is nothing to keep.");
    let broadcast = app.air.broadcast(&id).ok_or_else(nothing)?;
    let span = broadcast.window().span().ok_or_else(nothing)?;
    let micros = |at: Option<Millis>, other: u64| {
        at.map_or(other, |at| u64::try_from(at).unwrap_or_default().saturating_mul(1000))
    };
    let (from, to) = (micros(body.from_ms, span.start), micros(body.to_ms, span.end));
    if from >= to {
        return Err(Problem::invalid("to_ms", "The end has to be after the beginning."));
    }
    to_its_end(async move {
        let (duration_ms, film) = film_of(&app, broadcast, from..to, name, account).await?;
        tracing::info!(channel = id, film = film.path, at = now(), "a broadcast was kept");
        Ok((StatusCode::CREATED, Body(KeptFilm { file: film.path, duration_ms })))
    })
    .await
}

/// Makes a film of that part of a broadcast, in microseconds since 1970; how many milliseconds it has, and where it is.
async fn film_of(
    app: &Shared,
    broadcast: Arc<Broadcast>,
    span: Range<u64>,
    name: String,
    account: String,
) -> Answer<(u64, Arrived)> {
    let (from, to) = (span.start, span.end);
    // What was over when it was asked for is on the disk soon, even on a slow one.
    broadcast.settle(to, SETTLE).await;
    let keeping = {
        let app = app.clone();
        tokio::task::spawn_blocking(move || {
            let bytes = broadcast.window().bytes_between(from, to);
            app.uploads.take_in(&format!("{name}.mp4"), bytes, &account, |file| {
                let mut file = BufWriter::with_capacity(BUFFER, file);
                let millis = broadcast.keep(from, to, &mut file).map_err(refused)?;
                file.into_inner().map_err(|error| refused(NotKept::Disk(error.into_error())))?;
                Ok(millis)
            })
        })
    };
    let (millis, film) = keeping.await.map_err(|error| Problem::internal("Keeping a film", &error))??;
    app.films.arrived(&film.folder, &film.path, film.stamp);
    Ok((millis, film))
}
