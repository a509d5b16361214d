//! What a sensor's observations add up to.

use std::collections::BTreeMap;

use axum::Json as Body;
use axum::extract::State;
use playhouse_sense::settings::Settings;
use playhouse_store::Millis;
use playhouse_store::figures::{Crossings, Stays};
use playhouse_store::tallies::{self, Stay, spread};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sensors::member;
use crate::app::Shared;
use crate::clock::{DAY, HOUR, MINUTE, now};
use crate::extract::{Id, Params};
use crate::house::sensors::twin::desired;
use crate::problem::{Answer, Problem};

/// Spans in one answer, at most: two days by minute, some months by hour.
const MOST: Millis = 3_000;

/// A span of time, and how it is divided.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// From when on; a day ago where it is not said.
    from: Option<Millis>,
    /// Before when; now where it is not said.
    to: Option<Millis>,
    /// `minute`, `hour` (which it is where nothing is said) or `day`.
    by: Option<String>,
    /// How many minutes the place is ahead of UTC, so that days begin at its midnight.
    offset: Option<i32>,
}

/// What crossed a line in a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineRow {
    at: Millis,
    r#in: i64,
    out: i64,
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    id: u16,
    /// Empty where the line is gone.
    name: String,
    rows: Vec<LineRow>,
}

/// What was in a zone in a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ZoneRow {
    at: Millis,
    /// The most at a time.
    most: i64,
    /// How many there were on the average.
    mean: f64,
    /// How often something went in.
    entered: i64,
    /// How long those that went out had been there, in milliseconds, on the average.
    dwelt_ms: i64,
}

/// A zone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ZoneView {
    id: u16,
    /// Empty where the zone is gone.
    name: String,
    rows: Vec<ZoneRow>,
}

/// What was counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    lines: Vec<LineView>,
    zones: Vec<ZoneView>,
}

/// Where things stood.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeatView {
    columns: u8,
    rows: u8,
    /// Index (row by row) and tenths of a second.
    #[schema(value_type = Vec<Vec<i64>>)]
    cells: Vec<(u16, i64)>,
}

/// How a span is divided: the sums that are used, and the length of a part.
struct Division {
    span: Millis,
    by: Millis,
    offset: Millis,
    from: Millis,
    to: Millis,
}

impl Span {
    fn division(&self) -> Answer<Division> {
        let (span, by) = match self.by.as_deref() {
            Some("minute") => (MINUTE, MINUTE),
            None | Some("hour") => (HOUR, HOUR),
            Some("day") => (HOUR, DAY),
            Some(_) => return Err(Problem::invalid("by", "`by` is `minute`, `hour` or `day`.")),
        };
        let offset = Millis::from(self.offset.unwrap_or_default()) * MINUTE;
        if offset.abs() > DAY {
            return Err(Problem::invalid(
                "offset",
                "`offset` is a number of minutes, at most a day of them.",
            ));
        }
        let (to, from) = (self.to.unwrap_or_else(now), self.from);
        let from = from.unwrap_or(to.saturating_sub(DAY));
        if from >= to {
            return Err(Problem::invalid("from", "`from` has to come before `to`."));
        }
        if to.saturating_sub(from) / by > MOST {
            let detail = format!(
                "That would be more than {MOST} rows of each line: ask for less, or by longer spans."
            );
            return Err(Problem::invalid("from", detail));
        }
        // Whole spans: what begins within the asked time, and the one in which it begins.
        let from = (from + offset).div_euclid(by) * by - offset;
        Ok(Division { span, by, offset, from: from.max(0), to })
    }
}

