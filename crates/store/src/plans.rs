//! Plans: bundles of what an account may have, which owners make and give to accounts.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// A plan. What is left out is what the house gives everybody.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Plan {
    /// The id.
    pub id: String,
    /// What it is called; unique, whatever its capitals.
    pub name: String,
    /// Films and channels that an account may watch at a time.
    pub streams: Option<u32>,
    /// Hours that its recordings may have.
    pub recording_hours: Option<u32>,
    /// When it was made.
    pub created: Millis,
    /// How many accounts have it. Only read.
    pub accounts: i64,
}

/// The table of plans.
#[derive(Clone, Copy, Debug)]
pub struct Plans<'a>(pub(crate) &'a SqlitePool);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, streams, recording_hours, created, \
             (SELECT count(*) FROM accounts WHERE accounts.plan = account_plans.id) AS accounts FROM account_plans ",
            $rest
        )
    };
}

impl Plans<'_> {
    /// Makes a plan; gives its id.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`].
    pub async fn create(
        &self,
        name: &str,
        streams: Option<u32>,
        recording_hours: Option<u32>,
        now: Millis,
    ) -> Result<String, StoreError> {
        let id = id::fresh();
        sqlx::query(
            "INSERT INTO account_plans (id, name, name_key, streams, recording_hours, created) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(name)
        .bind(name.to_lowercase())
        .bind(streams)
        .bind(recording_hours)
        .bind(now)
        .execute(self.0)
        .await
        .map_err(|error| StoreError::taken(name, error))?;
        Ok(id)
    }

    /// Writes a plan as it is to be now; whether there is one of its id.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`].
    pub async fn update(&self, plan: &Plan) -> Result<bool, StoreError> {
        let sql =
            "UPDATE account_plans SET name = ?, name_key = ?, streams = ?, recording_hours = ? WHERE id = ?";
        let update = sqlx::query(sql).bind(&plan.name).bind(plan.name.to_lowercase());
        let done = update.bind(plan.streams).bind(plan.recording_hours).bind(&plan.id).execute(self.0).await;
        Ok(done.map_err(|error| StoreError::taken(&plan.name, error))?.rows_affected() > 0)
    }

    /// All plans by name.
    pub async fn all(&self) -> Result<Vec<Plan>, StoreError> {
        Ok(sqlx::query_as(select!("ORDER BY name_key")).fetch_all(self.0).await?)
    }

    /// The plan of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Plan>, StoreError> {
        Ok(sqlx::query_as(select!("WHERE id = ?")).bind(id).fetch_optional(self.0).await?)
    }

    /// Takes a plan away; its accounts have what the house gives everybody then. Whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let delete = sqlx::query("DELETE FROM account_plans WHERE id = ?").bind(id);
        Ok(delete.execute(self.0).await?.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::Store;

    /// The migration that makes plans.
    const PLANS: i64 = 14;

    #[tokio::test]
    async fn what_accounts_were_given_before_there_were_plans_is_a_plan_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let all = sqlx::migrate!();
        let mut old = sqlx::migrate!();
        let before = all.migrations.iter().filter(|migration| migration.version < PLANS);
        old.migrations = Cow::Owned(before.cloned().collect());
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        old.run(&pool).await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO accounts (id, name, name_key, role, created, streams) VALUES \
             ('a', 'Ada', 'ada', 'owner', 1, 2), ('b', 'Bob', 'bob', 'player', 2, 2), \
             ('c', 'Cem', 'cem', 'player', 3, 1), ('d', 'Dot', 'dot', 'guest', 4, NULL)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;

        let store = Store::open(&path).await.unwrap();
        let plans = store.plans().all().await.unwrap();
        let plans: Vec<_> =
            plans.iter().map(|plan| (plan.name.as_str(), plan.streams, plan.accounts)).collect();
        assert_eq!(plans, [("1 stream", Some(1), 1), ("2 streams", Some(2), 2)]);
        let accounts = store.accounts().all().await.unwrap();
        let streams: Vec<_> = accounts.iter().map(|account| account.streams).collect();
        assert_eq!(streams, [Some(2), Some(2), Some(1), None]);
    }

    #[tokio::test]
    async fn an_account_has_what_its_plan_gives_until_the_plan_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("new.db")).await.unwrap();
        let role = crate::accounts::Role::Player;
        let account = store.accounts().create("Ada", role, None, 1).await.unwrap();
        let plan = store.plans().create("Family", Some(6), Some(50), 2).await.unwrap();
        assert!(matches!(store.plans().create("FAMILY", None, None, 2).await, Err(StoreError::NameTaken(_))));
        store.accounts().set_plan(&account.id, Some(&plan)).await.unwrap();
        let seen = store.accounts().get(&account.id).await.unwrap().unwrap();
        assert_eq!(
            (seen.plan.as_deref(), seen.streams, seen.recording_hours),
            (Some(&*plan), Some(6), Some(50))
        );
        assert!(store.plans().delete(&plan).await.unwrap());
        assert_eq!(store.accounts().get(&account.id).await.unwrap().unwrap(), account);
    }
}
