//! Seats of a session.

use axum::Json as Body;
use axum::extract::State;
use playhouse_play::control::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::sessions::running;
use crate::app::Shared;
use crate::extract::Id;
use crate::gate::who::Caller;
use crate::house::view::{self, SeatView};
use crate::problem::{Answer, Problem};

/// The seats of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seats {
    seats: Vec<SeatView>,
}

fn all(app: &Shared, caller: &Caller, session: &str) -> Answer<Body<Seats>> {
    app.sessions.get(session, |live| Body(Seats { seats: view::seats(live, caller) }))
}

/// Who sits where.
#[utoipa::path(get, path = "/api/sessions/{id}/seats", tag = "Seats and invites", params(("id" = String, Path)),
    responses((status = 200, body = Seats)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<Seats>> {
    all(&app, &caller, &id)
}

/// Takes a seat back: whoever sits in it watches from then on.
#[utoipa::path(post, path = "/api/sessions/{id}/seats/{seat}/take-back", tag = "Seats and invites",
    params(("id" = String, Path), ("seat" = u8, Path)),
    responses((status = 200, body = Seats), (status = 409, description = "The seat is yours, or the session is over.")))]
pub(crate) async fn take_back(
    State(app): State<Shared>,
    caller: Caller,
    Id((session, seat)): Id<(String, u8)>,
) -> Answer<Body<Seats>> {
    let me = caller.person();
    let moved = app.sessions.change(&session, |live| {
        running(live)?;
        if seat == 0 || seat > live.seats {
            return Err(Problem::not_found(format!("The game has {} seat(s), numbered from 1.", live.seats)));
        }
        let Some((peer, holder)) = live.holder(seat) else { return Ok(None) };
        if Some(&holder.person) == me.as_ref() {
            return Err(Problem::conflict(format!("Seat {seat} is yours already.")));
        }
        let (peer, person) = (peer.clone(), holder.person.clone());
        if !live.watching.contains(&person) {
            live.watching.push(person);
        }
        if let Some(holder) = live.peers.get_mut(&peer) {
            holder.role = Role::Spectator;
        }
        Ok(Some(peer))
    })??;
    if let Some(peer) = moved {
        app.node.set_role(&session, &peer, Role::Spectator).await?;
    }
    all(&app, &caller, &session)
}
