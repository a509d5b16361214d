//! Stream keys: what a publisher of a channel proves itself by.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, UNIX_EPOCH};

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use playhouse_store::Millis;
use playhouse_store::channels::{Key, Kind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::channels::managed;
use crate::api::exports;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// Keys that a channel can have.
const MOST: usize = 16;
/// What a key is called where nobody says it.
const UNNAMED: &str = "Stream key";
/// A key is used when its publisher comes, which is a moment before its stream begins.
const BEFORE: Duration = Duration::from_secs(30);

/// The keys of a channel, and where whoever has one publishes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    keys: Vec<KeyView>,
    publish: PublishView,
}

/// Where publishers come in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishView {
    /// RTMP, to which the key is added as the name of the stream; null where nobody listens.
    #[schema(example = "rtmp://127.0.0.1:1935/live")]
    rtmp: Option<String>,
    /// SRT, whose `streamid` is the key; null where nobody listens.
    #[schema(example = "srt://127.0.0.1:9998")]
    srt: Option<String>,
    /// WHIP, with the key as bearer token.
    #[schema(example = "http://127.0.0.1:7770/api/whip")]
    whip: String,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: String,
    /// What its holder calls it.
    #[schema(example = "OBS on the laptop")]
    name: String,
    created: Millis,
    /// When a publisher last came with it.
    used: Option<Millis>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshKey {
    key: KeyView,
    /// The stream key that OBS and others ask for. It is shown only here.
    secret: String,
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "OBS on the laptop"}))]
pub(crate) struct NewKey {
    /// What its holder calls it.
    name: Option<String>,
}

impl From<Key> for KeyView {
    fn from(key: Key) -> Self {
        Self { id: key.id, name: key.name, created: key.created, used: key.used }
    }
}

/// Where publishers come in, as whoever asked reaches this machine.
fn publish(app: &Shared, headers: &HeaderMap) -> PublishView {
    let asked = exports::host(headers).unwrap_or("localhost");
    // Without the port of the pages; what stands in brackets is an address of version 6.
    let asked = match asked.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => asked,
    };
    let at = |listener: SocketAddr| {
        let ip = listener.ip();
        let host = match ip {
            _ if ip.is_unspecified() => asked.to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        format!("{host}:{}", listener.port())
    };
    PublishView {
        rtmp: app.config.rtmp.map(|listener| format!("rtmp://{}/live", at(listener))),
        srt: app.config.srt.map(|listener| format!("srt://{}", at(listener))),
        whip: format!("{}/api/whip", exports::base(app, headers)),
    }
}

/// The keys of a channel of yours, oldest first, and where publishers come in.
#[utoipa::path(get, path = "/api/channels/{id}/keys", tag = "Channels", params(("id" = String, Path)),
    responses((status = 200, body = KeyList), (status = 404)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Answer<Body<KeyList>> {
    let keys = app.store.channels().keys(&id).await?;
    let publish = publish(&app, &headers);
    Ok(Body(KeyList { keys: keys.into_iter().map(Into::into).collect(), publish }))
}

/// Makes a key for a channel of yours. Its secret is shown only now.
#[utoipa::path(post, path = "/api/channels/{id}/keys", tag = "Channels", params(("id" = String, Path)),
    request_body = NewKey, responses((status = 201, body = FreshKey), (status = 404),
    (status = 409, description = "It has as many as it can, or is not published by key.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<NewKey>,
) -> Answer<(StatusCode, Body<FreshKey>)> {
    let channel = managed(&app, &caller, &id).await?;
    if channel.kind != Kind::Push {
        return Err(Problem::conflict(
            "Nobody publishes to this channel by key: its pictures come from elsewhere.",
        ));
    }
    if app.store.channels().keys(&id).await?.len() >= MOST {
        return Err(Problem::conflict(format!(
            "A channel has at most {MOST} keys; revoke one of them first."
        )));
    }
    let (key, secret) = app
        .store
        .channels()
        .create_key(&id, extract::name(body.name.as_deref().unwrap_or(UNNAMED))?, now())
        .await?;
    Ok((StatusCode::CREATED, Body(FreshKey { key: key.into(), secret })))
}

/// Revokes a key of a channel of yours. Whoever publishes by it is cut off.
#[utoipa::path(delete, path = "/api/channels/{id}/keys/{key}", tag = "Channels",
    params(("id" = String, Path), ("key" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Id((id, key)): Id<(String, String)>,
) -> Answer<StatusCode> {
    let known = app.store.channels().keys(&id).await?.into_iter().find(|known| known.id == key);
    if !app.store.channels().delete_key(&id, &key).await? {
        return Err(Problem::not_found("This channel has no such key (any more)."));
    }
    // A stream does not say by which key it came. One that began after the key was last used came by another one.
    let begun = app.hub.stream(&id).and_then(|stream| stream.begun().duration_since(UNIX_EPOCH).ok());
    let used =
        known.and_then(|key| key.used).and_then(|used| u64::try_from(used).ok()).map(Duration::from_millis);
    if let (Some(begun), Some(used)) = (begun, used)
        && used + BEFORE > begun
    {
        app.hub.end(&id);
    }
    Ok(StatusCode::NO_CONTENT)
}
