//! Rules: when sensors see something, something is done.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_sense::observation::Event;
use playhouse_sense::rule::{Firing, MOST_RULES, Rule, dry_run};
use playhouse_store::observations::Listed;
use playhouse_store::sensor_rules::Webhook;
use playhouse_store::{Millis, id};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{Id, Json, Params};
use crate::house::sensors::doors::capital;
use crate::house::sensors::rules::act::{NoticeView, named};
use crate::house::sensors::rules::ahead;
use crate::problem::{Answer, Problem};

/// Calls that are listed.
const CALLS: u32 = 50;

/// Observations that a dry run looks at, at most: some weeks of a busy shop.
const MOST_TRIED: usize = 500_000;

/// Observations that are read at a time.
const PAGE: u32 = 5_000;

/// Firings of a dry run that are told.
const MOST_FIRINGS: usize = 1_000;

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorRule {
    /// Name, sensors, `when`, `then`, quiet times, cooldown: as it was made.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rule: Rule,
    /// What its calls are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// All rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorRuleList {
    rules: Vec<SensorRule>,
}

/// A rule, without an id.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"name": "Queue", "when": {"kind": "count", "zone": 1, "level": {"over": {"limit": 4, "slack": 1}},
    "for_s": 30}, "then": [{"do": "notice", "text": "Open another till"}], "cooldown_s": 300}))]
#[expect(dead_code, reason = "describes `Rule`, which knows nothing of OpenAPI")]
pub(crate) struct RuleBody {
    name: String,
    /// Whether it is in force, which it is where nothing is said.
    on: Option<bool>,
    /// By id; all where there is none.
    sensors: Vec<String>,
    /// What has to be seen: `count`, `crossings`, `dwell`, `absence`, `schedule` or `app`.
    #[schema(value_type = Object)]
    when: Value,
    /// What is done: `notice`, `webhook`, `mqtt` or `clip`.
    #[schema(value_type = Vec<Object>)]
    then: Vec<Value>,
    /// When it keeps quiet.
    #[schema(value_type = Vec<Object>)]
    quiet: Vec<Value>,
    /// For how many seconds it does nothing more for a sensor once it did something.
    cooldown_s: u32,
}

/// A rule to try, and on what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": {"name": "Queue", "when": {"kind": "count", "zone": 1, "level": {"over": {"limit": 4}}},
    "then": [{"do": "notice"}]}}))]
pub(crate) struct Trial {
    #[schema(value_type = Object)]
    rule: Value,
    /// From when on; a week ago where it is not said.
    from: Option<Millis>,
    /// Before when; now where it is not said.
    to: Option<Millis>,
}

/// What a rule would have done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tried {
    /// How many observations it was held against.
    observations: usize,
    /// Whether there were more than can be looked at, so that only the newest of each sensor were.
    cut: bool,
    /// How often it would have done something.
    fired: usize,
    /// The first thousand of these.
    firings: Vec<FiringView>,
}

/// When a rule would have done something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiringView {
    sensor: String,
    at: u64,
    figure: f64,
    #[schema(example = "5 in zone 1")]
    text: String,
}

/// A call that a rule made, or is to make.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallView {
    url: String,
    created: Millis,
    tries: u32,
    /// When it is tried next; null when it is done or given up.
    next: Option<Millis>,
    done: Option<Millis>,
    /// Why it failed the last time.
    why: Option<String>,
}

/// The newest calls of a rule, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallList {
    calls: Vec<CallView>,
}

/// Which notices.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    /// Older than the one of this number.
    before: Option<i64>,
    /// So many, 200 at most.
    limit: Option<u32>,
}

/// What rules told of, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeList {
    notices: Vec<NoticeView>,
}

fn no_rule() -> Problem {
    Problem::not_found("There is no such rule (any more).")
}

fn view(app: &Shared, rule: Rule) -> SensorRule {
    let calls = rule.then.iter().any(|then| matches!(then, playhouse_sense::rule::Then::Webhook { .. }));
    let secret = calls.then(|| app.sensors.rules.signer.secret(&rule.id));
    SensorRule { rule, secret }
}

fn checked(mut rule: Value, id: &str) -> Answer<Rule> {
    let unfit = |detail: String| Problem::invalid("rule", format!("{}.", capital(&detail)));
    let Some(fields) = rule.as_object_mut() else { return Err(unfit("a rule is an object".into())) };
    fields.insert("id".into(), id.into());
    let rule: Rule = serde_json::from_value(rule).map_err(|error| unfit(error.to_string()))?;
    rule.check().map_err(|invalid| unfit(invalid.to_string()))?;
    Ok(rule)
}

async fn keep(app: &Shared, rule: &Rule) -> Answer<()> {
    let text =
        serde_json::to_string(rule).map_err(|error| Problem::internal("Writing a rule down", &error))?;
    app.store.sensor_rules().put(&rule.id, &text, now()).await?;
    app.sensors.rules.load(&app.store).await?;
    Ok(())
}

/// All rules, oldest first.
#[utoipa::path(get, path = "/api/sensor-rules", tag = "Sensors", responses((status = 200, body = SensorRuleList)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<SensorRuleList>> {
    let rules = app.sensors.rules.all();
    Ok(Body(SensorRuleList { rules: rules.into_iter().map(|rule| view(&app, rule)).collect() }))
}

