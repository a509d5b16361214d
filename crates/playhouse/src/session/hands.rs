//! From a peer's data channels to the game: called on the network's thread, without a queue in between.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, OnceLock, PoisonError};

use playhouse_media::frame::{Size, Timeline};
use playhouse_media::time::Timestamp;
use playhouse_net::{Channel, PeerId};
use playhouse_play::control::Role;
use playhouse_play::input::{self, Input, Message, Notice, PadState};
use playhouse_play::seats::{Act, Seats};
use playhouse_stage::compositor::{self, GameInput};
use playhouse_stage::pads::Pads;

use crate::clock;

/// Unreadable messages after which a peer's are no longer looked at: a player of another version, or a stranger.
const MAX_MISTAKES: u32 = 64;

/// Inputs remembered for the frames that answer them: a second of the fastest mouse.
const RECENT: usize = 1024;

/// What a peer asked for that concerns more than the game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A quality, zeros for automatic.
    Quality { width: u16, height: u16, rate: u8, kbps: u32 },
    /// The beat of its display.
    Display { vblank: Timestamp, period_micros: u32 },
}

/// All peers' hands, and the ways to the game.
pub(super) struct Hands {
    stage: compositor::Handle,
    pads: Option<Pads>,
    size: Size,
    net: OnceLock<playhouse_net::Handle>,
    inner: Mutex<Inner>,
}

struct Inner {
    seats: Seats,
    peers: HashMap<String, Manner>,
    recent: VecDeque<Numbered>,
    last_number: u32,
    /// States of pads that came without a connection.
    steps: u32,
}

/// An input has a number within the session, since frames answer the inputs of all peers, and one of its peer.
struct Numbered {
    number: u32,
    peer: PeerId,
    seq: u32,
}

impl Inner {
    /// Gives an input its number within the session, from 1.
    fn number(&mut self, peer: &PeerId, seq: u32) -> u32 {
        self.last_number = self.last_number.checked_add(1).unwrap_or(1);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Numbered { number: self.last_number, peer: peer.clone(), seq });
        self.last_number
    }

    /// The newest input of `peer` up to `number`, by the peer's own count; 0 for none.
    fn seq_of(&self, peer: &PeerId, number: u32) -> u32 {
        let theirs = |input: &&Numbered| input.number <= number && input.peer == *peer;
        self.recent.iter().rev().find(theirs).map_or(0, |input| input.seq)
    }
}

/// How a peer is spoken with.
#[derive(Default)]
struct Manner {
    timelines: bool,
    mistakes: u32,
}

impl Hands {
    pub(super) fn new(stage: compositor::Handle, pads: Option<Pads>, size: Size, seats: u8) -> Self {
        let inner = Inner {
            seats: Seats::new(seats),
            peers: HashMap::new(),
            recent: VecDeque::new(),
            last_number: 0,
            steps: 0,
        };
        Self { stage, pads, size, net: OnceLock::new(), inner: Mutex::new(inner) }
    }

    /// The way back to the peers; once, before the first of them.
    pub(super) fn connect(&self, net: playhouse_net::Handle) {
        // A second call would change nothing.
        drop(self.net.set(net));
    }

    /// A peer comes in, or changes its role. Gives the peer that had to leave the seat.
    pub(super) fn join(&self, peer: &str, role: Role) -> Option<String> {
        let mut inner = self.lock();
        let (moved, acts) = inner.seats.join(peer, role);
        inner.peers.entry(peer.to_owned()).or_default();
        self.perform(acts, 0, clock::now());
        moved
    }

    /// A peer is gone.
    pub(super) fn leave(&self, peer: &str) {
        let mut inner = self.lock();
        let acts = inner.seats.leave(peer);
        inner.peers.remove(peer);
        self.perform(acts, 0, clock::now());
    }

    /// Somebody without a connection plays in a seat, or does so no longer. Gives the peer that had to leave the seat.
    pub(super) fn steer(&self, hand: &str, seat: u8, pad: Option<PadState>) -> Option<String> {
        let mut inner = self.lock();
        let (moved, acts) = match pad {
            None => (None, inner.seats.leave(hand)),
            Some(state) => {
                let (moved, mut acts) = inner.seats.join(hand, Role::Player { seat });
                inner.steps = inner.steps.wrapping_add(1);
                let message = Message { seq: inner.steps, input: Input::Pad { pad: 0, state } };
                acts.extend(inner.seats.input(hand, &message));
                (moved, acts)
            }
        };
        drop(inner);
        self.perform(acts, 0, clock::now());
        moved
    }

