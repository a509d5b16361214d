//! What is done when sensors see something: rules, what they told of, and the calls that they make.

use sqlx::{FromRow, SqlitePool};

use crate::{Millis, StoreError};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RuleRow {
    /// The id.
    pub id: String,
    /// All of it, as JSON.
    pub rule: String,
    /// When it was made.
    pub created: Millis,
}

/// What a rule told of.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Notice {
    /// Its number: later ones have higher ones.
    pub id: i64,
    /// The rule's id.
    pub rule: String,
    /// What the rule was called.
    pub name: String,
    /// The sensor's id; empty for what goes by the clock alone.
    pub sensor: String,
    /// When it was so.
    pub at: Millis,
    /// The figure that made it so.
    pub figure: f64,
    /// What was seen, in a sentence.
    pub text: String,
}

/// A call of somebody else's address.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Webhook {
    /// Its number.
    pub id: i64,
    /// The rule's id.
    pub rule: String,
    /// The address.
    pub url: String,
    /// What is sent.
    pub body: String,
    /// When it was to be made.
    pub created: Millis,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next; nothing when it is done or given up.
    pub next: Option<Millis>,
    /// When it was done.
    pub done: Option<Millis>,
    /// Why it was not done the last time.
    pub why: Option<String>,
}

/// The tables of rules.
#[derive(Clone, Copy, Debug)]
pub struct SensorRules<'a>(pub(crate) &'a SqlitePool);

impl SensorRules<'_> {
    /// Writes a rule down, whether it is new or not.
    pub async fn put(&self, id: &str, rule: &str, now: Millis) -> Result<(), StoreError> {
        let sql = "INSERT INTO sensor_rules (id, rule, created) VALUES (?, ?, ?) \
                   ON CONFLICT (id) DO UPDATE SET rule = excluded.rule";
        sqlx::query(sql).bind(id).bind(rule).bind(now).execute(self.0).await?;
        Ok(())
    }

    /// All rules, oldest first.
    pub async fn all(&self) -> Result<Vec<RuleRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM sensor_rules ORDER BY created, id").fetch_all(self.0).await?)
    }

    /// Forgets a rule, and the calls that it still had to make; whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.0.begin().await?;
        let done =
            sqlx::query("DELETE FROM sensor_rules WHERE id = ?").bind(id).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM webhooks WHERE rule = ?").bind(id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps what a rule told of; gives its number.
    pub async fn notice(&self, notice: &Notice) -> Result<i64, StoreError> {
        let sql = "INSERT INTO notices (rule, name, sensor, at, figure, text) VALUES (?, ?, ?, ?, ?, ?) RETURNING id";
        let insert = sqlx::query_scalar(sql).bind(&notice.rule).bind(&notice.name).bind(&notice.sensor);
        let insert = insert.bind(notice.at).bind(notice.figure).bind(&notice.text);
        Ok(insert.fetch_one(self.0).await?)
    }

    /// What rules told of before the notice of a number, newest first.
    pub async fn notices(&self, before: i64, limit: u32) -> Result<Vec<Notice>, StoreError> {
        let sql = "SELECT * FROM notices WHERE id < ? ORDER BY id DESC LIMIT ?";
        Ok(sqlx::query_as(sql).bind(before).bind(limit).fetch_all(self.0).await?)
    }

    /// Plans a call.
    pub async fn call(&self, rule: &str, url: &str, body: &str, now: Millis) -> Result<(), StoreError> {
        let sql = "INSERT INTO webhooks (rule, url, body, created, next) VALUES (?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql).bind(rule).bind(url).bind(body).bind(now).bind(now);
        insert.execute(self.0).await?;
        Ok(())
    }

    /// The calls that are to be made by now, the longest waiting first.
    pub async fn due(&self, now: Millis, limit: u32) -> Result<Vec<Webhook>, StoreError> {
        let sql = "SELECT * FROM webhooks WHERE next <= ? ORDER BY next, id LIMIT ?";
        Ok(sqlx::query_as(sql).bind(now).bind(limit).fetch_all(self.0).await?)
    }

    /// Notes what became of a call: done, tried again at `next`, or given up.
    pub async fn called(
        &self,
        id: i64,
        next: Option<Millis>,
        done: Option<Millis>,
        why: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE webhooks SET tries = tries + 1, next = ?, done = ?, why = ? WHERE id = ?";
        sqlx::query(sql).bind(next).bind(done).bind(why).bind(id).execute(self.0).await?;
        Ok(())
    }

    /// The newest calls of a rule, newest first.
    pub async fn calls(&self, rule: &str, limit: u32) -> Result<Vec<Webhook>, StoreError> {
        let sql = "SELECT * FROM webhooks WHERE rule = ? ORDER BY id DESC LIMIT ?";
        Ok(sqlx::query_as(sql).bind(rule).bind(limit).fetch_all(self.0).await?)
    }

    /// Forgets all but the newest notices, and all but the newest calls; those that wait are given up first.
    pub async fn forget(&self, most: u32) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM notices WHERE id <= (SELECT MAX(id) FROM notices) - ?",
            "DELETE FROM webhooks WHERE id <= (SELECT MAX(id) FROM webhooks) - ?",
        ] {
            sqlx::query(sql).bind(most).execute(self.0).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Store;

    #[tokio::test]
    async fn a_call_is_made_until_it_is_done_or_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("playhouse.db")).await.unwrap();
        let rules = store.sensor_rules();
        rules.put("r", "{}", 1).await.unwrap();
        rules.call("r", "http://a", "1", 10).await.unwrap();
        rules.call("r", "http://b", "2", 10).await.unwrap();
        let due = rules.due(10, 9).await.unwrap();
        assert_eq!(due.len(), 2);
        rules.called(due[0].id, Some(20), None, Some("it is away")).await.unwrap();
        rules.called(due[1].id, None, Some(11), None).await.unwrap();
        assert!(rules.due(19, 9).await.unwrap().is_empty());
        assert_eq!(rules.due(20, 9).await.unwrap()[0].tries, 1);
        assert!(rules.delete("r").await.unwrap());
        assert!(rules.due(20, 9).await.unwrap().is_empty());
    }
}
