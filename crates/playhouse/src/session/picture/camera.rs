//! What the threads of a picture's way share: a lens for each quality, which says how it shall look.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use playhouse_media::frame::Size;
use playhouse_play::qualities::SPECTATORS;

use super::mailbox::Mailbox;
use super::pool::Pool;

/// The way of all pictures.
pub(crate) struct Camera {
    players: Lens,
    spectators: Lens,
    pub(super) pool: Pool,
}

/// The way of one quality's pictures, and how they shall look.
pub(crate) struct Lens {
    pub(super) mailbox: Mailbox,
    wish: Mutex<Wish>,
    keyframe: AtomicBool,
    watched: AtomicBool,
    steady: AtomicBool,
}

/// What an encoder shall aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) size: Size,
    pub(crate) rate: u32,
    pub(crate) bitrate: u32,
}

impl Camera {
    pub(crate) fn new(wish: Wish) -> Arc<Self> {
        Arc::new(Self { players: Lens::new(wish), spectators: Lens::new(wish), pool: Pool::default() })
    }

    /// The lens of a quality.
    pub(crate) fn lens(&self, quality: u8) -> &Lens {
        if quality == SPECTATORS { &self.spectators } else { &self.players }
    }

    /// Ends the encoders.
    pub(crate) fn close(&self) {
        self.players.mailbox.close();
        self.spectators.mailbox.close();
    }
}

impl Lens {
    fn new(wish: Wish) -> Self {
        Self {
            mailbox: Mailbox::default(),
            wish: Mutex::new(wish),
            keyframe: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            steady: AtomicBool::new(false),
        }
    }

    /// Whether anybody looks; true where that is news, so that somebody now waits for a picture.
    pub(crate) fn watch(&self, anyone: bool) -> bool {
        if self.watched.load(Ordering::Acquire) == anyone {
            return false;
        }
        // What was left here when the last viewer went is out of date, and its encoder has to let go of the rest.
        drop(self.mailbox.clear());
        self.watched.store(anyone, Ordering::Release);
        self.mailbox.nudge();
        anyone
    }

    /// Whether anybody looks.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// Whether pictures are to come also while nothing moves.
    pub(crate) fn steady(&self, steady: bool) {
        self.steady.store(steady, Ordering::Release);
        self.mailbox.nudge();
    }

    /// Whether pictures are to come also while nothing moves.
    pub(crate) fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Acquire)
    }

    /// Another aim from the next picture on.
    pub(crate) fn aim(&self, wish: Wish) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// What is aimed at.
    pub(crate) fn wish(&self) -> Wish {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a keyframe, of the picture that stands if no new one comes.
    pub(crate) fn want_keyframe(&self) {
        self.keyframe.store(true, Ordering::Release);
        self.mailbox.nudge();
    }

    /// Whether a keyframe is wanted.
    pub(crate) fn wants_keyframe(&self) -> bool {
        self.keyframe.load(Ordering::Acquire)
    }

    /// Whether a keyframe is wanted, which is about to be made.
    pub(crate) fn take_keyframe(&self) -> bool {
        self.keyframe.swap(false, Ordering::AcqRel)
    }
}
