//! Sensors: making, naming, throwing out and removing them.

pub(crate) mod asks;
pub(crate) mod enrol;
pub(crate) mod export;
pub(crate) mod figures;
pub(crate) mod files;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod rollouts;
pub(crate) mod rules;
pub(crate) mod seen;
pub(crate) mod twin;

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use playhouse_sense::enrolment::{Desired, Health, Reported};
use playhouse_store::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::enrol::{CodeView, offer};
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json, Params};
use crate::house::sensors::fleet::{Member, Troubles};
use crate::house::sensors::rules::midnight;
use crate::house::sensors::{MOST, twin as house};
use crate::house::stage::to_its_end;
use crate::problem::{Answer, Problem};

/// Tags of one sensor.
const MOST_TAGS: usize = 16;

/// A sensor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorView {
    id: String,
    #[schema(example = "Front door")]
    name: String,
    tags: Vec<String>,
    group: Option<String>,
    /// `waiting` until it is enrolled, then `online` or `offline`; `revoked` once it was thrown out.
    #[schema(example = "online")]
    state: &'static str,
    last_seen: Option<Millis>,
    created: Millis,
    /// When its certificate ends, unless it renews it.
    certificate_until: Option<Millis>,
    /// How it said that it is: pictures a second, drops, processor, temperature, backlog.
    #[schema(value_type = Option<Object>)]
    health: Option<Health>,
    /// What it said of itself: the version that it follows, its agent, input, picture's size, model and labels.
    #[schema(value_type = Option<Object>)]
    reported: Option<Reported>,
    /// What it is to do: version and settings.
    #[schema(value_type = Object)]
    desired: Desired,
    /// What crossed its lines today.
    today: Today,
    /// What its pictures come from.
    input: Option<String>,
    /// What was wrong with its messages since the house started.
    troubles: Troubles,
}

/// What crossed a sensor's lines, all together.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Today {
    r#in: i64,
    out: i64,
}

/// A new sensor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Front door", "tags": ["entrance"], "group": "Shop"}))]
pub(crate) struct NewSensor {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    group: Option<String>,
}

/// What to change of a sensor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Back door", "group": ""}))]
pub(crate) struct ChangeSensor {
    name: Option<String>,
    tags: Option<Vec<String>>,
    /// An empty one takes it out of its group.
    group: Option<String>,
}

/// A sensor that was just made, and the code by which it is enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshSensor {
    sensor: SensorView,
    #[serde(flatten)]
    code: CodeView,
}

/// From when on today is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    since: Option<Millis>,
}

impl Since {
    /// Where nothing is said, today began at midnight by the clock of the house.
    fn millis(&self) -> Millis {
        self.since.unwrap_or_else(|| midnight(now()))
    }
}

/// There is no such sensor.
pub(crate) fn no_sensor() -> Problem {
    Problem::not_found("There is no such sensor (any more).")
}

/// The sensor of an id.
pub(crate) fn member(app: &Shared, id: &str) -> Answer<Arc<Member>> {
    app.sensors.fleet.get(id).ok_or_else(no_sensor)
}

fn view(member: &Member, today: Today) -> SensorView {
    let sensor = member.now();
    let row = &sensor.row;
    SensorView {
        id: row.id.clone(),
        name: row.name.clone(),
        tags: sensor.found.tags.clone(),
        group: row.grouped.clone(),
        state: sensor.state(),
        last_seen: sensor.seen,
        created: row.created,
        certificate_until: row.expires,
        health: sensor.health.clone(),
        input: sensor.reported.as_ref().map(|reported| reported.input.clone()),
        reported: sensor.reported.clone(),
        desired: house::desired(row),
        today,
        troubles: sensor.troubles.clone(),
    }
}

