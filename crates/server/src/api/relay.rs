//! Channels of others in our pages: their playlists with addresses of ours, and the segments that those name.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use playhouse_store::channels::Kind as Source;
use playhouse_watch::relay::rewrite;

use crate::api::guide::no_channel;
use crate::api::me::account;
use crate::app::Shared;
use crate::extract::Id;
use crate::gate::who::Caller;
use crate::house::guide::relay::{self, Kind, elsewhere};
use crate::problem::{Answer, Problem};

/// What segments may call themselves; anything else is bytes and nothing that a browser would show.
const TYPES: [&str; 8] = [
    "video/mp2t",
    "video/mp4",
    "video/iso.segment",
    "audio/mp4",
    "audio/aac",
    "audio/mpeg",
    "text/vtt",
    "audio/ac3",
];

/// The longest range header that is passed on: `bytes=` and two numbers.
const LONGEST_RANGE: usize = 64;

/// Where a channel of others plays, and whether that may lie within this network.
async fn source(app: &Shared, id: &str) -> Answer<(String, bool)> {
    let channel = app.store.channels().get(id).await?.ok_or_else(no_channel)?;
    let address = channel.source.filter(|_| channel.kind == Source::External).ok_or_else(|| {
        Problem::conflict("This channel is of this house; it is not passed on from elsewhere.")
    })?;
    let source = app.store.guide().source_of(id).await?;
    Ok((address, source.is_some_and(|source| source.private)))
}

fn sealed(app: &Shared, id: &str, kind: Kind, address: &str) -> Answer<String> {
    app.relay.open(id, kind, address).ok_or_else(|| {
        Problem::not_found("No playlist of this channel names that (any more); tune in again.")
    })
}

async fn passed_on(
    app: &Shared,
    caller: &Caller,
    id: &str,
    address: String,
    private: bool,
) -> Answer<Response> {
    let place = app.relay.place(&account(caller)?.id)?;
    let (text, base) = relay::playlist(place, address, private).await?;
    let ours = |address: &url::Url, kind| app.relay.ours(id, address, kind);
    let list = rewrite(&text, &base, ours).map_err(|error| elsewhere(error.to_string()))?;
    let headers = [(CONTENT_TYPE, "application/vnd.apple.mpegurl"), (CACHE_CONTROL, "private, no-cache")];
    Ok((headers, list).into_response())
}

/// The HLS playlist of a channel of others, with all its addresses as ones of this house. What lies within this network is
/// fetched only where the owner allowed that for the list that named the channel.
#[utoipa::path(get, path = "/api/channels/{id}/relay/master.m3u8", tag = "Guide", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404), (status = 409),
              (status = 502, description = "It does not come, or is no HLS stream."), (status = 503)))]
pub(crate) async fn master(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Response> {
    let (address, private) = source(&app, &id).await?;
    passed_on(&app, &caller, &id, address, private).await
}

/// A playlist that another one of the channel named.
#[utoipa::path(get, path = "/api/channels/{id}/relay/playlist/{address}", tag = "Guide",
    params(("id" = String, Path), ("address" = String, Path, description = "As the playlist has it.")),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404), (status = 502), (status = 503)))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    caller: Caller,
    Id((id, address)): Id<(String, String)>,
) -> Answer<Response> {
    let address = sealed(&app, &id, Kind::Playlist, &address)?;
    let (_, private) = source(&app, &id).await?;
    passed_on(&app, &caller, &id, address, private).await
}

/// A segment, its beginning or a key, as a playlist of the channel named it; whole or a range (RFC 9110, section 14).
#[utoipa::path(get, path = "/api/channels/{id}/relay/segment/{address}", tag = "Guide",
    params(("id" = String, Path), ("address" = String, Path, description = "As the playlist has it.")),
    responses((status = 200, content_type = "application/octet-stream"), (status = 206), (status = 404), (status = 502),
              (status = 503)))]
pub(crate) async fn segment(
    State(app): State<Shared>,
    caller: Caller,
    Id((id, address)): Id<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let address = sealed(&app, &id, Kind::Segment, &address)?;
    let (_, private) = source(&app, &id).await?;
    let place = app.relay.place(&account(&caller)?.id)?;
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let range = range.filter(|range| range.len() <= LONGEST_RANGE).map(ToOwned::to_owned);
    let (head, pieces) = relay::segment(place, address, private, range).await?;
    let body = stream::unfold(pieces, |mut pieces| async move { Some((pieces.recv().await?, pieces)) });
    let mut response = Body::from_stream(body).into_response();
    if head.partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let named = head.content_type.as_deref().and_then(|named| named.split(';').next()).map(str::trim);
    let named = TYPES.into_iter().find(|known| named.is_some_and(|named| named.eq_ignore_ascii_case(known)));
    let mut put = |name: HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    };
    put(CONTENT_TYPE, Some(HeaderValue::from_static(named.unwrap_or("application/octet-stream"))));
    put(CONTENT_LENGTH, head.length.map(HeaderValue::from));
    put(
        CONTENT_RANGE,
        head.range.and_then(|range| HeaderValue::try_from(range).ok()).filter(|_| head.partial),
    );
    put(ACCEPT_RANGES, Some(HeaderValue::from_static("bytes")));
    // The address stays the same for as long as what is there does.
    put(CACHE_CONTROL, Some(HeaderValue::from_static("private, max-age=60")));
    put(CONTENT_SECURITY_POLICY, Some(HeaderValue::from_static("default-src 'none'; sandbox")));
    Ok(response)
}
