//! One place for the newest picture, between the stage's thread and the encoder's: newest wins.
//!
//! Two pictures circulate: one being written by the stage or waiting here, one being encoded. So a slow encoder
//! makes the game's frames fewer, never later.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use playhouse_media::frame::{Nv12, Timeline};

/// A converted picture on its way to the encoder.
pub(super) struct Picture {
    pub(super) nv12: Nv12,
    pub(super) timeline: Timeline,
}

/// What the encoder finds when it is woken.
pub(super) enum Mail {
    /// A new picture.
    Picture(Picture),
    /// None, but somebody asked for a keyframe or the wait was over.
    Nothing,
    /// The session ends.
    Closed,
}

/// The place.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Option<Picture>,
    /// Used pictures, to be written again.
    spare: Vec<Nv12>,
    nudged: bool,
    closed: bool,
}

/// Pictures kept for reuse: one being written while one is encoded and one waits.
const SPARE: usize = 3;

impl Mailbox {
    /// Puts a picture in; true where it replaced one that nobody had taken.
    pub(super) fn put(&self, picture: Picture) -> bool {
        let mut state = self.lock();
        let replaced = state.waiting.replace(picture);
        let was_there = replaced.is_some();
        if let Some(old) = replaced {
            keep(&mut state.spare, old.nv12);
        }
        drop(state);
        self.woken.notify_one();
        was_there
    }

    /// A used picture to write into, if there is one.
    pub(super) fn spare(&self) -> Option<Nv12> {
        self.lock().spare.pop()
    }

    /// Gives a picture back for reuse.
    pub(super) fn give_back(&self, nv12: Nv12) {
        keep(&mut self.lock().spare, nv12);
    }

    /// Wakes the taker without a picture.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.woken.notify_one();
    }

    /// Ends it.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.woken.notify_one();
    }

    /// Waits for a picture, a nudge, or the end, `at_most` so long.
    pub(super) fn take(&self, at_most: Duration) -> Mail {
        let idle = |state: &mut State| state.waiting.is_none() && !state.nudged && !state.closed;
        let guard = self.lock();
        let (mut state, _) =
            self.woken.wait_timeout_while(guard, at_most, idle).unwrap_or_else(PoisonError::into_inner);
        state.nudged = false;
        if state.closed {
            return Mail::Closed;
        }
        state.waiting.take().map_or(Mail::Nothing, Mail::Picture)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(spare: &mut Vec<Nv12>, nv12: Nv12) {
    if spare.len() < SPARE {
        spare.push(nv12);
    }
}

#[cfg(test)]
mod tests {
    use playhouse_media::frame::Size;

    use super::*;

    fn picture(input_seq: u32) -> Picture {
        let timeline = Timeline { input_seq, ..Timeline::default() };
        Picture { nv12: Nv12::new(Size::new(2, 2)), timeline }
    }

    #[test]
    fn the_newest_picture_wins_and_the_old_one_is_used_again() {
        let mailbox = Mailbox::default();
        assert!(!mailbox.put(picture(1)));
        assert!(mailbox.put(picture(2)));
        assert!(mailbox.spare().is_some());
        let Mail::Picture(taken) = mailbox.take(Duration::ZERO) else { panic!("no picture") };
        assert_eq!(taken.timeline.input_seq, 2);
        assert!(matches!(mailbox.take(Duration::ZERO), Mail::Nothing));
    }

    #[test]
    fn closing_wakes_the_taker() {
        let mailbox = Mailbox::default();
        mailbox.close();
        assert!(matches!(mailbox.take(Duration::from_mins(1)), Mail::Closed));
    }
}
