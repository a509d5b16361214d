//! Saved clips: the records; the files lie in a folder that the server knows.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// A saved clip.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Clip {
    /// The id.
    pub id: String,
    /// The account that saved it.
    pub account: String,
    /// The title's id.
    pub title: String,
    /// The session it is from.
    pub session: String,
    /// When it was saved.
    pub created: Millis,
    /// How long it is.
    pub duration_ms: i64,
    /// How large it is.
    pub bytes: i64,
    /// The file's name inside the clips' folder.
    pub path: String,
}

/// The table of clips.
#[derive(Clone, Copy, Debug)]
pub struct Clips<'a>(pub(crate) &'a SqlitePool);

impl Clips<'_> {
    /// Writes a clip down.
    pub async fn create(&self, clip: &Clip) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO clips (id, account, title, session, created, duration_ms, bytes, path) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&clip.id)
        .bind(&clip.account)
        .bind(&clip.title)
        .bind(&clip.session)
        .bind(clip.created)
        .bind(clip.duration_ms)
        .bind(clip.bytes)
        .bind(&clip.path)
        .execute(self.0)
        .await?;
        Ok(())
    }

    /// The clips of an account, newest first.
    pub async fn of_account(&self, account: &str) -> Result<Vec<Clip>, StoreError> {
        let sql = "SELECT id, account, title, session, created, duration_ms, bytes, path FROM clips \
                   WHERE account = ? ORDER BY created DESC LIMIT 1000";
        Ok(sqlx::query_as(sql).bind(account).fetch_all(self.0).await?)
    }

    /// The clip of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Clip>, StoreError> {
        let sql =
            "SELECT id, account, title, session, created, duration_ms, bytes, path FROM clips WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.0).await?)
    }

    /// Bytes of all clips.
    pub async fn bytes(&self) -> Result<i64, StoreError> {
        let (bytes,): (i64,) =
            sqlx::query_as("SELECT COALESCE(SUM(bytes), 0) FROM clips").fetch_one(self.0).await?;
        Ok(bytes)
    }

    /// Forgets a clip; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query("DELETE FROM clips WHERE id = ?").bind(id).execute(self.0).await?.rows_affected() > 0)
    }
}
