//! What observations add up to, as it is asked for.

use sqlx::{FromRow, SqlitePool};

use crate::tallies::{MINUTE, Occupancy};
use crate::{Millis, StoreError};

/// Crossings of a line within a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Crossings {
    /// The line.
    pub line: u16,
    /// When the span begins.
    pub at: Millis,
    /// How many went in.
    pub ins: i64,
    /// How many went out.
    pub outs: i64,
}

/// What was in a zone within a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Stays {
    /// The zone.
    pub zone: u16,
    /// When the span begins.
    pub at: Millis,
    /// The most at a time.
    pub most: i64,
    /// The sum over things of the milliseconds that each was there.
    pub present: i64,
    /// How often something went in.
    pub entered: i64,
    /// How often something went out.
    pub exited: i64,
    /// How long those that went out were there, together, in milliseconds.
    pub dwelt: i64,
}

/// Where things stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// Cells in a row.
    pub columns: u8,
    /// Rows.
    pub rows: u8,
    /// Index (row by row) and tenths of a second.
    pub cells: Vec<(u16, i64)>,
}

/// The sums of observations.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a>(pub(crate) &'a SqlitePool);

impl Figures<'_> {
    /// Crossings of a sensor's lines from `from` to `to`, added up by `by` milliseconds from those that are kept by `span`.
    /// `offset`: how far the place's clock is ahead of UTC, so that days begin at its midnight.
    pub async fn crossings(
        &self,
        sensor: i64,
        span: Millis,
        by: Millis,
        offset: Millis,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Crossings>, StoreError> {
        let sql = "SELECT line, (at + ?4) / ?3 * ?3 - ?4 AS at, SUM(ins) AS ins, SUM(outs) AS outs FROM crossings \
                   WHERE sensor = ?1 AND span = ?2 AND at >= ?5 AND at < ?6 GROUP BY 1, 2 ORDER BY 1, 2";
        let query = sqlx::query_as(sql).bind(sensor).bind(span).bind(by).bind(offset).bind(from).bind(to);
        Ok(query.fetch_all(self.0).await?)
    }

    /// What was in a sensor's zones, in the same way.
    pub async fn stays(
        &self,
        sensor: i64,
        span: Millis,
        by: Millis,
        offset: Millis,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Stays>, StoreError> {
        let sql = "SELECT zone, (at + ?4) / ?3 * ?3 - ?4 AS at, MAX(most) AS most, SUM(present) AS present, \
                   SUM(entered) AS entered, SUM(exited) AS exited, SUM(dwelt) AS dwelt FROM stays \
                   WHERE sensor = ?1 AND span = ?2 AND at >= ?5 AND at < ?6 GROUP BY 1, 2 ORDER BY 1, 2";
        let query = sqlx::query_as(sql).bind(sensor).bind(span).bind(by).bind(offset).bind(from).bind(to);
        Ok(query.fetch_all(self.0).await?)
    }

    /// How many are in each of a sensor's zones, as was told last.
    pub async fn occupancies(&self, sensor: i64) -> Result<Vec<(u16, Occupancy)>, StoreError> {
        let sql = "SELECT zone, count, since FROM occupancies WHERE sensor = ? ORDER BY zone";
        let rows: Vec<(u16, u16, Millis)> = sqlx::query_as(sql).bind(sensor).fetch_all(self.0).await?;
        Ok(rows.into_iter().map(|(zone, count, since)| (zone, Occupancy { count, since })).collect())
    }

    /// In and out over all lines of each of these sensors since a time, where there was anything: key, in, out.
    pub async fn since(&self, from: Millis, sensors: &[i64]) -> Result<Vec<(i64, i64, i64)>, StoreError> {
        let sql = "SELECT sensor, SUM(ins), SUM(outs) FROM json_each(?) JOIN crossings ON sensor = value \
                   WHERE span = 3600000 AND at >= ? GROUP BY sensor";
        let keys = serde_json::json!(sensors).to_string();
        Ok(sqlx::query_as(sql).bind(keys).bind(from).fetch_all(self.0).await?)
    }

    /// In and out over all lines of a sensor since a time.
    pub async fn since_of(&self, sensor: i64, from: Millis) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COALESCE(SUM(ins), 0), COALESCE(SUM(outs), 0) FROM crossings \
                   WHERE sensor = ? AND span = 3600000 AND at >= ?";
        Ok(sqlx::query_as(sql).bind(sensor).bind(from).fetch_one(self.0).await?)
    }

    /// Where things stood, in the cells that the sensor had last; nothing where it told of none.
    pub async fn heat(&self, sensor: i64, from: Millis, to: Millis) -> Result<Option<Heat>, StoreError> {
        let sql = "SELECT columns, rows FROM heats WHERE sensor = ? AND at >= ? AND at < ? ORDER BY at DESC LIMIT 1";
        let query = sqlx::query_as(sql).bind(sensor).bind(from).bind(to);
        let Some((columns, rows)) = query.fetch_optional(self.0).await? else { return Ok(None) };
        let sql = "SELECT cell, SUM(tenths) FROM heats WHERE sensor = ? AND at >= ? AND at < ? AND columns = ? \
                   AND rows = ? GROUP BY cell ORDER BY cell";
        let query = sqlx::query_as(sql).bind(sensor).bind(from).bind(to).bind(columns).bind(rows);
        Ok(Some(Heat { columns, rows, cells: query.fetch_all(self.0).await? }))
    }

    /// Removes at most `most` sums of each kind of a sensor: those by minute and of heat from before `minutes`, those by
    /// hour from before `hours`. Gives how many.
    pub async fn forget(
        &self,
        sensor: i64,
        minutes: Millis,
        hours: Millis,
        most: u32,
    ) -> Result<u64, StoreError> {
        let mut gone = 0;
        for (span, before) in [(MINUTE, minutes), (crate::tallies::HOUR, hours)] {
            let crossings = "DELETE FROM crossings WHERE sensor = ?1 AND span = ?2 AND (at, line) IN \
                             (SELECT at, line FROM crossings WHERE sensor = ?1 AND span = ?2 AND at < ?3 LIMIT ?4)";
            let stays = "DELETE FROM stays WHERE sensor = ?1 AND span = ?2 AND (at, zone) IN \
                         (SELECT at, zone FROM stays WHERE sensor = ?1 AND span = ?2 AND at < ?3 LIMIT ?4)";
            for sql in [crossings, stays] {
                let delete = sqlx::query(sql).bind(sensor).bind(span).bind(before).bind(most);
                gone += delete.execute(self.0).await?.rows_affected();
            }
        }
        let sql = "DELETE FROM heats WHERE sensor = ?1 AND (at, columns, rows, cell) IN \
                   (SELECT at, columns, rows, cell FROM heats WHERE sensor = ?1 AND at < ?2 LIMIT ?3)";
        let delete = sqlx::query(sql).bind(sensor).bind(minutes).bind(most);
        Ok(gone + delete.execute(self.0).await?.rows_affected())
    }
}
