//! Lists of channels (M3U) and guides (XMLTV) of others.

use std::io::Cursor;

use axum::Json as Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use playhouse_store::guide::Source;
use playhouse_store::{Millis, id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::guide::import::{self, Brought};
use crate::problem::{Answer, Problem};

/// Bytes of a list or guide that is uploaded, packed or not.
const MOST_BYTES: usize = 32 << 20;

/// Sources of one house.
const MOST_SOURCES: usize = 50;

/// The longest address.
const LONGEST_ADDRESS: usize = 2048;

/// A list of channels, a guide, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "City TV", "playlist": "http://tv.example/channels.m3u"}))]
pub(crate) struct NewSource {
    name: String,
    /// The address of an M3U list.
    playlist: Option<String>,
    /// The address of an XMLTV guide, packed with gzip or not. A list may name its own.
    guide: Option<String>,
    /// Whether the addresses, and those of the channels, may lie within this network.
    #[serde(default)]
    private: bool,
}

/// A list of channels, a guide, or both.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    id: String,
    name: String,
    playlist: Option<String>,
    guide: Option<String>,
    private: bool,
    /// When it was fetched last.
    refreshed: Option<Millis>,
    /// Why that did not work, in a sentence.
    error: Option<String>,
}

/// All of them, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceList {
    sources: Vec<SourceView>,
}

/// What an import brought.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportView {
    /// The source that was made of a list.
    source: Option<SourceView>,
    channels: usize,
    /// Channels that were left out: their address is none that could be played, or there were too many.
    left_out: usize,
    programmes: usize,
}

/// What an upload is called.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// The name of a list.
    name: Option<String>,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        Self {
            id: source.id,
            name: source.name,
            playlist: source.playlist,
            guide: source.guide,
            private: source.private,
            refreshed: source.refreshed,
            error: source.error,
        }
    }
}

fn view(source: Option<Source>, brought: Brought) -> ImportView {
    ImportView {
        source: source.map(Into::into),
        channels: brought.channels,
        left_out: brought.left_out,
        programmes: brought.programmes,
    }
}

fn no_source() -> Problem {
    Problem::not_found("There is no such list of channels (any more).")
}

fn address(field: &str, text: Option<String>) -> Answer<Option<String>> {
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let known = text.starts_with("http://") || text.starts_with("https://");
    if !known || text.len() > LONGEST_ADDRESS || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Problem::invalid(field, "Give an address that begins with http:// or https://."));
    }
    Ok(Some(text))
}

async fn room(app: &Shared) -> Answer<()> {
    if app.store.guide().sources().await?.len() < MOST_SOURCES {
        return Ok(());
    }
    Err(Problem::conflict(format!(
        "There are {MOST_SOURCES} lists of channels, which is the limit; remove one first."
    )))
}

/// All lists of channels and guides of others.
#[utoipa::path(get, path = "/api/guide/sources", tag = "Guide", responses((status = 200, body = SourceList)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<SourceList>> {
    let sources = app.store.guide().sources().await?;
    Ok(Body(SourceList { sources: sources.into_iter().map(Into::into).collect() }))
}

/// Fetches a list of channels, a guide, or both, and again every twelve hours.
#[utoipa::path(post, path = "/api/guide/sources", tag = "Guide", request_body = NewSource,
    responses((status = 201, body = ImportView), (status = 422, description = "It could not be fetched or read.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewSource>,
) -> Answer<(StatusCode, Body<ImportView>)> {
    let source = Source {
        id: id::fresh(),
        owner: account(&caller)?.id.clone(),
        name: extract::name(&body.name)?.to_owned(),
        playlist: address("playlist", body.playlist)?,
        guide: address("guide", body.guide)?,
        private: body.private,
        playlist_tag: None,
        guide_tag: None,
        refreshed: None,
        error: None,
        created: now(),
    };
    if source.playlist.is_none() && source.guide.is_none() {
        return Err(Problem::invalid(
            "playlist",
            "Give the address of a list of channels, of a guide, or both.",
        ));
    }
    room(&app).await?;
    app.store.guide().put_source(&source).await?;
    let id = source.id.clone();
    match import::refresh(&app, source).await? {
        Ok(brought) => {
            let source = app.store.guide().source(&id).await?;
            Ok((StatusCode::CREATED, Body(view(source, brought))))
        }
        Err(sentence) => {
            app.store.guide().delete_source(&id).await?;
            Err(Problem::invalid("playlist", sentence))
        }
    }
}

/// Fetches a list and its guide again now.
#[utoipa::path(post, path = "/api/guide/sources/{id}/refresh", tag = "Guide", params(("id" = String, Path)),
    responses((status = 200, body = ImportView), (status = 404), (status = 422)))]
pub(crate) async fn refresh(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<ImportView>> {
    let source = app.store.guide().source(&id).await?.ok_or_else(no_source)?;
    let brought = import::refresh(&app, source).await?;
    let brought = brought.map_err(|sentence| Problem::invalid("playlist", sentence))?;
    Ok(Body(view(app.store.guide().source(&id).await?, brought)))
}

/// Removes a list with its channels.
#[utoipa::path(delete, path = "/api/guide/sources/{id}", tag = "Guide", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    if app.store.guide().delete_source(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_source()) }
}

/// Takes a list of channels (M3U) or a guide (XMLTV) from the body, packed with gzip or not. A list becomes a source
/// that is not fetched again; a guide is taken for all channels that have an id in it.
#[utoipa::path(post, path = "/api/guide/import", tag = "Guide", params(Named),
    request_body(content = String, content_type = "audio/x-mpegurl"),
    responses((status = 201, body = ImportView), (status = 413), (status = 422)))]
pub(crate) async fn upload(
    State(app): State<Shared>,
    caller: Caller,
    Params(named): Params<Named>,
    request: Request,
) -> Answer<(StatusCode, Body<ImportView>)> {
    let mut bytes = Vec::new();
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.or(Err(Problem::invalid("body", "The body of the request broke off; send it again.")))?;
        if bytes.len() + chunk.len() > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(Problem::too_large(format!(
                "A list or guide has at most {most} MiB; pack it with gzip."
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let copy = std::sync::Arc::clone(&bytes);
    let reading = tokio::task::spawn_blocking(move || import::list(Cursor::new(copy))).await;
    let read = reading.map_err(|error| Problem::internal("Reading a list of channels", &error))?;
    match read {
        Ok(list) => {
            room(&app).await?;
            let source = Source {
                id: id::fresh(),
                owner: account(&caller)?.id.clone(),
                name: extract::name(named.name.as_deref().unwrap_or("Uploaded"))?.to_owned(),
                playlist: None,
                guide: None,
                private: false,
                playlist_tag: None,
                guide_tag: None,
                refreshed: Some(now()),
                error: None,
                created: now(),
            };
            app.store.guide().put_source(&source).await?;
            let brought = import::take_list(&app, &source, &list).await?;
            Ok((StatusCode::CREATED, Body(view(Some(source), brought))))
        }
        Err(sentence) => {
            let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
            // What begins as XML, or is packed and no list, is taken for a guide.
            if !bytes.starts_with(&[0x1f, 0x8b]) && !matches!(begins, Some(b'<' | 0xef)) {
                return Err(Problem::invalid("body", sentence));
            }
            let programmes = import::take_guide(&app, Box::new(Cursor::new(bytes))).await?;
            Ok((StatusCode::CREATED, Body(view(None, Brought { programmes, ..Brought::default() }))))
        }
    }
}
