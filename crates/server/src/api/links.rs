//! Links to one film or channel for players of others: they open that alone, for a day.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use playhouse_store::Millis;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::guide::NewToken;
use playhouse_watch::m3u::{Entry, List};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::exports::{base, entry, written};
use crate::api::guide::no_channel;
use crate::api::me::account;
use crate::api::on::Key;
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{Id, Params};
use crate::gate::who::Caller;
use crate::house::films::no_film;
use crate::house::household;
use crate::problem::{Answer, Problem};

/// How long a link opens what it is for: longer than an evening, shorter than anybody would want to remember it.
const LASTS: Millis = DAY;

/// Links of an account at a time; a new one ends the oldest.
const MOST: usize = 20;

/// Addresses for a player that has neither cookie nor header. They are told once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    /// By which it is revoked, as tokens of the guide are.
    id: String,
    /// The HLS playlist, for Kodi and televisions.
    #[schema(example = "http://127.0.0.1:7770/api/films/abc/master.m3u8?token=def")]
    hls: String,
    /// The DASH manifest, where there is one.
    #[schema(example = "http://127.0.0.1:7770/api/films/abc/manifest.mpd?token=def")]
    dash: Option<String>,
    /// A list with that one entry, which VLC opens.
    #[schema(example = "http://127.0.0.1:7770/api/films/abc/play.m3u?token=def")]
    list: String,
    /// When the link ends by itself.
    until_ms: Millis,
}

/// Makes a link; gives its id and its secret, with the moment when it ends.
async fn made(app: &Shared, caller: &Caller, only: &str, name: &str) -> Answer<(String, String, Millis)> {
    let account = &account(caller)?.id;
    let now = now();
    let links =
        app.store.guide().tokens(account, now).await?.into_iter().filter(|token| token.only.is_some());
    let links: Vec<_> = links.collect();
    for old in links.iter().rev().skip(MOST - 1) {
        app.store.guide().delete_token(account, &old.id).await?;
    }
    let until = now + LASTS;
    let new = NewToken { account, name, only: Some(only), until: Some(until) };
    let (token, secret) = app.store.guide().create_token(new, now).await?;
    Ok((token.id, secret, until))
}

/// Makes a link to a film for a player that has no cookie. It opens this film, for a day.
#[utoipa::path(post, path = "/api/films/{id}/links", tag = "Films", params(("id" = String, Path)),
    responses((status = 201, body = LinkView), (status = 404)))]
pub(crate) async fn of_film(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Answer<(StatusCode, Body<LinkView>)> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    let (token, secret, until_ms) = made(&app, &caller, &id, &film.title).await?;
    let at = |file: &str| format!("{}/api/films/{id}/{file}?token={secret}", base(&app, &headers));
    let link = LinkView {
        id: token,
        hls: at("master.m3u8"),
        dash: Some(at("manifest.mpd")),
        list: at("play.m3u"),
        until_ms,
    };
    Ok((StatusCode::CREATED, Body(link)))
}

async fn channel(app: &Shared, caller: &Caller, id: &str) -> Answer<Channel> {
    // A link knows no profile: what it opens is not held against an age limit.
    if caller.is_limited() {
        return Err(household::unrated());
    }
    app.store.channels().get(id).await?.ok_or_else(no_channel)
}

fn elsewhere() -> Problem {
    Problem::conflict("This channel belongs to others; the guide says its own address.")
}

/// Makes a link to a channel for a player that has no cookie. It opens this channel, for a day.
#[utoipa::path(post, path = "/api/channels/{id}/links", tag = "Channels", params(("id" = String, Path)),
    responses((status = 201, body = LinkView), (status = 404), (status = 409, description = "It belongs to others.")))]
pub(crate) async fn of_channel(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Answer<(StatusCode, Body<LinkView>)> {
    let channel = channel(&app, &caller, &id).await?;
    let (folder, dash) = match channel.kind {
        Kind::External => return Err(elsewhere()),
        Kind::Schedule => ("on", false),
        Kind::Push | Kind::Pull => ("live", true),
    };
    let (token, secret, until_ms) = made(&app, &caller, &id, &channel.name).await?;
    let at = |file: &str| format!("{}/api/channels/{id}/{file}?token={secret}", base(&app, &headers));
    let link = LinkView {
        id: token,
        hls: at(&format!("{folder}/master.m3u8")),
        dash: dash.then(|| at(&format!("{folder}/manifest.mpd"))),
        list: at("play.m3u"),
        until_ms,
    };
    Ok((StatusCode::CREATED, Body(link)))
}

/// A film as a list with one entry, for players of others.
#[utoipa::path(get, path = "/api/films/{id}/play.m3u", tag = "Films",
    params(("id" = String, Path),
           ("token" = Option<String>, Query, description = "For players that have neither cookie nor header.")),
    responses((status = 200, content_type = "audio/x-mpegurl"), (status = 404)))]
pub(crate) async fn film_list(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    let address = format!("{}/api/films/{id}/master.m3u8{}", base(&app, &headers), key.after());
    let name = film.show.map_or_else(|| film.title.clone(), |show| format!("{show}: {}", film.title));
    let one = Entry { name, address, id: None, logo: None, group: None, number: None };
    Ok(written(&List { channels: vec![one], guide: None, left_out: 0 }))
}

/// A channel as a list with one entry, for players of others.
#[utoipa::path(get, path = "/api/channels/{id}/play.m3u", tag = "Channels",
    params(("id" = String, Path),
           ("token" = Option<String>, Query, description = "For players that have neither cookie nor header.")),
    responses((status = 200, content_type = "audio/x-mpegurl"), (status = 404)))]
pub(crate) async fn channel_list(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Params(key): Params<Key>,
    headers: HeaderMap,
) -> Answer<Response> {
    let channel = channel(&app, &caller, &id).await?;
    let one = entry(&channel, &base(&app, &headers), &key.after());
    Ok(written(&List { channels: one.into_iter().collect(), guide: None, left_out: 0 }))
}
