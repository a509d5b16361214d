//! What owners decided about titles.

use std::collections::HashMap;

use sqlx::{FromRow, SqlitePool};

use crate::StoreError;

/// An owner's decisions about one title; the default is a title as it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Settings {
    /// Whether the game may reach the network, where its manifest asks.
    pub network: bool,
    /// Whether only owners see it.
    pub hidden: bool,
}

#[derive(FromRow)]
struct Row {
    title: String,
    #[sqlx(flatten)]
    settings: Settings,
}

/// The table of decisions about titles.
#[derive(Clone, Copy, Debug)]
pub struct TitleSettings<'a>(pub(crate) &'a SqlitePool);

impl TitleSettings<'_> {
    /// All decisions by title.
    pub async fn all(&self) -> Result<HashMap<String, Settings>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT title, network, hidden FROM title_settings").fetch_all(self.0).await?;
        Ok(rows.into_iter().map(|row| (row.title, row.settings)).collect())
    }

    /// The decisions about one title.
    pub async fn get(&self, title: &str) -> Result<Settings, StoreError> {
        let sql = "SELECT network, hidden FROM title_settings WHERE title = ?";
        Ok(sqlx::query_as(sql).bind(title).fetch_optional(self.0).await?.unwrap_or_default())
    }

    /// Decides about one title.
    pub async fn set(&self, title: &str, settings: Settings) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO title_settings (title, network, hidden) VALUES (?1, ?2, ?3) \
             ON CONFLICT (title) DO UPDATE SET network = ?2, hidden = ?3",
        )
        .bind(title)
        .bind(settings.network)
        .bind(settings.hidden)
        .execute(self.0)
        .await?;
        Ok(())
    }
}
