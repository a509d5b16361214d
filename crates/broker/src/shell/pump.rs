//! Moves packets between a connection and the engine, without a buffer while nothing moves.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::OwnedPermit;

use super::bell::Bell;
use super::shared::{Shared, Waiting};
use crate::codec::{CodecError, Incoming, Publish, Subscribe, Version, decode, encode, frame};
use crate::engine::{Accepted, Aliases, Left, Next, Offered};
use crate::message::Message;
use crate::rights::Identity;
use crate::topic::{check_topic, split_share};

/// Bytes that are read at once, on the stack: a whole TLS record.
const READ: usize = 16 * 1024;
/// While so many bytes wait to be written, nothing is taken from the session and nothing is read: a slow client fills its own
/// queue, and answers to what it sends are bounded.
const HIGH_WATER: usize = 32 * 1024;
/// How long a client may take for the last words to it.
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection's place in the engine, which is given up when this is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    id: u64,
    left: Left,
}

impl Place {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Place {
        Place { shared, id, left: Left::ShutDown }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.with(|state, now| {
            state.engine.closed(self.id, self.left, now);
            state.bells.remove(&self.id);
        });
    }
}

type Places = Pin<Box<dyn Future<Output = Vec<OwnedPermit<Arc<Message>>>> + Send>>;

/// A connection.
pub(super) struct Pump<S> {
    place: Place,
    bell: Arc<Bell>,
    stream: S,
    version: Version,
    identity: Identity,
    aliases: Aliases,
    /// The beginning of a packet, or what came behind one that is held.
    inbound: Vec<u8>,
    outbound: Vec<u8>,
    written: usize,
    /// There may be more to take from the engine.
    more: bool,
    ending: bool,
    held: Option<(Places, Accepted)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    pub(super) fn new(
        place: Place,
        bell: Arc<Bell>,
        stream: S,
        version: Version,
        identity: Identity,
        inbound: Vec<u8>,
    ) -> Pump<S> {
        Pump {
            place,
            bell,
            stream,
            version,
            identity,
            aliases: Aliases::default(),
            inbound,
            outbound: Vec::new(),
            written: 0,
            more: true,
            ending: false,
            held: None,
        }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self: Box<Self>) {
        self.digest(&[]);
        let left = poll_fn(|cx| self.pump(cx)).await;
        self.place.left = left;
        if self.ending {
            // What does not arrive in time does not arrive.
            drop(tokio::time::timeout(FAREWELL, poll_fn(|cx| self.part(cx))).await);
        }
    }

