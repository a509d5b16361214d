//! What sensors saw: taken exactly once, added up in the same transaction, and listed.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use sqlx::{FromRow, Sqlite, SqlitePool, Transaction};

use crate::tallies::{Occupancy, Sums, Tally};
use crate::{Millis, StoreError};

/// Something that a sensor told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Its number in the epoch, from 1 on.
    pub seq: u64,
    /// When it happened.
    pub at: Millis,
    /// When the sensor said that it happened, where that was not believed.
    pub sent: Option<Millis>,
    /// What kind of thing it is, in one word.
    pub kind: &'static str,
    /// The line or zone.
    pub area: Option<u16>,
    /// The track.
    pub track: Option<u32>,
    /// All of it, as JSON.
    pub what: String,
    /// What it adds to the sums.
    pub tally: Tally,
}

/// What one message of a sensor brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The sensor's key.
    pub sensor: i64,
    /// Which life of its outbox.
    pub epoch: u64,
    /// With rising numbers.
    pub observations: Vec<Observation>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Up to which number the epoch was here before: what has a higher one is new.
    pub before: u64,
    /// Up to which number the epoch is here now.
    pub seq: u64,
}

/// An observation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Kept {
    /// When it happened.
    pub at: Millis,
    /// Which life of the sensor's outbox.
    pub epoch: i64,
    /// Its number.
    pub seq: i64,
    /// When the sensor said that it happened, where that was not believed.
    pub sent: Option<Millis>,
    /// What kind of thing it is.
    pub kind: String,
    /// All of it, as JSON.
    pub what: String,
    /// Whether it was taken back.
    pub void: bool,
}

/// Which observations are listed.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The sensor's key.
    pub sensor: i64,
    /// From when on.
    pub from: Millis,
    /// Before when.
    pub to: Millis,
    /// Of one kind alone.
    pub kind: Option<&'a str>,
    /// Of one line alone.
    pub line: Option<u16>,
    /// Of one zone alone.
    pub zone: Option<u16>,
    /// Only what comes after this one (time, epoch, number) in the list.
    pub after: Option<(Millis, i64, i64)>,
    /// So many at most.
    pub limit: u32,
}

/// The table of observations, and their sums.
#[derive(Clone, Copy, Debug)]
pub struct Observations<'a>(pub(crate) &'a SqlitePool);

