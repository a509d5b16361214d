//! Wakes a connection's task when there is something for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

#[derive(Debug, Default)]
pub(super) struct Bell {
    waker: AtomicWaker,
    rung: AtomicBool,
}

impl Bell {
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Whether it was rung since the last time; if not, `waker` is woken once it is.
    pub(super) fn heard(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.rung.swap(false, Ordering::AcqRel)
    }
}
