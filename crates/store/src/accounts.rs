//! Accounts: who signs in.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Role {
    /// Sees titles; watches and takes a seat by invitation.
    Guest,
    /// Plays.
    Player,
    /// Everything.
    Owner,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Account {
    /// The id.
    pub id: String,
    /// The name that it is signed in with.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The argon2id hash, or none for an account that signs in by links.
    pub password: Option<String>,
    /// When it was made.
    pub created: Millis,
    /// When it was last heard of.
    pub seen: Option<Millis>,
    /// Its plan's id; without one it has what the house gives everybody.
    pub plan: Option<String>,
    /// Streams that it may watch at a time by its plan.
    pub streams: Option<u32>,
    /// Hours that its recordings may have by its plan.
    pub recording_hours: Option<u32>,
}

/// The table of accounts.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a>(pub(crate) &'a SqlitePool);

/// Accounts with what their plans give them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, password, created, seen, plan, \
             (SELECT streams FROM account_plans WHERE account_plans.id = accounts.plan) AS streams, \
             (SELECT recording_hours FROM account_plans WHERE account_plans.id = accounts.plan) AS recording_hours \
             FROM accounts ",
            $rest
        )
    };
}
pub(crate) use select;

/// A name as it is compared: capitals do not count.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// Adds an account within a connection or transaction.
pub(crate) async fn insert<'e>(
    executor: impl sqlx::SqliteExecutor<'e>,
    name: &str,
    role: Role,
    password: Option<&str>,
    now: Millis,
) -> Result<Account, StoreError> {
    sqlx::query_as(
        "INSERT INTO accounts (id, name, name_key, role, password, created) VALUES (?, ?, ?, ?, ?, ?) \
         RETURNING id, name, role, password, created, seen, plan, NULL AS streams, NULL AS recording_hours",
    )
    .bind(id::fresh())
    .bind(name)
    .bind(key(name))
    .bind(role)
    .bind(password)
    .bind(now)
    .fetch_one(executor)
    .await
    .map_err(|error| StoreError::taken(name, error))
}

impl Accounts<'_> {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`].
    pub async fn create(
        &self,
        name: &str,
        role: Role,
        password: Option<&str>,
        now: Millis,
    ) -> Result<Account, StoreError> {
        insert(self.0, name, role, password, now).await
    }

    /// All accounts by name.
    pub async fn all(&self) -> Result<Vec<Account>, StoreError> {
        Ok(sqlx::query_as(select!("ORDER BY name_key")).fetch_all(self.0).await?)
    }

    /// The account of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Account>, StoreError> {
        Ok(sqlx::query_as(select!("WHERE id = ?")).bind(id).fetch_optional(self.0).await?)
    }

    /// The account of a name; capitals do not count.
    pub async fn by_name(&self, name: &str) -> Result<Option<Account>, StoreError> {
        Ok(sqlx::query_as(select!("WHERE name_key = ?")).bind(key(name)).fetch_optional(self.0).await?)
    }

    /// The first owner: whom a code printed at a start signs in.
    pub async fn first_owner(&self) -> Result<Option<Account>, StoreError> {
        let sql = select!("WHERE role = 'owner' ORDER BY created, id LIMIT 1");
        Ok(sqlx::query_as(sql).fetch_optional(self.0).await?)
    }

    /// Gives an account another name.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`].
    pub async fn rename(&self, id: &str, name: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE accounts SET name = ?, name_key = ? WHERE id = ?");
        update
            .bind(name)
            .bind(key(name))
            .bind(id)
            .execute(self.0)
            .await
            .map_err(|e| StoreError::taken(name, e))?;
        Ok(())
    }

    /// Sets the password's hash.
    pub async fn set_password(&self, id: &str, hash: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE accounts SET password = ? WHERE id = ?");
        update.bind(hash).bind(id).execute(self.0).await?;
        Ok(())
    }

    /// Gives it a plan, which has to be there, or none; whether that was done.
    pub async fn set_plan(&self, id: &str, plan: Option<&str>) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE accounts SET plan = ?1 \
             WHERE id = ?2 AND (?1 IS NULL OR EXISTS (SELECT 1 FROM account_plans WHERE id = ?1))",
        );
        Ok(update.bind(plan).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Sets the role, unless that would leave nobody who owns the place: false, then.
    pub async fn set_role(&self, id: &str, role: Role) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE accounts SET role = ?1 WHERE id = ?2 AND (?1 = 'owner' OR EXISTS \
             (SELECT 1 FROM accounts WHERE role = 'owner' AND id <> ?2))",
        );
        Ok(update.bind(role).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Removes an account with all that hangs on it, unless it is the last owner: false, then.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query(
            "DELETE FROM accounts WHERE id = ?1 AND EXISTS \
             (SELECT 1 FROM accounts WHERE role = 'owner' AND id <> ?1)",
        );
        Ok(delete.bind(id).execute(self.0).await?.rows_affected() > 0)
    }
}
