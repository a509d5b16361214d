//! What sensors asked the house's larger model, and what it answered. The pictures themselves are kept nowhere.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// The most that is kept of a sensor; the oldest go first. Within the usual budget of a sensor, an hour of asking all the time.
pub const MOST: i64 = 1_000;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct SensorAsk {
    /// Its number, higher than those before it.
    pub id: i64,
    /// When it came.
    pub at: Millis,
    /// About which track.
    pub track: i64,
    /// How many bytes of pictures it had.
    pub bytes: i64,
    /// What the sensor took it for.
    pub asked: String,
    /// What the model said that it is; `None`: nothing at all.
    pub answer: Option<String>,
}

/// The table of questions.
#[derive(Clone, Copy, Debug)]
pub struct SensorAsks<'a>(pub(crate) &'a SqlitePool);

impl SensorAsks<'_> {
    /// Writes a question of a sensor down; its `id` is given by the table.
    pub async fn put(&self, sensor: i64, ask: &SensorAsk) -> Result<(), StoreError> {
        let mut transaction = self.0.begin().await?;
        let sql =
            "INSERT INTO sensor_asks (sensor, at, track, bytes, asked, answer) VALUES (?, ?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql).bind(sensor).bind(ask.at).bind(ask.track).bind(ask.bytes);
        insert.bind(&ask.asked).bind(&ask.answer).execute(&mut *transaction).await?;
        let sql = "DELETE FROM sensor_asks WHERE sensor = ?1 AND id <= \
                   (SELECT id FROM sensor_asks WHERE sensor = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        sqlx::query(sql).bind(sensor).bind(MOST).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Those of a sensor before one, newest first, so many at most.
    pub async fn list(&self, sensor: i64, before: i64, limit: u32) -> Result<Vec<SensorAsk>, StoreError> {
        let sql = "SELECT id, at, track, bytes, asked, answer FROM sensor_asks WHERE sensor = ? AND id < ? \
                   ORDER BY id DESC LIMIT ?";
        Ok(sqlx::query_as(sql).bind(sensor).bind(before).bind(limit).fetch_all(self.0).await?)
    }
}
