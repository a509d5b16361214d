//! Those who publish and watch live streams, and what is asked of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::net::Receive;

use super::publisher::Publisher;
use super::viewer::Viewer;
use super::{Event, Stream};
use crate::connection::Connection;
use crate::event::{CloseReason, PeerId};
use crate::room::{Around, Driven, Peers, Room, Surroundings};

/// The peers of live streams.
pub(crate) struct Live;

/// One of them.
pub(crate) enum Peer {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

/// What is asked of them.
pub(crate) enum Order {
    Advance(Arc<Stream>),
    End(Arc<Stream>),
    Keyframe(PeerId),
}

impl Room for Live {
    type Peer = Peer;
    type Order = Order;

    fn order(order: Order, peers: &mut Peers<Peer>, around: &mut Around<'_, Self>) {
        match order {
            Order::Advance(stream) => peers.each(around, |peer, around| match peer {
                Peer::Viewer(viewer) if viewer.watches(&stream) => viewer.advance(around),
                _ => {}
            }),
            Order::End(stream) => peers.each(around, |peer, around| match peer {
                Peer::Viewer(viewer) if viewer.watches(&stream) => peer.leave(CloseReason::Asked, around),
                _ => {}
            }),
            Order::Keyframe(id) => peers.one(&id, around, |peer, around| {
                if let Peer::Publisher(publisher) = peer {
                    publisher.ask_for_keyframe(Instant::now());
                    publisher.drive(around);
                }
            }),
        }
    }

    fn lost(peers: &mut Peers<Peer>, around: &mut Around<'_, Self>) {
        // Whatever was lost, all that there is to be sent is in the streams.
        peers.each(around, |peer, around| {
            if let Peer::Viewer(viewer) = peer {
                viewer.advance(around);
            }
        });
    }

    fn closed(peer: PeerId, reason: CloseReason) -> Event {
        Event::Closed { peer, reason }
    }
}

impl Driven for Peer {
    type Event = Event;

    fn connection(&self) -> &Connection {
        match self {
            Self::Viewer(viewer) => viewer.connection(),
            Self::Publisher(publisher) => publisher.connection(),
        }
    }

    fn connection_mut(&mut self) -> &mut Connection {
        match self {
            Self::Viewer(viewer) => viewer.connection_mut(),
            Self::Publisher(publisher) => publisher.connection_mut(),
        }
    }

    fn drive(&mut self, around: &mut Surroundings<'_, Event>) {
        match self {
            Self::Viewer(viewer) => viewer.drive(around),
            Self::Publisher(publisher) => publisher.drive(around),
        }
    }

    fn receive(&mut self, now: Instant, packet: Receive<'_>, around: &mut Surroundings<'_, Event>) {
        match self {
            Self::Viewer(viewer) => viewer.receive(now, packet, around),
            Self::Publisher(publisher) => publisher.receive(now, packet, around),
        }
    }

    fn tick(&mut self, now: Instant, silence: Duration, around: &mut Surroundings<'_, Event>) {
        match self {
            Self::Viewer(viewer) => viewer.tick(now, silence, around),
            Self::Publisher(publisher) => publisher.tick(now, silence, around),
        }
    }
}
