//! What channels made of the library are to play, and what follows from it.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// What a channel is to play.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Schedule {
    /// The channel.
    pub channel: String,
    /// As JSON.
    pub definition: String,
    /// When it was changed.
    pub changed: Millis,
}

/// What follows from a schedule, from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Plan {
    /// The channel.
    pub channel: String,
    /// Microseconds since 1970.
    pub since: i64,
    /// As JSON.
    pub plan: String,
}

/// The tables of schedules and plans.
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a>(pub(crate) &'a SqlitePool);

impl Schedules<'_> {
    /// All schedules, in no order.
    pub async fn all(&self) -> Result<Vec<Schedule>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM schedules").fetch_all(self.0).await?)
    }

    /// The schedule of a channel.
    pub async fn get(&self, channel: &str) -> Result<Option<Schedule>, StoreError> {
        let sql = "SELECT * FROM schedules WHERE channel = ?";
        Ok(sqlx::query_as(sql).bind(channel).fetch_optional(self.0).await?)
    }

    /// Writes the schedule of a channel down, which has to be there.
    pub async fn put(&self, schedule: &Schedule) -> Result<(), StoreError> {
        let sql = "INSERT INTO schedules (channel, definition, changed) VALUES (?, ?, ?) \
                   ON CONFLICT (channel) DO UPDATE SET definition = excluded.definition, changed = excluded.changed";
        let put = sqlx::query(sql).bind(&schedule.channel).bind(&schedule.definition).bind(schedule.changed);
        put.execute(self.0).await?;
        Ok(())
    }

    /// The plans of a channel, oldest first.
    pub async fn plans(&self, channel: &str) -> Result<Vec<Plan>, StoreError> {
        let sql = "SELECT * FROM plans WHERE channel = ? ORDER BY since";
        Ok(sqlx::query_as(sql).bind(channel).fetch_all(self.0).await?)
    }

    /// Writes a plan down in place of those that were to begin then or later, and forgets those that were over at
    /// `before` (microseconds since 1970).
    pub async fn add_plan(&self, plan: &Plan, before: i64) -> Result<(), StoreError> {
        let mut change = self.0.begin().await?;
        let later = sqlx::query("DELETE FROM plans WHERE channel = ? AND since >= ?");
        later.bind(&plan.channel).bind(plan.since).execute(&mut *change).await?;
        // The last one that had begun by then still held.
        let over = sqlx::query(
            "DELETE FROM plans WHERE channel = ?1 AND since < \
             (SELECT max(since) FROM plans WHERE channel = ?1 AND since <= ?2)",
        );
        over.bind(&plan.channel).bind(before).execute(&mut *change).await?;
        let add = sqlx::query("INSERT INTO plans (channel, since, plan) VALUES (?, ?, ?)");
        add.bind(&plan.channel).bind(plan.since).bind(&plan.plan).execute(&mut *change).await?;
        change.commit().await?;
        Ok(())
    }
}
