//! All channels on their way out by HTTP.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use playhouse_media::live::Window;

use crate::broadcast::Broadcast;
use crate::rungs::RENDITIONS;
use crate::stream::Stream;
use crate::tape::Tape;
use crate::{disk, recorder};

/// Bytes of a channel's window at most: two hours at 20 Mbit/s.
const MOST_BYTES: u64 = 18 << 30;
/// Characters of a channel's id at most; ours have some twenty.
const LONGEST_ID: usize = 64;

/// All channels on their way out by HTTP.
#[derive(Debug)]
pub struct Air {
    folder: PathBuf,
    broadcasts: Mutex<HashMap<String, Arc<Broadcast>>>,
    /// Where recordings are, and those that are open.
    recordings: PathBuf,
    tapes: Mutex<HashMap<String, Arc<Tape>>>,
}

impl Air {
    /// Channels whose segments lie in folders of their own within `folder`, and recordings of them within `recordings`: on
    /// the same file system, so that no byte is stored twice.
    pub fn new(folder: PathBuf, recordings: PathBuf) -> Self {
        Self { folder, broadcasts: Mutex::default(), recordings, tapes: Mutex::default() }
    }

    /// The broadcast of a channel, if there is or was one.
    pub fn broadcast(&self, channel: &str) -> Option<Arc<Broadcast>> {
        self.lock().get(channel).cloned()
    }

    /// Records a channel between two times of day, in microseconds since 1970: what its window has of them, and what is
    /// written from now on, until [`stop`](Tape::stop). A recording of that id that an earlier run of the program began
    /// goes on. None where there was no broadcast yet. Blocks.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn tape(&self, id: &str, channel: &str, span: Range<u64>) -> io::Result<Option<Arc<Tape>>> {
        let Some(broadcast) = self.broadcast(channel) else { return Ok(None) };
        let tape = self.open_tape(id, span)?;
        tape.follow(&broadcast);
        Ok(Some(tape))
    }

    /// A recording that is open.
    pub fn recording(&self, id: &str) -> Option<Arc<Tape>> {
        self.lock_tapes().get(id).cloned()
    }

    /// A recording, with what an earlier run of the program has left of it; one that is open ends at another time from now
    /// on. Blocks.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn open_tape(&self, id: &str, span: Range<u64>) -> io::Result<Arc<Tape>> {
        let mut tapes = self.lock_tapes();
        if let Some(known) = tapes.get(id) {
            known.set_until(span.end);
            return Ok(Arc::clone(known));
        }
        let folder = folder_in(&self.recordings, id).ok_or(io::ErrorKind::InvalidInput)?;
        let tape = Arc::new(Tape::open(folder, span)?);
        tapes.insert(id.to_owned(), Arc::clone(&tape));
        Ok(tape)
    }

    /// The recordings that are open.
    pub fn open_recordings(&self) -> Vec<String> {
        self.lock_tapes().keys().cloned().collect()
    }

    /// Forgets a recording, and removes what was recorded. Blocks.
    pub fn erase(&self, id: &str) {
        if let Some(tape) = self.lock_tapes().remove(id) {
            tape.stop();
        }
        let Some(folder) = folder_in(&self.recordings, id) else { return };
        remove(&folder);
    }

    /// Removes recordings that nobody knows. Blocks.
    pub fn erase_others(&self, known: &[String]) {
        let Ok(entries) = std::fs::read_dir(&self.recordings) else { return };
        for entry in entries.flatten() {
            if !known.iter().any(|id| **id == *entry.file_name()) {
                remove(&entry.path());
            }
        }
    }

    fn lock_tapes(&self) -> MutexGuard<'_, HashMap<String, Arc<Tape>>> {
        self.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a channel's segments are; none where the id could not be a folder's name.
    fn folder_of(&self, channel: &str) -> Option<PathBuf> {
        folder_in(&self.folder, channel)
    }

    /// The broadcast of a channel, with what an earlier run of the program has left of it. Blocks.
    fn open(&self, channel: &str, length: Duration) -> Option<Arc<Broadcast>> {
        if let Some(known) = self.broadcast(channel) {
            known.set_length(length);
            return Some(known);
        }
        let folder = self.folder_of(channel)?;
        let mut window = Window::new(length, MOST_BYTES);
        if let Err(error) = disk::restore(&folder, &mut window)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "what was recorded of a channel cannot be read");
        }
        // Lower qualities are made anew.
        std::fs::remove_dir_all(folder.join(RENDITIONS)).ok();
        let mut broadcasts = self.lock();
        let fresh = || Arc::new(Broadcast::new(folder, window));
        Some(Arc::clone(broadcasts.entry(channel.to_owned()).or_insert_with(fresh)))
    }

    /// Brings back what is on the disk of these channels, each with the length of its window, and removes what is of
    /// others. Blocks.
    pub fn restore(&self, channels: &[(String, Duration)]) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match channels.iter().find(|(channel, _)| *channel == name) {
                Some((channel, length)) => drop(self.open(channel, *length)),
                None => {
                    if let Err(error) = std::fs::remove_dir_all(entry.path()) {
                        tracing::warn!(folder = %entry.path().display(), %error, "an old channel could not be removed");
                    }
                }
            }
        }
    }

    /// Whether nobody records this stream yet; from then on somebody does.
    pub fn is_new(&self, stream: &Stream) -> bool {
        !stream.is_recorded.swap(true, std::sync::atomic::Ordering::AcqRel)
    }

    /// Records a stream until it ends; `length` is how far back one can go.
    pub async fn record(self: Arc<Self>, stream: Arc<Stream>, length: Duration) {
        // First of all, so that nothing is missed while the disk is looked at.
        let subscription = stream.subscribe();
        let (air, channel) = (Arc::clone(&self), stream.channel().to_owned());
        drop(stream);
        let named = channel.clone();
        let opening = tokio::task::spawn_blocking(move || air.open(&channel, length));
        match opening.await {
            Ok(Some(broadcast)) => recorder::record(broadcast, subscription).await,
            Ok(None) => tracing::error!(channel = named, "a channel's id cannot be a folder's name"),
            Err(error) => tracing::error!(%error, "a channel's window could not be opened"),
        }
    }

    /// Forgets a channel, and removes what was recorded of it. Blocks.
    pub fn forget(&self, channel: &str) {
        self.lock().remove(channel);
        let Some(folder) = self.folder_of(channel) else { return };
        remove(&folder);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Broadcast>>> {
        self.broadcasts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder within another that is called by an id; none where the id could not be a folder's name.
fn folder_in(folder: &Path, id: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let named = !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(plain);
    named.then(|| folder.join(id))
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "old segments could not be removed");
    }
}
