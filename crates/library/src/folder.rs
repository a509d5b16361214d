//! Folders of films: what lies in them, and opening it without being led elsewhere by a symbolic link.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use playhouse_watch::name;
use playhouse_watch::shelf::Stamp;
use rustix::fs::{AtFlags, Mode, OFlags};

/// Folders below a folder of films that are looked into: deeper ones are no library any more.
const DEPTH: usize = 8;

/// Files that are looked at in one folder of films; a folder with more is a mistake, or the whole machine.
const MOST: usize = 200_000;

/// Bytes at either end of a file that go into its fingerprint: the tables of an MP4 stand there.
const END: u64 = 64 << 10;

/// A film's file, by its path in the folder with `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path.
    pub path: String,
    /// Its size and date.
    pub stamp: Stamp,
}

/// All films of a folder. Hidden files and folders are left out, and so is what has no name in Unicode.
///
/// # Errors
/// Where the folder itself cannot be read; what cannot be read below it is left out and logged.
pub fn walk(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut seen = 0_usize;
    // Folders still to be looked into: their path in the folder, and their depth.
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((below, depth)) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&below)) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            Err(error) => {
                tracing::debug!(folder = %folder.join(&below).display(), %error, "a folder of films could not be read");
                continue;
            }
        };
        for entry in entries.filter_map(Result::ok) {
            seen += 1;
            if seen > MOST {
                tracing::warn!(folder = %folder.display(), most = MOST, "a folder of films holds too many files");
                return Ok(found);
            }
            let Ok(file) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if file.starts_with('.') {
                continue;
            }
            let path = if below.is_empty() { file.clone() } else { format!("{below}/{file}") };
            if kind.is_dir() && depth < DEPTH {
                folders.push((path, depth + 1));
            } else if kind.is_file()
                && name::is_film(&file)
                && let Ok(state) = entry.metadata()
            {
                found.push(Found { path, stamp: stamp(&state) });
            }
        }
    }
    Ok(found)
}

/// Size and date of a file.
pub fn stamp(state: &fs::Metadata) -> Stamp {
    let since = state.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Stamp { size: state.len(), modified: i64::try_from(since.as_millis()).unwrap_or(i64::MAX) }
}

/// The parts of a path in a folder; nothing where one of them is no plain name.
fn parts(path: &str) -> io::Result<(Vec<&str>, &str)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || *part == "." || *part == ".." || part.contains('\0')) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path is not one below the folder of films",
        ));
    }
    let file = parts.pop().unwrap_or_default();
    Ok((parts, file))
}

/// The folder that a path of a folder of films lies in, reached without following a link below the latter.
fn parent<'a>(folder: &Path, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
    let (folders, file) = parts(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(folder, flags, Mode::empty())?;
    for part in folders {
        at = rustix::fs::openat(&at, part, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok((at, file))
}

/// Opens a file of a folder for reading.
///
/// # Errors
/// Whatever the system says; also where a link stands on the way, or where it is no ordinary file.
pub fn open(folder: &Path, path: &str) -> io::Result<File> {
    let (at, file) = parent(folder, path)?;
    // A pipe of that name must not hold the program up until somebody writes into it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&at, file, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"))
    }
}

/// Removes a file of a folder.
///
/// # Errors
/// Whatever the system says; what is not there is none.
pub fn remove(folder: &Path, path: &str) -> io::Result<()> {
    let removed =
        parent(folder, path).and_then(|(at, file)| Ok(rustix::fs::unlinkat(&at, file, AtFlags::empty())?));
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a file holds, in short: BLAKE3 of its size, its first and its last 64 KiB, in hexadecimal.
///
/// # Errors
/// Whatever the system says.
pub fn print(file: &File) -> io::Result<String> {
    let size = file.metadata()?.len();
    let mut hash = blake3::Hasher::new();
    hash.update(&size.to_le_bytes());
    for from in [0, size.saturating_sub(END).max(END.min(size))] {
        let mut end = vec![0; usize::try_from(END.min(size - from)).unwrap_or(0)];
        file.read_exact_at(&mut end, from)?;
        hash.update(&end);
    }
    Ok(hash.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn shelf() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let films = folder.path().join("films");
        fs::create_dir_all(films.join("Show/Season 1")).unwrap();
        fs::create_dir_all(films.join(".uploads")).unwrap();
        fs::create_dir_all(folder.path().join("outside")).unwrap();
        for file in [
            "a.mp4",
            "notes.txt",
            "Show/Season 1/01.mkv",
            ".hidden.mp4",
            ".uploads/b.mp4",
            "../outside/c.mp4",
        ] {
            fs::write(films.join(file), file).unwrap();
        }
        symlink(folder.path().join("outside"), films.join("link")).unwrap();
        symlink(folder.path().join("outside/c.mp4"), films.join("c.mp4")).unwrap();
        folder
    }

    #[test]
    fn films_are_found_and_links_are_not_followed() {
        let folder = shelf();
        let mut paths: Vec<String> =
            walk(&folder.path().join("films")).unwrap().into_iter().map(|found| found.path).collect();
        paths.sort();
        assert_eq!(paths, ["Show/Season 1/01.mkv", "a.mp4"]);
        assert!(walk(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn nothing_outside_the_folder_is_opened_or_removed() {
        let folder = shelf();
        let films = folder.path().join("films");
        assert!(open(&films, "Show/Season 1/01.mkv").is_ok());
        for path in
            ["link/c.mp4", "c.mp4", "../outside/c.mp4", "/etc/passwd", "", ".", "Show", "a.mp4/.", "Show//x"]
        {
            assert!(open(&films, path).is_err(), "{path}");
        }
        assert!(remove(&films, "../outside/c.mp4").is_err());
        assert!(remove(&films, "link/c.mp4").is_err());
        assert!(folder.path().join("outside/c.mp4").exists());
        remove(&films, "a.mp4").unwrap();
        remove(&films, "a.mp4").unwrap();
        assert!(!films.join("a.mp4").exists());
    }

    #[test]
    fn a_pipe_is_no_film_and_holds_nobody_up() {
        let folder = shelf();
        let films = folder.path().join("films");
        let pipe = films.join("pipe.mp4");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open(&films, "pipe.mp4").is_err());
    }

    #[test]
    fn a_fingerprint_tells_size_head_and_tail() {
        let folder = tempfile::tempdir().unwrap();
        let of = |bytes: &[u8]| {
            let path = folder.path().join("f");
            fs::write(&path, bytes).unwrap();
            print(&File::open(path).unwrap()).unwrap()
        };
        let long = vec![7; 300_000];
        let (mut head, mut tail) = (long.clone(), long.clone());
        (head[0], tail[299_999]) = (8, 8);
        let prints = [of(b""), of(b"x"), of(&long), of(&head), of(&tail), of(&long[1..]), of(&[7; 100_000])];
        for (index, print) in prints.iter().enumerate() {
            assert!(!prints[index + 1..].contains(print), "{index}");
        }
        assert_eq!(of(&long), prints[2]);
    }
}
