//! The outbox at work: a thread that has the files, so that no slow disk holds up the camera or the link.

mod disk;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use playhouse_sense::observation::{Batch, What};
use playhouse_sense::outbox::Limits;
use tokio::sync::mpsc;

pub use disk::Disk;

use crate::clock::now;
use crate::folder::FolderError;
use crate::link::Taken;

/// Words between the others and the thread: more than a busy minute has. Who finds no room waits, and a camera that waits
/// drops pictures rather than events.
const WAITING: usize = 1024;

/// Batches on their way from the thread to the link: the outbox has one in flight at a time, and one that is sent again.
const BATCHES: usize = 4;

/// How long the thread sleeps where nothing is to be done.
const IDLE: Duration = Duration::from_mins(1);

/// What the thread is told.
enum Word {
    Happened { at: u64, what: What },
    Linked(bool),
    Taken(Taken),
    End,
}

/// The outbox, for those who put things in and who have the link. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    words: SyncSender<Word>,
    figures: Arc<Figures>,
}

/// What is told of the outbox.
#[derive(Debug, Default)]
struct Figures {
    backlog: AtomicU64,
    lost: AtomicU64,
}

/// The thread that has the files. [`Writer::end`] waits until everything that was told is in them.
#[derive(Debug)]
pub struct Writer {
    words: SyncSender<Word>,
    thread: std::thread::JoinHandle<()>,
}

impl Writer {
    /// Ends the thread once everything is in the files.
    pub fn end(self) {
        self.words.send(Word::End).ok();
        // A thread that panicked has said so itself.
        self.thread.join().ok();
    }
}

impl Outbox {
    /// Something happened, at `at` milliseconds since 1970. Waits where the disk is far behind.
    pub fn push(&self, at: u64, what: What) {
        self.say(Word::Happened { at, what });
    }

    /// There is a link to the hub, or none any more.
    pub fn linked(&self, stands: bool) {
        self.say(Word::Linked(stands));
    }

    /// The hub has taken something for good. Never waits: where there is no room the hub will say so again.
    pub fn taken(&self, taken: Taken) {
        self.words.try_send(Word::Taken(taken)).ok();
    }

    /// Bytes that wait.
    pub fn backlog(&self) -> u64 {
        self.figures.backlog.load(Ordering::Relaxed)
    }

    /// Events thrown away since the start.
    pub fn lost(&self) -> u64 {
        self.figures.lost.load(Ordering::Relaxed)
    }

    fn say(&self, word: Word) {
        if self.words.send(word).is_err() {
            tracing::error!("the outbox is closed; what is told now is lost");
        }
    }
}

/// Opens the outbox in a folder. What is to be sent comes out of the receiver.
pub fn open(folder: &Path, limits: Limits) -> Result<(Outbox, Writer, mpsc::Receiver<Batch>), FolderError> {
    let disk = Disk::open(folder, limits, now())?;
    let (words, told) = sync_channel(WAITING);
    let (batches, to_send) = mpsc::channel(BATCHES);
    let figures = Arc::new(Figures::default());
    let shown = Arc::clone(&figures);
    let thread = std::thread::Builder::new()
        .name("outbox".into())
        .spawn(move || work(disk, &told, &batches, &shown))
        .map_err(FolderError::io(folder, "served by a thread"))?;
    Ok((Outbox { words: words.clone(), figures }, Writer { words, thread }, to_send))
}

fn work(mut disk: Disk, told: &Receiver<Word>, batches: &mpsc::Sender<Batch>, figures: &Figures) {
    loop {
        let time = now();
        // A link that takes no more is given nothing: what is asked of the outbox is on its way.
        if let Ok(place) = batches.try_reserve()
            && let Some(batch) = disk.change(time, |outbox| outbox.next_batch(time))
        {
            place.send(batch);
        }
        figures.backlog.store(disk.outbox().backlog() as u64, Ordering::Relaxed);
        figures.lost.store(disk.outbox().lost(), Ordering::Relaxed);
        let sleep = disk.wake().map_or(IDLE, |wake| wake.since(now()).min(IDLE));
        // A millisecond at least, so that what cannot be done now is not tried in a circle.
        match told.recv_timeout(sleep.max(Duration::from_millis(1))) {
            Ok(Word::End) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(word) => hear(&mut disk, word),
        }
        // Whatever else was said meanwhile costs one look at what is to be sent, not one each.
        for _ in 0..WAITING {
            match told.try_recv() {
                Ok(Word::End) => return finish(&mut disk),
                Ok(word) => hear(&mut disk, word),
                Err(_) => break,
            }
        }
    }
    finish(&mut disk);
}

fn hear(disk: &mut Disk, word: Word) {
    let time = now();
    disk.change(time, |outbox| match word {
        Word::Happened { at, what } => {
            if let Err(error) = outbox.push(time, at, what) {
                tracing::error!(%error, "an event is not told");
            }
        }
        Word::Linked(true) => outbox.connected(),
        Word::Linked(false) => outbox.disconnected(),
        Word::Taken(taken) => outbox.taken(time, taken.epoch, taken.seq),
        Word::End => {}
    });
}

/// Makes safe what was written last.
fn finish(disk: &mut Disk) {
    let late = disk.wake().unwrap_or_else(now).max(now());
    disk.change(late, |outbox| {
        outbox.disconnected();
        outbox.next_batch(late)
    });
}
