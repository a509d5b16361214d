//! Invites: links into one session.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// What an invite lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Kind {
    /// Watch.
    Spectator,
    /// Take a seat.
    Player,
}

/// A link into one session.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Invite {
    /// The id, which is not the secret.
    pub id: String,
    /// The session.
    pub session: String,
    /// What it lets somebody do.
    pub kind: Kind,
    /// The seat it is for; nothing means the first free one.
    pub seat: Option<u8>,
    /// The account that made it.
    pub creator: String,
    /// When it was made.
    pub created: Millis,
    /// When it ends by itself.
    pub expires: Millis,
    /// When it was revoked.
    pub revoked: Option<Millis>,
    /// How often somebody came by it.
    pub uses: i64,
}

impl Invite {
    /// Whether it still opens the door.
    pub fn holds(&self, now: Millis) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// The table of invites.
#[derive(Clone, Copy, Debug)]
pub struct Invites<'a>(pub(crate) &'a SqlitePool);

/// What a new invite is for.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// The session.
    pub session: &'a str,
    /// What it lets somebody do.
    pub kind: Kind,
    /// The seat it is for.
    pub seat: Option<u8>,
    /// The account that makes it.
    pub creator: &'a str,
    /// When it ends by itself.
    pub expires: Millis,
}

impl Invites<'_> {
    /// Makes an invite; gives it with the secret of its link, which is kept as a hash alone.
    pub async fn create(&self, new: New<'_>, now: Millis) -> Result<(Invite, String), StoreError> {
        let secret = id::secret();
        let invite = sqlx::query_as(
            "INSERT INTO invites (id, hash, session, kind, seat, creator, created, expires) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
             RETURNING id, session, kind, seat, creator, created, expires, revoked, uses",
        )
        .bind(id::fresh())
        .bind(id::hash(&secret))
        .bind(new.session)
        .bind(new.kind)
        .bind(new.seat)
        .bind(new.creator)
        .bind(now)
        .bind(new.expires)
        .fetch_one(self.0)
        .await?;
        Ok((invite, secret))
    }

    /// The invite of a link's secret, whether it still holds or not.
    pub async fn by_secret(&self, secret: &str) -> Result<Option<Invite>, StoreError> {
        let sql = "SELECT id, session, kind, seat, creator, created, expires, revoked, uses FROM invites \
                   WHERE hash = ?";
        Ok(sqlx::query_as(sql).bind(id::hash(secret)).fetch_optional(self.0).await?)
    }

    /// The invite of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Invite>, StoreError> {
        let sql = "SELECT id, session, kind, seat, creator, created, expires, revoked, uses FROM invites \
                   WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.0).await?)
    }

    /// The invites of a session that still hold, newest first.
    pub async fn of_session(&self, session: &str, now: Millis) -> Result<Vec<Invite>, StoreError> {
        let sql = "SELECT id, session, kind, seat, creator, created, expires, revoked, uses FROM invites \
                   WHERE session = ? AND revoked IS NULL AND expires > ? ORDER BY created DESC LIMIT 200";
        Ok(sqlx::query_as(sql).bind(session).bind(now).fetch_all(self.0).await?)
    }

    /// Counts somebody who came by it.
    pub async fn used(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE invites SET uses = uses + 1 WHERE id = ?").bind(id).execute(self.0).await?;
        Ok(())
    }

    /// Revokes an invite of a session; whether there was one that still held.
    pub async fn revoke(&self, session: &str, id: &str, now: Millis) -> Result<bool, StoreError> {
        let update =
            sqlx::query("UPDATE invites SET revoked = ? WHERE id = ? AND session = ? AND revoked IS NULL");
        Ok(update.bind(now).bind(id).bind(session).execute(self.0).await?.rows_affected() > 0)
    }

    /// Removes all invites, when no session is left that they could lead to.
    pub async fn end_all(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM invites").execute(self.0).await?;
        Ok(())
    }

    /// Removes the invites of a session that is over, and with them the visits by them.
    pub async fn end_session(&self, session: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM invites WHERE session = ?").bind(session).execute(self.0).await?;
        Ok(())
    }
}
