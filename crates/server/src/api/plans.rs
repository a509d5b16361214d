//! Plans: what accounts may have, made by owners and given to accounts.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::Millis;
use playhouse_store::plans::Plan;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::profiles::said;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::house::recordings::QUOTA_HOURS;
use crate::problem::{Answer, Problem};

/// Streams that a plan may give: a household with a screen in every room.
const MOST_STREAMS: u32 = 32;

/// Hours of recordings that a plan may give: more than a disk holds.
const MOST_HOURS: u32 = 10_000;

/// All plans, and what accounts have without one.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name in the API")]
pub(crate) struct Plans {
    plans: Vec<PlanView>,
    /// Films and channels at a time of accounts that have no plan, or one that says nothing about it.
    #[schema(example = 4)]
    usual_streams: u32,
    /// Hours of recordings of these.
    #[schema(example = 200)]
    usual_recording_hours: u64,
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    id: String,
    #[schema(example = "Family")]
    name: String,
    /// Films and channels that an account may watch at a time; null is what the house gives everybody.
    #[schema(example = 6)]
    streams: Option<u32>,
    /// Hours that its recordings may have; null is what the house gives everybody.
    #[schema(example = 500)]
    recording_hours: Option<u32>,
    /// How many accounts have it.
    accounts: i64,
    created: Millis,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let Plan { id, name, streams, recording_hours, created, accounts } = plan;
        Self { id, name, streams, recording_hours, accounts, created }
    }
}

/// A new plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Family", "streams": 6, "recording_hours": 500}))]
pub(crate) struct NewPlan {
    name: String,
    /// 1 to 32; null is what the house gives everybody.
    streams: Option<u32>,
    /// 0 to 10,000; null is what the house gives everybody.
    recording_hours: Option<u32>,
}

/// What to change in a plan.
#[expect(clippy::option_option, reason = "left out stays, null takes away: JSON has both")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"streams": 2}))]
pub(crate) struct ChangePlan {
    name: Option<String>,
    /// 1 to 32; null is what the house gives everybody.
    #[serde(default, deserialize_with = "said")]
    streams: Option<Option<u32>>,
    /// 0 to 10,000; null is what the house gives everybody.
    #[serde(default, deserialize_with = "said")]
    recording_hours: Option<Option<u32>>,
}

fn streams(streams: Option<u32>) -> Answer<Option<u32>> {
    if streams.is_none_or(|streams| (1..=MOST_STREAMS).contains(&streams)) {
        return Ok(streams);
    }
    Err(Problem::invalid("streams", format!("A plan gives 1 to {MOST_STREAMS} streams at a time, or null.")))
}

fn hours(hours: Option<u32>) -> Answer<Option<u32>> {
    if hours.is_none_or(|hours| hours <= MOST_HOURS) {
        return Ok(hours);
    }
    let detail = format!("A plan gives 0 to {MOST_HOURS} hours of recordings, or null.");
    Err(Problem::invalid("recording_hours", detail))
}

/// There is no such plan.
pub(crate) fn no_plan() -> Problem {
    Problem::not_found("There is no such plan (any more).")
}

async fn view(app: &Shared, id: &str) -> Answer<Body<PlanView>> {
    Ok(Body(app.store.plans().get(id).await?.ok_or_else(no_plan)?.into()))
}

/// All plans by name.
#[utoipa::path(get, path = "/api/plans", tag = "Accounts", responses((status = 200, body = Plans)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<Plans>> {
    let plans = app.store.plans().all().await?.into_iter().map(Into::into).collect();
    Ok(Body(Plans { plans, usual_streams: app.config.streams, usual_recording_hours: QUOTA_HOURS }))
}

/// Makes a plan. `PATCH /api/accounts/{id}` gives it to an account.
#[utoipa::path(post, path = "/api/plans", tag = "Accounts", request_body = NewPlan,
    responses((status = 201, body = PlanView), (status = 409, description = "The name is taken."), (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Json(body): Json<NewPlan>,
) -> Answer<(StatusCode, Body<PlanView>)> {
    let name = extract::name(&body.name)?;
    let (streams, hours) = (streams(body.streams)?, hours(body.recording_hours)?);
    let id = app.store.plans().create(name, streams, hours, now()).await?;
    Ok((StatusCode::CREATED, view(&app, &id).await?))
}

/// Changes a plan, for all accounts that have it.
#[utoipa::path(patch, path = "/api/plans/{id}", tag = "Accounts", params(("id" = String, Path)),
    request_body = ChangePlan,
    responses((status = 200, body = PlanView), (status = 404), (status = 409, description = "The name is taken."),
              (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Json(body): Json<ChangePlan>,
) -> Answer<Body<PlanView>> {
    let mut plan = app.store.plans().get(&id).await?.ok_or_else(no_plan)?;
    if let Some(name) = &body.name {
        extract::name(name)?.clone_into(&mut plan.name);
    }
    if let Some(new) = body.streams {
        plan.streams = streams(new)?;
    }
    if let Some(new) = body.recording_hours {
        plan.recording_hours = hours(new)?;
    }
    app.store.plans().update(&plan).await?;
    view(&app, &id).await
}

/// Takes a plan away; accounts that had it have what the house gives everybody.
#[utoipa::path(delete, path = "/api/plans/{id}", tag = "Accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    if app.store.plans().delete(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_plan()) }
}
