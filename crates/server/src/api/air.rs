//! A session on a channel: what its players see and hear, published as it is, for everybody who tunes in.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::channels::Kind;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::channels::managed;
use crate::api::sessions::running;
use crate::app::Shared;
use crate::extract::{Id, Json};
use crate::gate::who::Caller;
use crate::house::live::Named;
use crate::house::on_air;
use crate::house::stage::to_its_end;
use crate::house::view::{self, SessionView};
use crate::problem::{Answer, Problem};

/// Where to publish a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"channel": "0ABC"}))]
pub(crate) struct GoLive {
    /// One of your channels that are published by key.
    channel: String,
}

/// Publishes a session on a channel of yours, until it ends or you end that. Nothing is encoded again, and players notice
/// nothing. A channel that has a publisher refuses, or gives it up for this one, as its settings say.
#[utoipa::path(put, path = "/api/sessions/{id}/air", tag = "Channels", params(("id" = String, Path)),
    request_body = GoLive,
    responses((status = 200, body = SessionView), (status = 403), (status = 404),
              (status = 409, description = "The session is over, or the channel has another publisher.")))]
pub(crate) async fn begin(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<GoLive>,
) -> Answer<Body<SessionView>> {
    app.sessions.get(&id, running)??;
    let channel = managed(&app, &caller, &body.channel).await?;
    if channel.kind != Kind::Push {
        return Err(Problem::invalid(
            "channel",
            "Only a channel that is published by key takes a session; make one on the studio page.",
        ));
    }
    let named = Named { id: channel.id, name: channel.name };
    let (house, session) = (app.clone(), id.clone());
    to_its_end(async move { on_air::begin(&house, &session, named, channel.replace_publisher).await })
        .await?;
    app.sessions.get(&id, |live| view::session(live, &caller)).map(Body)
}

/// Takes a session off the air. It goes on for those who are in it.
#[utoipa::path(delete, path = "/api/sessions/{id}/air", tag = "Channels", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn end(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    to_its_end(async move { on_air::end(&app, &id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
