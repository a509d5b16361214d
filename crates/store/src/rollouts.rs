//! Models and apps on their way to sensors, a part of them first.

use sqlx::{FromRow, SqlitePool};

use crate::sensor_files::Kind;
use crate::{Millis, StoreError};

/// How far a rollout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum Stage {
    /// A part of the sensors has it, and is watched.
    Canary,
    /// All of them have it.
    Done,
    /// It was taken back from all that had it.
    Returned,
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Rollout {
    /// The id.
    pub id: String,
    /// What is rolled out.
    pub kind: Kind,
    /// The hash of its bytes.
    pub hash: String,
    /// What it is called.
    pub name: String,
    /// To which group; nothing means all sensors.
    pub grouped: Option<String>,
    /// How many percent of them get it first.
    pub canary: u32,
    /// How many minutes those are watched before the others get it.
    pub minutes: u32,
    /// How far it has come.
    pub stage: Stage,
    /// Why it was taken back, in a sentence.
    pub why: Option<String>,
    /// When it was begun.
    pub created: Millis,
    /// When it came to this stage.
    pub staged: Millis,
}

/// A sensor that a rollout has reached.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Reached {
    /// The sensor's id.
    pub sensor: String,
    /// The version of its settings with what is rolled out.
    pub version: i64,
    /// What it had before and how it was, as JSON.
    pub before: String,
}

/// The tables of rollouts.
#[derive(Clone, Copy, Debug)]
pub struct Rollouts<'a>(pub(crate) &'a SqlitePool);

impl Rollouts<'_> {
    /// Writes one down, whether it is new or not.
    pub async fn put(&self, rollout: &Rollout) -> Result<(), StoreError> {
        let sql = "INSERT INTO rollouts (id, kind, hash, name, grouped, canary, minutes, stage, why, created, staged) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
                   stage = excluded.stage, why = excluded.why, staged = excluded.staged";
        let insert = sqlx::query(sql).bind(&rollout.id).bind(rollout.kind).bind(&rollout.hash);
        let insert = insert.bind(&rollout.name).bind(&rollout.grouped).bind(rollout.canary);
        let insert = insert.bind(rollout.minutes).bind(rollout.stage).bind(&rollout.why);
        insert.bind(rollout.created).bind(rollout.staged).execute(self.0).await?;
        Ok(())
    }

    /// The newest ones, newest first.
    pub async fn list(&self, limit: u32) -> Result<Vec<Rollout>, StoreError> {
        let sql = "SELECT * FROM rollouts ORDER BY created DESC, id LIMIT ?";
        Ok(sqlx::query_as(sql).bind(limit).fetch_all(self.0).await?)
    }

    /// Those whose canaries are watched.
    pub async fn watched(&self) -> Result<Vec<Rollout>, StoreError> {
        let sql = "SELECT * FROM rollouts WHERE stage = 'canary' ORDER BY created, id";
        Ok(sqlx::query_as(sql).fetch_all(self.0).await?)
    }

    /// The rollout of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Rollout>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM rollouts WHERE id = ?").bind(id).fetch_optional(self.0).await?)
    }

    /// Notes that it has reached a sensor; what the sensor had before it reached it first stays.
    pub async fn reach(&self, rollout: &str, reached: &Reached) -> Result<(), StoreError> {
        let sql = "INSERT INTO rollout_sensors (rollout, sensor, version, before) VALUES (?, ?, ?, ?) \
                   ON CONFLICT DO UPDATE SET version = excluded.version";
        let insert = sqlx::query(sql).bind(rollout).bind(&reached.sensor).bind(reached.version);
        insert.bind(&reached.before).execute(self.0).await?;
        Ok(())
    }

    /// The sensors that it has reached.
    pub async fn reached(&self, rollout: &str) -> Result<Vec<Reached>, StoreError> {
        let sql = "SELECT sensor, version, before FROM rollout_sensors WHERE rollout = ? ORDER BY sensor";
        Ok(sqlx::query_as(sql).bind(rollout).fetch_all(self.0).await?)
    }
}
