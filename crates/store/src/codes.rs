//! One-time codes: what a first link carries.

use sqlx::SqlitePool;

use crate::accounts::{Account, Role, insert, select};
use crate::{Accounts, Millis, StoreError, id};

/// The table of one-time codes.
#[derive(Clone, Copy, Debug)]
pub struct Codes<'a>(pub(crate) &'a SqlitePool);

impl Codes<'_> {
    /// A fresh code for an account, or for the owner where none is named. Earlier codes for the same are void.
    pub async fn create(
        &self,
        account: Option<&str>,
        now: Millis,
        expires: Millis,
    ) -> Result<String, StoreError> {
        let code = id::secret();
        let mut transaction = self.0.begin().await?;
        let void = sqlx::query("DELETE FROM codes WHERE account IS ? OR expires <= ?");
        void.bind(account).bind(now).execute(&mut *transaction).await?;
        let insert = sqlx::query("INSERT INTO codes (hash, account, created, expires) VALUES (?, ?, ?, ?)");
        insert.bind(id::hash(&code)).bind(account).bind(now).bind(expires).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(code)
    }

    /// Uses a code up and gives the account that it signs in; nothing for a code that is unknown, used or too
    /// old. A code for the owner makes an owner called `owner_name` where there is none.
    ///
    /// One transaction: a code that could not be honoured stays valid.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] for the new owner's name.
    pub async fn redeem(
        &self,
        code: &str,
        owner_name: &str,
        now: Millis,
    ) -> Result<Option<Account>, StoreError> {
        let mut transaction = self.0.begin().await?;
        let used: Option<(Option<String>,)> = sqlx::query_as(
            "UPDATE codes SET used = ?1 WHERE hash = ?2 AND used IS NULL AND expires > ?1 RETURNING account",
        )
        .bind(now)
        .bind(id::hash(code))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((account,)) = used else { return Ok(None) };
        let of_account = select!("WHERE id = ?");
        let first_owner = select!("WHERE role = 'owner' ORDER BY created, id LIMIT 1");
        let query = if account.is_some() { of_account } else { first_owner };
        let known: Option<Account> =
            sqlx::query_as(query).bind(&account).fetch_optional(&mut *transaction).await?;
        let known = match (known, account) {
            (None, None) => Some(insert(&mut *transaction, owner_name, Role::Owner, None, now).await?),
            (known, _) => known,
        };
        transaction.commit().await?;
        Ok(known)
    }

    /// Whether the place has an owner yet.
    pub async fn has_owner(&self) -> Result<bool, StoreError> {
        Ok(Accounts(self.0).first_owner().await?.is_some())
    }
}
