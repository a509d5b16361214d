//! The fleet's identities: kept in one file, and enrolled where there are not enough.

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::clock::date_ms;
use crate::folder::{Folder, FolderError};
use crate::identity::{EnrolError, Identity, IdentityError, Key, Server, enrol};

/// The file: one line of JSON for each sensor.
const ROLL: &str = "fleet.jsonl";

/// How many enrol at a time: the hub signs them one after the other anyway.
const ENROLLING: usize = 16;

/// How often one that the server has no time for tries again.
const TRIES: u32 = 20;

/// Why there are not enough identities.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    /// No code.
    #[error("{known} of {wanted} simulated sensors are enrolled; start with --code and a code for {} more", wanted - known)]
    TooFew {
        /// In the folder.
        known: usize,
        /// Asked for.
        wanted: usize,
    },
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// They were not enrolled.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// A key cannot be made or kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A task failed.
    #[error("a simulated sensor was not enrolled: {0}")]
    Task(#[from] tokio::task::JoinError),
}

#[derive(Serialize, Deserialize)]
struct Line {
    identity: Identity,
}

/// So many identities: those that the folder keeps for this server, and new ones.
pub(super) async fn call(
    folder: &Folder,
    server: &Server,
    code: Option<&str>,
    wanted: usize,
) -> Result<Vec<Identity>, RollError> {
    let path = folder.path().join(ROLL);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(FolderError::io(&path, "read")(error).into()),
    };
    let now = date_ms() / 1000;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let mut known: Vec<Identity> = lines
        .map(|line| line.identity)
        .filter(|identity| identity.server() == server.to_string() && identity.expires() > now)
        .take(wanted)
        .collect();
    if known.len() == wanted {
        return Ok(known);
    }
    let Some(code) = code else { return Err(RollError::TooFew { known: known.len(), wanted }) };
    let result = enrol_many(server, code, wanted - known.len(), &mut known).await;
    // Those that were enrolled are kept whatever became of the others: their codes are used up.
    save(folder, &known)?;
    result.map(|()| known)
}

async fn enrol_many(
    server: &Server,
    code: &str,
    mut missing: usize,
    known: &mut Vec<Identity>,
) -> Result<(), RollError> {
    let mut tasks = JoinSet::new();
    loop {
        while missing > 0 && tasks.len() < ENROLLING {
            missing -= 1;
            tasks.spawn(enrol_one(server.clone(), code.to_owned()));
        }
        let Some(enrolled) = tasks.join_next().await else { return Ok(()) };
        known.push(enrolled??);
        if known.len().is_multiple_of(1000) {
            tracing::info!(enrolled = known.len(), "simulated sensors are enrolled");
        }
    }
}

async fn enrol_one(server: Server, code: String) -> Result<Identity, RollError> {
    let key = Key::generate()?;
    let mut tries = 0;
    loop {
        match enrol(&server, &code, &key).await {
            Ok(enrolled) => return Ok(Identity::new(key, &server, enrolled, date_ms() / 1000)),
            Err(EnrolError::Busy { seconds, .. }) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_secs(seconds.clamp(1, 60))).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn save(folder: &Folder, known: &[Identity]) -> Result<(), RollError> {
    let mut text = String::new();
    for identity in known {
        let line = Line { identity: identity.clone() };
        text.push_str(&serde_json::to_string(&line).map_err(IdentityError::Damaged)?);
        text.push('\n');
    }
    Ok(folder.write(ROLL, text.as_bytes())?)
}
