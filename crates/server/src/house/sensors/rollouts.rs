//! Models and apps on their way to sensors: a part of them first, which is watched; the others after it, or back to what
//! was before.

use std::time::Duration;

use playhouse_sense::enrolment::{AppReport, AppState, Health};
use playhouse_sense::settings::{AppRef, ModelRef, Settings};
use playhouse_store::rollouts::{Reached, Rollout, Stage};
use playhouse_store::sensor_files::Kind;
use playhouse_store::{Millis, StoreError};
use serde::{Deserialize, Serialize};

use crate::app::Shared;
use crate::clock::{MINUTE, now};
use crate::house::sensors::fleet::{Member, Now};
use crate::house::sensors::twin::desired;

/// How often canaries are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// How often a change is tried again that others' changes overtake.
const TRIES: usize = 5;

/// Below which part of the pictures a second that it looked at before a sensor is worse.
const SLOWER: f32 = 0.7;

/// A sensor that looks at fewer pictures a second than this says nothing by how many they are.
const SLOW: f32 = 1.0;

/// How long a canary may be away: as long as it takes to start it again.
const AWAY: Millis = 3 * MINUTE;

/// What a sensor had before a rollout reached it, and how it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// Its model.
    model: Option<ModelRef>,
    /// Its apps.
    apps: Vec<AppRef>,
    /// How it was, where it had said so.
    health: Option<Health>,
}

/// What is known of a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It does as well as before.
    Well,
    /// It has not said yet that it follows.
    Unknown,
    /// It does worse: why, in a sentence.
    Worse(String),
}

/// Judges a canary by how it was and how it is.
pub(crate) fn judge(before: &Before, version: i64, sensor: &Now, rollout: &Rollout, now: Millis) -> Verdict {
    let name = &sensor.row.name;
    let Some(reported) = &sensor.reported else { return Verdict::Unknown };
    if reported.version < version.cast_unsigned() {
        return Verdict::Unknown;
    }
    if let Some(why) = &reported.refused {
        return Verdict::Worse(format!("“{name}” refuses it: {why}"));
    }
    let seen = sensor.seen.unwrap_or_default().max(rollout.staged);
    if !sensor.online && now - seen > AWAY {
        return Verdict::Worse(format!("“{name}” has not come back since it had it."));
    }
    if rollout.kind == Kind::App {
        match reported.apps.iter().find(|app| app.hash == rollout.hash) {
            Some(AppReport { state: AppState::Running, .. }) => {}
            Some(AppReport { state: AppState::Stopped, why, name: app, .. }) => {
                let why = why.as_deref().unwrap_or("it does not say why");
                return Verdict::Worse(format!("“{name}” has stopped “{app}”: {why}."));
            }
            // It is still being fetched, or the agent knows nothing of apps.
            Some(AppReport { state: AppState::Waiting, .. }) | None => return Verdict::Unknown,
        }
    }
    let (Some(health), Some(earlier)) = (&sensor.health, &before.health) else { return Verdict::Well };
    if let (Some(why), None) = (&health.camera, &earlier.camera) {
        return Verdict::Worse(format!("“{name}” sees nothing since it had it: {why}"));
    }
    if earlier.fps >= SLOW && health.fps < earlier.fps * SLOWER {
        let (was, is) = (earlier.fps, health.fps);
        return Verdict::Worse(format!(
            "“{name}” looks at {is:.1} pictures a second with it, and at {was:.1} without."
        ));
    }
    if health.lost > earlier.lost {
        return Verdict::Worse(format!("“{name}” loses observations since it had it: its outbox is full."));
    }
    Verdict::Well
}

/// The sensors that a rollout is for, oldest first.
pub(crate) fn targets(app: &Shared, rollout: &Rollout) -> Vec<std::sync::Arc<Member>> {
    let mut all = app.sensors.fleet.all();
    all.retain(|member| {
        let now = member.now();
        let in_group = rollout.grouped.is_none() || rollout.grouped == now.row.grouped;
        in_group && now.row.revoked.is_none() && now.row.enrolled.is_some()
    });
    all
}

/// How many of so many get it first: at least one.
pub(crate) fn first(all: usize, canary: u32) -> usize {
    (all * canary.clamp(1, 100) as usize).div_ceil(100).min(all)
}

fn with(settings: &mut Settings, rollout: &Rollout) {
    let (name, hash) = (rollout.name.clone(), rollout.hash.clone());
    match rollout.kind {
        Kind::Model => settings.model = Some(ModelRef { name, hash }),
        Kind::App => {
            settings.apps.retain(|app| app.name != name);
            settings.apps.push(AppRef { name, hash });
        }
    }
}

