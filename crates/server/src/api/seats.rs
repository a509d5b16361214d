//! Seats of a session: who has them, and who gets them.

use axum::Json as Body;
use axum::extract::State;
use playhouse_play::control::Role;
use playhouse_store::accounts::Role as House;
use playhouse_store::id::fresh;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::member;
use crate::api::sessions::running;
use crate::app::Shared;
use crate::extract::{Id, Json};
use crate::gate::who::Caller;
use crate::house::live::{Named, SensorSeat};
use crate::house::steering::Seat;
use crate::house::view::{self, SeatView};
use crate::problem::{Answer, Problem};

/// The seats of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seats {
    seats: Vec<SeatView>,
}

/// By what somebody is to play.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sensor": "6d1a…", "mirrored": true}))]
pub(crate) struct BySensor {
    /// The sensor's id.
    sensor: String,
    /// Whether it looks into the player's face, so that their right is the picture's left; so it is where nothing is said.
    mirrored: Option<bool>,
}

fn no_seat(seats: u8) -> Problem {
    Problem::not_found(format!("The game has {seats} seat(s), numbered from 1."))
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

/// Takes a seat back: whoever sits in it watches from then on, and a sensor lets it go.
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
            return Err(no_seat(live.seats));
        }
        live.sensors.remove(&seat);
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

/// Gives a seat to a sensor: whoever it sees plays there with their body. The largest person begins, and plays until out of
/// sight; their place in the picture is the left stick of a pad, and ducking its button A. Whoever had the seat watches from
/// then on; taking the seat back ends it.
#[utoipa::path(put, path = "/api/sessions/{id}/seats/{seat}/sensor", tag = "Seats and invites",
    params(("id" = String, Path), ("seat" = u8, Path)), request_body = BySensor,
    responses((status = 200, body = Seats), (status = 404, description = "No such session, seat or sensor."),
              (status = 409, description = "The session is over.")))]
pub(crate) async fn give_to_sensor(
    State(app): State<Shared>,
    caller: Caller,
    Id((session, seat)): Id<(String, u8)>,
    Json(by): Json<BySensor>,
) -> Answer<Body<Seats>> {
    if caller.role() < Some(House::Player) {
        return Err(Problem::not_allowed("A guest of the house does not use its sensors."));
    }
    let sensor = member(&app, &by.sensor)?;
    let name = sensor.now().row.name.clone();
    let hand = format!("sensor {}", fresh());
    let seated = SensorSeat { sensor: Named { id: by.sensor.clone(), name }, hand: hand.clone() };
    let moved = app.sessions.change(&session, |live| {
        running(live)?;
        if seat == 0 || seat > live.seats {
            return Err(no_seat(live.seats));
        }
        Ok(live.seat_sensor(seat, seated))
    })??;
    if let Some(peer) = moved {
        app.node.set_role(&session, &peer, Role::Spectator).await?;
    }
    let seat = Seat { session: session.clone(), number: seat, hand };
    tokio::spawn(seat.play(app.clone(), by.sensor, sensor, by.mirrored.unwrap_or(true)));
    all(&app, &caller, &session)
}
