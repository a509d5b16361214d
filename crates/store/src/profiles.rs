//! Profiles: the people who share an account.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Profile {
    /// The id; the first one of an account has the account's.
    pub id: String,
    /// The account that it belongs to.
    pub account: String,
    /// What the person is called.
    pub name: String,
    /// Films are seen up to this age; nothing is no limit.
    pub age_limit: Option<u8>,
    /// The argon2id hash of the PIN that opens it.
    pub pin: Option<String>,
    /// The language of the pages (BCP 47).
    pub language: Option<String>,
    /// The language that is listened to.
    pub audio: Option<String>,
    /// The language of the subtitles.
    pub subtitles: Option<String>,
    /// Whether the next episode begins by itself.
    pub autoplay: bool,
    /// When it was made.
    pub created: Millis,
}

/// The table of profiles.
#[derive(Clone, Copy, Debug)]
pub struct Profiles<'a>(pub(crate) &'a SqlitePool);

impl Profiles<'_> {
    /// Adds a profile unless the account has `most` already: nothing, then.
    pub async fn create(
        &self,
        account: &str,
        name: &str,
        most: u32,
        now: Millis,
    ) -> Result<Option<Profile>, StoreError> {
        let sql = "INSERT INTO profiles (id, account, name, created) SELECT ?1, ?2, ?3, ?4 \
                   WHERE (SELECT COUNT(*) FROM profiles WHERE account = ?2) < ?5 RETURNING *";
        let insert = sqlx::query_as(sql).bind(id::fresh()).bind(account).bind(name).bind(now).bind(most);
        Ok(insert.fetch_optional(self.0).await?)
    }

    /// The profiles of an account, the first one first.
    pub async fn of_account(&self, account: &str) -> Result<Vec<Profile>, StoreError> {
        let sql = "SELECT * FROM profiles WHERE account = ? ORDER BY created, id <> account, id";
        Ok(sqlx::query_as(sql).bind(account).fetch_all(self.0).await?)
    }

    /// The profile of an id, if it is the account's.
    pub async fn get(&self, account: &str, id: &str) -> Result<Option<Profile>, StoreError> {
        let sql = "SELECT * FROM profiles WHERE account = ? AND id = ?";
        Ok(sqlx::query_as(sql).bind(account).bind(id).fetch_optional(self.0).await?)
    }

    /// Writes down what became of a profile; whether it is there.
    pub async fn update(&self, profile: &Profile) -> Result<bool, StoreError> {
        let sql = "UPDATE profiles SET name = ?, age_limit = ?, pin = ?, language = ?, audio = ?, subtitles = ?, \
                   autoplay = ? WHERE id = ?";
        let done = sqlx::query(sql)
            .bind(&profile.name)
            .bind(profile.age_limit)
            .bind(&profile.pin)
            .bind(&profile.language)
            .bind(&profile.audio)
            .bind(&profile.subtitles)
            .bind(profile.autoplay)
            .bind(&profile.id)
            .execute(self.0)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes a profile with all that it has watched, unless it is the account's last one: false, then. Devices that
    /// were in it go on with the first one that opens without a PIN.
    pub async fn delete(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.0.begin().await?;
        let delete = sqlx::query(
            "DELETE FROM profiles WHERE account = ?1 AND id = ?2 AND EXISTS \
             (SELECT 1 FROM profiles WHERE account = ?1 AND id <> ?2)",
        );
        let gone = delete.bind(account).bind(id).execute(&mut *transaction).await?.rows_affected() > 0;
        let homeless = sqlx::query(
            "UPDATE sign_ins SET profile = (SELECT id FROM profiles WHERE account = ?1 AND pin IS NULL \
             ORDER BY created, id <> account, id LIMIT 1) WHERE account = ?1 AND profile IS NULL",
        );
        homeless.bind(account).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    /// From now on a device is in that profile.
    pub async fn open(&self, sign_in: &str, profile: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE sign_ins SET profile = ? WHERE id = ?");
        update.bind(profile).bind(sign_in).execute(self.0).await?;
        Ok(())
    }

    /// Lets all devices but one out of a profile, whose PIN is another one now.
    pub async fn close(&self, account: &str, profile: &str, keep: &str) -> Result<(), StoreError> {
        let update = sqlx::query(
            "UPDATE sign_ins SET profile = (SELECT id FROM profiles WHERE account = ?1 AND pin IS NULL \
             ORDER BY created, id <> account, id LIMIT 1) WHERE account = ?1 AND profile = ?2 AND id <> ?3",
        );
        update.bind(account).bind(profile).bind(keep).execute(self.0).await?;
        Ok(())
    }
}
