//! Records of one machine: a `SQLite` database with its migrations in the program.
//!
//! Each table has a module with thin, typed functions. Nothing here decides: rules stand in the server. A
//! function that needs the time takes it, as unix [`Millis`].

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub mod accounts;
pub mod channels;
pub mod clips;
pub mod codes;
pub mod extras;
pub mod figures;
pub mod films;
pub mod guide;
pub mod id;
pub mod invites;
pub mod observations;
pub mod passwords;
pub mod plans;
pub mod plays;
pub mod profiles;
pub mod recordings;
pub mod renderings;
pub mod rollouts;
pub mod schedules;
pub mod sensor_asks;
pub mod sensor_files;
pub mod sensor_rules;
pub mod sensors;
pub mod sign_ins;
pub mod tallies;
pub mod titles;

pub use accounts::Accounts;
pub use channels::Channels;
pub use clips::Clips;
pub use codes::Codes;
pub use extras::Extras;
pub use figures::Figures;
pub use films::Films;
pub use guide::Guide;
pub use invites::Invites;
pub use observations::Observations;
pub use plans::Plans;
pub use plays::Plays;
pub use profiles::Profiles;
pub use recordings::Recordings;
pub use renderings::Renderings;
pub use rollouts::Rollouts;
pub use schedules::Schedules;
pub use sensor_asks::SensorAsks;
pub use sensor_files::SensorFiles;
pub use sensor_rules::SensorRules;
pub use sensors::Sensors;
pub use sign_ins::SignIns;
pub use titles::TitleSettings;

/// A point in time: milliseconds since 1970, UTC.
pub type Millis = i64;

/// Connections to the database: `SQLite` writes one at a time, so more readers than cores would only wait.
const CONNECTIONS: u32 = 4;

/// How long a write waits for another one to finish before it gives up.
const BUSY: Duration = Duration::from_secs(10);

/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(20);

/// The database of one machine.
#[derive(Clone, Debug)]
pub struct Store {
    pool: sqlx::SqlitePool,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened.
    #[error(
        "the database {path} could not be opened: {source}; check that the folder exists and can be written"
    )]
    Open {
        /// The file.
        path: String,
        /// The engine's reason.
        source: sqlx::Error,
    },
    /// The database is from a newer program, or a migration failed.
    #[error("the database could not be brought up to date: {0}; was it written by a newer version?")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A name is taken (capitals do not count).
    #[error("the name `{0}` is taken")]
    NameTaken(String),
    /// The disk has no room for what was to be written; nothing of it was.
    #[error("the disk of the database is full; make room")]
    Full,
    /// The engine failed.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    /// A password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Password(String),
}

/// `SQLITE_FULL`: the disk has no room (sqlite.org/rescode.html).
const FULL: &str = "13";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.is_some_and(|code| code == FULL) { Self::Full } else { Self::Database(error) }
    }
}

impl StoreError {
    /// Turns the engine's complaint about a second row of one name into the error that says so.
    fn taken(name: &str, error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::NameTaken(name.to_owned()),
            other => other.into(),
        }
    }
}

impl Store {
    /// Opens the database at `path`, creates it where it is missing, and brings it up to date.
    ///
    /// Every acknowledged write is on the disk (`synchronous = FULL`).
    ///
    /// # Errors
    /// [`StoreError::Open`] and [`StoreError::Migrate`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open { path: path.display().to_string(), source })?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Who signs in.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(&self.pool)
    }

    /// What accounts may have.
    pub fn plans(&self) -> Plans<'_> {
        Plans(&self.pool)
    }

    /// Who is signed in.
    pub fn sign_ins(&self) -> SignIns<'_> {
        SignIns(&self.pool)
    }

    /// One-time codes.
    pub fn codes(&self) -> Codes<'_> {
        Codes(&self.pool)
    }

    /// Links into sessions.
    pub fn invites(&self) -> Invites<'_> {
        Invites(&self.pool)
    }

    /// What owners decided about titles.
    pub fn titles(&self) -> TitleSettings<'_> {
        TitleSettings(&self.pool)
    }

    /// Sessions, running and past.
    pub fn plays(&self) -> Plays<'_> {
        Plays(&self.pool)
    }

    /// Saved clips.
    pub fn clips(&self) -> Clips<'_> {
        Clips(&self.pool)
    }

    /// Films, and how far each was watched.
    pub fn films(&self) -> Films<'_> {
        Films(&self.pool)
    }

    /// The people who share accounts.
    pub fn profiles(&self) -> Profiles<'_> {
        Profiles(&self.pool)
    }

    /// Films that are made playable.
    pub fn renderings(&self) -> Renderings<'_> {
        Renderings(&self.pool)
    }

    /// What is known of films, and made of them, besides what plays.
    pub fn extras(&self) -> Extras<'_> {
        Extras(&self.pool)
    }

    /// Channels, and the keys by which they are published.
    pub fn channels(&self) -> Channels<'_> {
        Channels(&self.pool)
    }

    /// What channels made of the library are to play.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(&self.pool)
    }

    /// Lists and guides of others, what they say is on, and who reads the guide by token.
    pub fn guide(&self) -> Guide<'_> {
        Guide(&self.pool)
    }

    /// What was, is and is to be recorded.
    pub fn recordings(&self) -> Recordings<'_> {
        Recordings(&self.pool)
    }

    /// Who is enrolled as a sensor.
    pub fn sensors(&self) -> Sensors<'_> {
        Sensors(&self.pool)
    }

    /// What sensors saw.
    pub fn observations(&self) -> Observations<'_> {
        Observations(&self.pool)
    }

    /// What that adds up to.
    pub fn figures(&self) -> Figures<'_> {
        Figures(&self.pool)
    }

    /// What sensors asked the house's larger model.
    pub fn sensor_asks(&self) -> SensorAsks<'_> {
        SensorAsks(&self.pool)
    }

    /// Models and apps for sensors.
    pub fn sensor_files(&self) -> SensorFiles<'_> {
        SensorFiles(&self.pool)
    }

    /// Models and apps on their way to sensors.
    pub fn rollouts(&self) -> Rollouts<'_> {
        Rollouts(&self.pool)
    }

    /// What is done when sensors see something.
    pub fn sensor_rules(&self) -> SensorRules<'_> {
        SensorRules(&self.pool)
    }

    /// Closes the database; what was written stays.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
