//! A recording of a channel: references of its own to the channel's segments, so that it may be longer than the window.
//!
//! A segment that is written is linked into the recording's folder, where it stays when the window lets go of it: nothing
//! is stored twice, and nothing is lost by a kill but what no file has yet. What can be asked for of it while it is being
//! recorded is a [`Broadcast`] like the channel's own.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use playhouse_media::live::Window;

use crate::broadcast::Broadcast;
use crate::disk;
use crate::keep::NotKept;

/// Bytes of a recording at most: a day at 6 Mbit/s, seven hours at 20.
const MOST_BYTES: u64 = 64 << 30;

/// Why a recording has ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it came to {} GiB, which is as much as one recording may have", MOST_BYTES >> 30)]
pub struct Full;

/// A recording of a channel.
#[derive(Debug)]
pub struct Tape {
    broadcast: Broadcast,
    /// From when to when, in microseconds since 1970.
    from: u64,
    until: AtomicU64,
    stopped: AtomicBool,
    full: AtomicBool,
    /// Held by whoever adds segments: they come in order.
    pen: Mutex<()>,
}

impl Tape {
    /// A recording, with what an earlier run of the program has left of it. Blocks.
    pub(crate) fn open(folder: PathBuf, span: Range<u64>) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut window = Window::recording();
        disk::restore(&folder, &mut window)?;
        Ok(Self {
            broadcast: Broadcast::new(folder, window),
            from: span.start,
            until: AtomicU64::new(span.end),
            stopped: AtomicBool::new(false),
            full: AtomicBool::new(false),
            pen: Mutex::default(),
        })
    }

    /// What there is of it.
    pub fn broadcast(&self) -> &Broadcast {
        &self.broadcast
    }

    /// Until when it is recorded, in microseconds since 1970; segments are taken whole.
    pub(crate) fn set_until(&self, until: u64) {
        self.until.store(until, Ordering::Release);
    }

    /// Records nothing more.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether it still takes what comes.
    ///
    /// # Errors
    /// [`Full`] where it does not, since it has all that it may.
    pub fn check(&self) -> Result<(), Full> {
        if self.full.load(Ordering::Acquire) { Err(Full) } else { Ok(()) }
    }

    /// Takes what the channel's window has already, and is given what comes. Blocks.
    pub(crate) fn follow(self: &Arc<Self>, source: &Broadcast) {
        {
            let mut tapes = source.tapes();
            if tapes.iter().any(|known| Arc::ptr_eq(known, self)) {
                return;
            }
            tapes.retain(|tape| !tape.stopped.load(Ordering::Acquire));
            tapes.push(Arc::clone(self));
        }
        let _pen = self.hold();
        let there = source.window().between(self.from, self.until.load(Ordering::Acquire));
        for number in there {
            // What is just being written comes by itself.
            if source.segment_path(number).exists() {
                self.add(source, number);
            }
        }
    }

    fn hold(&self) -> MutexGuard<'_, ()> {
        self.pen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a segment of the channel that is written, unless it is older than what there is.
    pub(crate) fn take(&self, source: &Broadcast, number: u64) {
        let _pen = self.hold();
        self.add(source, number);
    }

    fn add(&self, source: &Broadcast, number: u64) {
        let over = self.stopped.load(Ordering::Acquire) || self.full.load(Ordering::Acquire);
        let (newest, bytes) = {
            let window = self.broadcast.window();
            (window.newest(), window.bytes())
        };
        let era = {
            let window = source.window();
            let wanted = !over
                && newest.is_none_or(|newest| newest < number)
                && window.is_between(number, self.from, self.until.load(Ordering::Acquire));
            wanted.then(|| window.era_of_segment(number).cloned()).flatten()
        };
        let Some(era) = era else { return };
        if bytes >= MOST_BYTES {
            self.full.store(true, Ordering::Release);
            return;
        }
        let folder = self.broadcast.folder();
        let taken = (|| {
            if self.broadcast.window().era().is_none_or(|known| known.first != era.first) {
                disk::put_era(folder, &era)?;
                self.broadcast.change(|window| window.restore_era(era));
            }
            disk::link(&source.segment_path(number), folder, number)?;
            let record = disk::record(folder, number)?;
            self.broadcast.change(|window| window.restore(&record));
            Ok::<_, io::Error>(())
        })();
        if let Err(error) = taken {
            tracing::error!(folder = %folder.display(), number, %error, "a segment is missing in a recording");
        }
    }

    /// Writes one of the [`runs`](Window::runs) of its segments as a film to `to`, sample by sample as they came; gives how
    /// many milliseconds it plays. Blocks.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub fn film(&self, run: &[u64], to: &mut impl Write) -> Result<u64, NotKept> {
        self.broadcast.film(run, to)
    }
}
