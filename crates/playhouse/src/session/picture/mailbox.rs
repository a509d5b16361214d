//! One place for the newest picture, between the stage's thread and an encoder's: newest wins.
//!
//! Each encoder has a mailbox of its own, so that none waits for another. So a slow encoder makes its own frames
//! fewer, never later.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use playhouse_media::frame::{Nv12, Timeline};
use playhouse_media::time::Timestamp;

/// A converted picture on its way to the encoders, which share it.
#[derive(Clone)]
pub(super) struct Picture {
    pub(super) nv12: Arc<Nv12>,
    /// When it is to be seen, among the other pictures of its quality.
    pub(super) pts: Timestamp,
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
    nudged: bool,
    closed: bool,
}

impl Mailbox {
    /// Puts a picture in; gives the one that nobody had taken.
    pub(super) fn put(&self, picture: Picture) -> Option<Picture> {
        let replaced = self.lock().waiting.replace(picture);
        self.woken.notify_one();
        replaced
    }

    /// Takes out what nobody had taken.
    pub(super) fn clear(&self) -> Option<Picture> {
        self.lock().waiting.take()
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

    /// Leaves pictures where they are for `rest`, in which newer ones may take their place; then waits for a
    /// picture, a nudge, or the end, `at_most` so long.
    pub(super) fn take(&self, rest: Duration, at_most: Duration) -> Mail {
        let mut guard = self.lock();
        if !rest.is_zero() {
            let open = |state: &mut State| !state.closed;
            (guard, _) =
                self.woken.wait_timeout_while(guard, rest, open).unwrap_or_else(PoisonError::into_inner);
        }
        let idle = |state: &mut State| state.waiting.is_none() && !state.nudged && !state.closed;
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

#[cfg(test)]
mod tests {
    use playhouse_media::frame::Size;

    use super::*;

    fn picture(input_seq: u32) -> Picture {
        let timeline = Timeline { input_seq, ..Timeline::default() };
        Picture { nv12: Arc::new(Nv12::new(Size::new(2, 2))), pts: Timestamp::ZERO, timeline }
    }

    #[test]
    fn the_newest_picture_wins() {
        let mailbox = Mailbox::default();
        assert!(mailbox.put(picture(1)).is_none());
        assert_eq!(mailbox.put(picture(2)).map(|old| old.timeline.input_seq), Some(1));
        let Mail::Picture(taken) = mailbox.take(Duration::ZERO, Duration::ZERO) else { panic!("no picture") };
        assert_eq!(taken.timeline.input_seq, 2);
        assert!(matches!(mailbox.take(Duration::ZERO, Duration::ZERO), Mail::Nothing));
    }

    #[test]
    fn the_last_picture_is_not_lost_to_a_lower_rate() {
        let mailbox = Mailbox::default();
        mailbox.put(picture(1));
        mailbox.put(picture(2));
        let rest = Duration::from_millis(1);
        let Mail::Picture(taken) = mailbox.take(rest, Duration::ZERO) else { panic!("no picture") };
        assert_eq!(taken.timeline.input_seq, 2);
    }

    #[test]
    fn closing_wakes_the_taker() {
        let mailbox = Mailbox::default();
        mailbox.close();
        assert!(matches!(mailbox.take(Duration::from_mins(1), Duration::from_mins(1)), Mail::Closed));
    }
}
