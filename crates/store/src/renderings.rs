//! Renderings: films that are made playable; a film has one at most.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// How far one has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum State {
    /// It will be done.
    Waiting,
    /// It is being done, or was when the program ended.
    Running,
    /// The renditions are there.
    Done,
    /// It cannot be done.
    Failed,
    /// An owner does not want it.
    Cancelled,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Rendering {
    /// The film's id.
    pub film: String,
    /// What its file held.
    pub print: String,
    /// How far it has come.
    pub state: State,
    /// Why it waits, failed, or was ended, in a sentence.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created: Millis,
    /// It is not tried again before that.
    pub not_before: Millis,
    /// When it was last begun.
    pub started: Option<Millis>,
    /// When it was over.
    pub ended: Option<Millis>,
    /// Bytes of the renditions.
    pub bytes: Option<i64>,
    /// Bytes of their indices.
    pub index_bytes: Option<i64>,
    /// How many there are.
    pub renditions: Option<i64>,
    /// What their ladder saves against a fixed one, in percent.
    pub saving_percent: Option<f64>,
    /// Codings that are wanted beside H.264, with commas between them: `hevc,av1`.
    pub also: String,
}

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// Bytes of the renditions.
    pub bytes: i64,
    /// Bytes of their indices.
    pub index_bytes: i64,
    /// How many there are.
    pub renditions: i64,
    /// What their ladder saves against a fixed one, in percent.
    pub saving_percent: Option<f64>,
}

/// The table of renderings.
#[derive(Clone, Copy, Debug)]
pub struct Renderings<'a>(pub(crate) &'a SqlitePool);

impl Renderings<'_> {
    /// Asks for one, anew where there was one; whether there is such a film. `also` are codings that are wanted beside
    /// H.264, with commas between them.
    pub async fn ask(&self, film: &str, print: &str, also: &str, now: Millis) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO renderings (film, print, state, created, also) SELECT id, ?2, 'waiting', ?3, ?4 \
             FROM films WHERE id = ?1 ON CONFLICT (film) DO UPDATE SET state = 'waiting', reason = NULL, \
             created = ?3, not_before = 0, started = NULL, ended = NULL, also = ?4, \
             bytes = iif(print = ?2, bytes, NULL), index_bytes = iif(print = ?2, index_bytes, NULL), \
             renditions = iif(print = ?2, renditions, NULL), \
             saving_percent = iif(print = ?2, saving_percent, NULL), print = ?2",
        )
        .bind(film)
        .bind(print)
        .bind(now)
        .bind(also)
        .execute(self.0)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// All of them, those that are to be done first.
    pub async fn all(&self) -> Result<Vec<Rendering>, StoreError> {
        let sql = "SELECT * FROM renderings ORDER BY state != 'running', state != 'waiting', created, film";
        Ok(sqlx::query_as(sql).fetch_all(self.0).await?)
    }

    /// That of a film.
    pub async fn get(&self, film: &str) -> Result<Option<Rendering>, StoreError> {
        let sql = "SELECT * FROM renderings WHERE film = ?";
        Ok(sqlx::query_as(sql).bind(film).fetch_optional(self.0).await?)
    }

    /// Begins the one that has waited longest.
    pub async fn begin(&self, now: Millis) -> Result<Option<Rendering>, StoreError> {
        let sql = "UPDATE renderings SET state = 'running', started = ?1, reason = NULL WHERE film = (SELECT film \
                   FROM renderings WHERE state = 'waiting' AND not_before <= ?1 ORDER BY created, film LIMIT 1) \
                   RETURNING *";
        Ok(sqlx::query_as(sql).bind(now).fetch_optional(self.0).await?)
    }

    /// Those that were running when the program ended wait again.
    pub async fn recover(&self) -> Result<(), StoreError> {
        sqlx::query("UPDATE renderings SET state = 'waiting' WHERE state = 'running'")
            .execute(self.0)
            .await?;
        Ok(())
    }

    /// One that was begun waits again, for that reason.
    pub async fn put_off(&self, film: &str, reason: &str, until: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE renderings SET state = 'waiting', reason = ?, not_before = ? \
                   WHERE film = ? AND state = 'running'";
        sqlx::query(sql).bind(reason).bind(until).bind(film).execute(self.0).await?;
        Ok(())
    }

    /// One that was begun is over, and made nothing.
    pub async fn fail(&self, film: &str, reason: &str, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE renderings SET state = 'failed', reason = ?, ended = ? WHERE film = ? AND state = 'running'";
        sqlx::query(sql).bind(reason).bind(now).bind(film).execute(self.0).await?;
        Ok(())
    }

    /// One that waits or runs is not wanted any more; whether there was one.
    pub async fn cancel(&self, film: &str, now: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE renderings SET state = 'cancelled', reason = NULL, ended = ? \
                   WHERE film = ? AND state IN ('waiting', 'running')";
        Ok(sqlx::query(sql).bind(now).bind(film).execute(self.0).await?.rows_affected() > 0)
    }

    /// The renditions of a film are there and it can be watched, both at once; whether it is the film still that they
    /// were made of, and is wanted.
    pub async fn finish(&self, film: &str, print: &str, made: Made, now: Millis) -> Result<bool, StoreError> {
        let mut both = self.0.begin().await?;
        let sql = "UPDATE renderings SET state = 'done', reason = NULL, ended = ?, bytes = ?, index_bytes = ?, \
                   renditions = ?, saving_percent = coalesce(?, saving_percent) \
                   WHERE film = ? AND print = ? AND state = 'running'";
        let done = sqlx::query(sql)
            .bind(now)
            .bind(made.bytes)
            .bind(made.index_bytes)
            .bind(made.renditions)
            .bind(made.saving_percent)
            .bind(film)
            .bind(print)
            .execute(&mut *both)
            .await?;
        let sql = "UPDATE films SET state = 'ready', reason = NULL \
                   WHERE id = ? AND print = ? AND state IN ('unplayable', 'ready')";
        let ready = sqlx::query(sql).bind(film).bind(print).execute(&mut *both).await?;
        if done.rows_affected() == 0 || ready.rows_affected() == 0 {
            return Ok(false);
        }
        both.commit().await?;
        Ok(true)
    }
}
