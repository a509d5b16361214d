//! WHEP: how a player or spectator gets the picture and sound of a session (draft-ietf-wish-whep).

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use playhouse_play::control::Role;
use playhouse_store::id;
use serde::Deserialize;

use crate::api::sessions::over;
use crate::api::signalling;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Params};
use crate::gate::who::{Caller, Who};
use crate::house::live::{Live, MOST_PEERS, Peer, Refusal, Wish};
use crate::house::sessions::no_session;
use crate::house::stage::to_its_end;
use crate::problem::{Answer, Problem};

/// As whom to join.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Join {
    /// A seat, from 1.
    seat: Option<u8>,
    /// `spectator` to watch.
    role: Option<String>,
    /// The token of an invite's link, for whoever is not signed in.
    invite: Option<String>,
}

fn wish(join: &Join) -> Answer<Wish> {
    match (join.role.as_deref(), join.seat) {
        (Some("spectator"), None) => Ok(Wish::Watch),
        (None | Some("player"), Some(seat)) => Ok(Wish::Seat(seat)),
        (None | Some("player"), None) => Ok(Wish::Usual),
        _ => {
            Err(Problem::invalid("role", "`role` is `player` or `spectator`, and only a player has a seat."))
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoSuchSeat { seats } => {
            let detail =
                format!("The game has {seats} seat(s), numbered from 1. Choose one of them, or watch.");
            Problem::invalid("seat", detail)
        }
        Refusal::NotInvited => Problem::not_allowed(
            "Your invite is not for this seat. Watch, or ask the player for another invite.",
        ),
        Refusal::Taken { seat, holder } => {
            let detail = format!("Seat {seat} is taken by {holder}. Watch, or take the seat back first.");
            Problem::new(StatusCode::CONFLICT, "seat-taken", "The seat is taken", detail)
                .with("holder", holder)
        }
        Refusal::AllTaken => {
            let detail = "All seats are taken. Watch, or ask the player for a seat.";
            Problem::new(StatusCode::CONFLICT, "seat-taken", "All seats are taken", detail)
        }
        Refusal::Crowded => {
            Problem::busy(format!("{MOST_PEERS} people are in this session, which is as many as fit."))
        }
    }
}

/// What is decided before the session process is asked.
struct Decided {
    role: Role,
    older: Vec<String>,
}

fn decide(live: &mut Live, caller: &Caller, wish: Wish, peer: &str) -> Answer<Decided> {
    if let Some(problem) = over(live, live.steers(caller)) {
        return Err(problem);
    }
    let admission = live.admits(caller).ok_or_else(no_session)?;
    let person = caller.person().ok_or_else(Problem::sign_in_required)?;
    let role = live.role_for(&person, admission, wish).map_err(refused)?;
    let here = |invite: &&playhouse_store::invites::Invite| invite.session == live.id;
    let admitted = caller.account().and_then(|account| live.admitted.get(&account.id));
    let invite = caller.invites().find(here).or(admitted).map(|invite| invite.id.clone());
    let name = match &caller.who {
        Who::Nobody => "Guest".to_owned(),
        _ => caller.name().to_owned(),
    };
    let older = live.join(peer, Peer { person, name, role, connected: false, joined: now(), invite });
    Ok(Decided { role, older })
}

/// Sends the browser's offer, gives the answer: the picture, the sound and the channels for input follow over UDP.
#[utoipa::path(post, path = "/api/sessions/{id}/whep", tag = "Media", params(("id" = String, Path), Join),
    request_body(content = String, content_type = "application/sdp", description = "The offer."),
    responses((status = 201, content_type = "application/sdp", description = "The answer; Location is the connection."),
              (status = 409, description = "The seat is taken, or the session is over."),
              (status = 413), (status = 415)))]
