//! Many sensors: page by page, and all at a glance.

use std::collections::{BTreeMap, HashMap};

use axum::Json as Body;
use axum::extract::State;
use playhouse_store::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::{SensorView, Since, Today, view};
use crate::app::Shared;
use crate::extract::Params;
use crate::house::sensors::fleet::{Member, STATES};
use crate::house::sensors::listed::{Filter, order};
use crate::problem::{Answer, Problem};

/// Sensors on a page where nothing is said.
const USUAL: usize = 100;

/// The most sensors on a page: some 300 kB.
const MOST: usize = 200;

/// Characters of a question that count.
const LONGEST: usize = 100;

/// Which sensors.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Words, or parts of them, all of which stand in name, group or tags; the first hundred characters count.
    text: Option<String>,
    /// Of one group.
    group: Option<String>,
    /// With a tag.
    tag: Option<String>,
    /// `online`, `offline`, `waiting` or `revoked`.
    state: Option<String>,
}

/// Which sensors, and how many of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Words, or parts of them, all of which stand in name, group or tags; the first hundred characters count.
    text: Option<String>,
    /// Of one group.
    group: Option<String>,
    /// With a tag.
    tag: Option<String>,
    /// `online`, `offline`, `waiting` or `revoked`.
    state: Option<String>,
    /// So many; 100 where it is not said, 200 at most.
    limit: Option<usize>,
    /// Those that stand after the sensor with this id: what `next` of the answer before was.
    after: Option<String>,
    /// From when on today is counted, in unix milliseconds; midnight by the house's clock where it is not said.
    since: Option<Millis>,
}

/// Some sensors, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorList {
    sensors: Vec<SensorView>,
    /// How many there are on all pages together.
    total: usize,
    /// Where the list goes on: `after` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A sensor at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorBrief {
    id: String,
    #[schema(example = "Front door")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[schema(example = "online")]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<Millis>,
}

/// The fleet at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FleetMap {
    /// All that are asked for, in the order of the list.
    sensors: Vec<SensorBrief>,
    /// How many of the whole fleet are in each state.
    #[schema(value_type = Object, example = json!({"online": 9, "offline": 1, "waiting": 0, "revoked": 0}))]
    counts: BTreeMap<&'static str, usize>,
    /// All groups of the fleet, by name.
    groups: Vec<String>,
    /// All tags of the fleet, by name.
    tags: Vec<String>,
}

impl Which {
    fn filter(&self) -> Answer<Filter> {
        let state = self.state.as_deref().filter(|state| !state.is_empty());
        if let Some(state) = state.filter(|state| !STATES.contains(state)) {
            let detail = format!("There is no state `{state}`; these are: {}.", STATES.join(", "));
            return Err(Problem::invalid("state", detail));
        }
        let text = self.text.as_ref().map(|text| text.chars().take(LONGEST).collect::<String>());
        Ok(Filter::new(text.as_deref(), [self.group.as_deref(), self.tag.as_deref(), state]))
    }
}

impl SensorBrief {
    fn of(member: &Member) -> Self {
        let sensor = member.now();
        Self {
            id: sensor.row.id.clone(),
            name: sensor.row.name.clone(),
            group: sensor.row.grouped.clone(),
            state: sensor.state(),
            last_seen: sensor.seen,
        }
    }
}

/// Some sensors, by name: numbers in names count as numbers. Any id of `/api/sensors/map` may be `after`, so that a list can be
/// looked into anywhere.
#[utoipa::path(get, path = "/api/sensors", tag = "Sensors", params(Page),
    responses((status = 200, body = SensorList), (status = 422)))]
pub(crate) async fn list(State(app): State<Shared>, Params(page): Params<Page>) -> Answer<Body<SensorList>> {
    let Page { text, group, tag, state, limit, after, since } = page;
    let filter = Which { text, group, tag, state }.filter()?;
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
    let fleet = &app.sensors.fleet;
    let listed = fleet.listed(&filter);
    let from = match after.as_deref().filter(|after| !after.is_empty()) {
        None => 0,
        Some(after) => {
            let detail = "There is no such sensor to go on after (any more); begin the list anew.";
            let place = fleet.get(after).ok_or_else(|| Problem::invalid("after", detail))?.place();
            listed.partition_point(|(other, _)| *other <= place)
        }
    };
    let page = &listed[from..listed.len().min(from + limit)];
    let keys: Vec<i64> = page.iter().map(|(_, member)| member.key).collect();
    let sums = app.store.figures().since(Since { since }.millis(), &keys).await?;
    let today: HashMap<i64, Today> =
        sums.into_iter().map(|(key, ins, outs)| (key, Today { r#in: ins, out: outs })).collect();
    let of = |member: &Member| view(member, today.get(&member.key).copied().unwrap_or_default());
    let sensors: Vec<SensorView> = page.iter().map(|(_, member)| of(member)).collect();
    let more = from + page.len() < listed.len();
    let next = sensors.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Body(SensorList { sensors, total: listed.len(), next }))
}

/// The fleet at a glance, some hundred bytes for each sensor: those that are asked for, by name, and of the whole fleet how many
/// are in which state, its groups and its tags.
#[utoipa::path(get, path = "/api/sensors/map", tag = "Sensors", params(Which),
    responses((status = 200, body = FleetMap), (status = 422)))]
pub(crate) async fn map(State(app): State<Shared>, Params(which): Params<Which>) -> Answer<Body<FleetMap>> {
    let filter = which.filter()?;
    let mut counts: BTreeMap<&'static str, usize> = STATES.into_iter().map(|state| (state, 0)).collect();
    let (mut groups, mut tags) = (BTreeMap::new(), BTreeMap::new());
    for member in app.sensors.fleet.all() {
        let sensor = member.now();
        *counts.entry(sensor.state()).or_default() += 1;
        if let Some(group) = &sensor.row.grouped {
            note(&mut groups, group);
        }
        sensor.found.tags.iter().for_each(|tag| note(&mut tags, tag));
    }
    let listed = app.sensors.fleet.listed(&filter);
    let sensors = listed.iter().map(|(_, member)| SensorBrief::of(member)).collect();
    Ok(Body(FleetMap { sensors, counts, groups: sorted(groups), tags: sorted(tags) }))
}

/// Notes a name with its place among others.
fn note(names: &mut BTreeMap<String, String>, name: &str) {
    if !names.contains_key(name) {
        names.insert(name.to_owned(), order(name));
    }
}

/// Names in the order of their places.
fn sorted(names: BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().map(|(name, order)| (order, name)).collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}
