//! What the rest of the session holds of its network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use playhouse_media::sample::{AccessUnit, AudioPacket};

use crate::batch::Outbox;
use crate::config::{MAX_COMMANDS, MAX_PEERS};
use crate::driver::{Command, Driver};
use crate::event::{Channel, Payload, PeerEvent, PeerId};
use crate::offer::{self, Identity};
use crate::peer::Peer;
use crate::socket;
use crate::wake::Wake;
use crate::{Config, Error};

/// What the thread and its handles share.
pub(crate) struct Shared {
    pub(crate) wake: Wake,
    pub(crate) config: Config,
    /// Peers that were accepted and are not closed yet.
    pub(crate) peers: AtomicUsize,
    /// A frame found the command queue full.
    pub(crate) lost_frames: AtomicBool,
    addresses: Vec<SocketAddr>,
    identity: Identity,
}

/// Binds the sockets and starts the thread.
///
/// `events` is called on the thread for each [`PeerEvent`].
///
/// # Errors
/// When no port of the range is free on one of the addresses, or the system refuses a resource.
pub fn start(config: Config, events: Box<dyn FnMut(PeerEvent) + Send>) -> Result<Net, Error> {
    let system = |what| move |source| Error::System { what, source };
    let sockets = socket::bind_all(&config.addresses, &config.ports)?;
    let outbox = Outbox::new(&sockets).map_err(system("share the UDP sockets"))?;
    let wake = Wake::new().map_err(system("make an event counter"))?;
    let shared = Arc::new(Shared {
        wake,
        peers: AtomicUsize::new(0),
        lost_frames: AtomicBool::new(false),
        addresses: sockets.iter().map(|socket| socket.local).collect(),
        identity: Identity::new()?,
        config,
    });
    let (sender, commands) = sync_channel(MAX_COMMANDS);
    let driver = Driver::new(sockets, outbox, commands, events, Arc::clone(&shared));
    let thread = std::thread::Builder::new()
        .name("net".to_owned())
        .spawn(move || driver.run())
        .map_err(system("start the network thread"))?;
    Ok(Net { handle: Handle { sender, shared }, thread: Some(thread) })
}

/// The session's network. Dropping it says good-bye to all peers and waits for the thread.
pub struct Net {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Net {
    /// A handle for another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The addresses and ports at which the session is reached.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.handle.shared.addresses
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        // A full queue is being emptied by the thread, so that waiting for room ends.
        if self.handle.sender.send(Command::Stop).is_ok() {
            self.handle.shared.wake.raise();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the network thread failed");
        }
    }
}

/// Asks things of the network thread, from any thread; nothing here waits.
#[derive(Clone)]
pub struct Handle {
    sender: SyncSender<Command>,
    shared: Arc<Shared>,
}

impl Handle {
    /// Answers a browser's offer (SDP) and takes it in as `peer`; one of that name before it is closed. The work
    /// is done on the calling thread.
    ///
    /// # Errors
    /// When the session is full, or the offer cannot be read or asks for something that is not sent.
    pub fn accept(&self, peer: &str, offer: &str) -> Result<String, Error> {
        let limit = self.shared.config.peers.min(MAX_PEERS);
        let room = |count| (count < limit).then_some(count + 1);
        let peers = &self.shared.peers;
        if peers.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).is_err() {
            return Err(Error::Full(limit));
        }
        let answered = self.answer(peer, offer);
        if answered.is_err() {
            peers.fetch_sub(1, Ordering::AcqRel);
        }
        answered
    }

    fn answer(&self, peer: &str, offer: &str) -> Result<String, Error> {
        let Shared { addresses, identity, config, .. } = &*self.shared;
        let mut agreed = offer::answer(offer, addresses, identity, config)?;
        let answer = std::mem::take(&mut agreed.answer);
        let peer = Peer::new(PeerId::from(peer), agreed, config);
        self.command(Command::Add(Box::new(peer)))?;
        Ok(answer)
    }

    /// Adds a candidate that the browser found after its offer: an `a=candidate:` line, with or without `a=`.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn candidate(&self, peer: &str, line: &str) -> Result<(), Error> {
        self.command(Command::Candidate(PeerId::from(peer), line.to_owned()))
    }

    /// Closes a peer; [`PeerEvent::Closed`] follows.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn close(&self, peer: &str) -> Result<(), Error> {
        self.command(Command::Close(PeerId::from(peer)))
    }

    /// Sends a frame to all peers of a quality. When the thread is far behind the frame is lost, and a
    /// keyframe is asked for.
    pub fn video(&self, quality: u8, unit: Arc<AccessUnit>) {
        if self.command(Command::Video(quality, unit)).is_err() {
            self.shared.lost_frames.store(true, Ordering::Release);
            self.shared.wake.raise();
        }
    }

    /// Sends sound to all peers. It is lost when the thread is far behind.
    pub fn audio(&self, packet: Arc<AudioPacket>) {
        if let Err(error) = self.command(Command::Audio(packet)) {
            tracing::debug!(%error, "sound was not sent");
        }
    }

    /// Sends a message to one peer.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn send(&self, peer: &PeerId, channel: Channel, payload: impl Into<Payload>) -> Result<(), Error> {
        self.command(Command::Send(Arc::clone(peer), channel, payload.into()))
    }

    /// Chooses the quality that a peer is sent; it changes over at that quality's next keyframe.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn set_quality(&self, peer: &str, quality: u8) -> Result<(), Error> {
        self.command(Command::Quality(PeerId::from(peer), quality))
    }

    /// Says how many bits per second are wanted for a peer, so that the estimator looks for them.
    ///
    /// # Errors
    /// When the thread takes no commands.
    pub fn set_wanted_bitrate(&self, peer: &str, bitrate: u32) -> Result<(), Error> {
        self.command(Command::WantedBitrate(PeerId::from(peer), bitrate))
    }

    /// Peers that were accepted and are not closed yet.
    pub fn peers(&self) -> usize {
        self.shared.peers.load(Ordering::Acquire)
    }

    fn command(&self, command: Command) -> Result<(), Error> {
        self.sender.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy("far behind; try again"),
            TrySendError::Disconnected(_) => Error::Busy("closed; the session is over"),
        })?;
        self.shared.wake.raise();
        Ok(())
    }
}
