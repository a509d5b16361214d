//! The outbox's files: does what its rules say, and tries again where the disk says no.
//!
//! What is appended is handed to the kernel before the event counts as kept, so that a killed agent loses nothing. It is made
//! safe against a lost power supply (`fdatasync`) a second later at most, and before the file is left: a camera's card wears
//! out by more, and what a second holds of crossings is little.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use playhouse_media::time::Timestamp;
use playhouse_sense::outbox::{Action, Limits, Outbox, Segment};

use crate::folder::{FolderError, sync_folder};

/// How long a disk that said no is left alone.
const REST: Duration = Duration::from_secs(5);

/// How a file of the outbox ends: `<number>.events`.
const EXTENSION: &str = "events";

/// An outbox and its files.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    outbox: Outbox,
    newest: Option<File>,
    /// When a disk that said no is asked again.
    mend_at: Option<Timestamp>,
}

impl Disk {
    /// Opens the outbox in a folder, which is made where it is missing.
    pub fn open(folder: &Path, limits: Limits, now: Timestamp) -> Result<Self, FolderError> {
        fs::create_dir_all(folder).map_err(FolderError::io(folder, "made"))?;
        let mut files = Vec::new();
        for (number, path) in segments(folder)? {
            let mut bytes = Vec::new();
            let file = File::open(&path).map_err(FolderError::io(&path, "opened"))?;
            // A file that is longer than all of them may be is not one of ours; its beginning decides what becomes of it.
            file.take(limits.bytes as u64).read_to_end(&mut bytes).map_err(FolderError::io(&path, "read"))?;
            files.push(Segment { number, bytes });
        }
        let (outbox, found) = Outbox::open(now, rand::random(), limits, files);
        if found.events > 0 || found.unread > 0 {
            tracing::info!(events = found.events, unread = found.unread, "the outbox goes on where it was");
        }
        let mut disk = Self { folder: folder.to_owned(), outbox, newest: None, mend_at: None };
        disk.perform(now);
        Ok(disk)
    }

    /// What the outbox knows.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Changes the outbox, and its files with it.
    pub fn change<T>(&mut self, now: Timestamp, change: impl FnOnce(&mut Outbox) -> T) -> T {
        self.mend(now);
        let result = change(&mut self.outbox);
        self.perform(now);
        result
    }

    /// When [`Self::change`] has to be called though nothing happens.
    pub fn wake(&self) -> Option<Timestamp> {
        self.outbox.wake().into_iter().chain(self.mend_at).min()
    }

    fn perform(&mut self, now: Timestamp) {
        for action in self.outbox.actions() {
            if let Err(error) = self.act(action) {
                tracing::warn!(
                    folder = %self.folder.display(), %error,
                    "the outbox cannot be written; events are kept in memory until the disk takes them again"
                );
                self.newest = None;
                self.outbox.disk_failed(rand::random());
                self.mend_at = Some(now + REST);
                return;
            }
        }
    }

    fn act(&mut self, action: Action) -> std::io::Result<()> {
        match action {
            Action::Begin(number) => {
                let file = OpenOptions::new()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o600)
                    .open(path(&self.folder, number))?;
                self.newest = Some(file);
            }
            Action::Append(bytes) => self.newest()?.write_all(&bytes)?,
            Action::Sync => {
                self.newest()?.sync_data()?;
                sync_folder(&self.folder).map_err(std::io::Error::other)?;
            }
            Action::Remove(number) => match fs::remove_file(path(&self.folder, number)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        Ok(())
    }

    fn newest(&mut self) -> std::io::Result<&mut File> {
        self.newest.as_mut().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    /// Asks a disk that said no once more.
    fn mend(&mut self, now: Timestamp) {
        if self.mend_at.is_none_or(|at| now < at) {
            return;
        }
        self.mend_at = None;
        match lengths(&self.folder) {
            Ok(files) => {
                self.outbox.disk_works(now, &files);
                self.perform(now);
                if self.mend_at.is_none() {
                    tracing::info!("the disk takes events again");
                }
            }
            Err(_unreadable) => self.mend_at = Some(now + REST),
        }
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{EXTENSION}"))
}

/// The outbox's files by their numbers.
fn segments(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, FolderError> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(FolderError::io(folder, "read"))? {
        let path = entry.map_err(FolderError::io(folder, "read"))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|end| end == EXTENSION)) {
            found.insert(number, path);
        }
    }
    Ok(found)
}

fn lengths(folder: &Path) -> Result<Vec<(u64, usize)>, FolderError> {
    let length = |(number, path): (u64, PathBuf)| {
        let length = fs::metadata(&path).map_err(FolderError::io(&path, "looked at"))?.len();
        Ok((number, usize::try_from(length).unwrap_or(usize::MAX)))
    };
    segments(folder)?.into_iter().map(length).collect()
}
