//! Channels, and the keys by which they are published.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// Where a channel's pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum Kind {
    /// A publisher with a key.
    Push,
    /// An address that is pulled.
    Pull,
    /// The library, by a schedule.
    Schedule,
    /// Somebody else, found in an imported list.
    External,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Channel {
    /// The id.
    pub id: String,
    /// The account that made it.
    pub owner: String,
    /// What people call it.
    pub name: String,
    /// Where its pictures come from.
    pub kind: Kind,
    /// The address of what is pulled or somebody else's.
    pub source: Option<String>,
    /// Where it stands in the guide; no two stand at the same place.
    pub number: Option<u32>,
    /// The heading it stands under.
    pub category: Option<String>,
    /// The address of a logo.
    pub logo: Option<String>,
    /// Its id in guides (XMLTV).
    pub guide_id: Option<String>,
    /// Whether a second publisher takes over instead of being refused.
    pub replace_publisher: bool,
    /// How far back one can go.
    pub window_seconds: u32,
    /// Whether lower qualities are made while it is live and there is capacity.
    pub ladder: bool,
    /// When it was made.
    pub created: Millis,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Key {
    /// The id.
    pub id: String,
    /// What it publishes.
    pub channel: String,
    /// What its holder calls it.
    pub name: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last used.
    pub used: Option<Millis>,
}

/// The tables of channels and of their keys.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a>(pub(crate) &'a SqlitePool);

impl Channels<'_> {
    /// Writes a channel down, whether it is new or not.
    pub async fn put(&self, channel: &Channel) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO channels (id, owner, name, kind, source, number, category, logo, guide_id, \
             replace_publisher, window_seconds, ladder, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, source = excluded.source, \
             number = excluded.number, category = excluded.category, logo = excluded.logo, \
             guide_id = excluded.guide_id, replace_publisher = excluded.replace_publisher, \
             window_seconds = excluded.window_seconds, ladder = excluded.ladder",
        )
        .bind(&channel.id)
        .bind(&channel.owner)
        .bind(&channel.name)
        .bind(channel.kind)
        .bind(&channel.source)
        .bind(channel.number)
        .bind(&channel.category)
        .bind(&channel.logo)
        .bind(&channel.guide_id)
        .bind(channel.replace_publisher)
        .bind(channel.window_seconds)
        .bind(channel.ladder)
        .bind(channel.created)
        .execute(self.0)
        .await?;
        Ok(())
    }

    /// All channels, as they stand in the guide; those without a number last.
    pub async fn all(&self) -> Result<Vec<Channel>, StoreError> {
        let sql = "SELECT * FROM channels ORDER BY number IS NULL, number, created, id";
        Ok(sqlx::query_as(sql).fetch_all(self.0).await?)
    }

    /// The channel of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Channel>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM channels WHERE id = ?").bind(id).fetch_optional(self.0).await?)
    }

    /// Forgets a channel and its keys; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM channels WHERE id = ?").bind(id).execute(self.0).await?;
        Ok(done.rows_affected() > 0)
    }

    /// A fresh key for a channel: its record, and the secret, which is not kept.
    pub async fn create_key(
        &self,
        channel: &str,
        name: &str,
        now: Millis,
    ) -> Result<(Key, String), StoreError> {
        let secret = id::secret();
        let key = Key {
            id: id::fresh(),
            channel: channel.to_owned(),
            name: name.to_owned(),
            created: now,
            used: None,
        };
        sqlx::query("INSERT INTO stream_keys (id, channel, hash, name, created) VALUES (?, ?, ?, ?, ?)")
            .bind(&key.id)
            .bind(&key.channel)
            .bind(id::hash(&secret))
            .bind(&key.name)
            .bind(key.created)
            .execute(self.0)
            .await?;
        Ok((key, secret))
    }

    /// The keys of a channel, oldest first.
    pub async fn keys(&self, channel: &str) -> Result<Vec<Key>, StoreError> {
        let sql =
            "SELECT id, channel, name, created, used FROM stream_keys WHERE channel = ? ORDER BY created, id";
        Ok(sqlx::query_as(sql).bind(channel).fetch_all(self.0).await?)
    }

    /// Revokes a key of a channel; whether there was one.
    pub async fn delete_key(&self, channel: &str, key: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM stream_keys WHERE channel = ? AND id = ?";
        Ok(sqlx::query(sql).bind(channel).bind(key).execute(self.0).await?.rows_affected() > 0)
    }

    /// The channel that a secret publishes, if it is one of a key; the key counts as used now.
    pub async fn by_secret(&self, secret: &str, now: Millis) -> Result<Option<Channel>, StoreError> {
        let sql = "UPDATE stream_keys SET used = ? WHERE hash = ? RETURNING channel";
        let channel: Option<(String,)> =
            sqlx::query_as(sql).bind(now).bind(id::hash(secret)).fetch_optional(self.0).await?;
        match channel {
            Some((channel,)) => self.get(&channel).await,
            None => Ok(None),
        }
    }
}
