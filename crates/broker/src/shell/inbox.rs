//! Subscribers in the broker's own program: a bounded queue of messages that holds up who fills it.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use super::shared::Shared;
use crate::message::Message;

/// An in-process subscriber. Dropping it ends its subscriptions.
///
/// A message of QoS 1 or 2 is acknowledged to its publisher once it has a place here. While there is none, the publisher's
/// connection is not read, so that it is held up by TCP and nobody else is. Messages of QoS 0, and those of
/// [`crate::Broker::publish`], which cannot wait, are dropped then.
pub struct Inbox {
    pub(super) id: u64,
    pub(super) retained: VecDeque<Arc<Message>>,
    pub(super) messages: mpsc::Receiver<Arc<Message>>,
    pub(super) shared: Weak<Shared>,
}

impl Inbox {
    /// The next message, in the order in which each publisher sent them; `None` once the broker is gone. Cancelling the
    /// wait loses nothing.
    pub async fn recv(&mut self) -> Option<Message> {
        if let Some(message) = self.retained.pop_front() {
            return Some(Arc::unwrap_or_clone(message));
        }
        self.messages.recv().await.map(Arc::unwrap_or_clone).map(fresh)
    }

    /// Waits for a message and adds it to `messages`, with as many as there are, at most `limit` of them. The number of those
    /// that were added; 0 once the broker is gone, or where `limit` is 0.
    pub async fn recv_many(&mut self, messages: &mut Vec<Message>, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        let Some(first) = self.recv().await else { return 0 };
        messages.push(first);
        let mut added = 1;
        while added < limit {
            if let Some(message) = self.retained.pop_front() {
                messages.push(Arc::unwrap_or_clone(message));
            } else if let Ok(message) = self.messages.try_recv() {
                messages.push(fresh(Arc::unwrap_or_clone(message)));
            } else {
                break;
            }
            added += 1;
        }
        added
    }
}

/// The flag says what was kept, not what is to be.
fn fresh(message: Message) -> Message {
    Message { retain: false, ..message }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.close_inbox(self.id);
        }
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("id", &self.id).finish_non_exhaustive()
    }
}
