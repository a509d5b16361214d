//! The agent's folder: what it knows between two starts, written so that a lost power supply leaves the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The largest file that is read whole; what the agent writes is far smaller.
const LARGEST: u64 = 1 << 20;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another agent has it.
    #[error(
        "another agent works with the folder {0}; each needs one of its own (--state), since two with one identity would tell everything twice"
    )]
    Taken(PathBuf),
    /// The system says no.
    #[error("the file or folder {path} could not be {what}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl FolderError {
    /// Turns the system's reason into one that says what was tried with which file.
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, what, source }
    }
}

/// The agent's folder, held by this agent alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock; the kernel gives it back however the agent ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing (for its owner alone), and takes it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(FolderError::io(path, "made"))?;
        let at = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&at)
            .map_err(FolderError::io(&at, "opened"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_held| FolderError::Taken(path.to_owned()))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in a file; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.path.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FolderError::io(&path, "opened")(error)),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).map_err(FolderError::io(&path, "read"))?;
        Ok(Some(bytes))
    }

    /// Writes a file that its owner alone can read. It is on the disk when this returns; where the power goes before,
    /// what was there before is still there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        write_whole(&self.path, name, bytes)
    }
}

/// [`Folder::write`] for any folder.
pub(crate) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .map_err(FolderError::io(&new, "made"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(FolderError::io(&new, "written"))?;
    fs::rename(&new, &path).map_err(FolderError::io(&path, "replaced"))?;
    sync_folder(folder)
}

/// Brings a folder's list of files to the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FolderError> {
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(FolderError::io(folder, "written"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn two_agents_do_not_share_an_identity() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::open(&place.path().join("state")).unwrap();
        let error = Folder::open(first.path()).unwrap_err();
        assert!(error.to_string().contains("another agent works with the folder"), "{error}");
        let path = first.path().to_owned();
        drop(first);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn nobody_else_reads_what_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("state")).unwrap();
        folder.write("key.pem", b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.path().join("key.pem"))), (0o700, 0o600));
        assert_eq!(folder.read("key.pem").unwrap().unwrap(), b"secret");
        assert!(folder.read("nothing").unwrap().is_none());
    }
}
