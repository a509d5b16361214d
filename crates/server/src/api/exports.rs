//! The guide for players of others: all channels as M3U, what is on as XMLTV, and the tokens that open both.

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_store::Millis;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::guide::{NewToken, Token};
use playhouse_watch::m3u::{self, Entry, List};
use playhouse_watch::xmltv::{self, Programme};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::api::on::Key;
use crate::app::Shared;
use crate::clock::{DAY, HOUR, now};
use crate::extract::{self, Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::guide::what;
use crate::house::household;
use crate::problem::{Answer, Problem};

/// How far the exported guide reaches.
const AHEAD: Millis = 3 * DAY;

/// Tokens of one account: one for each player that somebody has.
const MOST_TOKENS: usize = 50;

/// What a player is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kodi in the living room"}))]
pub(crate) struct TokenName {
    name: String,
}

/// A token that opens the guide and its channels, for reading alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: String,
    name: String,
    created: Millis,
    /// When it was last used, to the hour.
    used: Option<Millis>,
    /// The one film or channel that it opens, by its id; null for the whole guide.
    only: Option<String>,
    /// When it ends by itself.
    until_ms: Option<Millis>,
}

/// The addresses for a player. They are told once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeToken {
    id: String,
    name: String,
    /// The list of channels, for VLC, Kodi or Jellyfin.
    #[schema(example = "http://127.0.0.1:7770/api/guide/playlist.m3u?token=abc")]
    playlist: String,
    /// What is on.
    #[schema(example = "http://127.0.0.1:7770/api/guide/xmltv.xml?token=abc")]
    guide: String,
}

/// Your tokens, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    tokens: Vec<TokenView>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            created: token.created,
            used: token.used,
            only: token.only,
            until_ms: token.until,
        }
    }
}

/// The host that somebody asked, with its port.
pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    let plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    headers.get(HOST).and_then(|value| value.to_str().ok()).filter(plain)
}

/// What addresses of this house begin with, for whoever asked.
pub(crate) fn base(app: &Shared, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let secure = app.config.tls || text("x-forwarded-proto") == Some("https");
    let scheme = if secure { "https" } else { "http" };
    format!("{scheme}://{}", host(headers).unwrap_or("localhost"))
}

/// The id of a channel in guides.
pub(crate) fn guide_id(channel: &Channel) -> String {
    channel.guide_id.clone().unwrap_or_else(|| channel.id.clone())
}

/// A channel in a list; nothing where it has no address. What is not live now may be when somebody tunes in.
pub(crate) fn entry(channel: &Channel, base: &str, after: &str) -> Option<Entry> {
    let at = |folder: &str| format!("{base}/api/channels/{}/{folder}/master.m3u8{after}", channel.id);
    let address = match channel.kind {
        Kind::External => channel.source.clone()?,
        Kind::Push | Kind::Pull => at("live"),
        Kind::Schedule => at("on"),
    };
    Some(Entry {
        name: channel.name.clone(),
        address,
        id: Some(guide_id(channel)),
        logo: channel.logo.clone(),
        group: channel.category.clone(),
        number: channel.number,
    })
}

/// All channels that can be tuned in to, for players of others.
#[utoipa::path(get, path = "/api/guide/playlist.m3u", tag = "Guide",
    params(("token" = Option<String>, Query, description = "For players that have neither cookie nor header.")),
    responses((status = 200, content_type = "audio/x-mpegurl")))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (base, after) = (base(&app, &headers), key.after());
    let channels = app.store.channels().all().await?;
    let list = List {
        channels: channels.iter().filter_map(|channel| entry(channel, &base, &after)).collect(),
        guide: Some(format!("{base}/api/guide/xmltv.xml{after}")),
        left_out: 0,
    };
    Ok(written(&list))
}

/// The answer that a list is.
pub(crate) fn written(list: &List) -> Response {
    let headers = [(CONTENT_TYPE, "audio/x-mpegurl"), (CACHE_CONTROL, "private, no-cache")];
    (headers, m3u::write(list)).into_response()
}