/// Changes what a sensor is to do; gives the version and the settings of before.
async fn settle(
    app: &Shared,
    id: &str,
    change: impl Fn(&mut Settings),
) -> Result<Option<(i64, Settings)>, StoreError> {
    for _ in 0..TRIES {
        let Some(row) = app.store.sensors().get(id).await? else { return Ok(None) };
        let before = desired(&row).settings;
        let mut settings = before.clone();
        change(&mut settings);
        if settings == before {
            return Ok(Some((row.version, before)));
        }
        let text = serde_json::to_string(&settings).unwrap_or_default();
        if let Some(row) = app.store.sensors().settle(id, row.version, &text).await? {
            app.sensors.follow(&row);
            return Ok(Some((row.version, before)));
        }
    }
    Ok(None)
}

/// Gives it to sensors that have not got it.
pub(crate) async fn give(
    app: &Shared,
    rollout: &Rollout,
    members: &[std::sync::Arc<Member>],
) -> Result<(), StoreError> {
    let reached = app.store.rollouts().reached(&rollout.id).await?;
    for member in members {
        let (id, health) = {
            let now = member.now();
            (now.row.id.clone(), now.health.clone())
        };
        if reached.iter().any(|reached| reached.sensor == id) {
            continue;
        }
        // Written down before it is done, so that the way back is known whatever happens in between.
        let Some(row) = app.store.sensors().get(&id).await? else { continue };
        let settings = desired(&row).settings;
        let before = Before { model: settings.model, apps: settings.apps, health };
        let before = serde_json::to_string(&before).unwrap_or_default();
        let mut reached = Reached { sensor: id.clone(), version: row.version + 1, before };
        app.store.rollouts().reach(&rollout.id, &reached).await?;
        if let Some((version, _)) = settle(app, &id, |settings| with(settings, rollout)).await? {
            reached.version = version;
            app.store.rollouts().reach(&rollout.id, &reached).await?;
        }
    }
    Ok(())
}

/// Takes it back from all sensors that have it, and says why.
pub(crate) async fn take_back(
    app: &Shared,
    mut rollout: Rollout,
    why: String,
) -> Result<Rollout, StoreError> {
    for reached in app.store.rollouts().reached(&rollout.id).await? {
        let Ok(before) = serde_json::from_str::<Before>(&reached.before) else { continue };
        let back = |settings: &mut Settings| match rollout.kind {
            // Whoever has something else by now was told so by somebody else since.
            Kind::Model => {
                if settings.model.as_ref().is_some_and(|model| model.hash == rollout.hash) {
                    settings.model.clone_from(&before.model);
                }
            }
            Kind::App => {
                let ours = |app: &AppRef| app.hash == rollout.hash;
                if settings.apps.iter().any(ours) {
                    settings.apps.retain(|app| !ours(app));
                    settings.apps.extend(before.apps.iter().filter(|app| app.name == rollout.name).cloned());
                }
            }
        };
        settle(app, &reached.sensor, back).await?;
    }
    (rollout.stage, rollout.why, rollout.staged) = (Stage::Returned, Some(why), now());
    app.store.rollouts().put(&rollout).await?;
    Ok(rollout)
}

/// Gives it to all that it is for.
pub(crate) async fn advance(app: &Shared, mut rollout: Rollout) -> Result<Rollout, StoreError> {
    give(app, &rollout, &targets(app, &rollout)).await?;
    (rollout.stage, rollout.staged) = (Stage::Done, now());
    app.store.rollouts().put(&rollout).await?;
    Ok(rollout)
}

/// Watches canaries for as long as the program runs.
pub(crate) async fn keep(app: Shared) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = watch(&app).await {
            tracing::warn!(%error, "rollouts cannot be looked after; it is tried again");
        }
    }
}

