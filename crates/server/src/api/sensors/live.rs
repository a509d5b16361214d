//! One sensor as it is now, over a web socket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::response::Response;
use playhouse_sense::enrolment::Ask;
use playhouse_store::accounts::Role;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use crate::api::sensors::member;
use crate::app::Shared;
use crate::extract::Id;
use crate::gate::caller;
use crate::gate::socket::Opening;
use crate::gate::who::Caller;
use crate::house::sensors::fleet::Member;
use crate::house::sensors::listen::GLIMPSES;
use crate::problem::Answer;

/// How long a message may take to be taken: whoever does not read holds a place.
const SEND: Duration = Duration::from_secs(10);

/// How often it is looked whether somebody may still look, and the sensor is asked to go on.
const LOOK: Duration = Duration::from_secs(10);

/// Longest message that a viewer may send: none has to say anything.
const LONGEST: usize = 1 << 10;

/// A web socket (RFC 6455) of JSON messages from the house: `{"state":"online"}`, `{"health":{…}}`, `{"events":[{"seq","at",
/// "what"}]}`, `{"glimpse":{"frame","at","took_us","hub_at","things":[…]}}` with places as fractions of the picture, and
/// `{"missed":3}` to whoever is too slow: of glimpses the newest wins, of all else the oldest goes.
#[utoipa::path(get, path = "/api/sensors/{id}/live", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 101), (status = 404), (status = 426, description = "This is a web socket."),
              (status = 503, description = "Too many streams.")))]
pub(crate) async fn live(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    opening: Opening,
) -> Answer<Response> {
    let sensor = member(&app, &id)?;
    let (upgrade, place) = opening.open(&app, LONGEST)?;
    let looking = Looking { app, caller, id, sensor, _place: place };
    Ok(upgrade.on_upgrade(|socket| looking.look(socket)))
}

/// Somebody who looks.
struct Looking {
    app: Shared,
    caller: Caller,
    id: String,
    sensor: Arc<Member>,
    /// Counts this connection while it is open.
    _place: OwnedSemaphorePermit,
}

impl Looking {
    /// Whether the person may still look: a connection outlives the sign-in that opened it.
    async fn may_stay(&mut self) -> bool {
        let Some(secret) = &self.caller.secret else { return false };
        let Ok(Some(signed)) = caller::by_secret(&self.app, secret).await else { return false };
        (self.caller.who, self.caller.watcher) = (signed.who, signed.watcher);
        self.caller.role() >= Some(Role::Player)
    }

    fn ask(&self) {
        self.app.sensors.ask(&self.id, &Ask::Glimpses { seconds: GLIMPSES });
    }

    /// How the sensor is, for whoever just came.
    fn first(&self) -> Vec<Utf8Bytes> {
        let sensor = self.sensor.now();
        let state = json!({"state": sensor.state()});
        let health = sensor.health.as_ref().map(|health| json!({"health": health}));
        [Some(state), health].into_iter().flatten().map(|told| Utf8Bytes::from(told.to_string())).collect()
    }

    async fn look(mut self, mut socket: WebSocket) {
        let sensor = self.sensor.clone();
        let viewer = sensor.viewers.join();
        for told in self.first() {
            if !send(&mut socket, told).await {
                return;
            }
        }
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                told = viewer.next() => {
                    let Some(told) = told else { return };
                    if !send(&mut socket, told).await {
                        return;
                    }
                }
                said = socket.recv() => match said {
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_))) => {}
                    _ => return,
                },
                _ = tick.tick() => {
                    if !self.may_stay().await || !send_ping(&mut socket).await {
                        return;
                    }
                    self.ask();
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, text: Utf8Bytes) -> bool {
    matches!(tokio::time::timeout(SEND, socket.send(Message::Text(text))).await, Ok(Ok(())))
}

/// Finds out that nobody is there any more.
async fn send_ping(socket: &mut WebSocket) -> bool {
    let ping = Message::Ping(axum::body::Bytes::new());
    matches!(tokio::time::timeout(SEND, socket.send(ping)).await, Ok(Ok(())))
}
