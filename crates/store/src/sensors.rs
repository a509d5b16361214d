//! Sensors: who is enrolled, by which codes, and both halves of each one's twin.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError, id};

/// How long a code that does not work any more is remembered, so that it can be said why.
const REMEMBER: Millis = 24 * 3600 * 1000;

/// A sensor.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Sensor {
    /// What the tables of observations know it by.
    pub key: i64,
    /// The id: the common name of its certificate.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its tags: a list as JSON.
    pub tags: String,
    /// The group that it belongs to.
    pub grouped: Option<String>,
    /// When it was made.
    pub created: Millis,
    /// When it last took a certificate.
    pub enrolled: Option<Millis>,
    /// When its newest certificate ends.
    pub expires: Option<Millis>,
    /// The serial numbers of the certificates by which it may come: a list as JSON.
    pub serials: String,
    /// When it was thrown out.
    pub revoked: Option<Millis>,
    /// When it was last heard of, as far as that was written down.
    pub seen: Option<Millis>,
    /// The version of its settings; goes up with every change.
    pub version: i64,
    /// What it is told to do, as JSON.
    pub settings: String,
    /// What it said of itself, as JSON.
    pub reported: Option<String>,
}

/// Sensors that are made as they come, by one code.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// What each is called, with a number behind it.
    pub name: &'a str,
    /// The group that they belong to.
    pub grouped: Option<&'a str>,
    /// What each is told to do, as JSON.
    pub settings: &'a str,
    /// How many.
    pub count: u32,
}

/// What became of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// It works, and is used up now.
    Taken(Box<Sensor>),
    /// Nobody made it, or it is long gone.
    Unknown,
    /// Somebody has used it.
    Used,
    /// It was not used in time.
    Expired,
    /// The sensor that it was for has been thrown out since.
    Revoked,
}

/// The tables of sensors and their codes.
#[derive(Clone, Copy, Debug)]
pub struct Sensors<'a>(pub(crate) &'a SqlitePool);

