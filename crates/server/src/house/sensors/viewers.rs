//! Who looks at a sensor. Each has a queue of its own with a bound, so that whoever is slow keeps nobody waiting: of
//! glimpses the newest wins, and of all else the oldest goes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;

/// Messages other than glimpses that wait for one viewer: some seconds of a busy door.
const WAITING: usize = 64;

/// Who looks at a sensor.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    list: Mutex<Vec<Arc<Queue>>>,
    count: AtomicUsize,
}

/// What waits for a viewer.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    glimpse: Option<Utf8Bytes>,
    told: VecDeque<Utf8Bytes>,
    missed: u64,
    over: bool,
}

/// Somebody's place among the viewers, given up when it is dropped.
pub(crate) struct Viewer<'a> {
    viewers: &'a Viewers,
    queue: Arc<Queue>,
}

impl Queue {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}

impl Viewers {
    /// Whether anybody looks.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }

    /// Somebody looks from now on.
    pub(crate) fn join(&self) -> Viewer<'_> {
        let queue = Arc::new(Queue::default());
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(queue.clone());
        self.count.fetch_add(1, Ordering::AcqRel);
        Viewer { viewers: self, queue }
    }

    fn each(&self, act: impl Fn(&Queue)) {
        for queue in self.list.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            act(queue);
        }
    }

    /// Shows everybody what is in the picture.
    pub(crate) fn show(&self, glimpse: &Utf8Bytes) {
        self.each(|queue| queue.change(|waiting| waiting.glimpse = Some(glimpse.clone())));
    }

    /// Tells everybody something.
    pub(crate) fn tell(&self, told: &Utf8Bytes) {
        self.each(|queue| {
            queue.change(|waiting| {
                if waiting.told.len() == WAITING {
                    waiting.told.pop_front();
                    waiting.missed += 1;
                }
                waiting.told.push_back(told.clone());
            });
        });
    }

    /// Nobody will hear anything more.
    pub(crate) fn end(&self) {
        self.each(|queue| queue.change(|waiting| waiting.over = true));
    }
}

impl Viewer<'_> {
    /// What comes next; nothing once the sensor is gone. Cancelling the wait loses nothing.
    pub(crate) async fn next(&self) -> Option<Utf8Bytes> {
        loop {
            let changed = self.queue.changed.notified();
            {
                let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let missed = std::mem::take(&mut waiting.missed);
                if missed > 0 {
                    return Some(Utf8Bytes::from(format!("{{\"missed\":{missed}}}")));
                }
                if let Some(told) = waiting.told.pop_front() {
                    return Some(told);
                }
                if let Some(glimpse) = waiting.glimpse.take() {
                    return Some(glimpse);
                }
                if waiting.over {
                    return None;
                }
            }
            changed.await;
        }
    }
}

impl Drop for Viewer<'_> {
    fn drop(&mut self) {
        let mut list = self.viewers.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.viewers.count.store(list.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_slow_sees_the_newest_and_is_told_what_was_missed() {
        let viewers = Viewers::default();
        let slow = viewers.join();
        for number in 0..100 {
            viewers.show(&Utf8Bytes::from(format!("glimpse {number}")));
            viewers.tell(&Utf8Bytes::from(format!("event {number}")));
        }
        assert_eq!(slow.next().await.unwrap().as_str(), "{\"missed\":36}");
        for number in 36..100 {
            assert_eq!(slow.next().await.unwrap().as_str(), format!("event {number}"));
        }
        assert_eq!(slow.next().await.unwrap().as_str(), "glimpse 99");
        viewers.end();
        assert!(slow.next().await.is_none());
        drop(slow);
        assert!(!viewers.any());
    }
}