fn lines(rows: Vec<Crossings>, settings: &Settings) -> Vec<LineView> {
    let mut by_line: BTreeMap<u16, Vec<LineRow>> =
        settings.lines.iter().map(|line| (line.id, Vec::new())).collect();
    for row in rows {
        by_line.entry(row.line).or_default().push(LineRow { at: row.at, r#in: row.ins, out: row.outs });
    }
    let name = |id| settings.lines.iter().find(|line| line.id == id).map(|line| line.name.clone());
    let view = |(id, rows)| LineView { id, name: name(id).unwrap_or_default(), rows };
    by_line.into_iter().map(view).collect()
}

fn zones(rows: BTreeMap<(u16, Millis), Stay>, settings: &Settings, by: Millis, now: Millis) -> Vec<ZoneView> {
    let mut by_zone: BTreeMap<u16, Vec<ZoneRow>> =
        settings.zones.iter().map(|zone| (zone.id, Vec::new())).collect();
    for ((zone, at), stay) in rows {
        let past = (now.min(at + by) - at).max(1);
        by_zone.entry(zone).or_default().push(ZoneRow {
            at,
            most: i64::from(stay.most),
            mean: ((stay.present as f64 / past as f64) * 1000.0).round() / 1000.0,
            entered: stay.entered,
            dwelt_ms: stay.dwelt / stay.exited.max(1),
        });
    }
    let name = |id| settings.zones.iter().find(|zone| zone.id == id).map(|zone| zone.name.clone());
    let view = |(id, rows)| ZoneView { id, name: name(id).unwrap_or_default(), rows };
    by_zone.into_iter().map(view).collect()
}

fn stay(row: &Stays) -> Stay {
    let most = u16::try_from(row.most).unwrap_or(u16::MAX);
    Stay { most, present: row.present, entered: row.entered, exited: row.exited, dwelt: row.dwelt }
}

/// How many crossed a sensor's lines, and how many were in its zones.
#[utoipa::path(get, path = "/api/sensors/{id}/counts", tag = "Sensors", params(("id" = String, Path), Span),
    responses((status = 200, body = Counts), (status = 404), (status = 422)))]
pub(crate) async fn counts(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(span): Params<Span>,
) -> Answer<Body<Counts>> {
    let sensor = member(&app, &id)?;
    let settings = desired(&sensor.now().row).settings;
    let Division { span, by, offset, from, to } = span.division()?;
    let figures = app.store.figures();
    let crossings = figures.crossings(sensor.key, span, by, offset, from, to).await?;
    let stays = figures.stays(sensor.key, span, by, offset, from, to).await?;
    let mut stays: BTreeMap<(u16, Millis), Stay> =
        stays.iter().map(|row| ((row.zone, row.at), stay(row))).collect();
    // Whoever is in a zone now has not been added up yet: that happens when the next word comes.
    let now = now();
    for (zone, present) in figures.occupancies(sensor.key).await? {
        spread(present.count, present.since, now.min(to), span, |at, change| {
            if at >= from && at < to {
                let at = (at + offset).div_euclid(by) * by - offset;
                change(stays.entry((zone, at)).or_default());
            }
        });
    }
    let (lines, zones) = (lines(crossings, &settings), zones(stays, &settings, by, now));
    Ok(Body(Counts { lines, zones }))
}

/// Where things stood, added up by hours. Cells in which nothing stood are left out.
#[utoipa::path(get, path = "/api/sensors/{id}/heat", tag = "Sensors", params(("id" = String, Path), Span),
    responses((status = 200, body = HeatView), (status = 404), (status = 422)))]
pub(crate) async fn heat(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(span): Params<Span>,
) -> Answer<Body<HeatView>> {
    let sensor = member(&app, &id)?;
    let to = span.to.unwrap_or_else(now);
    let from = span.from.unwrap_or(to.saturating_sub(DAY));
    let hour = from.div_euclid(tallies::HOUR) * tallies::HOUR;
    let heat = app.store.figures().heat(sensor.key, hour, to).await?;
    let view = heat.map(|heat| HeatView { columns: heat.columns, rows: heat.rows, cells: heat.cells });
    Ok(Body(view.unwrap_or(HeatView { columns: 0, rows: 0, cells: Vec::new() })))
}