impl Sensors<'_> {
    /// A new sensor, not enrolled yet.
    pub async fn create(
        &self,
        name: &str,
        tags: &str,
        grouped: Option<&str>,
        settings: &str,
        now: Millis,
    ) -> Result<Sensor, StoreError> {
        let sql = "INSERT INTO sensors (id, name, tags, grouped, created, settings) VALUES (?, ?, ?, ?, ?, ?) \
                   RETURNING *";
        let insert = sqlx::query_as(sql).bind(id::fresh()).bind(name).bind(tags).bind(grouped);
        Ok(insert.bind(now).bind(settings).fetch_one(self.0).await?)
    }

    /// All sensors, oldest first.
    pub async fn all(&self) -> Result<Vec<Sensor>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM sensors ORDER BY created, key").fetch_all(self.0).await?)
    }

    /// Whether there is a sensor, or ever was one.
    pub async fn ever(&self) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM sqlite_sequence WHERE name = 'sensors'";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(self.0).await?;
        Ok(count > 0)
    }

    /// The sensor of an id.
    pub async fn get(&self, id: &str) -> Result<Option<Sensor>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM sensors WHERE id = ?").bind(id).fetch_optional(self.0).await?)
    }

    /// Changes what people say of it; gives it as it is now.
    pub async fn describe(
        &self,
        id: &str,
        name: &str,
        tags: &str,
        grouped: Option<&str>,
    ) -> Result<Option<Sensor>, StoreError> {
        let sql = "UPDATE sensors SET name = ?, tags = ?, grouped = ? WHERE id = ? RETURNING *";
        let update = sqlx::query_as(sql).bind(name).bind(tags).bind(grouped).bind(id);
        Ok(update.fetch_optional(self.0).await?)
    }

    /// New settings on top of version `from`; nothing where they have that version no more. Gives it as it is now.
    pub async fn settle(&self, id: &str, from: i64, settings: &str) -> Result<Option<Sensor>, StoreError> {
        let sql =
            "UPDATE sensors SET version = version + 1, settings = ? WHERE id = ? AND version = ? RETURNING *";
        Ok(sqlx::query_as(sql).bind(settings).bind(id).bind(from).fetch_optional(self.0).await?)
    }

    /// Keeps what it said of itself.
    pub async fn report(&self, id: &str, reported: &str) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE sensors SET reported = ? WHERE id = ?");
        update.bind(reported).bind(id).execute(self.0).await?;
        Ok(())
    }

    /// Writes down when each was last heard of: a list of `[id, at]` as JSON.
    pub async fn seen(&self, list: &str) -> Result<(), StoreError> {
        let sql = "UPDATE sensors SET seen = fresh.at FROM \
                   (SELECT value ->> 0 AS id, value ->> 1 AS at FROM json_each(?)) AS fresh \
                   WHERE sensors.id = fresh.id";
        sqlx::query(sql).bind(list).execute(self.0).await?;
        Ok(())
    }

    /// Throws it out; whether there was one that was not out yet. What it saw stays.
    pub async fn revoke(&self, id: &str, now: Millis) -> Result<bool, StoreError> {
        let update = sqlx::query("UPDATE sensors SET revoked = ? WHERE id = ? AND revoked IS NULL");
        Ok(update.bind(now).bind(id).execute(self.0).await?.rows_affected() > 0)
    }

    /// Forgets it with all that it saw; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM sensors WHERE id = ?").bind(id).execute(self.0).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps the hash of a fresh code for it. Earlier ones that nobody has used are void.
    pub async fn offer(&self, key: i64, code: &str, now: Millis, expires: Millis) -> Result<(), StoreError> {
        let mut transaction = self.0.begin().await?;
        let void = sqlx::query("DELETE FROM sensor_codes WHERE expires <= ? OR (sensor = ? AND used = 0)");
        void.bind(now - REMEMBER).bind(key).execute(&mut *transaction).await?;
        let insert =
            sqlx::query("INSERT INTO sensor_codes (hash, sensor, created, expires) VALUES (?, ?, ?, ?)");
        let insert = insert.bind(id::hash(code)).bind(key).bind(now).bind(expires);
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps the hash of a code that makes a new sensor whenever it is used.
    pub async fn offer_fleet(
        &self,
        fleet: Fleet<'_>,
        code: &str,
        now: Millis,
        expires: Millis,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO sensor_codes (hash, name, grouped, settings, count, created, expires) \
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql).bind(id::hash(code)).bind(fleet.name).bind(fleet.grouped);
        let insert = insert.bind(fleet.settings).bind(fleet.count).bind(now).bind(expires);
        insert.execute(self.0).await?;
        Ok(())
    }

    /// Uses a code up. Its sensor, which may have been thrown out before the code was made, is in again, and only with the
    /// certificate of this serial number, which ends at `until`.
    pub async fn redeem(
        &self,
        code: &str,
        serial: &str,
        now: Millis,
        until: Millis,
    ) -> Result<Code, StoreError> {
        let hash = id::hash(code);
        let mut transaction = self.0.begin().await?;
        let sql = "UPDATE sensor_codes SET used = used + 1 WHERE hash = ? AND used < count AND expires > ? \
                   RETURNING sensor, name, grouped, settings, used, created";
        let offer: Option<Offer> =
            sqlx::query_as(sql).bind(&hash).bind(now).fetch_optional(&mut *transaction).await?;
        let Some(offer) = offer else {
            let sql = "SELECT used >= count FROM sensor_codes WHERE hash = ?";
            let known: Option<(bool,)> =
                sqlx::query_as(sql).bind(&hash).fetch_optional(&mut *transaction).await?;
            return Ok(match known {
                None => Code::Unknown,
                Some((false,)) => Code::Expired,
                Some((true,)) => Code::Used,
            });
        };
        let key = if let Some(key) = offer.sensor {
            key
        } else {
            let sql = "INSERT INTO sensors (id, name, grouped, created, settings) VALUES (?, ?, ?, ?, ?) \
                       RETURNING key";
            let name = format!("{} {}", offer.name.unwrap_or_default(), offer.used);
            let insert = sqlx::query_scalar(sql).bind(id::fresh()).bind(name).bind(offer.grouped);
            insert.bind(now).bind(offer.settings).fetch_one(&mut *transaction).await?
        };
        let sql = "UPDATE sensors SET enrolled = ?1, expires = ?2, serials = json_array(?3), revoked = NULL \
                   WHERE key = ?4 AND (revoked IS NULL OR revoked <= ?5) RETURNING *";
        let sensor = sqlx::query_as(sql).bind(now).bind(until).bind(serial).bind(key).bind(offer.created);
        let sensor: Option<Sensor> = sensor.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(sensor.map_or(Code::Revoked, |sensor| Code::Taken(Box::new(sensor))))
    }

    /// Lets it in by a new certificate as well as by the one that it came with, until `until`; nothing where it has been
    /// thrown out, or is none. Whatever it had before those two is void.
    pub async fn renew(
        &self,
        id: &str,
        present: &str,
        serial: &str,
        now: Millis,
        until: Millis,
    ) -> Result<Option<Sensor>, StoreError> {
        let sql = "UPDATE sensors SET enrolled = ?, expires = ?, serials = json_array(?, ?) \
                   WHERE id = ? AND revoked IS NULL RETURNING *";
        let update = sqlx::query_as(sql).bind(now).bind(until).bind(present).bind(serial).bind(id);
        Ok(update.fetch_optional(self.0).await?)
    }
}