impl Observations<'_> {
    /// Takes what sensors sent, in one transaction. What is here already is left out; nothing is taken of a sensor that was
    /// removed or thrown out. Gives what became of each, in the same order.
    ///
    /// # Errors
    /// Nothing at all is taken where there is an error.
    pub async fn take(&self, deliveries: &[Delivery], now: Millis) -> Result<Vec<Option<Taken>>, StoreError> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        let known = known(&mut transaction, deliveries).await?;
        let mut marks = marks(&mut transaction, deliveries).await?;
        let mut sums =
            Sums { occupancies: occupancies(&mut transaction, deliveries).await?, ..Sums::default() };
        let (mut rows, mut voids) = (Vec::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for Delivery { sensor, epoch, observations } in deliveries {
            if !known.contains(sensor) {
                outcomes.push(None);
                continue;
            }
            let mark = marks.entry((*sensor, epoch.cast_signed())).or_default();
            let before = *mark;
            for seen in observations {
                if seen.seq <= *mark {
                    continue;
                }
                *mark = seen.seq;
                sums.add(*sensor, seen.at, &seen.tally);
                if let Tally::Void { track } = seen.tally {
                    voids.push((*sensor, epoch.cast_signed(), track));
                }
                rows.push(json!([
                    sensor,
                    seen.at,
                    epoch.cast_signed(),
                    seen.seq,
                    seen.sent,
                    seen.kind,
                    seen.area,
                    seen.track,
                    seen.what
                ]));
            }
            outcomes.push(Some(Taken { before, seq: *mark }));
        }
        if !rows.is_empty() {
            let sql = "INSERT INTO observations (sensor, at, epoch, seq, sent, kind, area, track, what) \
                       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
                       value ->> 6, value ->> 7, value ->> 8 FROM json_each(?)";
            write(&mut transaction, sql, rows).await?;
            for (sensor, epoch, track) in voids {
                void(&mut transaction, &mut sums, sensor, epoch, track).await?;
            }
            let marks = marks.iter().filter(|(key, _)| known.contains(&key.0));
            let marks = marks.map(|((sensor, epoch), seq)| json!([sensor, epoch, seq, now])).collect();
            let sql = "INSERT INTO sensor_marks (sensor, epoch, seq, touched) \
                       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true \
                       ON CONFLICT DO UPDATE SET seq = excluded.seq, touched = excluded.touched";
            write(&mut transaction, sql, marks).await?;
            keep(&mut transaction, &sums).await?;
        }
        transaction.commit().await?;
        Ok(outcomes)
    }

    /// Up to which number a life of a sensor's outbox is here; 0 where nothing of it is.
    pub async fn mark(&self, sensor: i64, epoch: u64) -> Result<u64, StoreError> {
        let sql = "SELECT seq FROM sensor_marks WHERE sensor = ? AND epoch = ?";
        let query = sqlx::query_as(sql).bind(sensor).bind(epoch.cast_signed());
        let row: Option<(i64,)> = query.fetch_optional(self.0).await?;
        Ok(row.map_or(0, |(seq,)| seq.cast_unsigned()))
    }

    /// Observations, newest first.
    pub async fn list(&self, listed: Listed<'_>) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT at, epoch, seq, sent, kind, what, void FROM observations \
                   WHERE sensor = ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR kind = ?4) \
                   AND (?5 IS NULL OR (kind = 'crossed' AND area = ?5)) \
                   AND (?6 IS NULL OR (kind IN ('entered', 'exited', 'dwelt', 'occupancy') AND area = ?6)) \
                   AND (?7 IS NULL OR (at, epoch, seq) < (?7, ?8, ?9)) \
                   ORDER BY at DESC, epoch DESC, seq DESC LIMIT ?10";
        let (at, epoch, seq) =
            listed.after.map_or((None, None, None), |(a, e, s)| (Some(a), Some(e), Some(s)));
        let query = sqlx::query_as(sql).bind(listed.sensor).bind(listed.from).bind(listed.to);
        let query = query.bind(listed.kind).bind(listed.line).bind(listed.zone);
        Ok(query.bind(at).bind(epoch).bind(seq).bind(listed.limit).fetch_all(self.0).await?)
    }

    /// Removes at most `most` observations of a sensor from before a time; gives how many.
    pub async fn forget(&self, sensor: i64, before: Millis, most: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM observations WHERE sensor = ?1 AND (at, epoch, seq) IN \
                   (SELECT at, epoch, seq FROM observations WHERE sensor = ?1 AND at < ?2 \
                    ORDER BY at, epoch, seq LIMIT ?3)";
        let delete = sqlx::query(sql).bind(sensor).bind(before).bind(most);
        Ok(delete.execute(self.0).await?.rows_affected())
    }

    /// Removes all but the `most` newest marks of a sensor: an outbox that begins anew at every start leaves many.
    pub async fn forget_marks(&self, sensor: i64, most: u32) -> Result<(), StoreError> {
        let sql = "DELETE FROM sensor_marks WHERE sensor = ?1 AND epoch NOT IN \
                   (SELECT epoch FROM sensor_marks WHERE sensor = ?1 ORDER BY touched DESC LIMIT ?2)";
        sqlx::query(sql).bind(sensor).bind(most).execute(self.0).await?;
        Ok(())
    }
}

type Writing<'a> = Transaction<'a, Sqlite>;

/// Runs a statement over a list of rows.
async fn write(
    transaction: &mut Writing<'_>,
    sql: &'static str,
    rows: Vec<serde_json::Value>,
) -> Result<(), StoreError> {
    if !rows.is_empty() {
        let rows = serde_json::Value::Array(rows).to_string();
        sqlx::query(sql).bind(rows).execute(&mut **transaction).await?;
    }
    Ok(())
}

fn keys(deliveries: &[Delivery]) -> String {
    let keys: HashSet<i64> = deliveries.iter().map(|delivery| delivery.sensor).collect();
    json!(keys).to_string()
}

