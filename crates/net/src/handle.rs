//! What the rest of the session holds of its network.

use std::net::SocketAddr;
use std::sync::Arc;

use playhouse_media::sample::{AccessUnit, AudioPacket};

use crate::config::MAX_PEERS;
use crate::control::{self, Control, Running};
use crate::event::{Channel, CloseReason, Payload, PeerEvent, PeerId};
use crate::offer::Purpose;
use crate::peer::Peer;
use crate::room::{Around, Peers, Room};
use crate::{Config, Error};

/// The peers of a session.
pub(crate) struct Session;

/// What is asked of a session's peers.
pub(crate) enum Order {
    Video(u8, Arc<AccessUnit>),
    Audio(Arc<AudioPacket>),
    Send(PeerId, Channel, Payload),
    Quality(PeerId, u8),
    WantedBitrate(PeerId, u32),
}

impl Room for Session {
    type Peer = Peer;
    type Order = Order;

    fn order(order: Order, peers: &mut Peers<Peer>, around: &mut Around<'_, Self>) {
        match order {
            Order::Video(quality, unit) => {
                peers.each(around, |peer, around| peer.video(quality, &unit, around));
            }
            Order::Audio(packet) => peers.each(around, |peer, around| peer.audio(&packet, around)),
            Order::Send(peer, channel, payload) => {
                peers.one(&peer, around, |peer, around| peer.send(channel, payload, around));
            }
            Order::Quality(peer, quality) => {
                peers.one(&peer, around, |peer, around| peer.set_quality(quality, around));
            }
            Order::WantedBitrate(peer, bitrate) => {
                peers.one(&peer, around, |peer, around| peer.set_wanted_bitrate(bitrate, around));
            }
        }
    }

    fn lost(peers: &mut Peers<Peer>, around: &mut Around<'_, Self>) {
        peers.each(around, Peer::lost_frames);
    }

    fn closed(peer: PeerId, reason: CloseReason) -> PeerEvent {
        PeerEvent::Closed { peer, reason }
    }
}

/// Binds the sockets and starts the thread.
///
/// `events` is called on the thread for each [`PeerEvent`].
///
/// # Errors
/// When no port of the range is free on one of the addresses, or the system refuses a resource.
pub fn start(config: Config, events: Box<dyn FnMut(PeerEvent) + Send>) -> Result<Net, Error> {
    control::start("net", config, events).map(Net)
}

/// The session's network. Dropping it says good-bye to all peers and waits for the thread.
pub struct Net(Running<Session>);

impl Net {
    /// A handle for another thread.
    pub fn handle(&self) -> Handle {
        Handle(self.0.control.clone())
    }

    /// The addresses and ports at which the session is reached.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0.control.shared.addresses
    }
}

/// Asks things of the network thread, from any thread; nothing here waits.
#[derive(Clone)]
pub struct Handle(Control<Session>);

impl Handle {
    /// Answers a browser's offer (SDP) and takes it in as `peer`; one of that name before it is closed. The work
    /// is done on the calling thread.
    ///
    /// # Errors
    /// When the session is full, or the offer cannot be read or asks for something that is not sent.
    pub fn accept(&self, peer: &str, offer: &str) -> Result<String, Error> {
        self.0.accept(MAX_PEERS, |shared| {
            let mut agreed = shared.answer(Purpose::Play, offer)?;
            let answer = std::mem::take(&mut agreed.answer);
            Ok((answer, Peer::new(PeerId::from(peer), agreed, &shared.config)))
        })
    }

    /// Adds a candidate that the browser found after its offer: an `a=candidate:` line, with or without `a=`.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn candidate(&self, peer: &str, line: &str) -> Result<(), Error> {
        self.0.candidate(peer, line)
    }

    /// Closes a peer; [`PeerEvent::Closed`] follows.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn close(&self, peer: &str) -> Result<(), Error> {
        self.0.close(peer)
    }

    /// Sends a frame to all peers of a quality. When the thread is far behind the frame is lost, and a
    /// keyframe is asked for.
    pub fn video(&self, quality: u8, unit: Arc<AccessUnit>) {
        self.0.order_or_lose(Order::Video(quality, unit));
    }

    /// Sends sound to all peers. It is lost when the thread is far behind.
    pub fn audio(&self, packet: Arc<AudioPacket>) {
        if let Err(error) = self.0.order(Order::Audio(packet)) {
            tracing::debug!(%error, "sound was not sent");
        }
    }

    /// Sends a message to one peer.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn send(&self, peer: &PeerId, channel: Channel, payload: impl Into<Payload>) -> Result<(), Error> {
        self.0.order(Order::Send(Arc::clone(peer), channel, payload.into()))
    }

    /// Chooses the quality that a peer is sent; it changes over at that quality's next keyframe.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn set_quality(&self, peer: &str, quality: u8) -> Result<(), Error> {
        self.0.order(Order::Quality(PeerId::from(peer), quality))
    }

    /// Says how many bits per second are wanted for a peer, so that the estimator looks for them.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn set_wanted_bitrate(&self, peer: &str, bitrate: u32) -> Result<(), Error> {
        self.0.order(Order::WantedBitrate(PeerId::from(peer), bitrate))
    }

    /// Peers that were accepted and are not closed yet.
    pub fn peers(&self) -> usize {
        self.0.peers()
    }
}
