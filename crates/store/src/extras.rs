//! Extras: what is known of a film, and made of it, besides what plays.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// The extras of a film. What is JSON is written and read by the server.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Extra {
    /// The film's id.
    pub film: String,
    /// What its file held.
    pub print: String,
    /// A hash of what lies beside it.
    pub beside: String,
    /// When they were made.
    pub made: Millis,
    /// Its chapters, as JSON.
    pub chapters: String,
    /// Its texts, as JSON.
    pub texts: String,
    /// What notes say about it, as JSON.
    pub notes: String,
    /// How its small pictures lie on their sheets, as JSON.
    pub sprites: String,
    /// Years that somebody should have to see it.
    pub age: Option<u8>,
    /// Bytes of what was made.
    pub bytes: i64,
    /// How loud its sounds are, as JSON, once they were measured. Written by [`Extras::set_loudness`] alone.
    pub loudness: Option<String>,
}

/// The table of extras.
#[derive(Clone, Copy, Debug)]
pub struct Extras<'a>(pub(crate) &'a SqlitePool);

impl Extras<'_> {
    /// Writes those of a film down, which has to be there; whether it is. Its title and year are what notes say, where
    /// they say any.
    pub async fn put(
        &self,
        extra: &Extra,
        title: Option<&str>,
        year: Option<u16>,
    ) -> Result<bool, StoreError> {
        let mut both = self.0.begin().await?;
        let done = sqlx::query(
            "INSERT INTO extras (film, print, beside, made, chapters, texts, notes, sprites, age, bytes) \
             SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM films WHERE id = ?1 \
             ON CONFLICT (film) DO UPDATE SET print = ?2, beside = ?3, made = ?4, chapters = ?5, texts = ?6, \
             notes = ?7, sprites = ?8, age = ?9, bytes = ?10",
        )
        .bind(&extra.film)
        .bind(&extra.print)
        .bind(&extra.beside)
        .bind(extra.made)
        .bind(&extra.chapters)
        .bind(&extra.texts)
        .bind(&extra.notes)
        .bind(&extra.sprites)
        .bind(extra.age)
        .bind(extra.bytes)
        .execute(&mut *both)
        .await?;
        sqlx::query("UPDATE films SET title = coalesce(?, title), year = coalesce(?, year) WHERE id = ?")
            .bind(title)
            .bind(year)
            .bind(&extra.film)
            .execute(&mut *both)
            .await?;
        both.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes down how loud the sounds of a film are; whether it has extras.
    pub async fn set_loudness(&self, film: &str, loudness: &str) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE extras SET loudness = ? WHERE film = ?");
        Ok(update.bind(loudness).bind(film).execute(self.0).await?.rows_affected() > 0)
    }

    /// All of them, in no order.
    pub async fn all(&self) -> Result<Vec<Extra>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM extras").fetch_all(self.0).await?)
    }

    /// Those of a film.
    pub async fn get(&self, film: &str) -> Result<Option<Extra>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM extras WHERE film = ?").bind(film).fetch_optional(self.0).await?)
    }
}
