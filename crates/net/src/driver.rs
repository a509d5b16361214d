//! The thread `net`: waits for packets, commands and timers, and lets the peers work.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use playhouse_media::sample::{AccessUnit, AudioPacket};
use str0m::Input;
use str0m::net::{Protocol, Receive};

use crate::batch::Outbox;
use crate::clock::Anchor;
use crate::config::MAX_READS;
use crate::event::{Channel, CloseReason, Payload, PeerEvent, PeerId};
use crate::handle::Shared;
use crate::peer::{Peer, Surroundings};
use crate::socket::Socket;

/// Longest wait: a bound on what a lost wake-up could cost.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Largest datagram that is read; a browser's have at most some 1,500 bytes.
const MAX_DATAGRAM: usize = 2048;

/// What other threads ask of the loop.
pub(crate) enum Command {
    Add(Box<Peer>),
    Candidate(PeerId, String),
    Close(PeerId),
    Video(u8, Arc<AccessUnit>),
    Audio(Arc<AudioPacket>),
    Send(PeerId, Channel, Payload),
    Quality(PeerId, u8),
    WantedBitrate(PeerId, u32),
    Stop,
}

/// Everything that the thread owns.
pub(crate) struct Driver {
    sockets: Vec<Socket>,
    outbox: Outbox,
    commands: Receiver<Command>,
    events: Box<dyn FnMut(PeerEvent) + Send>,
    shared: Arc<Shared>,
    peers: Vec<Peer>,
    anchor: Anchor,
    stopping: bool,
}

impl Driver {
    pub(crate) fn new(
        sockets: Vec<Socket>,
        outbox: Outbox,
        commands: Receiver<Command>,
        events: Box<dyn FnMut(PeerEvent) + Send>,
        shared: Arc<Shared>,
    ) -> Self {
        let anchor = Anchor::now();
        Self { sockets, outbox, commands, events, shared, peers: Vec::new(), anchor, stopping: false }
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
        for peer in std::mem::take(&mut self.peers) {
            self.closed(&peer.id, CloseReason::Asked);
        }
    }

    fn commands(&mut self) {
        if self.shared.lost_frames.swap(false, Ordering::AcqRel) {
            self.each(Peer::lost_frames);
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

    fn command(&mut self, command: Command) {
        match command {
            Command::Add(peer) => self.add(*peer),
            Command::Candidate(peer, line) => self.one(&peer, |peer, around| peer.candidate(&line, around)),
            Command::Close(peer) => self.one(&peer, |peer, around| {
                peer.end(CloseReason::Asked);
                peer.drive(around);
            }),
            Command::Video(quality, unit) => self.each(|peer, around| peer.video(quality, &unit, around)),
            Command::Audio(packet) => self.each(|peer, around| peer.audio(&packet, around)),
            Command::Send(peer, channel, payload) => {
                self.one(&peer, |peer, around| peer.send(channel, payload, around));
            }
            Command::Quality(peer, quality) => {
                self.one(&peer, |peer, around| peer.set_quality(quality, around));
            }
            Command::WantedBitrate(peer, bitrate) => {
                self.one(&peer, |peer, around| peer.set_wanted_bitrate(bitrate, around));
            }
            Command::Stop => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.each(|peer, around| {
            peer.end(CloseReason::Asked);
            peer.drive(around);
        });
    }

    fn add(&mut self, peer: Peer) {
        self.one(&peer.id, |old, around| {
            old.end(CloseReason::Replaced);
            old.drive(around);
        });
        if let Some(index) = self.peers.iter().position(|old| old.id == peer.id) {
            let old = self.peers.swap_remove(index);
            self.closed(&old.id, CloseReason::Replaced);
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
        let now = Instant::now();
        let Ok(packet) = Receive::new(Protocol::Udp, source, local, bytes) else { return };
        let input = Input::Receive(now, packet);
        let (peers, mut around) = self.surroundings();
        let Some(peer) = peers.iter_mut().find(|peer| peer.accepts(&input)) else { return };
        if let Input::Receive(now, packet) = input {
            guarded(peer, &mut around, |peer, around| peer.receive(now, packet, around));
        }
    }

    /// Drives the peers that are due, and gives the time of the next one.
    fn timers(&mut self) -> Instant {
        let silence = self.shared.config.silence;
        let now = Instant::now();
        let (peers, mut around) = self.surroundings();
        let mut next = now + MAX_WAIT;
        for peer in peers {
            if peer.due() <= now {
                guarded(peer, &mut around, |peer, around| peer.tick(now, silence, around));
            }
            next = next.min(peer.due());
        }
        next
    }

    fn remove_ended(&mut self) {
        let now = Instant::now();
        let mut index = 0;
        while let Some(peer) = self.peers.get(index) {
            match peer.ended(now) {
                Some(reason) => {
                    let peer = self.peers.swap_remove(index);
                    self.closed(&peer.id, reason);
                }
                None => index += 1,
            }
        }
    }

    fn closed(&mut self, peer: &PeerId, reason: CloseReason) {
        self.shared.peers.fetch_sub(1, Ordering::AcqRel);
        (self.events)(PeerEvent::Closed { peer: Arc::clone(peer), reason });
    }

    fn one(&mut self, id: &PeerId, work: impl FnOnce(&mut Peer, &mut Surroundings<'_>)) {
        let (peers, mut around) = self.surroundings();
        if let Some(peer) = peers.iter_mut().find(|peer| peer.id == *id) {
            guarded(peer, &mut around, work);
        }
    }

    fn each(&mut self, mut work: impl FnMut(&mut Peer, &mut Surroundings<'_>)) {
        let (peers, mut around) = self.surroundings();
        for peer in peers {
            guarded(peer, &mut around, &mut work);
        }
    }

    fn surroundings(&mut self) -> (&mut Vec<Peer>, Surroundings<'_>) {
        let around =
            Surroundings { outbox: &mut self.outbox, events: &mut *self.events, anchor: self.anchor };
        (&mut self.peers, around)
    }
}

/// Lets a peer work. The protocol library reads what strangers send: should it panic, the loss is that peer.
fn guarded<'a>(
    peer: &mut Peer,
    around: &mut Surroundings<'a>,
    work: impl FnOnce(&mut Peer, &mut Surroundings<'a>),
) {
    if catch_unwind(AssertUnwindSafe(|| work(peer, around))).is_err() {
        peer.abandon();
    }
}
