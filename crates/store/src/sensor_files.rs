//! Models and apps for sensors: what is said of them. Their bytes lie elsewhere, by their hash.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// What such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum Kind {
    /// A neural network (ONNX).
    Model,
    /// A sensing app (WebAssembly).
    App,
}

/// A model or an app.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct SensorFile {
    /// The BLAKE3 hash of its bytes, 64 hexadecimal digits.
    pub hash: String,
    /// What it is.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// How long it is.
    pub bytes: i64,
    /// Its card, as JSON: labels, input, thresholds, licence, what it was measured with.
    pub card: String,
    /// When it came here.
    pub created: Millis,
}

/// The table of models and apps.
#[derive(Clone, Copy, Debug)]
pub struct SensorFiles<'a>(pub(crate) &'a SqlitePool);

impl SensorFiles<'_> {
    /// Writes one down, whether it is new or not.
    pub async fn put(&self, file: &SensorFile) -> Result<(), StoreError> {
        let sql = "INSERT INTO sensor_files (hash, kind, name, bytes, card, created) VALUES (?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (hash) DO UPDATE SET name = excluded.name, card = excluded.card";
        let insert = sqlx::query(sql).bind(&file.hash).bind(file.kind).bind(&file.name).bind(file.bytes);
        insert.bind(&file.card).bind(file.created).execute(self.0).await?;
        Ok(())
    }

    /// All of them, newest first.
    pub async fn all(&self) -> Result<Vec<SensorFile>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM sensor_files ORDER BY created DESC, hash").fetch_all(self.0).await?)
    }

    /// The one with a hash.
    pub async fn get(&self, hash: &str) -> Result<Option<SensorFile>, StoreError> {
        let sql = "SELECT * FROM sensor_files WHERE hash = ?";
        Ok(sqlx::query_as(sql).bind(hash).fetch_optional(self.0).await?)
    }

    /// Forgets one; whether it was there.
    pub async fn delete(&self, hash: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM sensor_files WHERE hash = ?").bind(hash).execute(self.0).await?;
        Ok(done.rows_affected() > 0)
    }
}
