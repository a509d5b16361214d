//! Live streams over WebRTC: who publishes one (WHIP), and many who watch it (WHEP).
//!
//! [`start`] starts a loop as a session has one. A publisher's offer becomes a peer with [`Handle::publish`], and
//! what it sends comes back as [`Event::Received`]. A [`Stream`] takes access units and sound, cuts them into
//! packets once, and keeps them from the newest keyframe on; all viewers that joined it with [`Handle::watch`] are
//! sent the same packets, each encrypted for itself. Loops share streams, so that viewers of one stream can be
//! served by several threads.

mod packets;
mod publisher;
mod room;
mod stream;
mod viewer;

use std::sync::Arc;

use crate::config::MAX_LIVE_PEERS;
use crate::control::{self, Control, Running};
use crate::event::{CloseReason, PeerId};
use crate::offer::Purpose;
use crate::{Config, Error};

use publisher::Publisher;
use room::{Live, Order, Peer};
pub use stream::Stream;
use viewer::Viewer;

/// Something about a peer of a live stream. The callback that takes it runs on the network thread and has to be
/// quick; it may call any method of [`Handle`].
#[derive(Clone, Debug)]
pub enum Event {
    /// The connection stands.
    Connected {
        /// Who.
        peer: PeerId,
    },
    /// The last event of a peer.
    Closed {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: CloseReason,
    },
    /// Viewers of a stream cannot begin or go on without a keyframe of it.
    KeyframeWanted {
        /// The stream's name.
        stream: Arc<str>,
    },
    /// A publisher has sent a picture or a packet of sound.
    Received {
        /// Who.
        peer: PeerId,
        /// What.
        media: Received,
    },
}

/// A picture or a packet of sound from a publisher.
#[derive(Clone, Debug)]
pub struct Received {
    /// What it is.
    pub kind: Kind,
    /// An H.264 access unit with start codes (Annex B), or one Opus packet.
    pub data: Arc<[u8]>,
    /// When it was taken, on the track's own clock that starts anywhere: 90,000 ticks a second for pictures,
    /// 48,000 for sound. It does not wrap.
    pub ticks: u64,
    /// The same moment on the publisher's clock, in microseconds, and on the track's own clock, from its last
    /// report (RFC 3550, 6.4.1): what tells how tracks belong together.
    pub report: Option<(u64, u64)>,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A picture in H.264.
    Picture,
    /// Sound in Opus.
    Sound,
}

impl Kind {
    /// Ticks per second of its clock in RTP (RFC 6184 and RFC 7587).
    pub const fn clock(self) -> u32 {
        match self {
            Self::Picture => 90_000,
            Self::Sound => 48_000,
        }
    }
}

/// Binds the sockets and starts the thread, which has the name given.
///
/// # Errors
/// When no port of the range is free on one of the addresses, or the system refuses a resource.
pub fn start(name: &str, config: Config, events: Box<dyn FnMut(Event) + Send>) -> Result<Net, Error> {
    control::start(name, config, events).map(Net)
}

/// A loop for live streams. Dropping it says good-bye to all peers and waits for the thread.
pub struct Net(Running<Live>);

impl Net {
    /// A handle for another thread.
    pub fn handle(&self) -> Handle {
        Handle(self.0.control.clone())
    }
}

/// Asks things of the loop, from any thread; nothing here waits.
#[derive(Clone)]
pub struct Handle(Control<Live>);

impl Handle {
    /// Answers the offer (SDP) of a viewer, who is sent `stream` from its newest keyframe on.
    ///
    /// # Errors
    /// When there is no room, or the offer cannot be read or asks for something that is not sent.
    pub fn watch(&self, peer: &str, offer: &str, stream: &Arc<Stream>) -> Result<String, Error> {
        self.0.accept(MAX_LIVE_PEERS, |shared| {
            let mut agreed = shared.answer(Purpose::Watch, offer)?;
            let answer = std::mem::take(&mut agreed.answer);
            Ok((answer, Peer::Viewer(Box::new(Viewer::new(PeerId::from(peer), agreed, Arc::clone(stream))))))
        })
    }

    /// Answers the offer (SDP) of a publisher.
    ///
    /// # Errors
    /// When there is no room, or the offer cannot be read or sends something that is not taken.
    pub fn publish(&self, peer: &str, offer: &str) -> Result<String, Error> {
        self.0.accept(MAX_LIVE_PEERS, |shared| {
            let mut agreed = shared.answer(Purpose::Publish, offer)?;
            let answer = std::mem::take(&mut agreed.answer);
            Ok((answer, Peer::Publisher(Box::new(Publisher::new(PeerId::from(peer), agreed)))))
        })
    }

    /// Adds a candidate that a peer found after its offer: an `a=candidate:` line, with or without `a=`.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn candidate(&self, peer: &str, line: &str) -> Result<(), Error> {
        self.0.candidate(peer, line)
    }

    /// Closes a peer; [`Event::Closed`] follows.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn close(&self, peer: &str) -> Result<(), Error> {
        self.0.close(peer)
    }

    /// Closes all viewers of a stream.
    pub fn close_stream(&self, stream: &Arc<Stream>) -> Result<(), Error> {
        self.0.order(Order::End(Arc::clone(stream)))
    }

    /// Asks a publisher for a keyframe.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn want_keyframe(&self, peer: &str) -> Result<(), Error> {
        self.0.order(Order::Keyframe(PeerId::from(peer)))
    }

    /// Sends viewers what a stream has been given since the last call.
    pub fn advance(&self, stream: &Arc<Stream>) {
        self.0.order_or_lose(Order::Advance(Arc::clone(stream)));
    }

    /// Peers that were accepted and are not closed yet.
    pub fn peers(&self) -> usize {
        self.0.peers()
    }
}
