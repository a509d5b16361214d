//! Sessions as they are remembered: who played what, when, and how it ended.

use std::collections::HashMap;

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// A session, running or past.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Play {
    /// The session's id.
    pub id: String,
    /// The title's id.
    pub title: String,
    /// The account's id.
    pub account: String,
    /// The account's name.
    pub account_name: String,
    /// When it began.
    pub started: Millis,
    /// When it ended; nothing while it runs.
    pub ended: Option<Millis>,
    /// Why it ended, in one word.
    pub reason: Option<String>,
    /// Why it ended, in a sentence.
    pub message: Option<String>,
    /// The game's last lines.
    pub last_words: Option<String>,
}

/// How an account has played a title so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// When it last began.
    pub last: Millis,
    /// Milliseconds in all.
    pub millis: i64,
}

/// The table of sessions.
#[derive(Clone, Copy, Debug)]
pub struct Plays<'a>(pub(crate) &'a SqlitePool);

impl Plays<'_> {
    /// Writes down that a session began.
    pub async fn begin(&self, id: &str, title: &str, account: &str, now: Millis) -> Result<(), StoreError> {
        let insert = sqlx::query("INSERT INTO plays (id, title, account, started) VALUES (?, ?, ?, ?)");
        insert.bind(id).bind(title).bind(account).bind(now).execute(self.0).await?;
        Ok(())
    }

    /// Writes down how a session ended; the first word counts.
    pub async fn end(
        &self,
        id: &str,
        reason: &str,
        message: &str,
        last_words: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE plays SET ended = ?, reason = ?, message = ?, last_words = ? WHERE id = ? AND ended IS NULL",
        )
        .bind(now)
        .bind(reason)
        .bind(message)
        .bind(last_words)
        .bind(id)
        .execute(self.0)
        .await?;
        Ok(())
    }

    /// Closes what an earlier run of the program left open: its sessions went with it.
    pub async fn end_all(&self, message: &str, now: Millis) -> Result<u64, StoreError> {
        let update =
            sqlx::query("UPDATE plays SET ended = ?, reason = 'failed', message = ? WHERE ended IS NULL");
        Ok(update.bind(now).bind(message).execute(self.0).await?.rows_affected())
    }

    /// The sessions of an account, or of all, newest first.
    pub async fn list(&self, account: Option<&str>, limit: u32) -> Result<Vec<Play>, StoreError> {
        let sql = "SELECT plays.id, title, account, name AS account_name, started, ended, reason, message, \
                   last_words FROM plays JOIN accounts ON accounts.id = account \
                   WHERE ?1 IS NULL OR account = ?1 ORDER BY started DESC LIMIT ?2";
        Ok(sqlx::query_as(sql).bind(account).bind(limit).fetch_all(self.0).await?)
    }

    /// How an account has played each title; a session that runs counts until `now`.
    pub async fn played(&self, account: &str, now: Millis) -> Result<HashMap<String, Played>, StoreError> {
        let sql = "SELECT title, MAX(started), SUM(COALESCE(ended, ?2) - started) FROM plays \
                   WHERE account = ?1 GROUP BY title";
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as(sql).bind(account).bind(now).fetch_all(self.0).await?;
        Ok(rows.into_iter().map(|(title, last, millis)| (title, Played { last, millis })).collect())
    }
}
