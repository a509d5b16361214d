//! Films: the records; the files lie in folders that the server knows.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// Whether a film can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum State {
    /// It plays.
    Ready,
    /// Its file is there and does not play.
    Unplayable,
    /// Its file is gone.
    Missing,
}

/// A film.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Film {
    /// The id.
    pub id: String,
    /// The folder of films.
    pub folder: String,
    /// The path in it, with `/` between its parts.
    pub path: String,
    /// Bytes of the file.
    pub size: i64,
    /// When the file was changed.
    pub modified: Millis,
    /// What the file held, as a hash of its ends.
    pub print: String,
    /// The film's title, or the episode's.
    pub title: String,
    /// The year it is from.
    pub year: Option<u16>,
    /// The show of an episode.
    pub show: Option<String>,
    /// Its season.
    pub season: Option<u16>,
    /// Its number in the season.
    pub episode: Option<u16>,
    /// How long it is.
    pub duration_ms: Option<i64>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// The tracks as JSON.
    pub codecs: String,
    /// Whether it can be watched.
    pub state: State,
    /// Why it cannot, in a sentence.
    pub reason: Option<String>,
    /// When it was first seen.
    pub added: Millis,
    /// From which age on it is for, where that is known. Written by [`Films::set_age`] alone.
    pub age: Option<u8>,
}

/// How far a profile has watched a film.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Position {
    /// The film's id.
    pub film: String,
    /// Seconds from its start.
    pub seconds: f64,
    /// Whether it was watched to its end.
    pub finished: bool,
    /// When that was.
    pub at: Millis,
}

/// The tables of films and positions.
#[derive(Clone, Copy, Debug)]
pub struct Films<'a>(pub(crate) &'a SqlitePool);

impl Films<'_> {
    /// Writes a new film down.
    pub async fn create(&self, film: &Film) -> Result<(), StoreError> {
        let sql = "INSERT INTO films (folder, path, size, modified, print, title, year, show, season, episode, \
                   duration_ms, width, height, codecs, state, reason, id, added) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        bind(sql, film).bind(film.added).execute(self.0).await?;
        Ok(())
    }

    /// Writes down what became of a film, which has to be there; whether it is. When it was added stays.
    pub async fn update(&self, film: &Film) -> Result<bool, StoreError> {
        let sql = "UPDATE films SET folder = ?, path = ?, size = ?, modified = ?, print = ?, title = ?, year = ?, \
                   show = ?, season = ?, episode = ?, duration_ms = ?, width = ?, height = ?, codecs = ?, \
                   state = ?, reason = ? WHERE id = ?";
        Ok(bind(sql, film).execute(self.0).await?.rows_affected() > 0)
    }

    /// All films, in no order.
    pub async fn all(&self) -> Result<Vec<Film>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM films").fetch_all(self.0).await?)
    }

    /// The film of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Film>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM films WHERE id = ?").bind(id).fetch_optional(self.0).await?)
    }

    /// Writes down the tracks of a film anew, as JSON; whether there is such a film.
    pub async fn set_tracks(&self, id: &str, tracks: &str) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE films SET codecs = ? WHERE id = ?");
        Ok(update.bind(tracks).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Forgets a film and how far it was watched; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query("DELETE FROM films WHERE id = ?").bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Says from which age on a film is for, or that it is not known; whether there is such a film.
    pub async fn set_age(&self, id: &str, age: Option<u8>) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE films SET age = ? WHERE id = ?");
        Ok(update.bind(age).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// How far a profile has watched each film.
    pub async fn positions(&self, profile: &str) -> Result<Vec<Position>, StoreError> {
        let sql = "SELECT film, seconds, finished, at FROM positions WHERE profile = ?";
        Ok(sqlx::query_as(sql).bind(profile).fetch_all(self.0).await?)
    }

    /// How far a profile has watched a film.
    pub async fn position(&self, profile: &str, film: &str) -> Result<Option<Position>, StoreError> {
        let sql = "SELECT film, seconds, finished, at FROM positions WHERE profile = ? AND film = ?";
        Ok(sqlx::query_as(sql).bind(profile).bind(film).fetch_optional(self.0).await?)
    }

    /// Writes down how far a profile has watched a film, which has to be there; whether it is.
    pub async fn set_position(&self, profile: &str, position: &Position) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO positions (profile, film, seconds, finished, at) \
             SELECT ?1, id, ?3, ?4, ?5 FROM films WHERE id = ?2 \
             ON CONFLICT (profile, film) DO UPDATE SET seconds = ?3, finished = ?4, at = ?5",
        )
        .bind(profile)
        .bind(&position.film)
        .bind(position.seconds)
        .bind(position.finished)
        .bind(position.at)
        .execute(self.0)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// A statement with the fields of a film in the order of the table, its id last.
fn bind<'q>(
    sql: &'static str,
    film: &'q Film,
) -> sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    sqlx::query(sql)
        .bind(&film.folder)
        .bind(&film.path)
        .bind(film.size)
        .bind(film.modified)
        .bind(&film.print)
        .bind(&film.title)
        .bind(film.year)
        .bind(&film.show)
        .bind(film.season)
        .bind(film.episode)
        .bind(film.duration_ms)
        .bind(film.width)
        .bind(film.height)
        .bind(&film.codecs)
        .bind(film.state)
        .bind(&film.reason)
        .bind(&film.id)
}
