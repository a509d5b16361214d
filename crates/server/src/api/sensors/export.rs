//! What a sensor saw, as a table to take away: CSV, and Parquet.

use std::fmt::Write as _;

use axum::body::{Body as Stream, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use playhouse_store::StoreError;
use playhouse_store::observations::{Kept, Listed};
use serde_json::Value;

use crate::api::sensors::member;
use crate::api::sensors::seen::{MOST, Place, Which};
use crate::app::Shared;
use crate::extract::{Id, Params};
use crate::house::sensors::parquet::{Cell, Kind, Table};
use crate::problem::Answer;

/// Observations in a group of rows of Parquet: what is held in memory, some megabytes.
const GROUP: usize = 20_000;

/// The columns, in the order of both kinds of table.
const COLUMNS: &[(&str, Kind)] = &[
    ("at", Kind::Time),
    ("kind", Kind::Text),
    ("line", Kind::Integer),
    ("zone", Kind::Integer),
    ("track", Kind::Integer),
    ("label", Kind::Integer),
    ("direction", Kind::Text),
    ("count", Kind::Integer),
    ("dwelt_ms", Kind::Integer),
    ("app", Kind::Text),
    ("name", Kind::Text),
    ("value", Kind::Number),
    ("seq", Kind::Integer),
    ("sent", Kind::Time),
    ("void", Kind::Flag),
];

/// What a sensor saw, newest first, as a table (CSV, RFC 4180).
#[utoipa::path(get, path = "/api/sensors/{id}/export.csv", tag = "Sensors", params(("id" = String, Path), Which),
    responses((status = 200, content_type = "text/csv"), (status = 404), (status = 422)))]
pub(crate) async fn csv(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(which): Params<Which>,
) -> Answer<Response> {
    let reader = Reader::new(app, &id, which)?;
    let head = COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\r\n";
    let begun = (Some(head), reader);
    let rows = stream::unfold(begun, |(head, mut reader)| async move {
        let rows = match reader.rows().await {
            Ok(rows) if rows.is_empty() && head.is_none() => return None,
            Ok(rows) => rows,
            Err(error) => return Some((Err(error), (None, reader.ended()))),
        };
        let mut text = head.unwrap_or_default();
        for row in &rows {
            line(&mut text, row);
        }
        Some((Ok(Bytes::from(text)), (None, reader)))
    });
    Ok(table(&id, "csv", "text/csv; charset=utf-8", Stream::from_stream(rows)))
}

/// What a sensor saw, newest first, as a table (Parquet).
#[utoipa::path(get, path = "/api/sensors/{id}/export.parquet", tag = "Sensors",
    params(("id" = String, Path), Which),
    responses((status = 200, content_type = "application/vnd.apache.parquet"), (status = 404), (status = 422)))]
pub(crate) async fn parquet(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(which): Params<Which>,
) -> Answer<Response> {
    let reader = Reader::new(app, &id, which)?;
    let (table_of, head) = Table::begin(COLUMNS);
    let begun = (head, Some(table_of), reader);
    let rows = stream::unfold(begun, |(mut bytes, table, mut reader)| async move {
        let mut table = table?;
        let mut group = Vec::new();
        while group.len() < GROUP {
            match reader.rows().await {
                Ok(rows) if rows.is_empty() => break,
                Ok(rows) => group.extend(rows),
                Err(error) => return Some((Err(error), (Vec::new(), None, reader))),
            }
        }
        bytes.extend(table.rows(&group));
        if group.is_empty() {
            bytes.extend(table.end());
            return Some((Ok(Bytes::from(bytes)), (Vec::new(), None, reader)));
        }
        Some((Ok(Bytes::from(bytes)), (Vec::new(), Some(table), reader)))
    });
    Ok(table(&id, "parquet", "application/vnd.apache.parquet", Stream::from_stream(rows)))
}

fn table(id: &str, extension: &str, kind: &'static str, rows: Stream) -> Response {
    let name = format!("attachment; filename=\"sensor-{id}.{extension}\"");
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, name)];
    (headers, rows).into_response()
}

/// Somebody who takes a table away, page by page.
struct Reader {
    app: Shared,
    key: i64,
    which: Which,
    after: Option<Place>,
    over: bool,
}

impl Reader {
    fn new(app: Shared, id: &str, which: Which) -> Answer<Self> {
        let key = member(&app, id)?.key;
        let after = which.listed(key)?.after;
        Ok(Self { app, key, which, after, over: false })
    }

    fn ended(self) -> Self {
        Self { over: true, ..self }
    }

    /// The next rows; none at the end.
    async fn rows(&mut self) -> Result<Vec<Vec<Cell>>, StoreError> {
        let Some(listed) = self.which.listed(self.key).ok().filter(|_| !self.over) else {
            return Ok(Vec::new());
        };
        let listed = Listed { after: self.after, limit: MOST, ..listed };
        let kept = self.app.store.observations().list(listed).await?;
        self.over = kept.len() < MOST as usize;
        self.after = kept.last().map(|last| (last.at, last.epoch, last.seq));
        Ok(kept.iter().map(row).collect())
    }
}

fn row(kept: &Kept) -> Vec<Cell> {
    let what: Value = serde_json::from_str(&kept.what).unwrap_or_default();
    let inner = what.as_object().and_then(|what| what.values().next()).cloned().unwrap_or_default();
    let of = |(name, kind): &(&str, Kind)| match (*name, kind) {
        ("at", _) => Cell::Integer(kept.at),
        ("kind", _) => Cell::Text(kept.kind.clone()),
        ("seq", _) => Cell::Integer(kept.seq),
        ("sent", _) => kept.sent.map_or(Cell::None, Cell::Integer),
        ("void", _) => Cell::Flag(kept.void),
        (name, Kind::Integer) => inner[name].as_i64().map_or(Cell::None, Cell::Integer),
        (name, Kind::Number) => inner[name].as_f64().map_or(Cell::None, Cell::Number),
        (name, _) => inner[name].as_str().map_or(Cell::None, |text| Cell::Text(text.to_owned())),
    };
    COLUMNS.iter().map(of).collect()
}

fn line(text: &mut String, row: &[Cell]) {
    for (place, cell) in row.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        // Writing to a string cannot fail.
        match cell {
            Cell::None => write!(text, "{comma}"),
            Cell::Integer(value) => write!(text, "{comma}{value}"),
            Cell::Number(value) => write!(text, "{comma}{value}"),
            Cell::Flag(value) => write!(text, "{comma}{value}"),
            Cell::Text(value) => write!(text, "{comma}{}", quoted(value)),
        }
        .ok();
    }
    text.push_str("\r\n");
}

/// A field that may hold anything. A spreadsheet would take what begins like a formula for one.
fn quoted(value: &str) -> String {
    let guard = if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    let plain = |letter: char| letter.is_alphanumeric() || " ._-".contains(letter);
    if guard.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{guard}{}\"", value.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_holds_whatever_an_app_calls_things() {
        let what =
            serde_json::json!({"App": {"app": "=cmd()", "name": "a \"b\", c", "value": 1.5}}).to_string();
        let kept = Kept { at: 7, epoch: 1, seq: 2, sent: None, kind: "app".into(), what, void: false };
        let mut text = String::new();
        line(&mut text, &row(&kept));
        assert_eq!(text, "7,app,,,,,,,,\"'=cmd()\",\"a \"\"b\"\", c\",1.5,2,,false\r\n");
    }
}
