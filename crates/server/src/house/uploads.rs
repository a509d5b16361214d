//! Uploads that can be resumed: half a film on disk, whose length is how far it came.
//!
//! Each has two files in a hidden folder of the first folder of films, so that a finished one only changes its name:
//! `<id>.part` with the bytes, and `<id>.json` that says what they will be. An upload without its `.part` is finished.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use futures_util::{Stream, StreamExt as _};
use playhouse_library::folder;
use playhouse_store::id;
use playhouse_watch::shelf::Stamp;
use playhouse_watch::upload::safe_name;
use rustix::fs::{CWD, RenameFlags, renameat_with, statvfs};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Notify, OwnedMutexGuard};

use crate::config::Config;
use crate::problem::{Answer, Problem};

/// Uploads open at a time: each is a file and a promise of room.
const MOST: usize = 64;

/// How long an upload is kept without progress.
const KEPT: Duration = Duration::from_hours(24);

/// How long the next bytes may take: a browser that is gone is noticed at last by that.
const STALL: Duration = Duration::from_secs(30);

/// How long a new writer waits for the one before, which is told to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// How often the room on the disk is looked at, in bytes.
const LOOK: u64 = 64 << 20;

/// What an upload will be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// The file's name, made safe.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) length: u64,
    /// The account that uploads it.
    pub(crate) account: String,
}

/// A film that has come to its place.
pub(crate) struct Arrived {
    pub(crate) folder: PathBuf,
    pub(crate) path: String,
    pub(crate) stamp: Stamp,
}

/// Whoever writes an upload at the moment.
#[derive(Debug, Default)]
struct Writer {
    place: Arc<tokio::sync::Mutex<()>>,
    leave: Notify,
}

/// The uploads.
#[derive(Debug)]
pub(crate) struct Uploads {
    films: Option<PathBuf>,
    limit: u64,
    reserve: u64,
    writers: Mutex<HashMap<String, Arc<Writer>>>,
}

fn failed(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_room(),
        _ => Problem::internal("Keeping the upload", error),
    }
}

fn no_room() -> Problem {
    let detail = "The disk of the films has no room for more. What came so far is kept for a day: make room and \
                  go on, or end the upload.";
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "No room for films", detail)
}

pub(crate) fn no_upload() -> Problem {
    Problem::not_found(
        "There is no such upload (any more); begin it anew. Uploads without progress end after a day.",
    )
}

impl Uploads {
    /// Uploads into the first folder of films.
    pub(crate) fn new(config: &Config) -> Self {
        let (limit, reserve) = (config.upload_limit, config.reserve);
        Self { films: config.films.first().cloned(), limit, reserve, writers: Mutex::default() }
    }