async fn watch(app: &Shared) -> Result<(), StoreError> {
    for rollout in app.store.rollouts().watched().await? {
        let reached = app.store.rollouts().reached(&rollout.id).await?;
        let verdicts: Vec<Verdict> =
            reached.iter().filter_map(|reached| look(app, &rollout, reached)).collect();
        let worse = verdicts.iter().find_map(|verdict| match verdict {
            Verdict::Worse(why) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = worse {
            tracing::warn!(rollout = rollout.id, why, "a rollout is taken back");
            take_back(app, rollout, why).await?;
            continue;
        }
        let time = now() - rollout.staged >= Millis::from(rollout.minutes) * MINUTE;
        if time && !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Verdict::Well) {
            advance(app, rollout).await?;
        }
    }
    Ok(())
}

fn look(app: &Shared, rollout: &Rollout, reached: &Reached) -> Option<Verdict> {
    let member = app.sensors.fleet.get(&reached.sensor)?;
    let before = serde_json::from_str(&reached.before).ok()?;
    let sensor = member.now();
    Some(judge(&before, reached.version, &sensor, rollout, now()))
}

#[cfg(test)]
mod tests {
    use playhouse_sense::enrolment::Reported;
    use playhouse_store::sensors::Sensor;

    use super::*;
    use crate::house::sensors::fleet::Troubles;
    use crate::house::sensors::listed::Found;

    fn sensor(health: Health, reported: Reported) -> Now {
        let row = Sensor {
            key: 1,
            id: "a".into(),
            name: "Door".into(),
            tags: "[]".into(),
            grouped: None,
            created: 0,
            enrolled: Some(1),
            expires: None,
            serials: "[]".into(),
            revoked: None,
            seen: None,
            version: 2,
            settings: "{}".into(),
            reported: None,
        };
        Now {
            found: Found::of(&row),
            row,
            serials: Vec::new(),
            online: true,
            seen: Some(0),
            health: Some(health),
            reported: Some(reported),
            troubles: Troubles::default(),
        }
    }

    fn rollout(kind: Kind) -> Rollout {
        Rollout {
            id: "r".into(),
            kind,
            hash: "0f".into(),
            name: "New".into(),
            grouped: None,
            canary: 10,
            minutes: 10,
            stage: Stage::Canary,
            why: None,
            created: 0,
            staged: 0,
        }
    }

    #[test]
    fn a_canary_that_stops_an_app_says_why_and_one_that_has_it_not_yet_says_nothing() {
        let before = Before { model: None, apps: Vec::new(), health: None };
        let judged = |apps: &[(&str, AppState, Option<&str>)]| {
            let report = |&(hash, state, why): &(&str, AppState, Option<&str>)| {
                let (name, hash, why) = ("Queue".to_owned(), hash.to_owned(), why.map(str::to_owned));
                AppReport { name, hash, state, why }
            };
            let apps = apps.iter().map(report).collect();
            let reported = Reported { version: 2, apps, ..Reported::default() };
            judge(&before, 2, &sensor(Health::default(), reported), &rollout(Kind::App), 0)
        };
        let (running, waiting, stopped) = (AppState::Running, AppState::Waiting, AppState::Stopped);
        assert_eq!(judged(&[]), Verdict::Unknown);
        assert_eq!(judged(&[("0e", running, None), ("0f", waiting, Some("not there"))]), Verdict::Unknown);
        assert_eq!(judged(&[("0f", running, None)]), Verdict::Well);
        // Another one that was stopped is none of this rollout's business.
        assert_eq!(judged(&[("0e", stopped, Some("it trapped")), ("0f", running, None)]), Verdict::Well);
        let why = "“Door” has stopped “Queue”: it trapped.".to_owned();
        assert_eq!(judged(&[("0f", stopped, Some("it trapped"))]), Verdict::Worse(why));
    }

    #[test]
    fn a_canary_that_does_worse_says_why() {
        let health = |fps| Health { fps, ..Health::default() };
        let before = Before { model: None, apps: Vec::new(), health: Some(health(10.0)) };
        let follows = |version| Reported { version, ..Reported::default() };
        let judged = |sensor: &Now, at| judge(&before, 2, sensor, &rollout(Kind::Model), at);
        assert_eq!(judged(&sensor(health(10.0), follows(1)), 0), Verdict::Unknown);
        assert_eq!(judged(&sensor(health(9.0), follows(2)), 0), Verdict::Well);
        let says = |verdict, part: &str| matches!(verdict, Verdict::Worse(why) if why.contains(part));
        assert!(says(judged(&sensor(health(6.0), follows(2)), 0), "6.0 pictures a second"));
        let refused = Reported { refused: Some("it is corrupt".into()), ..follows(2) };
        assert!(says(judged(&sensor(health(10.0), refused), 0), "corrupt"));
        let mut gone = sensor(health(10.0), follows(2));
        gone.online = false;
        assert_eq!(judged(&gone, AWAY), Verdict::Well);
        assert!(says(judged(&gone, AWAY + 1), "not come back"));
        let blind = Health { camera: Some("unplugged".into()), ..health(10.0) };
        assert!(says(judged(&sensor(blind, follows(2)), 0), "unplugged"));
        let losing = Health { lost: 1, ..health(10.0) };
        assert!(says(judged(&sensor(losing, follows(2)), 0), "loses"));
    }

    #[test]
    fn a_part_of_few_is_one() {
        assert_eq!((first(3, 10), first(100, 10), first(0, 10), first(2, 100)), (1, 10, 0, 2));
    }
}
