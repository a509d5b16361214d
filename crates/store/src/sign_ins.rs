//! Who is signed in, on which device.

use sqlx::{FromRow, SqlitePool};

use crate::accounts::Account;
use crate::{Millis, StoreError, id};

/// How often the time of a visit is written down: not on every request.
const SEEN_EVERY: Millis = 60_000;

/// Longest user agent that is kept.
const USER_AGENT_MAX: usize = 200;

/// A device on which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct SignIn {
    /// The id, which is not the secret.
    pub id: String,
    /// The account, or nothing for a visitor.
    pub account: Option<String>,
    /// The visitor's name, where no account is signed in.
    pub visitor: Option<String>,
    /// The invite by which the visitor came.
    pub invite: Option<String>,
    /// When it began.
    pub created: Millis,
    /// When it was last used, to the minute.
    pub seen: Millis,
    /// When it ends by itself.
    pub expires: Millis,
    /// What the device called itself.
    pub user_agent: String,
    /// What people call the device.
    pub device: Option<String>,
    /// The profile that it is in.
    pub profile: Option<String>,
    /// That profile's age limit.
    pub age_limit: Option<u8>,
}

/// The table of sign-ins.
#[derive(Clone, Copy, Debug)]
pub struct SignIns<'a>(pub(crate) &'a SqlitePool);

/// Whom a new sign-in is for.
#[derive(Clone, Copy, Debug)]
pub enum For<'a> {
    /// An account.
    Account(&'a str),
    /// Somebody with an invite and a name.
    Visitor {
        /// What others see.
        name: &'a str,
        /// The invite's id.
        invite: &'a str,
    },
}

impl SignIns<'_> {
    /// Signs in; gives the secret, which is kept as a hash alone.
    pub async fn create(
        &self,
        whom: For<'_>,
        user_agent: &str,
        now: Millis,
        expires: Millis,
    ) -> Result<String, StoreError> {
        let secret = id::secret();
        let (account, visitor, invite) = match whom {
            For::Account(account) => (Some(account), None, None),
            For::Visitor { name, invite } => (None, Some(name), Some(invite)),
        };
        let user_agent: String = user_agent.chars().take(USER_AGENT_MAX).collect();
        sqlx::query(
            "INSERT INTO sign_ins (id, hash, account, visitor, invite, created, seen, expires, user_agent) \
             VALUES (?, ?, ?, ?, ?, ?6, ?6, ?7, ?8)",
        )
        .bind(id::fresh())
        .bind(id::hash(&secret))
        .bind(account)
        .bind(visitor)
        .bind(invite)
        .bind(now)
        .bind(expires)
        .bind(user_agent)
        .execute(self.0)
        .await?;
        Ok(secret)
    }

    /// The sign-in of a secret that has not ended, with its account.
    pub async fn find(
        &self,
        secret: &str,
        now: Millis,
    ) -> Result<Option<(SignIn, Option<Account>)>, StoreError> {
        let sql = "SELECT sign_ins.id, sign_ins.account, visitor, invite, sign_ins.created, seen, expires, user_agent, \
                   device, profile, age_limit FROM sign_ins LEFT JOIN profiles ON profiles.id = profile \
                   WHERE hash = ? AND expires > ?";
        let found: Option<SignIn> =
            sqlx::query_as(sql).bind(id::hash(secret)).bind(now).fetch_optional(self.0).await?;
        let Some(sign_in) = found else { return Ok(None) };
        let account = match &sign_in.account {
            Some(account) => crate::Accounts(self.0).get(account).await?,
            None => None,
        };
        if now - sign_in.seen >= SEEN_EVERY {
            self.seen(&sign_in, now).await?;
        }
        Ok(Some((sign_in, account)))
    }

    async fn seen(&self, sign_in: &SignIn, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE sign_ins SET seen = ? WHERE id = ?")
            .bind(now)
            .bind(&sign_in.id)
            .execute(self.0)
            .await?;
        if let Some(account) = &sign_in.account {
            let update = sqlx::query("UPDATE accounts SET seen = ? WHERE id = ?");
            update.bind(now).bind(account).execute(self.0).await?;
        }
        Ok(())
    }

    /// The devices of an account, newest first.
    pub async fn of_account(&self, account: &str, now: Millis) -> Result<Vec<SignIn>, StoreError> {
        let sql = "SELECT sign_ins.id, sign_ins.account, visitor, invite, sign_ins.created, seen, expires, user_agent, \
                   device, profile, age_limit FROM sign_ins LEFT JOIN profiles ON profiles.id = profile \
                   WHERE sign_ins.account = ? AND expires > ? ORDER BY seen DESC LIMIT 200";
        Ok(sqlx::query_as(sql).bind(account).bind(now).fetch_all(self.0).await?)
    }

    /// Ends the sign-in of a secret.
    pub async fn end(&self, secret: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sign_ins WHERE hash = ?").bind(id::hash(secret)).execute(self.0).await?;
        Ok(())
    }

    /// Ends one device of an account; whether there was one.
    pub async fn end_one(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM sign_ins WHERE account = ? AND id = ?");
        Ok(delete.bind(account).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Says what people call a device of an account; whether there is one.
    pub async fn name(&self, account: &str, id: &str, name: &str) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE sign_ins SET device = ? WHERE account = ? AND id = ?");
        Ok(update.bind(name).bind(account).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Ends all devices of an account but the one of `keep`: a changed password shuts out whoever knew the old.
    pub async fn end_others(&self, account: &str, keep: &str) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM sign_ins WHERE account = ? AND id <> ?");
        delete.bind(account).bind(keep).execute(self.0).await?;
        Ok(())
    }

    /// Ends all visits by an invite.
    pub async fn end_visits(&self, invite: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sign_ins WHERE invite = ?").bind(invite).execute(self.0).await?;
        Ok(())
    }

    /// Removes what has ended by itself.
    pub async fn sweep(&self, now: Millis) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sign_ins WHERE expires <= ?").bind(now).execute(self.0).await?;
        Ok(())
    }
}
