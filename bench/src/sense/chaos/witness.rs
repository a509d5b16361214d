//! What the agent ever took upon itself: its outbox's files, read beside it all the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use playhouse_sense::observation::{Event, What};
use playhouse_sense::outbox::{Key, Record};

/// How often it looks. A file holds seconds of events, and goes only after the next one was begun.
const GLANCE: Duration = Duration::from_millis(200);

/// An event's epoch and its number in it.
pub(super) type Number = (u64, u64);

/// What the files ever said.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Everything that was kept: when it happened, and what, as JSON.
    pub(super) kept: BTreeMap<Number, (u64, String)>,
    /// What was thrown away by rule.
    pub(super) dropped: BTreeSet<Number>,
    /// How many events those stand for.
    pub(super) dropped_events: u64,
    /// Numbers that were given to two different events.
    pub(super) twice: BTreeSet<Number>,
    /// Bytes of all files, and the most that they ever had.
    pub(super) bytes: u64,
    pub(super) most_bytes: u64,
    /// The outbox that numbers now.
    base: u64,
    /// Up to where the server has what each outbox numbered.
    taken: HashMap<u64, Key>,
    /// Which outbox an epoch belongs to, and which of its lives it is.
    lives: HashMap<u64, (u64, u64)>,
    files: HashMap<PathBuf, (u64, Option<u64>)>,
}

impl Seen {
    /// Looks at all files; what is gone meanwhile was taken, or stands in a later one.
    fn look(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort_unstable();
        let sizes = files.iter().filter_map(|file| fs::metadata(file).ok());
        self.bytes = sizes.map(|size| size.len()).sum();
        self.most_bytes = self.most_bytes.max(self.bytes);
        for file in files {
            if let Ok((from, bytes)) = self.unread(&file) {
                self.read(file, from, &bytes);
            }
        }
    }

    fn unread(&self, file: &Path) -> std::io::Result<(u64, Vec<u8>)> {
        let mut open = File::open(file)?;
        let from = self.files.get(file).map_or(0, |(offset, _)| *offset);
        open.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        open.read_to_end(&mut bytes)?;
        Ok((from, bytes))
    }

    /// Reads up to what is still being written.
    fn read(&mut self, file: PathBuf, from: u64, bytes: &[u8]) {
        let mut base = self.files.get(&file).and_then(|(_, base)| *base);
        let mut at = 0;
        while let Some((record, length)) = Record::decode(&bytes[at..]) {
            at += length;
            match (record, base) {
                (Record::Head { base: begun, marks, .. }, _) => {
                    base = Some(begun);
                    self.base = begun;
                    self.take(begun, marks.taken);
                }
                (Record::Event { life, event, .. }, Some(base)) => {
                    self.lives.insert(base.wrapping_add(life), (base, life));
                    self.keep(base.wrapping_add(life), &event);
                }
                (Record::Dropped { key, .. }, Some(base)) => {
                    self.drop((base.wrapping_add(key.life), key.seq));
                }
                (Record::Marks(marks), Some(base)) => self.take(base, marks.taken),
                _ => {}
            }
        }
        self.files.insert(file, (from + at as u64, base));
    }

    fn keep(&mut self, epoch: u64, event: &Event) {
        let number = (epoch, event.seq);
        let what = serde_json::to_string(&event.what).unwrap_or_default();
        let told = (event.at, what);
        if self.kept.get(&number).is_some_and(|before| *before != told) {
            self.twice.insert(number);
        }
        self.kept.insert(number, told);
    }

    fn drop(&mut self, number: Number) {
        if self.dropped.insert(number) {
            let lost = self.kept.get(&number).and_then(|(_, what)| lost(what));
            self.dropped_events += lost.unwrap_or(1);
        }
    }

    fn take(&mut self, base: u64, to: Key) {
        let taken = self.taken.entry(base).or_default();
        *taken = to.max(*taken);
    }

    /// How often the outbox began anew, and forgot what it had: never, unless its files are damaged.
    pub(super) fn begun_anew(&self) -> usize {
        self.taken.len().saturating_sub(1)
    }

    /// How many events the outbox has that it neither dropped nor let go because the server has them.
    pub(super) fn waiting(&self) -> usize {
        let current = |epoch| self.lives.get(epoch).is_some_and(|(base, _)| *base == self.base);
        let kept = self.kept.keys().filter(|(epoch, _)| current(epoch));
        kept.filter(|number| !self.dropped.contains(number) && !self.is_taken(number)).count()
    }

    /// Whether the server said that it has this one.
    pub(super) fn is_taken(&self, &(epoch, seq): &Number) -> bool {
        let Some(&(base, life)) = self.lives.get(&epoch) else { return false };
        self.taken.get(&base).is_some_and(|taken| Key { life, seq } <= *taken)
    }
}

/// How many events an event stands for that says how many were thrown away.
pub(super) fn lost(what: &str) -> Option<u64> {
    match serde_json::from_str(what).ok()? {
        What::Lost { count } => Some(count.into()),
        _ => None,
    }
}

/// Who looks.
#[derive(Debug)]
pub(super) struct Witness {
    folder: PathBuf,
    seen: Arc<Mutex<Seen>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// Looks at the outbox in this folder from now on.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        let (seen, over) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let mut witness = Self {
            folder: folder.to_owned(),
            seen: Arc::clone(&seen),
            over: Arc::clone(&over),
            thread: None,
        };
        let folder = witness.folder.clone();
        let thread = Builder::new().name("witness".into()).spawn(move || {
            while !over.load(Ordering::Relaxed) {
                locked(&seen).look(&folder);
                std::thread::sleep(GLANCE);
            }
        });
        witness.thread = Some(thread.context("a thread could not be started")?);
        Ok(witness)
    }

    /// Looks once more, and gives all that was seen.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        let mut seen = locked(&self.seen);
        seen.look(&self.folder);
        seen
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so itself.
            drop(thread.join());
        }
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
