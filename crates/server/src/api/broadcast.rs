//! Live streams by WebRTC: watched by WHEP (draft-ietf-wish-whep), published by WHIP (RFC 9725).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use playhouse_live::{Admission, Door, Protocol};
use playhouse_store::id;

use crate::api::signalling;
use crate::app::Shared;
use crate::extract::Id;
use crate::gate::address::Address;
use crate::gate::caller::bearer;
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};
use crate::webrtc::{Owner, WebrtcError};

impl From<WebrtcError> for Problem {
    fn from(error: WebrtcError) -> Self {
        let detail = error.to_string();
        match error {
            WebrtcError::NotLive => Self::new(
                StatusCode::CONFLICT,
                "not-live",
                "Nothing is on",
                "Nothing is on this channel at the moment. Try again when its publisher is there.",
            ),
            WebrtcError::Unsuitable(_) => {
                Self::new(StatusCode::CONFLICT, "unsuitable", "Not by WebRTC", detail)
            }
            WebrtcError::Refused(_) => Self::invalid("body", detail),
            WebrtcError::Taken(_) => Self::conflict(detail),
            WebrtcError::Busy(_) => Self::busy(detail),
            WebrtcError::Failed(_) => Self::internal("connect a live stream", &detail),
        }
    }
}

fn no_connection() -> Problem {
    Problem::not_found("There is no such connection (any more). Connect again.")
}

/// Watches a channel with the least delay: sends the browser's offer, gives the answer; picture and sound follow over
/// UDP. A stream that browsers do not take this way is refused with `unsuitable`: its segments can be watched.
#[utoipa::path(post, path = "/api/channels/{id}/whep", tag = "Media", params(("id" = String, Path)),
    request_body(content = String, content_type = "application/sdp", description = "The offer."),
    responses((status = 201, content_type = "application/sdp", description = "The answer; Location is the connection."),
              (status = 404), (status = 409, description = "Nothing is on, or it is not sent by WebRTC."),
              (status = 415), (status = 503)))]
pub(crate) async fn watch(
    State(app): State<Shared>,
    caller: Caller,
    Id(channel): Id<String>,
    request: Request,
) -> Answer<Response> {
    let account = caller.account().ok_or_else(Problem::sign_in_required)?;
    let sdp = signalling::offer(request).await?;
    if app.store.channels().get(&channel).await?.is_none() {
        return Err(Problem::not_found("There is no such channel (any more)."));
    }
    let peer = id::fresh();
    let answer = app.webrtc.watch(&channel, &peer, &account.id, &sdp)?;
    Ok(signalling::created(&app, &format!("/api/channels/{channel}/whep/{peer}"), &peer, answer))
}

/// Says what the address takes.
#[utoipa::path(options, path = "/api/channels/{id}/whep", tag = "Media", params(("id" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn watch_options(State(app): State<Shared>) -> Response {
    signalling::takes_offers(&app)
}

fn own(app: &Shared, caller: &Caller, peer: &str) -> Answer<()> {
    match (app.webrtc.owner(peer), caller.account()) {
        (Some(Owner::Account(owner)), Some(account)) if account.id == owner => Ok(()),
        (Some(Owner::Account(_)), _) => Err(Problem::not_allowed("This connection is somebody else's.")),
        _ => Err(no_connection()),
    }
}