    /// Ready when the connection is over. With `ending` there are last words in `outbound`.
    fn pump(&mut self, cx: &mut Context<'_>) -> Poll<Left> {
        loop {
            // Behind a message that is no longer held there may be another one.
            while self.poll_held(cx).is_ready() {}
            if self.bell.heard(cx.waker()) || self.more {
                self.gather();
            }
            let blocked = match self.flush(cx) {
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(_)) => return Poll::Ready(Left::Lost),
                Poll::Pending => true,
            };
            if self.ending {
                return Poll::Ready(Left::Refused);
            }
            if self.more && !blocked {
                continue;
            }
            if self.held.is_some() || self.outbound.len() - self.written >= HIGH_WATER {
                return Poll::Pending;
            }
            match ready!(self.read(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Left::Lost),
                Ok(_) => {}
            }
        }
    }

    /// Takes what the engine has for this connection.
    fn gather(&mut self) {
        let (id, version) = (self.place.id, self.version);
        let (outbound, written) = (&mut self.outbound, self.written);
        self.more = false;
        let shared = &self.place.shared;
        let (more, ending) = shared.with(|state, now| {
            while outbound.len() - written < HIGH_WATER {
                match state.engine.next(id, now) {
                    Next::Packet(packet) => encode(&packet, version, outbound),
                    Next::Idle => return (false, false),
                    Next::Close => return (false, true),
                }
            }
            (true, false)
        });
        self.more = more;
        self.ending |= ending;
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outbound.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.outbound.len() {
            let stream = Pin::new(&mut self.stream);
            let count = ready!(stream.poll_write(cx, &self.outbound[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // An idle connection holds no buffer.
        self.outbound = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        if !bytes.is_empty() {
            self.digest(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Does what the packets say in what was kept and what is new.
    fn digest(&mut self, new: &[u8]) {
        let mut kept = std::mem::take(&mut self.inbound);
        let fresh = kept.is_empty();
        if !fresh {
            kept.extend_from_slice(new);
        }
        let bytes = if fresh { new } else { &kept };
        let mut at = 0;
        while self.held.is_none() && at < bytes.len() {
            match frame(&bytes[at..], self.place.shared.limits.packet) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    match decode(&bytes[at..], frame, self.version) {
                        Ok(packet) => self.handle(packet),
                        Err(error) => self.refuse(error),
                    }
                    at += frame.end;
                }
                Err(error) => {
                    self.refuse(error);
                    at = bytes.len();
                }
            }
        }
        self.more = true;
        if at < bytes.len() {
            self.inbound = bytes[at..].to_vec();
        }
    }

    fn handle(&mut self, packet: Incoming) {
        let id = self.place.id;
        match packet {
            Incoming::Publish(packet) => self.publish(packet),
            Incoming::Subscribe(packet) => self.subscribe(&packet),
            other => self.place.shared.with(|state, now| state.engine.receive(id, other, now)),
        }
    }

    fn publish(&mut self, mut packet: Publish) {
        let (id, shared) = (self.place.id, &self.place.shared);
        if let Err(reason) = self.aliases.resolve(&mut packet, shared.limits.topic_aliases) {
            shared.with(|state, now| {
                state.engine.refuse(id, reason, "it published to a topic alias that is none", now);
            });
            return;
        }
        let allowed =
            check_topic(&packet.topic).is_ok() && shared.rights.may_publish(&self.identity, &packet.topic);
        let waiting = shared.with(|state, now| {
            let Offered::For(inboxes, accepted) = state.engine.offer(id, packet, allowed, now) else {
                return None;
            };
            let waiting = state.hand_over(&inboxes, accepted);
            if waiting.is_some() {
                state.engine.hold(id, true, now);
            }
            waiting
        });
        if let Some(Waiting { inboxes, accepted }) = waiting {
            let places = Box::pin(async move {
                let mut places = Vec::with_capacity(inboxes.len());
                // In the order of their numbers, so that no two connections wait for each other.
                for inbox in inboxes {
                    if let Ok(place) = inbox.reserve_owned().await {
                        places.push(place);
                    }
                }
                places
            });
            self.held = Some((places, accepted));
        }
    }

    /// Ready when a message that was held is accepted; pending where none is, or still.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((mut waiting, accepted)) = self.held.take() else { return Poll::Pending };
        let Poll::Ready(places) = waiting.as_mut().poll(cx) else {
            self.held = Some((waiting, accepted));
            return Poll::Pending;
        };
        let id = self.place.id;
        self.place.shared.with(|state, now| {
            let for_inboxes = !places.is_empty();
            for place in places {
                place.send(Arc::clone(&accepted.message));
            }
            state.engine.accept(&accepted, for_inboxes);
            state.engine.hold(id, false, now);
        });
        self.digest(&[]);
        Poll::Ready(())
    }

    fn subscribe(&self, packet: &Subscribe) {
        let (id, shared) = (self.place.id, &self.place.shared);
        let may = |filter: &str| {
            split_share(filter).is_ok_and(|(_, filter)| shared.rights.may_subscribe(&self.identity, filter))
        };
        let allowed: Vec<bool> = packet.filters.iter().map(|filter| may(&filter.filter)).collect();
        shared.with(|state, now| state.engine.subscribe(id, packet, &allowed, now));
    }

    fn refuse(&self, error: CodecError) {
        let id = self.place.id;
        self.place.shared.with(|state, now| state.engine.refuse(id, error.reason(), error.why(), now));
    }

    /// Writes the last words, and listens until the client has closed too: closing while it still sends would take these words
    /// from it.
    fn part(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flush(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        loop {
            let mut space = [MaybeUninit::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
