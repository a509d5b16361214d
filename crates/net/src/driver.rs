//! The loop of a thread: waits for packets, commands and timers, and lets the peers work.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use str0m::net::{Protocol, Receive};

use crate::batch::Outbox;
use crate::clock::Anchor;
use crate::config::MAX_READS;
use crate::control::Shared;
use crate::event::{CloseReason, PeerId};
use crate::room::{Around, Driven, EventOf, Peers, Room, Surroundings};
use crate::socket::Socket;

/// Longest wait: a bound on what a lost wake-up could cost.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Largest datagram that is read; a browser's have at most some 1,500 bytes.
const MAX_DATAGRAM: usize = 2048;

/// What other threads ask of the loop.
pub(crate) enum Command<R: Room> {
    Add(Box<R::Peer>),
    Candidate(PeerId, String),
    Close(PeerId),
    Order(R::Order),
    Stop,
}

/// The callback that events are given to.
pub(crate) type Events<R> = Box<dyn FnMut(EventOf<R>) + Send>;

/// Everything that the thread owns.
pub(crate) struct Driver<R: Room> {
    sockets: Vec<Socket>,
    outbox: Outbox,
    commands: Receiver<Command<R>>,
    events: Events<R>,
    shared: Arc<Shared>,
    peers: Peers<R::Peer>,
    anchor: Anchor,
    stopping: bool,
}

impl<R: Room> Driver<R> {
    pub(crate) fn new(
        sockets: Vec<Socket>,
        outbox: Outbox,
        commands: Receiver<Command<R>>,
        events: Events<R>,
        shared: Arc<Shared>,
    ) -> Self {
        let anchor = Anchor::now();
        Self { sockets, outbox, commands, events, shared, peers: Peers::new(), anchor, stopping: false }
    }

    /// Runs until it is told to stop and the peers have been told good-bye.
    pub(crate) fn run(mut self) {
        while !(self.stopping && self.peers.is_empty()) {
            self.commands();
            for index in 0..self.sockets.len() {
                self.packets(index);
            }
            let next = self.timers();
            self.remove_ended();
            let wait = next.saturating_duration_since(Instant::now()).min(MAX_WAIT);
            let sockets = self.sockets.iter().map(|socket| &socket.udp);
            if let Err(error) = self.shared.wake.wait(sockets, wait) {
                tracing::error!(%error, "the network thread cannot wait");
                break;
            }
            self.shared.wake.clear();
        }
        for (peer, reason) in self.peers.take(|_| Some(CloseReason::Asked)) {
            self.closed(&peer, reason);
        }
    }

    fn commands(&mut self) {
        if self.shared.lost_orders.swap(false, Ordering::AcqRel) {
            let (peers, mut around) = self.surroundings();
            R::lost(peers, &mut around);
        }
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.command(command),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.stop();
                    return;
                }
            }
        }
    }

    fn command(&mut self, command: Command<R>) {
        let (peers, mut around) = self.surroundings();
        match command {
            Command::Add(peer) => self.add(*peer),
            Command::Candidate(peer, line) => peers.one(&peer, &mut around, |peer, around| {
                if peer.connection_mut().candidate(&line) {
                    peer.drive(around);
                }
            }),
            Command::Close(peer) => {
                peers.one(&peer, &mut around, |peer, around| peer.leave(CloseReason::Asked, around));
            }
            Command::Order(order) => R::order(order, peers, &mut around),
            Command::Stop => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        let (peers, mut around) = self.surroundings();
        peers.each(&mut around, |peer, around| peer.leave(CloseReason::Asked, around));
    }

    fn add(&mut self, peer: R::Peer) {
        let id = Arc::clone(&peer.connection().id);
        let (peers, mut around) = self.surroundings();
        peers.one(&id, &mut around, |old, around| old.leave(CloseReason::Replaced, around));
        for (old, reason) in peers.take(|old| (old.connection().id == id).then_some(CloseReason::Replaced)) {
            self.closed(&old, reason);
        }
        self.peers.push(peer);
        if self.stopping {
            self.stop();
        }
    }

    fn packets(&mut self, index: usize) {
        let mut buffer = [0; MAX_DATAGRAM];
        for _ in 0..MAX_READS {
            let socket = &self.sockets[index];
            let (local, received) = (socket.local, socket.udp.recv_from(&mut buffer));
            match received {
                Ok((len, source)) => self.packet(local, source, &buffer[..len]),
                // Nothing there, or an ICMP error of a peer that has gone: its silence ends it.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
    }

    fn packet(&mut self, local: SocketAddr, source: SocketAddr, bytes: &[u8]) {
        let Ok(packet) = Receive::new(Protocol::Udp, source, local, bytes) else { return };
        let (peers, mut around) = self.surroundings();
        peers.receive(Instant::now(), packet, &mut around);
    }

    /// Drives the peers that are due, and gives the time of the next one.
    fn timers(&mut self) -> Instant {
        let silence = self.shared.config.silence;
        let (peers, mut around) = self.surroundings();
        peers.timers(silence, Instant::now() + MAX_WAIT, &mut around)
    }

    fn remove_ended(&mut self) {
        let now = Instant::now();
        for (peer, reason) in self.peers.take(|peer| peer.connection().ended(now)) {
            self.closed(&peer, reason);
        }
    }

    fn closed(&mut self, peer: &R::Peer, reason: CloseReason) {
        self.shared.peers.fetch_sub(1, Ordering::AcqRel);
        (self.events)(R::closed(Arc::clone(&peer.connection().id), reason));
    }

    fn surroundings(&mut self) -> (&mut Peers<R::Peer>, Around<'_, R>) {
        let around =
            Surroundings { outbox: &mut self.outbox, events: &mut *self.events, anchor: self.anchor };
        (&mut self.peers, around)
    }
}
