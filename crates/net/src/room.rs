//! The peers of one loop: who is there, whose a packet is, and that the trouble of one is not that of the others.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::Input;
use str0m::net::Receive;

use crate::batch::Outbox;
use crate::clock::Anchor;
use crate::connection::Connection;
use crate::event::{CloseReason, PeerId};

/// What a peer needs of the loop while it works.
pub(crate) struct Surroundings<'a, E> {
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) events: &'a mut dyn FnMut(E),
    pub(crate) anchor: Anchor,
}

/// A connection with what it is for.
pub(crate) trait Driven: Send + 'static {
    /// What its owner is told.
    type Event;

    /// The connection.
    fn connection(&self) -> &Connection;

    /// The connection, to be changed.
    fn connection_mut(&mut self) -> &mut Connection;

    /// Does what the protocol has to do now, and notes when it wants to be called again.
    fn drive(&mut self, around: &mut Surroundings<'_, Self::Event>);

    /// Takes a packet of this peer.
    fn receive(&mut self, now: Instant, packet: Receive<'_>, around: &mut Surroundings<'_, Self::Event>) {
        self.connection_mut().receive(now, packet);
        self.drive(around);
    }

    /// Lets time pass: called when the peer is due.
    fn tick(&mut self, now: Instant, silence: Duration, around: &mut Surroundings<'_, Self::Event>) {
        self.connection_mut().tick(now, silence);
        self.drive(around);
        let own = self.connection().own_due(silence);
        let due = &mut self.connection_mut().due;
        *due = (*due).min(own);
    }

    /// Says good-bye.
    fn leave(&mut self, reason: CloseReason, around: &mut Surroundings<'_, Self::Event>) {
        self.connection_mut().end(reason);
        self.drive(around);
    }
}

/// What a loop is for: its kind of peers, and what is asked of them.
pub(crate) trait Room: Send + 'static {
    /// Who is in it.
    type Peer: Driven;
    /// What is asked beyond coming and going.
    type Order: Send + 'static;

    /// Does what is asked.
    fn order(order: Self::Order, peers: &mut Peers<Self::Peer>, around: &mut Around<'_, Self>);

    /// Orders were lost, since the loop was far behind.
    fn lost(peers: &mut Peers<Self::Peer>, around: &mut Around<'_, Self>);

    /// The event that tells of a peer's end.
    fn closed(peer: PeerId, reason: CloseReason) -> EventOf<Self>;
}

/// What the owner of a room is told.
pub(crate) type EventOf<R> = <<R as Room>::Peer as Driven>::Event;

/// What peers of a room need of the loop.
pub(crate) type Around<'a, R> = Surroundings<'a, EventOf<R>>;

/// The peers of a loop.
pub(crate) struct Peers<P> {
    all: Vec<P>,
    /// Where the peer of an address was last found: with many peers, asking each one whether a packet is its own
    /// would be most of the work. A stale entry costs a search.
    places: HashMap<SocketAddr, usize>,
}

impl<P: Driven> Peers<P> {
    pub(crate) fn new() -> Self {
        Self { all: Vec::new(), places: HashMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn push(&mut self, peer: P) {
        self.all.push(peer);
    }

    /// Takes out whoever `wanted` gives something for, with that.
    pub(crate) fn take<T>(&mut self, wanted: impl Fn(&P) -> Option<T>) -> Vec<(P, T)> {
        let mut taken = Vec::new();
        let mut index = 0;
        while let Some(peer) = self.all.get(index) {
            match wanted(peer) {
                Some(why) => taken.push((self.all.swap_remove(index), why)),
                None => index += 1,
            }
        }
        if !taken.is_empty() {
            self.places.clear();
        }
        taken
    }

    /// Gives a packet to the peer that it belongs to.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        packet: Receive<'_>,
        around: &mut Surroundings<'_, P::Event>,
    ) {
        let source = packet.source;
        let input = Input::Receive(now, packet);
        let known = self.places.get(&source).copied();
        let known =
            known.filter(|&at| self.all.get(at).is_some_and(|peer| peer.connection().accepts(&input)));
        let place = known.or_else(|| self.all.iter().position(|peer| peer.connection().accepts(&input)));
        let Some(place) = place else { return };
        if known.is_none() {
            // A stranger that guesses no password is accepted by nobody, so that this grows with peers only.
            self.places.insert(source, place);
        }
        if let (Some(peer), Input::Receive(now, packet)) = (self.all.get_mut(place), input) {
            guarded(peer, around, |peer, around| peer.receive(now, packet, around));
        }
    }

    /// Drives the peers that are due, and gives the time of the next one, `latest` at the latest.
    pub(crate) fn timers(
        &mut self,
        silence: Duration,
        latest: Instant,
        around: &mut Surroundings<'_, P::Event>,
    ) -> Instant {
        let now = Instant::now();
        let mut next = latest;
        for peer in &mut self.all {
            if peer.connection().due <= now {
                guarded(peer, around, |peer, around| peer.tick(now, silence, around));
            }
            next = next.min(peer.connection().due);
        }
        next
    }

    /// Lets one peer work, if it is there.
    pub(crate) fn one<'a>(
        &mut self,
        id: &PeerId,
        around: &mut Surroundings<'a, P::Event>,
        work: impl FnOnce(&mut P, &mut Surroundings<'a, P::Event>),
    ) {
        if let Some(peer) = self.all.iter_mut().find(|peer| peer.connection().id == *id) {
            guarded(peer, around, work);
        }
    }

    /// Lets all peers work.
    pub(crate) fn each<'a>(
        &mut self,
        around: &mut Surroundings<'a, P::Event>,
        mut work: impl FnMut(&mut P, &mut Surroundings<'a, P::Event>),
    ) {
        for peer in &mut self.all {
            guarded(peer, around, &mut work);
        }
    }
}

/// Lets a peer work. The protocol library reads what strangers send: should it panic, the loss is that peer.
fn guarded<'a, P: Driven>(
    peer: &mut P,
    around: &mut Surroundings<'a, P::Event>,
    work: impl FnOnce(&mut P, &mut Surroundings<'a, P::Event>),
) {
    if catch_unwind(AssertUnwindSafe(|| work(peer, around))).is_err() {
        peer.connection_mut().abandon();
    }
}
