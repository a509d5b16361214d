//! One channel on its way out by HTTP: its window, and those who wait for what comes next.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use playhouse_media::live::{Edge, Found, Variant, Window};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::rungs::Rungs;
use crate::tape::Tape;

/// Why something that was asked for does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// It is not there, and nothing says that it will be.
    #[error("there is no such segment or part (any more)")]
    Nowhere,
    /// It did not come in time.
    #[error("it did not come in time: the publisher sends nothing at the moment")]
    Late,
}

/// A playlist: of which track, and whether with what players know already.
type Which = (usize, bool);

/// One channel on its way out by HTTP.
#[derive(Debug)]
pub struct Broadcast {
    folder: PathBuf,
    window: Mutex<Window>,
    edge: watch::Sender<Edge>,
    /// Playlists as they were written last, with the version of the window: all viewers ask for the same ones.
    written: Mutex<HashMap<Which, (u64, Arc<str>)>>,
    /// Held by whoever records: one publisher comes after the other.
    pub(crate) pen: tokio::sync::Mutex<()>,
    /// Counts publishers.
    pub(crate) turn: AtomicU64,
    /// Films that are being made of it; nothing is removed meanwhile.
    pub(crate) keeping: AtomicUsize,
    /// Lower qualities of it.
    pub(crate) rungs: Rungs,
    /// What is recorded of it beyond its window.
    tapes: Mutex<Vec<Arc<Tape>>>,
}

impl Broadcast {
    pub(crate) fn new(folder: PathBuf, window: Window) -> Self {
        Self {
            folder,
            edge: watch::channel(window.edge()).0,
            window: Mutex::new(window),
            written: Mutex::default(),
            pen: tokio::sync::Mutex::default(),
            turn: AtomicU64::new(0),
            keeping: AtomicUsize::new(0),
            rungs: Rungs::default(),
            tapes: Mutex::default(),
        }
    }

    /// Where its segments are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is recorded of it beyond its window.
    pub(crate) fn tapes(&self) -> MutexGuard<'_, Vec<Arc<Tape>>> {
        self.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the file of a segment is.
    pub fn segment_path(&self, number: u64) -> PathBuf {
        crate::disk::segment_path(&self.folder, number)
    }

    /// What can be asked for. Held for as short as possible.
    pub fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the window, and tells those who wait.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Window) -> T) -> T {
        let mut window = self.window();
        let changed = change(&mut window);
        let edge = window.edge();
        drop(window);
        self.edge.send_if_modified(|known| std::mem::replace(known, edge) != edge);
        changed
    }

    /// How far back one can go from now on.
    pub fn set_length(&self, length: Duration) {
        self.change(|window| window.set_length(length));
        self.rungs.set_length(length);
    }

    /// Whether something is being made of it, so that nothing may go.
    pub(crate) fn is_kept(&self) -> bool {
        self.keeping.load(Ordering::Acquire) > 0
    }

    /// What `look` finds, once it is there. Costs no task: who asks, waits.
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn when<T>(
        &self,
        mut look: impl FnMut(&Window) -> Found<T>,
        patience: Duration,
    ) -> Result<T, Missing> {
        let mut edge = self.edge.subscribe();
        let deadline = Instant::now() + patience;
        loop {
            edge.borrow_and_update();
            match look(&self.window()) {
                Found::Here(found) => return Ok(found),
                Found::Nowhere => return Err(Missing::Nowhere),
                Found::Soon => {}
            }
            match timeout_at(deadline, edge.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Missing::Nowhere),
                Err(_) => return Err(Missing::Late),
            }
        }
    }

    /// Waits until segments that begin before a time of day, in microseconds since 1970, are on the disk, but for no
    /// longer than that.
    pub async fn settle(&self, before: u64, patience: Duration) {
        let written = |window: &Window| if window.is_written(before) { Found::Here(()) } else { Found::Soon };
        if self.when(written, patience).await.is_err() {
            tracing::debug!("a segment did not come to the disk in time");
        }
    }

    /// The HLS playlist of a track as it is now; `skip` leaves out what players know. None where there is none.
    pub fn playlist(&self, track: usize, skip: bool) -> Option<Arc<str>> {
        // Asked before its own window is locked, which comes first of all locks.
        let others = || if track == 0 { self.variants() } else { Vec::new() };
        self.written(track, skip, others)
    }

    /// The same, with how far other qualities are.
    pub(crate) fn written(
        &self,
        track: usize,
        skip: bool,
        others: impl FnOnce() -> Vec<Variant>,
    ) -> Option<Arc<str>> {
        let known = |version: u64| {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written
                .get(&(track, skip))
                .filter(|(known, _)| *known == version)
                .map(|(_, text)| Arc::clone(text))
        };
        if let Some(text) = known(self.window().edge().version) {
            return Some(text);
        }
        let others = others();
        let window = self.window();
        let version = window.edge().version;
        let text: Arc<str> = window.playlist_with(track, skip, &others)?.into();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert((track, skip), (version, Arc::clone(&text)));
        Some(text)
    }
}
