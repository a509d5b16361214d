//! The guide: lists and programmes of others, and tokens by which players without a cookie read it.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// A list of channels, a guide, or both, of somebody else.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Source {
    /// The id.
    pub id: String,
    /// Who brought it.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// The address of the list (M3U); none where it was uploaded.
    pub playlist: Option<String>,
    /// The address of the guide (XMLTV).
    pub guide: Option<String>,
    /// Whether addresses of this network may be asked.
    pub private: bool,
    /// The validator of the list that was fetched last.
    pub playlist_tag: Option<String>,
    /// The validator of the guide that was fetched last.
    pub guide_tag: Option<String>,
    /// When it was fetched last.
    pub refreshed: Option<Millis>,
    /// Why that did not work, in a sentence.
    pub error: Option<String>,
    /// When it was brought.
    pub created: Millis,
}

/// What somebody else says is on.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Programme {
    /// The channel.
    pub channel: String,
    /// When it begins.
    pub start: Millis,
    /// When it ends.
    pub stop: Millis,
    /// What it is.
    pub title: String,
    /// Which part of it.
    pub subtitle: Option<String>,
    /// What happens.
    pub description: Option<String>,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// The season, from 1.
    pub season: Option<u32>,
    /// The episode, from 1.
    pub episode: Option<u32>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Token {
    /// The id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// What it is for, as its holder says.
    pub name: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last used, to the hour.
    pub used: Option<Millis>,
    /// The one film or channel that it opens, by its id; the whole guide where there is none.
    pub only: Option<String>,
    /// When it ends by itself.
    pub until: Option<Millis>,
}

/// What a token is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// What it is for.
    pub name: &'a str,
    /// The one film or channel that it opens, by its id.
    pub only: Option<&'a str>,
    /// When it ends by itself.
    pub until: Option<Millis>,
}

/// How often the use of a token is written down: players ask every few seconds.
const USED_EVERY: Millis = 3_600_000;

/// The tables of the guide.
#[derive(Clone, Copy, Debug)]
pub struct Guide<'a>(pub(crate) &'a SqlitePool);

