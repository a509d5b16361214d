//! A loop on its thread, and how other threads reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::batch::Outbox;
use crate::config::MAX_COMMANDS;
use crate::driver::{Command, Driver, Events};
use crate::event::PeerId;
use crate::offer::{self, Agreed, Identity, Purpose};
use crate::room::Room;
use crate::socket;
use crate::wake::Wake;
use crate::{Config, Error};

/// What the thread and its handles share.
pub(crate) struct Shared {
    pub(crate) wake: Wake,
    pub(crate) config: Config,
    /// Peers that were accepted and are not closed yet.
    pub(crate) peers: AtomicUsize,
    /// An order found the queue full.
    pub(crate) lost_orders: AtomicBool,
    pub(crate) addresses: Vec<SocketAddr>,
    identity: Identity,
}

impl Shared {
    /// Answers an offer.
    pub(crate) fn answer(&self, purpose: Purpose, offer: &str) -> Result<Agreed, Error> {
        Ok(offer::answer(offer, purpose, &self.addresses, &self.identity, &self.config)?)
    }
}

/// Asks things of a loop, from any thread; nothing here waits.
pub(crate) struct Control<R: Room> {
    sender: SyncSender<Command<R>>,
    pub(crate) shared: Arc<Shared>,
}

impl<R: Room> Clone for Control<R> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), shared: Arc::clone(&self.shared) }
    }
}

/// A thread with a loop. Dropping it says good-bye to all peers and waits for the thread.
pub(crate) struct Running<R: Room> {
    pub(crate) control: Control<R>,
    thread: Option<JoinHandle<()>>,
}

/// Binds the sockets and starts the thread.
pub(crate) fn start<R: Room>(name: &str, config: Config, events: Events<R>) -> Result<Running<R>, Error> {
    let system = |what| move |source| Error::System { what, source };
    let sockets = socket::bind_all(&config.addresses, &config.ports)?;
    let outbox = Outbox::new(&sockets).map_err(system("share the UDP sockets"))?;
    let wake = Wake::new().map_err(system("make an event counter"))?;
    let shared = Arc::new(Shared {
        wake,
        peers: AtomicUsize::new(0),
        lost_orders: AtomicBool::new(false),
        addresses: sockets.iter().map(|socket| socket.local).collect(),
        identity: Identity::new()?,
        config,
    });
    let (sender, commands) = sync_channel(MAX_COMMANDS);
    let driver = Driver::<R>::new(sockets, outbox, commands, events, Arc::clone(&shared));
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || driver.run())
        .map_err(system("start the network thread"))?;
    Ok(Running { control: Control { sender, shared }, thread: Some(thread) })
}

impl<R: Room> Drop for Running<R> {
    fn drop(&mut self) {
        // A full queue is being emptied by the thread, so that waiting for room ends.
        if self.control.sender.send(Command::Stop).is_ok() {
            self.control.shared.wake.raise();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the network thread failed");
        }
    }
}

impl<R: Room> Control<R> {
    /// Takes in a peer that `agree` makes, with the answer to its offer, if there is room for it.
    pub(crate) fn accept(
        &self,
        limit: usize,
        agree: impl FnOnce(&Shared) -> Result<(String, R::Peer), Error>,
    ) -> Result<String, Error> {
        let limit = self.shared.config.peers.min(limit);
        let room = |count| (count < limit).then_some(count + 1);
        let peers = &self.shared.peers;
        if peers.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).is_err() {
            return Err(Error::Full(limit));
        }
        let answered = agree(&self.shared).and_then(|(answer, peer)| {
            self.command(Command::Add(Box::new(peer)))?;
            Ok(answer)
        });
        if answered.is_err() {
            peers.fetch_sub(1, Ordering::AcqRel);
        }
        answered
    }

    /// Adds a candidate that the other side found after its offer.
    pub(crate) fn candidate(&self, peer: &str, line: &str) -> Result<(), Error> {
        self.command(Command::Candidate(PeerId::from(peer), line.to_owned()))
    }

    /// Closes a peer.
    pub(crate) fn close(&self, peer: &str) -> Result<(), Error> {
        self.command(Command::Close(PeerId::from(peer)))
    }

    /// Gives an order.
    pub(crate) fn order(&self, order: R::Order) -> Result<(), Error> {
        self.command(Command::Order(order))
    }

    /// Gives an order that is made good for when it is lost, since the thread is far behind.
    pub(crate) fn order_or_lose(&self, order: R::Order) {
        if self.order(order).is_err() {
            self.shared.lost_orders.store(true, Ordering::Release);
            self.shared.wake.raise();
        }
    }

    /// Peers that were accepted and are not closed yet.
    pub(crate) fn peers(&self) -> usize {
        self.shared.peers.load(Ordering::Acquire)
    }

    fn command(&self, command: Command<R>) -> Result<(), Error> {
        self.sender.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy("far behind; try again"),
            TrySendError::Disconnected(_) => Error::Busy("closed; the session is over"),
        })?;
        self.shared.wake.raise();
        Ok(())
    }
}