    /// Bytes that one upload may have.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    fn films(&self) -> Answer<&Path> {
        let none = || Problem::conflict("This place has no folder of films that an upload could go to.");
        self.films.as_deref().ok_or_else(none)
    }

    fn folder(&self) -> Answer<PathBuf> {
        Ok(self.films()?.join(".uploads"))
    }

    fn part(&self, id: &str) -> Answer<PathBuf> {
        Ok(self.folder()?.join(format!("{id}.part")))
    }

    fn note(&self, id: &str) -> Answer<PathBuf> {
        Ok(self.folder()?.join(format!("{id}.json")))
    }

    /// Whether so many bytes fit beside the reserve and what other uploads were promised. Blocks.
    fn fits(&self, bytes: u64) -> Answer<bool> {
        let disk = statvfs(self.films()?).map_err(|error| failed(&error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        Ok(free >= bytes.saturating_add(self.reserve))
    }

    /// All uploads that are not finished: their id, and the bytes that are still to come. Blocks.
    fn open(&self) -> Answer<Vec<(String, u64)>> {
        let entries = fs::read_dir(self.folder()?).into_iter().flatten().filter_map(Result::ok);
        let ids = entries.filter_map(|entry| {
            let path = entry.path();
            (path.extension()? == "json").then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
        });
        let open = ids.filter_map(|id| {
            let upload = self.read(&id).ok()?;
            let len = fs::metadata(self.part(&id).ok()?).ok()?.len();
            Some((id, upload.length.saturating_sub(len)))
        });
        Ok(open.collect())
    }

    /// Begins an upload; gives its id. Blocks.
    pub(crate) fn create(&self, upload: &Upload) -> Answer<String> {
        if upload.length > self.limit {
            let most = self.limit >> 20;
            return Err(Problem::too_large(format!(
                "An upload has at most {most} MiB here; ask the owner for more."
            )));
        }
        let folder = self.folder()?;
        fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let open = self.open()?;
        if open.len() >= MOST {
            return Err(Problem::busy(format!(
                "{MOST} uploads are open already; finish or end some of them."
            )));
        }
        let promised = open.iter().fold(upload.length, |sum, (_, left)| sum.saturating_add(*left));
        if !self.fits(promised)? {
            return Err(no_room());
        }
        let id = id::fresh();
        let begin = || {
            File::options()
                .write(true)
                .create_new(true)
                .open(folder.join(format!("{id}.part")))?
                .sync_all()?;
            let new = folder.join(format!("{id}.new"));
            let mut note = File::create(&new)?;
            note.write_all(&serde_json::to_vec(upload)?)?;
            note.sync_all()?;
            fs::rename(&new, folder.join(format!("{id}.json")))?;
            // The names are on the disk as well before the upload is promised.
            File::open(&folder)?.sync_all()
        };
        begin().map_err(|error: io::Error| failed(&error))?;
        Ok(id)
    }

    fn read(&self, id: &str) -> Answer<Upload> {
        let plain =
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !plain {
            return Err(no_upload());
        }
        let note = fs::read(self.note(id)?).or(Err(no_upload()))?;
        serde_json::from_slice(&note).map_err(|error| Problem::internal("Reading an upload", &error))
    }

    /// An upload of an account. Blocks.
    pub(crate) fn get(&self, id: &str, account: &str) -> Answer<Upload> {
        self.read(id).and_then(|upload| if upload.account == account { Ok(upload) } else { Err(no_upload()) })
    }

    /// How far an upload came; what is said here survives the machine. Blocks.
    pub(crate) fn offset(&self, id: &str, upload: &Upload) -> Answer<u64> {
        match File::open(self.part(id)?) {
            Ok(file) => {
                let kept = file.sync_data().and_then(|()| file.metadata());
                Ok(kept.map_err(|error| failed(&error))?.len().min(upload.length))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(upload.length),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The place of an upload's one writer. Whoever has it is told to leave: a browser that came back is the same
    /// person, and its earlier connection may hang for long.
    async fn write_place(&self, id: &str) -> Answer<(Arc<Writer>, OwnedMutexGuard<()>)> {
        let writer = {
            let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            writers.retain(|_, writer| Arc::strong_count(writer) > 1);
            writers.entry(id.to_owned()).or_default().clone()
        };
        writer.leave.notify_waiters();
        let place = tokio::time::timeout(LEAVE, writer.place.clone().lock_owned()).await;
        let place = place.or(Err(Problem::new(
            StatusCode::LOCKED,
            "locked",
            "Somebody else writes",
            "This upload is being written by another connection; try again in a moment.",
        )))?;
        Ok((writer, place))
    }

    /// Appends bytes at `offset`; gives how far the upload came. What is acknowledged is on the disk.
    pub(crate) async fn append<E>(
        &self,
        id: &str,
        upload: &Upload,
        offset: u64,
        bytes: impl Stream<Item = Result<axum::body::Bytes, E>>,
    ) -> Answer<u64> {
        let (writer, _place) = self.write_place(id).await?;
        let mut file = match tokio::fs::OpenOptions::new().append(true).open(self.part(id)?).await {
            Ok(file) => file,
            // Finished meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(upload.length),
            Err(error) => return Err(failed(&error)),
        };
        let mut len = file.metadata().await.map_err(|error| failed(&error))?.len();
        if len != offset {
            let detail = format!(
                "The upload stands at {len} bytes, not at {offset}; ask where it stands and go on there."
            );
            return Err(Problem::conflict(detail).with("offset", len));
        }
        let mut bytes = std::pin::pin!(bytes);
        // Listened to from here on, also while a chunk is being written.
        let mut leave = std::pin::pin!(writer.leave.notified());
        leave.as_mut().enable();
        let mut looked = 0;
        let mut wrong = None;
        loop {
            let chunk = tokio::select! {
                () = &mut leave => break,
                chunk = tokio::time::timeout(STALL, bytes.next()) => chunk,
            };
            // The end, a connection that broke off, or one that says nothing any more.
            let Ok(Some(Ok(chunk))) = chunk else { break };
            if chunk.len() as u64 > upload.length - len {
                wrong = Some(Problem::too_large("More bytes came than the upload was announced to have."));
                break;
            }
            if looked == 0 || len - looked >= LOOK {
                looked = len.max(1);
                if !self.fits(0)? {
                    wrong = Some(no_room());
                    break;
                }
            }
            if let Err(error) = file.write_all(&chunk).await {
                wrong = Some(failed(&error));
                break;
            }
            len += chunk.len() as u64;
        }
        // Also what was written before something went wrong is kept; where the disk is full that may fail as well.
        let kept = async {
            file.flush().await?;
            file.sync_data().await?;
            Ok(file.metadata().await?.len())
        };
        match (wrong, kept.await) {
            (Some(problem), _) => Err(problem),
            (None, Ok(len)) => Ok(len),
            (None, Err(error)) => Err(failed(&error)),
        }
    }

    /// Moves an upload to its place among the films if all of it is there. Blocks.
    pub(crate) fn finish(&self, id: &str, upload: &Upload) -> Answer<Option<Arrived>> {
        let (part, films) = (self.part(id)?, self.films()?);
        match fs::metadata(&part) {
            Ok(state) if state.len() >= upload.length => {}
            _ => return Ok(None),
        }
        let (stem, ending) = upload.name.rsplit_once('.').unwrap_or((&upload.name, "mp4"));
        for number in 1..1_000_u32 {
            let path = if number == 1 { upload.name.clone() } else { format!("{stem} ({number}).{ending}") };
            match renameat_with(CWD, &part, CWD, films.join(&path), RenameFlags::NOREPLACE) {
                Ok(()) => {
                    let settle = || {
                        File::open(films)?.sync_all()?;
                        Ok(folder::stamp(&fs::metadata(films.join(&path))?))
                    };
                    let stamp = settle().map_err(|error: io::Error| failed(&error))?;
                    tracing::info!(upload = id, path, "an upload is finished");
                    return Ok(Some(Arrived { folder: films.to_owned(), path, stamp }));
                }
                Err(rustix::io::Errno::EXIST) => {}
                // Two requests saw the last byte, and the other one was faster.
                Err(rustix::io::Errno::NOENT) => return Ok(None),
                Err(error) => return Err(failed(&error.into())),
            }
        }
        Err(Problem::conflict(format!(
            "There are too many films called `{}`; rename some of them.",
            upload.name
        )))
    }

    /// Takes in a film of at most `bytes` that the house makes itself: `fill` writes it, and it comes to its place once it
    /// is whole. Blocks.
    pub(crate) fn take_in<T>(
        &self,
        name: &str,
        bytes: u64,
        account: &str,
        fill: impl FnOnce(&mut File) -> Answer<T>,
    ) -> Answer<(T, Arrived)> {
        let unusable = || Problem::invalid("name", "No film's file can have that name; choose another one.");
        let name = safe_name(name).ok_or_else(unusable)?;
        let upload = Upload { name, length: bytes, account: account.to_owned() };
        let id = self.create(&upload)?;
        let written = || {
            let opened = File::options().write(true).open(self.part(&id)?);
            let mut file = opened.map_err(|error| failed(&error))?;
            let filled = fill(&mut file)?;
            file.sync_data().map_err(|error| failed(&error))?;
            let length = file.metadata().map_err(|error| failed(&error))?.len();
            let gone = || Problem::conflict("What was kept is gone before it came to its place; try again.");
            Ok((filled, self.finish(&id, &Upload { length, ..upload.clone() })?.ok_or_else(gone)?))
        };
        let taken = written();
        self.wipe(&id)?;
        taken
    }

    /// Ends an upload and forgets what came of it.
    pub(crate) async fn remove(&self, id: &str) -> Answer<()> {
        let (_writer, _place) = self.write_place(id).await?;
        self.wipe(id)
    }

    /// The note goes last: without it nobody would look for the rest. Blocks, shortly.
    fn wipe(&self, id: &str) -> Answer<()> {
        for path in [self.part(id)?, self.note(id)?] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Finishes what the program's end left unfinished, and forgets uploads without progress. Blocks.
    pub(crate) fn tidy(&self, now: SystemTime) -> Vec<Arrived> {
        let Ok(folder) = self.folder() else { return Vec::new() };
        let mut arrived = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if let Ok(upload) = self.read(id)
                && let Ok(Some(film)) = self.finish(id, &upload)
            {
                arrived.push(film);
            }
            let newest = [self.part(id), self.note(id)]
                .into_iter()
                .flatten()
                .chain([path.clone()])
                .filter_map(|path| fs::metadata(path).and_then(|state| state.modified()).ok())
                .max();
            let age = newest.and_then(|newest| now.duration_since(newest).ok()).unwrap_or_default();
            if age > KEPT {
                tracing::info!(upload = id, "an upload without progress is forgotten");
                if self.wipe(id).is_err() || fs::remove_file(&path).is_err() {
                    tracing::debug!(upload = id, "nothing is left of an upload");
                }
            }
        }
        arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploads(folder: &Path) -> Uploads {
        let mut config = Config::new(
            folder.join("data"),
            folder.join("run"),
            Vec::new(),
            playhouse_play::control::NetSpec::default(),
        );
        config.films = vec![folder.join("films")];
        config.reserve = 0;
        fs::create_dir_all(folder.join("films")).unwrap();
        Uploads::new(&config)
    }

    fn upload(length: u64) -> Upload {
        Upload { name: "Film.mp4".to_owned(), length, account: "a".to_owned() }
    }

    #[test]
    fn an_upload_without_progress_is_forgotten_after_a_day_and_a_finished_one_moved() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = uploads(folder.path());
        let (half, whole) = (uploads.create(&upload(10)).unwrap(), uploads.create(&upload(4)).unwrap());
        fs::write(uploads.part(&half).unwrap(), b"half").unwrap();
        fs::write(uploads.part(&whole).unwrap(), b"film").unwrap();
        let arrived = uploads.tidy(SystemTime::now());
        assert_eq!(arrived.iter().map(|film| film.path.as_str()).collect::<Vec<_>>(), ["Film.mp4"]);
        assert_eq!(fs::read(folder.path().join("films/Film.mp4")).unwrap(), b"film");
        assert_eq!(uploads.offset(&half, &upload(10)).unwrap(), 4);
        assert_eq!(uploads.offset(&whole, &upload(4)).unwrap(), 4, "a finished upload is not known as such");
        uploads.tidy(SystemTime::now() + KEPT + Duration::from_mins(1));
        assert!(uploads.get(&half, "a").is_err() && uploads.get(&whole, "a").is_err());
        assert_eq!(fs::read_dir(uploads.folder().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn an_upload_never_overwrites_a_film() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = uploads(folder.path());
        fs::write(folder.path().join("films/Film.mp4"), b"mine").unwrap();
        let id = uploads.create(&upload(4)).unwrap();
        fs::write(uploads.part(&id).unwrap(), b"film").unwrap();
        assert_eq!(uploads.finish(&id, &upload(4)).unwrap().unwrap().path, "Film (2).mp4");
        assert_eq!(fs::read(folder.path().join("films/Film.mp4")).unwrap(), b"mine");
    }
}