impl Guide<'_> {
    /// Writes a source down, whether it is new or not.
    pub async fn put_source(&self, source: &Source) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO guide_sources (id, owner, name, playlist, guide, private, playlist_tag, guide_tag, \
             refreshed, error, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
             name = excluded.name, playlist = excluded.playlist, guide = excluded.guide, private = excluded.private, \
             playlist_tag = excluded.playlist_tag, guide_tag = excluded.guide_tag, refreshed = excluded.refreshed, \
             error = excluded.error",
        )
        .bind(&source.id)
        .bind(&source.owner)
        .bind(&source.name)
        .bind(&source.playlist)
        .bind(&source.guide)
        .bind(source.private)
        .bind(&source.playlist_tag)
        .bind(&source.guide_tag)
        .bind(source.refreshed)
        .bind(&source.error)
        .bind(source.created)
        .execute(self.0)
        .await?;
        Ok(())
    }

    /// All sources, oldest first.
    pub async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM guide_sources ORDER BY created, id").fetch_all(self.0).await?)
    }

    /// The source of an id.
    pub async fn source(&self, id: &str) -> Result<Option<Source>, StoreError> {
        let sql = "SELECT * FROM guide_sources WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.0).await?)
    }

    /// Forgets a source and its channels; whether there was one.
    pub async fn delete_source(&self, id: &str) -> Result<bool, StoreError> {
        let mut change = self.0.begin().await?;
        let channels = sqlx::query(
            "DELETE FROM channels WHERE id IN (SELECT channel FROM channel_sources WHERE source = ?)",
        );
        channels.bind(id).execute(&mut *change).await?;
        let source = sqlx::query("DELETE FROM guide_sources WHERE id = ?").bind(id);
        let done = source.execute(&mut *change).await?.rows_affected() > 0;
        change.commit().await?;
        Ok(done)
    }

    /// Says that a channel came from a source.
    pub async fn set_source(&self, channel: &str, source: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO channel_sources (channel, source) VALUES (?, ?)";
        sqlx::query(sql).bind(channel).bind(source).execute(self.0).await?;
        Ok(())
    }

    /// The source that a channel came from.
    pub async fn source_of(&self, channel: &str) -> Result<Option<Source>, StoreError> {
        let sql = "SELECT guide_sources.* FROM guide_sources JOIN channel_sources \
                   ON channel_sources.source = guide_sources.id WHERE channel_sources.channel = ?";
        Ok(sqlx::query_as(sql).bind(channel).fetch_optional(self.0).await?)
    }

    /// The ids of the channels of a source.
    pub async fn channels_of(&self, source: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT channel FROM channel_sources WHERE source = ?";
        let rows: Vec<(String,)> = sqlx::query_as(sql).bind(source).fetch_all(self.0).await?;
        Ok(rows.into_iter().map(|(channel,)| channel).collect())
    }

    /// Puts what is on a channel in place of what was known, from the first of `programmes` on; forgets what was over
    /// at `before`.
    pub async fn put_programmes(
        &self,
        channel: &str,
        programmes: &[Programme],
        before: Millis,
    ) -> Result<(), StoreError> {
        let mut change = self.0.begin().await?;
        let from = programmes.first().map_or(i64::MAX, |programme| programme.start);
        let delete = sqlx::query("DELETE FROM programmes WHERE channel = ? AND (start >= ? OR stop < ?)");
        delete.bind(channel).bind(from).bind(before).execute(&mut *change).await?;
        for programme in programmes {
            sqlx::query(
                "INSERT OR REPLACE INTO programmes (channel, start, stop, title, subtitle, description, category, \
                 season, episode) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(channel)
            .bind(programme.start)
            .bind(programme.stop)
            .bind(&programme.title)
            .bind(&programme.subtitle)
            .bind(&programme.description)
            .bind(&programme.category)
            .bind(programme.season)
            .bind(programme.episode)
            .execute(&mut *change)
            .await?;
        }
        change.commit().await?;
        Ok(())
    }

    /// What is on between two moments, by channel and time; at most `limit`.
    pub async fn programmes(
        &self,
        from: Millis,
        to: Millis,
        limit: u32,
    ) -> Result<Vec<Programme>, StoreError> {
        let sql = "SELECT * FROM programmes WHERE stop > ? AND start < ? ORDER BY channel, start LIMIT ?";
        Ok(sqlx::query_as(sql).bind(from).bind(to).bind(limit).fetch_all(self.0).await?)
    }

    /// A fresh token: its record, and the secret, which is not kept. Those that have ended are forgotten.
    pub async fn create_token(&self, new: NewToken<'_>, now: Millis) -> Result<(Token, String), StoreError> {
        sqlx::query("DELETE FROM guide_tokens WHERE until <= ?").bind(now).execute(self.0).await?;
        let secret = id::secret();
        let token = Token {
            id: id::fresh(),
            account: new.account.to_owned(),
            name: new.name.to_owned(),
            created: now,
            used: None,
            only: new.only.map(ToOwned::to_owned),
            until: new.until,
        };
        let insert = "INSERT INTO guide_tokens (id, hash, account, name, created, only, until) VALUES (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(insert)
            .bind(&token.id)
            .bind(id::hash(&secret))
            .bind(&token.account)
            .bind(&token.name)
            .bind(token.created)
            .bind(&token.only)
            .bind(token.until)
            .execute(self.0)
            .await?;
        Ok((token, secret))
    }

    /// The tokens of an account that hold now, oldest first.
    pub async fn tokens(&self, account: &str, now: Millis) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT * FROM guide_tokens WHERE account = ? AND (until IS NULL OR until > ?) ORDER BY created, id";
        Ok(sqlx::query_as(sql).bind(account).bind(now).fetch_all(self.0).await?)
    }

    /// Revokes a token of an account; whether there was one.
    pub async fn delete_token(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM guide_tokens WHERE account = ? AND id = ?");
        Ok(delete.bind(account).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// The token of a secret and whose it is, if it holds now.
    pub async fn by_secret(
        &self,
        secret: &str,
        now: Millis,
    ) -> Result<Option<(Token, crate::accounts::Account)>, StoreError> {
        let sql = "SELECT * FROM guide_tokens WHERE hash = ? AND (until IS NULL OR until > ?)";
        let token: Option<Token> =
            sqlx::query_as(sql).bind(id::hash(secret)).bind(now).fetch_optional(self.0).await?;
        let Some(token) = token else { return Ok(None) };
        if token.used.is_none_or(|used| now - used >= USED_EVERY) {
            let update = sqlx::query("UPDATE guide_tokens SET used = ? WHERE id = ?");
            update.bind(now).bind(&token.id).execute(self.0).await?;
        }
        let account = crate::Accounts(self.0).get(&token.account).await?;
        Ok(account.map(|account| (token, account)))
    }
}