async fn one(app: &Shared, id: &str, since: Millis) -> Answer<SensorView> {
    let member = member(app, id)?;
    let (ins, outs) = app.store.figures().since_of(member.key, since).await?;
    Ok(view(&member, Today { r#in: ins, out: outs }))
}

fn tags(tags: &[String]) -> Answer<String> {
    if tags.len() > MOST_TAGS {
        return Err(Problem::invalid("tags", format!("A sensor has at most {MOST_TAGS} tags.")));
    }
    let tags = tags.iter().map(|tag| extract::name(tag)).collect::<Answer<Vec<_>>>()?;
    serde_json::to_string(&tags).map_err(|error| Problem::internal("Writing the tags down", &error))
}

fn group(group: Option<&str>) -> Answer<Option<&str>> {
    group.filter(|group| !group.trim().is_empty()).map(extract::name).transpose()
}

/// Makes a sensor, and a code by which a device becomes it within an hour: run the command on the device.
#[utoipa::path(post, path = "/api/sensors", tag = "Sensors", request_body = NewSensor,
    responses((status = 201, body = FreshSensor), (status = 409, description = "There are as many as there can be."),
              (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<NewSensor>,
) -> Answer<(StatusCode, Body<FreshSensor>)> {
    let (name, tags, group) = (extract::name(&body.name)?, tags(&body.tags)?, group(body.group.as_deref())?);
    if app.sensors.fleet.len() >= MOST {
        return Err(Problem::conflict(format!(
            "There are {MOST} sensors, which is as many as there can be."
        )));
    }
    let sensor = app.store.sensors().create(name, &tags, group, &enrol::untold(), now()).await?;
    app.sensors.follow(&sensor);
    let code = offer(&app, &headers, sensor.key).await?;
    let sensor = view(&*member(&app, &sensor.id)?, Today::default());
    Ok((StatusCode::CREATED, Body(FreshSensor { sensor, code })))
}

/// A sensor.
#[utoipa::path(get, path = "/api/sensors/{id}", tag = "Sensors",
    params(("id" = String, Path), ("since" = Option<i64>, Query)),
    responses((status = 200, body = SensorView), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(since): Params<Since>,
) -> Answer<Body<SensorView>> {
    Ok(Body(one(&app, &id, since.millis()).await?))
}

/// Names a sensor, tags it, or puts it into a group.
#[utoipa::path(patch, path = "/api/sensors/{id}", tag = "Sensors", params(("id" = String, Path)),
    request_body = ChangeSensor, responses((status = 200, body = SensorView), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Json(body): Json<ChangeSensor>,
) -> Answer<Body<SensorView>> {
    let row = app.store.sensors().get(&id).await?.ok_or_else(no_sensor)?;
    let name = body.name.as_deref().map_or(Ok(row.name.as_str()), extract::name)?;
    let tags = body.tags.as_deref().map_or(Ok(row.tags.clone()), tags)?;
    let group = if body.group.is_some() { group(body.group.as_deref())? } else { row.grouped.as_deref() };
    let row = app.store.sensors().describe(&id, name, &tags, group).await?.ok_or_else(no_sensor)?;
    app.sensors.fleet.put(row);
    Ok(Body(one(&app, &id, Since { since: None }.millis()).await?))
}

/// What became of a sensor that was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// What is gone, in a sentence.
    #[schema(example = "“Front door” is gone, with everything that it saw.")]
    detail: String,
}

/// Removes a sensor with everything that it saw. Whoever only wants it out revokes it instead.
#[utoipa::path(delete, path = "/api/sensors/{id}", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<Removed>> {
    let row = app.store.sensors().get(&id).await?.ok_or_else(no_sensor)?;
    // It is out before it is gone, so that nothing more comes while its observations are removed piece by piece.
    app.store.sensors().revoke(&id, now()).await?;
    app.sensors.fleet.remove(&id);
    app.sensors.dismiss(&id);
    let key = row.key;
    to_its_end(async move {
        while app.store.observations().forget(key, Millis::MAX, PIECE).await? == u64::from(PIECE) {}
        app.store.sensors().delete(&id).await?;
        Ok(())
    })
    .await?;
    let detail = format!("“{}” is gone, with everything that it saw.", row.name);
    Ok(Body(Removed { detail }))
}

/// Observations that are removed in one transaction.
const PIECE: u32 = 5_000;

/// Throws a sensor out: its certificate does not count any more, and its connection ends within a second. What it saw stays.
#[utoipa::path(post, path = "/api/sensors/{id}/revoke", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 200, body = SensorView), (status = 404)))]
pub(crate) async fn revoke(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<SensorView>> {
    member(&app, &id)?;
    if app.store.sensors().revoke(&id, now()).await? {
        if let Some(row) = app.store.sensors().get(&id).await? {
            app.sensors.fleet.put(row);
        }
        app.sensors.dismiss(&id);
    }
    Ok(Body(one(&app, &id, Since { since: None }.millis()).await?))
}