/// Adds candidates that the browser found later.
#[utoipa::path(patch, path = "/api/channels/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 204), (status = 404), (status = 415)))]
pub(crate) async fn watch_trickle(
    State(app): State<Shared>,
    caller: Caller,
    Id((_channel, peer)): Id<(String, String)>,
    request: Request,
) -> Answer<StatusCode> {
    own(&app, &caller, &peer)?;
    for candidate in signalling::candidates(request).await? {
        app.webrtc.candidate(&peer, &candidate)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Stops watching.
#[utoipa::path(delete, path = "/api/channels/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)), responses((status = 200), (status = 404)))]
pub(crate) async fn watch_close(
    State(app): State<Shared>,
    caller: Caller,
    Id((_channel, peer)): Id<(String, String)>,
) -> Answer<StatusCode> {
    own(&app, &caller, &peer)?;
    app.webrtc.close(&peer)?;
    Ok(StatusCode::OK)
}

/// Says what a connection takes.
#[utoipa::path(options, path = "/api/channels/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)), responses((status = 204)))]
pub(crate) async fn watch_peer_options() -> Response {
    signalling::takes_candidates()
}

/// Publishes a channel by WHIP. The stream key is the bearer token, and says which channel it is:
/// `curl -i -X POST -H 'Authorization: Bearer STREAM-KEY' -H 'Content-Type: application/sdp' --data-binary @offer.sdp
/// …/api/whip`.
#[utoipa::path(post, path = "/api/whip", tag = "Media",
    request_body(content = String, content_type = "application/sdp", description = "The offer: H.264 and Opus."),
    responses((status = 201, content_type = "application/sdp", description = "The answer; Location is the connection."),
              (status = 401, description = "The key opens nothing."),
              (status = 409, description = "The channel has a publisher."), (status = 415), (status = 422)))]
pub(crate) async fn publish(
    State(app): State<Shared>,
    Address(from): Address,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let admission = admit(&app, &headers, from).await?;
    let key = bearer(&headers).unwrap_or_default();
    let sdp = signalling::offer(request).await?;
    let peer = id::fresh();
    let answer = app.webrtc.publish(&admission, key, &peer, &sdp)?;
    Ok(signalling::created(&app, &format!("/api/whip/{peer}"), &peer, answer))
}

async fn admit(app: &Shared, headers: &HeaderMap, from: std::net::IpAddr) -> Answer<Admission> {
    let refused =
        |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "wrong-key", "Wrong stream key", detail);
    let Some(key) = bearer(headers) else {
        return Err(refused("Send the channel's stream key as the bearer token. The studio page makes one."));
    };
    app.keys.admit(key, Protocol::Whip, from).await.map_err(|refusal| refused(&refusal.0))
}

/// Says what the address takes.
#[utoipa::path(options, path = "/api/whip", tag = "Media", responses((status = 204)))]
pub(crate) async fn publish_options(State(app): State<Shared>) -> Response {
    signalling::takes_offers(&app)
}

fn own_key(app: &Shared, headers: &HeaderMap, peer: &str) -> Answer<()> {
    match (app.webrtc.owner(peer), bearer(headers)) {
        (Some(Owner::Key(key)), Some(given)) if given == key => Ok(()),
        (Some(Owner::Key(_)), _) => {
            Err(Problem::not_allowed("Send the stream key by which this connection was made."))
        }
        _ => Err(no_connection()),
    }
}

/// Adds candidates that a publisher found later.
#[utoipa::path(patch, path = "/api/whip/{peer}", tag = "Media", params(("peer" = String, Path)),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 204), (status = 404), (status = 415)))]
pub(crate) async fn publish_trickle(
    State(app): State<Shared>,
    Id(peer): Id<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer<StatusCode> {
    own_key(&app, &headers, &peer)?;
    for candidate in signalling::candidates(request).await? {
        app.webrtc.candidate(&peer, &candidate)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Stops publishing.
#[utoipa::path(delete, path = "/api/whip/{peer}", tag = "Media", params(("peer" = String, Path)),
    responses((status = 200), (status = 404)))]
pub(crate) async fn publish_close(
    State(app): State<Shared>,
    Id(peer): Id<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    own_key(&app, &headers, &peer)?;
    app.webrtc.close(&peer)?;
    Ok(StatusCode::OK)
}

/// Says what a connection takes.
#[utoipa::path(options, path = "/api/whip/{peer}", tag = "Media", params(("peer" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn publish_peer_options() -> Response {
    signalling::takes_candidates()
}