pub(crate) async fn offer(
    State(app): State<Shared>,
    caller: Caller,
    Id(session): Id<String>,
    Params(join): Params<Join>,
    request: Request,
) -> Answer<Response> {
    let wish = wish(&join)?;
    let sdp = signalling::offer(request).await?;
    let peer = id::fresh();
    let answer = to_its_end(connect(app.clone(), caller, session.clone(), peer.clone(), wish, sdp)).await?;
    let (role, answer) = answer;
    let mut location = format!("/api/sessions/{session}/whep/{peer}");
    if let Some(invite) =
        join.invite.as_deref().filter(|token| token.chars().all(|c| c.is_ascii_alphanumeric()))
    {
        location = format!("{location}?invite={invite}");
    }
    let seat = if let Role::Player { seat } = role { seat } else { 0 };
    let mut response = signalling::created(&app, &location, &peer, answer);
    response.headers_mut().insert("playhouse-seat", u16::from(seat).into());
    Ok(response)
}

async fn connect(
    app: Shared,
    caller: Caller,
    session: String,
    peer: String,
    wish: Wish,
    sdp: String,
) -> Answer<(Role, String)> {
    let Decided { role, older } =
        app.sessions.change(&session, |live| decide(live, &caller, wish, &peer))??;
    let answer = match app.node.offer(&session, &peer, role, sdp).await {
        Ok(answer) => answer,
        Err(error) => {
            app.sessions.change(&session, |live| live.connected(&peer, false, now()))?;
            return Err(error.into());
        }
    };
    for older in older {
        if let Err(error) = app.node.close_peer(&session, &older).await {
            tracing::warn!(session, peer = older, %error, "a connection that was taken over could not be closed");
        }
        app.sessions.change(&session, |live| live.connected(&older, false, now()))?;
    }
    Ok((role, answer))
}

/// The connection has to be the caller's own, or the caller steers the session.
fn own_peer(app: &Shared, caller: &Caller, session: &str, peer: &str) -> Answer<()> {
    let own = app.sessions.get(session, |live| {
        let own = live.peers.get(peer).map(|known| Some(&known.person) == caller.person().as_ref());
        own.map(|own| own || live.steers(caller))
    })?;
    match own {
        Some(true) => Ok(()),
        Some(false) => Err(Problem::not_allowed("This connection is somebody else's.")),
        None => Err(Problem::not_found("There is no such connection (any more). Connect again.")),
    }
}

/// Adds candidates that the browser found later.
#[utoipa::path(patch, path = "/api/sessions/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses((status = 204), (status = 404), (status = 415)))]
pub(crate) async fn trickle(
    State(app): State<Shared>,
    caller: Caller,
    Id((session, peer)): Id<(String, String)>,
    request: Request,
) -> Answer<StatusCode> {
    own_peer(&app, &caller, &session, &peer)?;
    for candidate in signalling::candidates(request).await? {
        app.node.candidate(&session, &peer, candidate).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a connection.
#[utoipa::path(delete, path = "/api/sessions/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)), responses((status = 200), (status = 404)))]
pub(crate) async fn close(
    State(app): State<Shared>,
    caller: Caller,
    Id((session, peer)): Id<(String, String)>,
) -> Answer<StatusCode> {
    own_peer(&app, &caller, &session, &peer)?;
    app.node.close_peer(&session, &peer).await?;
    app.sessions.change(&session, |live| live.connected(&peer, false, now()))?;
    Ok(StatusCode::OK)
}

/// Says what the media address takes.
#[utoipa::path(options, path = "/api/sessions/{id}/whep", tag = "Media", params(("id" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn options(State(app): State<Shared>) -> Response {
    signalling::takes_offers(&app)
}

/// Says what a connection takes.
#[utoipa::path(options, path = "/api/sessions/{id}/whep/{peer}", tag = "Media",
    params(("id" = String, Path), ("peer" = String, Path)), responses((status = 204)))]
pub(crate) async fn peer_options() -> Response {
    signalling::takes_candidates()
}