/// What is on all channels during three days, for players of others.
#[utoipa::path(get, path = "/api/guide/xmltv.xml", tag = "Guide",
    params(("token" = Option<String>, Query, description = "For players that have neither cookie nor header.")),
    responses((status = 200, content_type = "application/xml")))]
pub(crate) async fn guide(State(app): State<Shared>) -> Answer<Response> {
    let channels = app.store.channels().all().await?;
    let at = now();
    let mut on = what::on(&app, &channels, at - HOUR, at + AHEAD).await?;
    let mut programmes = Vec::new();
    for channel in &channels {
        let id = guide_id(channel);
        programmes.extend(on.remove(&channel.id).unwrap_or_default().into_iter().map(|entry| Programme {
            channel: id.clone(),
            start: entry.start,
            stop: Some(entry.stop),
            // A programme has to have a title (`xmltv.dtd`).
            title: if entry.title.is_empty() { channel.name.clone() } else { entry.title },
            subtitle: entry.subtitle,
            description: entry.description,
            category: entry.category,
            season: entry.season,
            episode: entry.episode,
        }));
    }
    let named = |channel: &Channel| xmltv::Channel {
        id: guide_id(channel),
        name: channel.name.clone(),
        number: channel.number,
        logo: channel.logo.clone(),
    };
    let named: Vec<xmltv::Channel> = channels.iter().map(named).collect();
    let mut text = Vec::new();
    xmltv::write(&mut text, &named, &programmes)
        .map_err(|error| Problem::internal("Writing the guide", &error))?;
    let headers = [(CONTENT_TYPE, "application/xml; charset=utf-8"), (CACHE_CONTROL, "private, no-cache")];
    Ok((headers, text).into_response())
}

/// Your tokens for players, and the links to single films and channels that hold.
#[utoipa::path(get, path = "/api/guide/tokens", tag = "Guide", responses((status = 200, body = TokenList)))]
pub(crate) async fn tokens(State(app): State<Shared>, caller: Caller) -> Answer<Body<TokenList>> {
    let tokens = app.store.guide().tokens(&account(&caller)?.id, now()).await?;
    Ok(Body(TokenList { tokens: tokens.into_iter().map(Into::into).collect() }))
}

/// Makes a token for a player that has no cookie. It opens lists, guides, playlists and segments, and nothing that
/// changes anything; its secret is told once, in the addresses.
#[utoipa::path(post, path = "/api/guide/tokens", tag = "Guide", request_body = TokenName,
    responses((status = 201, body = MadeToken), (status = 409, description = "There are too many."), (status = 422)))]
pub(crate) async fn create_token(
    State(app): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<TokenName>,
) -> Answer<(StatusCode, Body<MadeToken>)> {
    // A token knows no profile: what it opens is not held against an age limit.
    if caller.is_limited() {
        return Err(household::limited());
    }
    let account = &account(&caller)?.id;
    let known = app.store.guide().tokens(account, now()).await?;
    if known.iter().filter(|token| token.only.is_none()).count() >= MOST_TOKENS {
        return Err(Problem::conflict(format!(
            "You have {MOST_TOKENS} tokens for players; revoke one first."
        )));
    }
    let new = NewToken { account, name: extract::name(&body.name)?, only: None, until: None };
    let (token, secret) = app.store.guide().create_token(new, now()).await?;
    let base = base(&app, &headers);
    let made = MadeToken {
        id: token.id,
        name: token.name,
        playlist: format!("{base}/api/guide/playlist.m3u?token={secret}"),
        guide: format!("{base}/api/guide/xmltv.xml?token={secret}"),
    };
    Ok((StatusCode::CREATED, Body(made)))
}

/// Revokes a token: its addresses open nothing any more.
#[utoipa::path(delete, path = "/api/guide/tokens/{token}", tag = "Guide", params(("token" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn delete_token(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<StatusCode> {
    if app.store.guide().delete_token(&account(&caller)?.id, &id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("You have no such token (any more)."))
}
