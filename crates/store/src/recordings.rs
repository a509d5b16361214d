//! Recordings, planned, running and done, and the rules that plan them.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum State {
    /// Its time has not come.
    Planned,
    /// It is being recorded.
    Recording,
    /// It is there.
    Done,
    /// It went wrong.
    Failed,
    /// Somebody took it out of what a rule plans.
    Skipped,
}

/// By what a rule finds programmes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum Kind {
    /// By their title.
    Series,
    /// By words in title, subtitle or description.
    Keyword,
}

/// What is to be recorded beside single programmes.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Rule {
    /// The id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// By what it finds programmes.
    pub kind: Kind,
    /// The title, or the words.
    pub words: String,
    /// One channel, or all.
    pub channel: Option<String>,
    /// Seconds before a programme begins.
    pub pad_before: u32,
    /// Seconds after it ends.
    pub pad_after: u32,
    /// For how long recordings are kept; none for the usual time.
    pub keep_days: Option<u32>,
    /// When it was made.
    pub created: Millis,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Recording {
    /// The id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// The channel, while there is one.
    pub channel: Option<String>,
    /// What the channel was called.
    pub channel_name: String,
    /// The rule that planned it.
    pub rule: Option<String>,
    /// What it is.
    pub title: String,
    /// Which part of it.
    pub subtitle: Option<String>,
    /// What happens.
    pub description: Option<String>,
    /// When the programme begins.
    pub start: Millis,
    /// When it ends.
    pub stop: Millis,
    /// Seconds before.
    pub pad_before: u32,
    /// Seconds after.
    pub pad_after: u32,
    /// How far it is.
    pub state: State,
    /// Why it went wrong, in a sentence.
    pub reason: Option<String>,
    /// The film that it is.
    pub film: Option<String>,
    /// Bytes that it takes.
    pub bytes: i64,
    /// Whether it stays until somebody deletes it.
    pub protected: bool,
    /// For how long it is kept; none for the usual time.
    pub keep_days: Option<u32>,
    /// When it goes by itself.
    pub expires: Option<Millis>,
    /// When it was planned.
    pub created: Millis,
}

/// The tables of recordings and rules.
#[derive(Clone, Copy, Debug)]
pub struct Recordings<'a>(pub(crate) &'a SqlitePool);

impl Recordings<'_> {
    /// Plans a recording; false where the account records that programme already.
    pub async fn create(&self, recording: &Recording) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT OR IGNORE INTO recordings (id, account, channel, channel_name, rule, title, subtitle, \
             description, start, stop, pad_before, pad_after, state, reason, film, bytes, protected, keep_days, \
             expires, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&recording.id)
        .bind(&recording.account)
        .bind(&recording.channel)
        .bind(&recording.channel_name)
        .bind(&recording.rule)
        .bind(&recording.title)
        .bind(&recording.subtitle)
        .bind(&recording.description)
        .bind(recording.start)
        .bind(recording.stop)
        .bind(recording.pad_before)
        .bind(recording.pad_after)
        .bind(recording.state)
        .bind(&recording.reason)
        .bind(&recording.film)
        .bind(recording.bytes)
        .bind(recording.protected)
        .bind(recording.keep_days)
        .bind(recording.expires)
        .bind(recording.created)
        .execute(self.0)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes down what became of a recording; whether it is there.
    pub async fn update(&self, recording: &Recording) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE recordings SET start = ?, stop = ?, pad_before = ?, pad_after = ?, state = ?, reason = ?, \
             film = ?, bytes = ?, protected = ?, keep_days = ?, expires = ? WHERE id = ?",
        )
        .bind(recording.start)
        .bind(recording.stop)
        .bind(recording.pad_before)
        .bind(recording.pad_after)
        .bind(recording.state)
        .bind(&recording.reason)
        .bind(&recording.film)
        .bind(recording.bytes)
        .bind(recording.protected)
        .bind(recording.keep_days)
        .bind(recording.expires)
        .bind(&recording.id)
        .execute(self.0)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The recordings of an account, or of all; newest programme first.
    pub async fn all(&self, account: Option<&str>) -> Result<Vec<Recording>, StoreError> {
        let sql = "SELECT * FROM recordings WHERE ?1 IS NULL OR account = ?1 ORDER BY start DESC, id";
        Ok(sqlx::query_as(sql).bind(account).fetch_all(self.0).await?)
    }

    /// The recording of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Recording>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM recordings WHERE id = ?").bind(id).fetch_optional(self.0).await?)
    }

    /// Forgets a recording; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM recordings WHERE id = ?").bind(id);
        Ok(delete.execute(self.0).await?.rows_affected() > 0)
    }

    /// Makes a rule.
    pub async fn create_rule(&self, rule: &Rule) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO recording_rules (id, account, kind, words, channel, pad_before, pad_after, keep_days, \
             created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&rule.id)
        .bind(&rule.account)
        .bind(rule.kind)
        .bind(&rule.words)
        .bind(&rule.channel)
        .bind(rule.pad_before)
        .bind(rule.pad_after)
        .bind(rule.keep_days)
        .bind(rule.created)
        .execute(self.0)
        .await?;
        Ok(())
    }

    /// The rules of an account, or of all; oldest first.
    pub async fn rules(&self, account: Option<&str>) -> Result<Vec<Rule>, StoreError> {
        let sql = "SELECT * FROM recording_rules WHERE ?1 IS NULL OR account = ?1 ORDER BY created, id";
        Ok(sqlx::query_as(sql).bind(account).fetch_all(self.0).await?)
    }

    /// Forgets a rule of an account, and what it planned and has not begun; whether there was one.
    pub async fn delete_rule(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let mut change = self.0.begin().await?;
        let planned = sqlx::query(
            "DELETE FROM recordings WHERE rule = ? AND account = ? AND state IN ('planned', 'skipped')",
        );
        planned.bind(id).bind(account).execute(&mut *change).await?;
        let delete = sqlx::query("DELETE FROM recording_rules WHERE account = ? AND id = ?");
        let done = delete.bind(account).bind(id).execute(&mut *change).await?.rows_affected() > 0;
        change.commit().await?;
        Ok(done)
    }
}
