//! The index of a film on disk: made under a temporary name, so that there is a whole one or none.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use playhouse_media::film::{self, Error, Index, Summary};

/// Bytes that are read at a time while indexing: tables are read from front to back.
const BUFFER: usize = 64 << 10;

/// Counts what was begun, so that two who make one index write two files.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Reads a film's tables and writes its index to `to`. Blocks, for some seconds where the film is long.
///
/// # Errors
/// As [`film::index`]; [`Error::Write`] where the file cannot be made.
pub fn make(film: File, to: &Path) -> Result<Summary, Error> {
    let new = to.with_extension(format!("{}.new", MADE.fetch_add(1, Ordering::Relaxed)));
    let made = write(film, &new).and_then(|summary| {
        fs::rename(&new, to).map_err(Error::Write)?;
        Ok(summary)
    });
    if made.is_err() {
        // What was begun is of no use; what was never begun needs no removing.
        fs::remove_file(&new).ok();
    }
    made
}

fn write(film: File, new: &Path) -> Result<Summary, Error> {
    if let Some(folder) = new.parent() {
        fs::create_dir_all(folder).map_err(Error::Write)?;
    }
    let mut to =
        File::options().read(true).write(true).create(true).truncate(true).open(new).map_err(Error::Write)?;
    let summary = film::index(&mut BufReader::with_capacity(BUFFER, film), &mut to)?;
    to.sync_all().map_err(Error::Write)?;
    Ok(summary)
}

/// Opens an index.
///
/// # Errors
/// As [`Index::open`]; [`Error::Read`] where there is none.
pub fn open(path: &Path) -> Result<Index, Error> {
    Index::open(File::open(path).map_err(Error::Read)?)
}

/// Removes what an earlier run of the program began in a folder of indexes or posters, and did not finish.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|ending| ending == "new") {
            // What cannot be removed only takes room.
            fs::remove_file(entry.path()).ok();
        }
    }
}
