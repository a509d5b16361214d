//! What sensors asked the house's larger model.

use axum::Json as Body;
use axum::extract::State;
use playhouse_store::Millis;
use playhouse_store::sensor_asks::SensorAsk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::member;
use crate::app::Shared;
use crate::extract::{Id, Params};
use crate::problem::Answer;

/// How many there are in an answer, unless another number is asked for, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// Crops of one track that a sensor sent. The pictures are not kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskView {
    id: i64,
    at: Millis,
    track: i64,
    /// How many bytes of pictures left the sensor.
    bytes: i64,
    /// What the sensor took it for.
    #[schema(example = "box")]
    asked: String,
    /// What the larger model said that it is; `null`: nothing at all.
    #[schema(example = "person")]
    answer: Option<String>,
}

/// What a sensor asked, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskList {
    asks: Vec<AskView>,
}

/// Which of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Before the one with this `id`; the newest where nothing is said.
    before: Option<i64>,
    /// How many at most: 1 to 200, and 50 where nothing is said.
    limit: Option<u32>,
}

impl From<SensorAsk> for AskView {
    fn from(SensorAsk { id, at, track, bytes, asked, answer }: SensorAsk) -> Self {
        Self { id, at, track, bytes, asked, answer }
    }
}

/// Which crops left a sensor, and what was answered, newest first; the newest thousand are kept. There are none unless
/// its settings have `crops`.
#[utoipa::path(get, path = "/api/sensors/{id}/asks", tag = "Sensors", params(("id" = String, Path), Which),
    responses((status = 200, body = AskList), (status = 404)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(which): Params<Which>,
) -> Answer<Body<AskList>> {
    let sensor = member(&app, &id)?.key;
    let limit = which.limit.unwrap_or(USUAL).clamp(1, MOST);
    let asks = app.store.sensor_asks().list(sensor, which.before.unwrap_or(i64::MAX), limit).await?;
    Ok(Body(AskList { asks: asks.into_iter().map(Into::into).collect() }))
}
