//! All live streams of this machine, by channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::door::{Admission, Protocol, Refusal};
use crate::stream::{Publisher, Stream};

/// Streams at once: each may hold [`MAX_BYTES`](crate::stream) in memory.
pub const MAX_STREAMS: usize = 64;

/// Events that may wait for a slow reader, which is told how many it lost.
const EVENTS: usize = 256;

/// Something that happened to a channel.
#[derive(Clone, Debug)]
pub struct Event {
    /// The stream it happened to.
    pub stream: Arc<Stream>,
    /// What happened.
    pub what: Happening,
}

/// What happened to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A publisher is there.
    Begun,
    /// The publisher is gone.
    Ended,
}

/// All live streams of this machine.
#[derive(Debug)]
pub struct Hub {
    streams: Mutex<HashMap<String, Arc<Stream>>>,
    events: broadcast::Sender<Event>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { streams: Mutex::default(), events: broadcast::channel(EVENTS).0 }
    }
}

impl Hub {
    /// Begins a stream.
    ///
    /// # Errors
    /// When the channel has a publisher that does not make room, or there are [`MAX_STREAMS`].
    pub fn publish(
        self: &Arc<Self>,
        admission: &Admission,
        protocol: Protocol,
    ) -> Result<Publisher, Refusal> {
        let mut streams = self.lock();
        if let Some(there) = streams.get(&admission.channel) {
            if !admission.replace {
                return Err(Refusal(format!(
                    "`{}` is being published already by {}; end that first, or let the channel's settings replace it.",
                    admission.channel,
                    there.protocol(),
                )));
            }
            there.end();
        } else if streams.len() >= MAX_STREAMS {
            return Err(Refusal(format!(
                "{MAX_STREAMS} streams are live, which is all that this machine takes."
            )));
        }
        let stream = Arc::new(Stream::new(admission.channel.clone(), protocol));
        let before = streams.insert(admission.channel.clone(), Arc::clone(&stream));
        drop(streams);
        if let Some(before) = before {
            self.tell(before, Happening::Ended);
        }
        self.tell(Arc::clone(&stream), Happening::Begun);
        Ok(Publisher::new(stream, Arc::clone(self)))
    }

    /// The stream of a channel, while there is a publisher.
    pub fn stream(&self, channel: &str) -> Option<Arc<Stream>> {
        self.lock().get(channel).cloned()
    }

    /// All streams.
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        self.lock().values().cloned().collect()
    }

    /// Ends the stream of a channel, and so its publisher; whether there was one.
    pub fn end(&self, channel: &str) -> bool {
        let stream = self.lock().remove(channel);
        let Some(stream) = stream else { return false };
        stream.end();
        self.tell(stream, Happening::Ended);
        true
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// A publisher is gone.
    pub(crate) fn remove(&self, stream: &Arc<Stream>) {
        stream.end();
        let mut streams = self.lock();
        let mine = streams.get(stream.channel()).is_some_and(|there| Arc::ptr_eq(there, stream));
        if mine {
            streams.remove(stream.channel());
            drop(streams);
            self.tell(Arc::clone(stream), Happening::Ended);
        }
    }

    fn tell(&self, stream: Arc<Stream>, what: Happening) {
        // Without a reader there is nobody to tell.
        drop(self.events.send(Event { stream, what }));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
