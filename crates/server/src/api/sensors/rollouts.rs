//! Models and apps on their way to sensors.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::rollouts::{Rollout, Stage};
use playhouse_store::{Millis, id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::files::ModelKind;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json};
use crate::house::sensors::rollouts::{advance, first, give, take_back, targets};
use crate::problem::{Answer, Problem};

/// Rollouts that are listed.
const LISTED: u32 = 100;

/// The longest that canaries are watched: a week.
const LONGEST: u32 = 7 * 24 * 60;

/// A new rollout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hash": "0f1e…", "group": "Shop", "canary_percent": 10, "minutes": 10}))]
pub(crate) struct NewRollout {
    /// Of the model or app.
    hash: String,
    /// To which group; all sensors where nothing is said.
    group: Option<String>,
    /// How many percent of them get it first, at least one sensor: 10 where nothing is said, 100 for all at once.
    canary_percent: Option<u32>,
    /// How many minutes those are watched before the others get it: 10 where nothing is said.
    minutes: Option<u32>,
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutView {
    id: String,
    kind: ModelKind,
    hash: String,
    name: String,
    group: Option<String>,
    canary_percent: u32,
    minutes: u32,
    /// `canary` while a part of the sensors is watched, then `done`, or `returned` to what was before.
    #[schema(example = "canary")]
    stage: &'static str,
    /// Why it was taken back.
    why: Option<String>,
    created: Millis,
    /// When it came to this stage.
    staged: Millis,
    /// How many sensors have it, or had it.
    reached: usize,
    /// How many it is for.
    sensors: usize,
}

/// Rollouts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutList {
    rollouts: Vec<RolloutView>,
}

async fn view(app: &Shared, rollout: Rollout) -> Answer<RolloutView> {
    let reached = app.store.rollouts().reached(&rollout.id).await?.len();
    Ok(RolloutView {
        sensors: targets(app, &rollout).len(),
        reached,
        kind: rollout.kind.into(),
        stage: match rollout.stage {
            Stage::Canary => "canary",
            Stage::Done => "done",
            Stage::Returned => "returned",
        },
        id: rollout.id,
        hash: rollout.hash,
        name: rollout.name,
        group: rollout.grouped,
        canary_percent: rollout.canary,
        minutes: rollout.minutes,
        why: rollout.why,
        created: rollout.created,
        staged: rollout.staged,
    })
}

async fn get(app: &Shared, id: &str) -> Answer<Rollout> {
    let rollout = app.store.rollouts().get(id).await?;
    rollout.ok_or_else(|| Problem::not_found("There is no such rollout."))
}

/// Rollouts, newest first.
#[utoipa::path(get, path = "/api/rollouts", tag = "Sensors", responses((status = 200, body = RolloutList)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<RolloutList>> {
    let mut rollouts = Vec::new();
    for rollout in app.store.rollouts().list(LISTED).await? {
        rollouts.push(view(&app, rollout).await?);
    }
    Ok(Body(RolloutList { rollouts }))
}

/// Gives a model or an app to a part of the sensors. If those do as well with it for some minutes, the others get it; if one
/// of them does worse, all get back what they had.
#[utoipa::path(post, path = "/api/rollouts", tag = "Sensors", request_body = NewRollout,
    responses((status = 201, body = RolloutView), (status = 409, description = "There is one under way, or no sensor."),
              (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Json(body): Json<NewRollout>,
) -> Answer<(StatusCode, Body<RolloutView>)> {
    let file = app.store.sensor_files().get(&body.hash).await?;
    let file = file.ok_or_else(|| {
        Problem::invalid("hash", "There is no model or app with this hash; bring it here first.")
    })?;
    let (canary, minutes) = (body.canary_percent.unwrap_or(10), body.minutes.unwrap_or(10));
    if !(1..=100).contains(&canary) {
        return Err(Problem::invalid("canary_percent", "Between 1 and 100 percent get it first."));
    }
    if minutes > LONGEST {
        return Err(Problem::invalid("minutes", format!("They are watched for {LONGEST} minutes at most.")));
    }
    let grouped = body.group.filter(|group| !group.is_empty());
    let watched = app.store.rollouts().watched().await?;
    if watched.iter().any(|other| {
        other.kind == file.kind && (other.grouped.is_none() || grouped.is_none() || other.grouped == grouped)
    }) {
        let detail = "Another rollout to these sensors is being watched: advance it or take it back first.";
        return Err(Problem::conflict(detail));
    }
    let rollout = Rollout {
        id: id::fresh(),
        kind: file.kind,
        hash: file.hash,
        name: file.name,
        grouped,
        canary,
        minutes,
        stage: Stage::Canary,
        why: None,
        created: now(),
        staged: now(),
    };
    let members = targets(&app, &rollout);
    if members.is_empty() {
        return Err(Problem::conflict("There is no enrolled sensor that it could go to."));
    }
    app.store.rollouts().put(&rollout).await?;
    let rollout = if canary == 100 {
        advance(&app, rollout).await?
    } else {
        give(&app, &rollout, &members[..first(members.len(), canary)]).await?;
        rollout
    };
    Ok((StatusCode::CREATED, Body(view(&app, rollout).await?)))
}

/// Gives it to all sensors that it is for, without waiting any longer.
#[utoipa::path(post, path = "/api/rollouts/{id}/advance", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 200, body = RolloutView), (status = 404), (status = 409)))]
pub(crate) async fn advance_now(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<RolloutView>> {
    let rollout = get(&app, &id).await?;
    if rollout.stage == Stage::Returned {
        return Err(Problem::conflict("This rollout was taken back; begin another one."));
    }
    let rollout = advance(&app, rollout).await?;
    Ok(Body(view(&app, rollout).await?))
}

/// Takes it back: each sensor that has it gets what it had before.
#[utoipa::path(post, path = "/api/rollouts/{id}/return", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 200, body = RolloutView), (status = 404)))]
pub(crate) async fn take_back_now(
    State(app): State<Shared>,
    Id(id): Id<String>,
) -> Answer<Body<RolloutView>> {
    let rollout = get(&app, &id).await?;
    let rollout = take_back(&app, rollout, "An owner took it back.".to_owned()).await?;
    Ok(Body(view(&app, rollout).await?))
}
