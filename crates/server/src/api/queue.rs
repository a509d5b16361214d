//! One's place in the queue for a full machine.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::clock::now;
use crate::gate::who::Caller;
use crate::problem::Answer;

/// A place in the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueView {
    /// Your number, from 1; nothing for whoever does not wait.
    place: Option<usize>,
    /// How many wait.
    length: usize,
    /// Until when a place is kept for you: start the title now.
    offered_until: Option<Millis>,
}

/// An account's place, which asking keeps.
pub(crate) fn of(app: &Shared, account: &str) -> QueueView {
    let (place, length) = app.sessions.place(account, app.node.capacity(), now());
    QueueView {
        place: place.map(|place| place.number),
        length,
        offered_until: place.and_then(|place| place.offered_until),
    }
}

/// Your place in the queue. Asking keeps it: whoever does not ask for a minute is dropped.
#[utoipa::path(get, path = "/api/queue", tag = "Sessions", responses((status = 200, body = QueueView)))]
pub(crate) async fn get(State(app): State<Shared>, caller: Caller) -> Answer<Body<QueueView>> {
    Ok(Body(of(&app, &account(&caller)?.id)))
}

/// Leaves the queue.
#[utoipa::path(delete, path = "/api/queue", tag = "Sessions", responses((status = 204)))]
pub(crate) async fn leave(State(app): State<Shared>, caller: Caller) -> Answer<StatusCode> {
    app.sessions.leave_queue(&account(&caller)?.id);
    Ok(StatusCode::NO_CONTENT)
}