    /// A peer's seat, 0 for a spectator.
    pub(super) fn seat(&self, peer: &str) -> u8 {
        match self.lock().seats.role(peer) {
            Some(Role::Player { seat }) => seat,
            _ => 0,
        }
    }

    /// A message came; gives what the session has to decide.
    pub(super) fn data(&self, peer: &PeerId, bytes: &[u8]) -> Option<Wish> {
        let now = clock::now();
        let mut inner = self.lock();
        let manner = inner.peers.get_mut(peer.as_ref())?;
        if manner.mistakes >= MAX_MISTAKES {
            return None;
        }
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => {
                manner.mistakes += 1;
                tracing::warn!(%peer, %error, "an input was left out");
                return None;
            }
        };
        match message.input {
            Input::Ping { client } => {
                self.send(peer, Channel::Motion, input::pong(client, now).to_vec());
                None
            }
            Input::Timelines(wanted) => {
                manner.timelines = wanted;
                None
            }
            Input::Display { vblank, period } => {
                Some(Wish::Display { vblank: Timestamp::from_micros(vblank), period_micros: period })
            }
            Input::Quality { width, height, rate, kbps } => Some(Wish::Quality { width, height, rate, kbps }),
            _ => {
                let acts = inner.seats.input(peer, &message);
                let number = inner.number(peer, message.seq);
                drop(inner);
                self.perform(acts, number, now);
                None
            }
        }
    }

    /// A frame went out to a peer: its timeline follows, if it is wanted.
    pub(super) fn sent(&self, peer: &PeerId, rtp: u32, timeline: &Timeline, bytes: usize) {
        let inner = self.lock();
        if inner.peers.get(peer.as_ref()).is_some_and(|manner| manner.timelines) {
            let timeline = Timeline { input_seq: inner.seq_of(peer, timeline.input_seq), ..*timeline };
            drop(inner);
            self.send(peer, Channel::Motion, input::frame_timeline(rtp, &timeline, bytes).to_vec());
        }
    }

    /// The game shakes a pad.
    pub(super) fn rumble(&self, slot: u8, strong: u16, weak: u16, milliseconds: u16) {
        let owner = self.lock().seats.pad_owner(slot).map(|(peer, pad)| (PeerId::from(peer), pad));
        if let Some((peer, pad)) = owner {
            self.notify(&peer, &Notice::Rumble { pad, strong, weak, milliseconds });
        }
    }

    /// Tells a peer something.
    pub(super) fn notify(&self, peer: &PeerId, notice: &Notice) {
        if let Ok(text) = serde_json::to_string(notice)
            && let Some(net) = self.net.get()
            && let Err(error) = net.send(peer, Channel::Control, text)
        {
            tracing::debug!(%peer, %error, "a notice was lost");
        }
    }

    fn send(&self, peer: &PeerId, channel: Channel, bytes: Vec<u8>) {
        // A state that cannot be sent now would be out of date later.
        drop(self.net.get().map(|net| net.send(peer, channel, bytes)));
    }

    fn perform(&self, acts: Vec<Act>, seq: u32, at: Timestamp) {
        for act in acts {
            let across = |x: u16| f64::from(x) / 65535.0 * f64::from(self.size.width);
            let down = |y: u16| f64::from(y) / 65535.0 * f64::from(self.size.height);
            let input = match act {
                Act::Key { code, pressed } => GameInput::Key { code, pressed },
                Act::Text(text) => GameInput::Text(text),
                Act::Button { code, pressed } => GameInput::Button { code, pressed },
                Act::PointerTo { x, y } => GameInput::PointerTo { x: across(x), y: down(y) },
                Act::PointerBy { dx, dy } => GameInput::PointerBy { dx, dy },
                Act::Wheel { dx, dy } => GameInput::Wheel { dx, dy },
                Act::Touch { id, phase, x, y } => GameInput::Touch { id, phase, x: across(x), y: down(y) },
                Act::PadConnect { slot, connected } => {
                    if let Some(pads) = &self.pads {
                        pads.connect(slot, connected);
                    }
                    continue;
                }
                Act::Pad { slot, state } => {
                    if let Some(pads) = &self.pads {
                        pads.set(slot, &state);
                    }
                    continue;
                }
            };
            self.stage.input(input, seq, at);
        }
    }

    /// The session's gamepads, where there are any.
    pub(super) fn pads(&self) -> Option<&Pads> {
        self.pads.as_ref()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