/// The sensors from which something may be taken.
async fn known(transaction: &mut Writing<'_>, deliveries: &[Delivery]) -> Result<HashSet<i64>, StoreError> {
    let sql = "SELECT key FROM sensors WHERE revoked IS NULL AND key IN (SELECT value FROM json_each(?))";
    let rows: Vec<(i64,)> = sqlx::query_as(sql).bind(keys(deliveries)).fetch_all(&mut **transaction).await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

async fn marks(
    transaction: &mut Writing<'_>,
    deliveries: &[Delivery],
) -> Result<HashMap<(i64, i64), u64>, StoreError> {
    let wanted: HashSet<(i64, i64)> =
        deliveries.iter().map(|delivery| (delivery.sensor, delivery.epoch.cast_signed())).collect();
    let sql = "SELECT sensor, epoch, seq FROM json_each(?) AS wanted JOIN sensor_marks \
               ON sensor = wanted.value ->> 0 AND epoch = wanted.value ->> 1";
    let rows: Vec<(i64, i64, i64)> =
        sqlx::query_as(sql).bind(json!(wanted).to_string()).fetch_all(&mut **transaction).await?;
    Ok(rows.into_iter().map(|(sensor, epoch, seq)| ((sensor, epoch), seq.cast_unsigned())).collect())
}

async fn occupancies(
    transaction: &mut Writing<'_>,
    deliveries: &[Delivery],
) -> Result<std::collections::BTreeMap<(i64, u16), Occupancy>, StoreError> {
    let sql =
        "SELECT sensor, zone, count, since FROM occupancies WHERE sensor IN (SELECT value FROM json_each(?))";
    let rows: Vec<(i64, u16, u16, Millis)> =
        sqlx::query_as(sql).bind(keys(deliveries)).fetch_all(&mut **transaction).await?;
    let of = |(sensor, zone, count, since)| ((sensor, zone), Occupancy { count, since });
    Ok(rows.into_iter().map(of).collect())
}

/// Takes back what a track crossed.
async fn void(
    transaction: &mut Writing<'_>,
    sums: &mut Sums,
    sensor: i64,
    epoch: i64,
    track: u32,
) -> Result<(), StoreError> {
    let sql = "UPDATE observations SET void = 1 WHERE sensor = ? AND epoch = ? AND track = ? \
               AND kind = 'crossed' AND void = 0 RETURNING at, area, what ->> '$.Crossed.direction' = 'in'";
    let rows: Vec<(Millis, u16, bool)> =
        sqlx::query_as(sql).bind(sensor).bind(epoch).bind(track).fetch_all(&mut **transaction).await?;
    for (at, line, inward) in rows {
        sums.cross(sensor, at, line, inward, -1);
    }
    Ok(())
}

/// Adds sums to those that are kept.
async fn keep(transaction: &mut Writing<'_>, sums: &Sums) -> Result<(), StoreError> {
    let crossings = sums.crossings.iter();
    let crossings =
        crossings.map(|((sensor, span, at, line), (ins, outs))| json!([sensor, span, at, line, ins, outs]));
    let sql = "INSERT INTO crossings (sensor, span, at, line, ins, outs) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 \
               FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET ins = max(0, ins + excluded.ins), \
               outs = max(0, outs + excluded.outs)";
    write(transaction, sql, crossings.collect()).await?;
    let stays = sums.stays.iter().map(|((sensor, span, at, zone), stay)| {
        json!([sensor, span, at, zone, stay.most, stay.present, stay.entered, stay.exited, stay.dwelt])
    });
    let sql = "INSERT INTO stays (sensor, span, at, zone, most, present, entered, exited, dwelt) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
               value ->> 7, value ->> 8 FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET \
               most = max(most, excluded.most), present = present + excluded.present, \
               entered = entered + excluded.entered, exited = exited + excluded.exited, \
               dwelt = dwelt + excluded.dwelt";
    write(transaction, sql, stays.collect()).await?;
    let occupancies = sums.occupancies.iter();
    let occupancies = occupancies.map(|((sensor, zone), now)| json!([sensor, zone, now.count, now.since]));
    let sql = "INSERT INTO occupancies (sensor, zone, count, since) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true \
               ON CONFLICT DO UPDATE SET count = excluded.count, since = excluded.since";
    write(transaction, sql, occupancies.collect()).await?;
    let heats = sums
        .heats
        .iter()
        .map(|((sensor, at, columns, rows, cell), tenths)| json!([sensor, at, columns, rows, cell, tenths]));
    let sql = "INSERT INTO heats (sensor, at, columns, rows, cell, tenths) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 \
               FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET tenths = tenths + excluded.tenths";
    write(transaction, sql, heats.collect()).await
}

#[cfg(test)]
mod tests;