/// What a code offers.
#[derive(Debug, FromRow)]
struct Offer {
    sensor: Option<i64>,
    name: Option<String>,
    grouped: Option<String>,
    settings: Option<String>,
    used: u32,
    created: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("playhouse.db")).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_code_works_once_and_not_for_ever() {
        let (_folder, store) = store().await;
        let sensors = store.sensors();
        assert!(!sensors.ever().await.unwrap());
        let sensor = sensors.create("Door", "[]", None, "{}", 1).await.unwrap();
        assert!(sensors.ever().await.unwrap());
        sensors.offer(sensor.key, "FIRST", 10, 100).await.unwrap();
        sensors.offer(sensor.key, "SECOND", 20, 100).await.unwrap();
        assert_eq!(
            sensors.redeem("FIRST", "a", 30, 900).await.unwrap(),
            Code::Unknown,
            "a newer one voids it"
        );
        assert_eq!(sensors.redeem("SECOND", "a", 100, 900).await.unwrap(), Code::Expired);
        let Code::Taken(taken) = sensors.redeem("SECOND", "a", 99, 900).await.unwrap() else {
            panic!("not taken")
        };
        assert_eq!((taken.key, taken.enrolled, taken.expires), (sensor.key, Some(99), Some(900)));
        assert_eq!(sensors.redeem("SECOND", "a", 99, 900).await.unwrap(), Code::Used);
    }

    #[tokio::test]
    async fn whoever_is_thrown_out_needs_a_code_that_was_made_since() {
        let (_folder, store) = store().await;
        let sensors = store.sensors();
        let sensor = sensors.create("Door", "[]", None, "{}", 1).await.unwrap();
        sensors.offer(sensor.key, "BEFORE", 10, 1000).await.unwrap();
        assert!(sensors.revoke(&sensor.id, 20).await.unwrap());
        assert!(!sensors.revoke(&sensor.id, 21).await.unwrap());
        assert_eq!(sensors.renew(&sensor.id, "a", "b", 22, 900).await.unwrap(), None);
        assert_eq!(sensors.redeem("BEFORE", "a", 30, 900).await.unwrap(), Code::Revoked);
        sensors.offer(sensor.key, "SINCE", 40, 1000).await.unwrap();
        assert!(matches!(sensors.redeem("SINCE", "a", 50, 900).await.unwrap(), Code::Taken(_)));
        let renewed = sensors.renew(&sensor.id, "a", "b", 60, 950).await.unwrap().unwrap();
        assert_eq!(
            renewed.serials, "[\"a\",\"b\"]",
            "a sensor that dies with its new certificate has the old one"
        );
    }

    #[tokio::test]
    async fn a_fleet_comes_by_one_code_and_no_more_than_were_meant() {
        let (_folder, store) = store().await;
        let fleet = Fleet { name: "Simulated", grouped: Some("hall"), settings: "{}", count: 2 };
        store.sensors().offer_fleet(fleet, "FLEET", 1, 100).await.unwrap();
        for name in ["Simulated 1", "Simulated 2"] {
            let code = store.sensors().redeem("FLEET", "a", 2, 900).await.unwrap();
            let Code::Taken(sensor) = code else { panic!("{code:?}") };
            assert_eq!((sensor.name.as_str(), sensor.grouped.as_deref()), (name, Some("hall")));
        }
        assert_eq!(store.sensors().redeem("FLEET", "a", 2, 900).await.unwrap(), Code::Used);
        assert_eq!(store.sensors().all().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn settings_that_somebody_else_changed_are_not_overwritten() {
        let (_folder, store) = store().await;
        let sensors = store.sensors();
        let sensor = sensors.create("Door", "[]", None, "{}", 1).await.unwrap();
        let changed = sensors.settle(&sensor.id, sensor.version, "{\"a\":1}").await.unwrap().unwrap();
        assert_eq!(changed.version, sensor.version + 1);
        assert_eq!(sensors.settle(&sensor.id, sensor.version, "{}").await.unwrap(), None);
        sensors.seen(&format!("[[\"{}\",77],[\"nobody\",1]]", sensor.id)).await.unwrap();
        assert_eq!(sensors.get(&sensor.id).await.unwrap().unwrap().seen, Some(77));
    }
}
