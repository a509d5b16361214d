//! What a sensor saw, one by one.

use axum::Json as Body;
use axum::extract::State;
use playhouse_store::Millis;
use playhouse_store::observations::{Kept, Listed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::sensors::member;
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{Id, Params};
use crate::house::sensors::rows::{AHEAD, KINDS};
use crate::problem::{Answer, Problem};

/// Observations in one answer, at most.
pub(crate) const MOST: u32 = 1_000;

/// Observations in one answer where nothing is said.
const USUAL: u32 = 100;

/// Which observations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// From when on; a day ago where it is not said.
    from: Option<Millis>,
    /// Before when; now where it is not said.
    to: Option<Millis>,
    /// Of one kind: `crossed`, `entered`, `exited`, `dwelt`, `occupancy`, `appeared`, `left`, `heat`, `corrected`, `app`,
    /// `lost`, `camera`.
    kind: Option<String>,
    /// Of one line.
    line: Option<u16>,
    /// Of one zone.
    zone: Option<u16>,
    /// So many, 1000 at most.
    limit: Option<u32>,
    /// What `next` of the answer before was.
    before: Option<String>,
}

/// An observation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Its number in its sensor's count.
    seq: i64,
    at: Millis,
    #[schema(example = "crossed")]
    kind: String,
    /// What happened.
    #[schema(value_type = Object, example = json!({"Crossed": {"line": 1, "track": 7, "label": 0, "direction": "in"}}))]
    what: Value,
    /// When the sensor said that it happened, where that was not believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<Millis>,
    /// Whether a larger model has taken it back since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    void: bool,
}

/// Observations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    events: Vec<EventView>,
    /// Where the list goes on: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Kept> for EventView {
    fn from(kept: Kept) -> Self {
        let what = serde_json::from_str(&kept.what).unwrap_or_default();
        Self { seq: kept.seq, at: kept.at, kind: kept.kind, what, sent: kept.sent, void: kept.void }
    }
}

/// Where a list goes on: time, epoch, number.
pub(crate) type Place = (Millis, i64, i64);

fn place(text: &str) -> Answer<Place> {
    let mut parts = text.splitn(3, '.').map(str::parse::<i64>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(at)), Some(Ok(epoch)), Some(Ok(seq))) => Ok((at, epoch, seq)),
        _ => Err(Problem::invalid(
            "before",
            "`before` is what `next` of the answer before was, and nothing else.",
        )),
    }
}

impl Which {
    /// What is asked for of a sensor.
    pub(crate) fn listed(&self, sensor: i64) -> Answer<Listed<'_>> {
        let now = now();
        if let Some(kind) = self.kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
            let detail = format!("There is no kind `{kind}`; these are: {}.", KINDS.join(", "));
            return Err(Problem::invalid("kind", detail));
        }
        Ok(Listed {
            sensor,
            from: self.from.unwrap_or(now - DAY),
            to: self.to.unwrap_or(now + AHEAD),
            kind: self.kind.as_deref(),
            line: self.line,
            zone: self.zone,
            after: self.before.as_deref().map(place).transpose()?,
            limit: self.limit.unwrap_or(USUAL).clamp(1, MOST),
        })
    }
}

/// What a sensor saw, newest first.
#[utoipa::path(get, path = "/api/sensors/{id}/events", tag = "Sensors", params(("id" = String, Path), Which),
    responses((status = 200, body = EventList), (status = 404), (status = 422)))]
pub(crate) async fn events(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(which): Params<Which>,
) -> Answer<Body<EventList>> {
    let listed = which.listed(member(&app, &id)?.key)?;
    let kept = app.store.observations().list(listed).await?;
    let full = kept.len() == listed.limit as usize;
    let last = kept.last().filter(|_| full).map(|last| format!("{}.{}.{}", last.at, last.epoch, last.seq));
    Ok(Body(EventList { events: kept.into_iter().map(Into::into).collect(), next: last }))
}
