//! Files of the house's registry: fetched with the sensor's certificate, held against their hash, and kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::folder::{FolderError, write_whole};
use crate::http::{Place, ask};

/// The first wait and the longest before what could not be fetched is asked for again.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(2);

/// Why there is no such file.
pub(super) enum Missing {
    /// It may be there later.
    NotNow(String),
    /// It will never do.
    Never(String),
}

/// What lies on a shelf.
pub(super) struct Sort {
    /// What one is called in a sentence.
    pub(super) one: &'static str,
    /// Where they are fetched.
    pub(super) from: &'static str,
    /// The largest that is fetched, in bytes.
    pub(super) largest: usize,
    /// Files that are kept.
    pub(super) kept: usize,
}

/// Files of one sort on disk, and where others come from.
pub(super) struct Shelf {
    sort: Sort,
    folder: PathBuf,
    place: watch::Receiver<Place>,
}

/// How long to wait between one try and the next.
pub(super) fn patience() -> Backoff {
    Backoff::new(FIRST, LONGEST)
}

impl Shelf {
    /// In a folder, which is made where it is missing.
    pub(super) fn open(
        sort: Sort,
        folder: &Path,
        place: watch::Receiver<Place>,
    ) -> Result<Self, FolderError> {
        std::fs::create_dir_all(folder).map_err(FolderError::io(folder, "made"))?;
        Ok(Self { sort, folder: folder.to_owned(), place })
    }

    /// The bytes of a hash, if they are here.
    pub(super) fn kept(&self, hash: &str) -> Option<Vec<u8>> {
        self.read(hash).filter(|bytes| is_right(bytes, hash))
    }

    /// What was put under a name.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(name)).ok()
    }

    /// The bytes of a hash from the hub.
    pub(super) async fn fetch(&self, name: &str, hash: &str) -> Result<Vec<u8>, Missing> {
        let bytes = self.get(name, hash, self.sort.largest).await?;
        if is_right(&bytes, hash) {
            return Ok(bytes);
        }
        let one = self.sort.one;
        let why = format!("the {one} {name} came damaged: its hash is not the one that was asked for");
        Err(Missing::NotNow(why))
    }

    /// What the hub gives under a path.
    pub(super) async fn get(&self, name: &str, path: &str, most: usize) -> Result<Vec<u8>, Missing> {
        let (Sort { one, from, .. }, place) = (&self.sort, self.place.borrow().clone());
        let answer = ask(&place, &format!("{from}{path}"), None, most)
            .await
            .map_err(|error| Missing::NotNow(format!("the {one} {name} could not be fetched ({error})")))?;
        if answer.status.is_success() {
            Ok(Vec::from(answer.body))
        } else {
            Err(Missing::NotNow(format!("the hub does not give the {one} {name} ({})", answer.status)))
        }
    }

    /// Keeps files by their names, and as many of those before as there is room for. One that cannot be kept is fetched
    /// again after the next start.
    pub(super) fn keep(&self, files: &[(&str, &[u8])]) {
        let mut files = files.iter();
        if let Err(error) = files.try_for_each(|(name, bytes)| write_whole(&self.folder, name, bytes)) {
            tracing::warn!(%error, "a {} is not kept", self.sort.one);
        }
        self.tidy();
    }

    /// Removes what was fetched longest ago.
    fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let age = |entry: std::fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut all: Vec<_> = entries.flatten().filter_map(age).collect();
        all.sort_unstable();
        let spare = all.len().saturating_sub(self.sort.kept);
        for (_, path) in all.into_iter().take(spare) {
            // One that stays costs a little room.
            std::fs::remove_file(path).ok();
        }
    }
}

fn is_right(bytes: &[u8], hash: &str) -> bool {
    blake3::hash(bytes).to_hex().as_str() == hash
}