/// Makes a rule. Calls of addresses are signed: `X-Playhouse-Signature: t=<unix seconds>,v1=<HMAC-SHA-256 of
/// "<unix seconds>.<body>" by the rule's secret, in hexadecimal>`, and tried again for some hours.
#[utoipa::path(post, path = "/api/sensor-rules", tag = "Sensors", request_body = RuleBody,
    responses((status = 201, body = SensorRule), (status = 409), (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Json(body): Json<Value>,
) -> Answer<(StatusCode, Body<SensorRule>)> {
    let rule = checked(body, &id::fresh())?;
    if app.sensors.rules.all().len() >= MOST_RULES {
        return Err(Problem::conflict(format!(
            "There are {MOST_RULES} rules, which is as many as there can be."
        )));
    }
    keep(&app, &rule).await?;
    Ok((StatusCode::CREATED, Body(view(&app, rule))))
}

/// Puts another rule in the place of one.
#[utoipa::path(put, path = "/api/sensor-rules/{id}", tag = "Sensors", params(("id" = String, Path)),
    request_body = RuleBody, responses((status = 200, body = SensorRule), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Json(body): Json<Value>,
) -> Answer<Body<SensorRule>> {
    app.sensors.rules.get(&id).ok_or_else(no_rule)?;
    let rule = checked(body, &id)?;
    keep(&app, &rule).await?;
    Ok(Body(view(&app, rule)))
}

/// Removes a rule, and the calls that it still had to make.
#[utoipa::path(delete, path = "/api/sensor-rules/{id}", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    if !app.store.sensor_rules().delete(&id).await? {
        return Err(no_rule());
    }
    app.sensors.rules.load(&app.store).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The newest calls of addresses that a rule made, or is to make.
#[utoipa::path(get, path = "/api/sensor-rules/{id}/calls", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 200, body = CallList), (status = 404)))]
pub(crate) async fn calls(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<CallList>> {
    app.sensors.rules.get(&id).ok_or_else(no_rule)?;
    let of = |call: Webhook| {
        let Webhook { url, created, tries, next, done, why, .. } = call;
        CallView { url, created, tries, next, done, why }
    };
    let calls = app.store.sensor_rules().calls(&id, CALLS).await?;
    Ok(Body(CallList { calls: calls.into_iter().map(of).collect() }))
}

/// What rules told of, newest first.
#[utoipa::path(get, path = "/api/notices", tag = "Sensors", params(Before),
    responses((status = 200, body = NoticeList)))]
pub(crate) async fn notices(
    State(app): State<Shared>,
    Params(which): Params<Before>,
) -> Answer<Body<NoticeList>> {
    let limit = which.limit.unwrap_or(50).clamp(1, 200);
    let notices = app.store.sensor_rules().notices(which.before.unwrap_or(i64::MAX), limit).await?;
    Ok(Body(NoticeList { notices: notices.into_iter().map(Into::into).collect() }))
}

/// Tries a rule on what was recorded: says when it would have done something, and does nothing.
#[utoipa::path(post, path = "/api/sensor-rules/dry-run", tag = "Sensors", request_body = Trial,
    responses((status = 200, body = Tried), (status = 422)))]
pub(crate) async fn try_out(State(app): State<Shared>, Json(body): Json<Trial>) -> Answer<Body<Tried>> {
    let rule = checked(body.rule, "")?;
    let to = body.to.unwrap_or_else(now);
    let from = body.from.unwrap_or(to - 7 * DAY);
    let mut recorded: Vec<(String, Event)> = Vec::new();
    let mut cut = false;
    for member in app.sensors.fleet.all() {
        let sensor = member.now().row.id.clone();
        if rule.is_about(&sensor) {
            cut |= !recall(&app, member.key, &sensor, from, to, &mut recorded).await?;
        }
    }
    let ahead = ahead(to);
    let work = tokio::task::spawn_blocking(move || {
        recorded.sort_by_key(|(_, event)| (event.at, event.seq));
        let events = recorded.iter().map(|(sensor, event)| (sensor.as_str(), event));
        (recorded.len(), dry_run(&rule, ahead, events))
    });
    let (observations, firings) = work.await.map_err(|error| Problem::internal("Trying a rule", &error))?;
    let fired = firings.len();
    let of = |firing: &Firing| FiringView {
        sensor: firing.sensor.clone(),
        at: firing.at,
        figure: firing.figure,
        text: named(&app, firing).1,
    };
    let firings = firings.iter().take(MOST_FIRINGS).map(of).collect();
    Ok(Body(Tried { observations, cut, fired, firings }))
}

/// Reads what a sensor saw; false where there was more than can be looked at.
async fn recall(
    app: &Shared,
    key: i64,
    sensor: &str,
    from: Millis,
    to: Millis,
    recorded: &mut Vec<(String, Event)>,
) -> Answer<bool> {
    let mut listed =
        Listed { sensor: key, from, to, kind: None, line: None, zone: None, after: None, limit: PAGE };
    loop {
        let kept = app.store.observations().list(listed).await?;
        let Some(last) = kept.last() else { return Ok(true) };
        listed.after = Some((last.at, last.epoch, last.seq));
        for kept in &kept {
            if recorded.len() >= MOST_TRIED {
                return Ok(false);
            }
            if let Ok(what) = serde_json::from_str(&kept.what) {
                let (seq, at) = (kept.seq.cast_unsigned(), u64::try_from(kept.at).unwrap_or_default());
                recorded.push((sensor.to_owned(), Event { seq, at, what }));
            }
        }
    }
}
