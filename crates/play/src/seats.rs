//! Who plays where, and what of their input reaches the game.
//!
//! Invariants, which the tests hold against random operations:
//! - a seat has at most one peer, and a spectator's hands never reach the game;
//! - what a peer holds down is let go when it leaves, changes its seat or loses its focus;
//! - a key that two players hold is released when the second lets go;
//! - a state older than one already seen is dropped.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::Role;
use crate::input::{Input, MAX_PADS, Message, PadState, TouchPhase};

/// Pads that a game can see, over all seats.
pub const PAD_SLOTS: u8 = 4;

/// Something that the game is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A key by its evdev code.
    Key {
        /// Linux evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Composed text.
    Text(String),
    /// A mouse button by its evdev code.
    Button {
        /// Linux evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// The pointer's place: 0 to 65535 across and down the picture.
    PointerTo {
        /// Across.
        x: u16,
        /// Down.
        y: u16,
    },
    /// The mouse moved, in pixels.
    PointerBy {
        /// To the right.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
    /// The wheel turned, in 1/120 notches.
    Wheel {
        /// Sideways.
        dx: i16,
        /// Down.
        dy: i16,
    },
    /// A finger; `id` is unique over all peers.
    Touch {
        /// Which finger.
        id: u32,
        /// What it did.
        phase: TouchPhase,
        /// Across, 0 to 65535.
        x: u16,
        /// Down, 0 to 65535.
        y: u16,
    },
    /// A pad appeared at a slot of the game, or left it.
    PadConnect {
        /// The game's slot, below [`PAD_SLOTS`].
        slot: u8,
        /// In or out.
        connected: bool,
    },
    /// A pad's state.
    Pad {
        /// The game's slot, below [`PAD_SLOTS`].
        slot: u8,
        /// The state.
        state: PadState,
    },
}

/// All peers of a session and their hands.
#[derive(Debug, Default)]
pub struct Seats {
    count: u8,
    peers: BTreeMap<String, Peer>,
    /// How many peers hold a key or button.
    held: BTreeMap<Held, u32>,
    slots: [Option<(String, u8)>; PAD_SLOTS as usize],
    next_touch: u32,
}

#[derive(Debug)]
struct Peer {
    role: Role,
    held: BTreeSet<Held>,
    touches: BTreeMap<u8, u32>,
    motion: Option<(i32, i32)>,
    latest: Latest,
}

/// The newest sequence number of each kind of state.
#[derive(Debug, Default)]
struct Latest {
    pointer: Option<u32>,
    motion: Option<u32>,
    pads: [Option<u32>; MAX_PADS as usize],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Key(u16),
    Button(u16),
}

impl Held {
    fn act(self, pressed: bool) -> Act {
        match self {
            Self::Key(code) => Act::Key { code, pressed },
            Self::Button(code) => Act::Button { code, pressed },
        }
    }
}

/// Whether `seq` is newer than what was seen, in arithmetic that wraps (RFC 1982); remembers it if so.
fn is_news(latest: &mut Option<u32>, seq: u32) -> bool {
    let news = latest.is_none_or(|seen| seq.wrapping_sub(seen).cast_signed() > 0);
    if news {
        *latest = Some(seq);
    }
    news
}

impl Seats {
    /// Seats 1 to `count`, all free.
    pub fn new(count: u8) -> Self {
        Self { count, ..Self::default() }
    }

    /// The peer in a seat.
    pub fn holder(&self, seat: u8) -> Option<&str> {
        let here = |peer: &Peer| peer.role == Role::Player { seat };
        self.peers.iter().find(|(_, peer)| here(peer)).map(|(id, _)| id.as_str())
    }

    /// A peer's role.
    pub fn role(&self, peer: &str) -> Option<Role> {
        self.peers.get(peer).map(|peer| peer.role)
    }

    /// The seat whose pad shakes, and which of that player's pads it is.
    pub fn pad_owner(&self, slot: u8) -> Option<(&str, u8)> {
        let owner = self.slots.get(usize::from(slot))?.as_ref()?;
        Some((owner.0.as_str(), owner.1))
    }

    /// Lets a peer in, or gives it another role. Gives the peer that had to leave the seat (it watches from now
    /// on), and what the game is told.
    ///
    /// A seat that does not exist makes a spectator.
    pub fn join(&mut self, id: &str, role: Role) -> (Option<String>, Vec<Act>) {
        let role = match role {
            Role::Player { seat } if seat == 0 || seat > self.count => Role::Spectator,
            known => known,
        };
        if self.role(id) == Some(role) {
            return (None, Vec::new());
        }
        let mut acts = self.let_go(id);
        acts.extend(self.unplug(id));
        let mut moved = None;
        if let Role::Player { seat } = role {
            moved = self.holder(seat).map(str::to_owned);
            if let Some(former) = &moved {
                acts.extend(self.let_go(former));
                acts.extend(self.unplug(former));
                if let Some(peer) = self.peers.get_mut(former) {
                    peer.role = Role::Spectator;
                }
            }
        }
        self.peers.entry(id.to_owned()).and_modify(|peer| peer.role = role).or_insert_with(|| Peer {
            role,
            held: BTreeSet::new(),
            touches: BTreeMap::new(),
            motion: None,
            latest: Latest::default(),
        });
        (moved, acts)
    }

    /// A peer is gone.
    pub fn leave(&mut self, id: &str) -> Vec<Act> {
        let mut acts = self.let_go(id);
        acts.extend(self.unplug(id));
        self.peers.remove(id);
        acts
    }

    /// What a peer's message does to the game: nothing for a spectator, an unknown peer or a stale state.
    pub fn input(&mut self, id: &str, message: &Message) -> Vec<Act> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let Role::Player { seat } = peer.role else { return Vec::new() };
        match &message.input {
            Input::Key { code, pressed } => self.hold(id, Held::Key(*code), *pressed),
            Input::Button { code, pressed, x, y } => {
                let mut acts = Vec::with_capacity(2);
                if is_news(&mut peer.latest.pointer, message.seq) && peer.motion.is_none() {
                    acts.push(Act::PointerTo { x: *x, y: *y });
                }
                acts.extend(self.hold(id, Held::Button(*code), *pressed));
                acts
            }
            Input::Text(text) => vec![Act::Text(text.clone())],
            Input::Wheel { dx, dy } => vec![Act::Wheel { dx: *dx, dy: *dy }],
            Input::Pointer { x, y } => {
                peer.motion = None;
                if is_news(&mut peer.latest.pointer, message.seq) {
                    vec![Act::PointerTo { x: *x, y: *y }]
                } else {
                    Vec::new()
                }
            }
            Input::Motion { sum_x, sum_y } => {
                if !is_news(&mut peer.latest.motion, message.seq) {
                    return Vec::new();
                }
                let (x, y) = peer.motion.replace((*sum_x, *sum_y)).unwrap_or((*sum_x, *sum_y));
                let sixteenths = |now: i32, before: i32| f64::from(now.wrapping_sub(before)) / 16.0;
                let (dx, dy) = (sixteenths(*sum_x, x), sixteenths(*sum_y, y));
                if dx == 0.0 && dy == 0.0 { Vec::new() } else { vec![Act::PointerBy { dx, dy }] }
            }
            Input::Touch { id: finger, phase, x, y } => self.touch(id, *finger, *phase, *x, *y),
            Input::ReleaseAll => self.let_go(id),
            Input::PadConnect { pad, connected: true } => self.plug(id, seat, *pad).1,
            Input::PadConnect { pad, connected: false } => self.unplug_one(id, *pad),
            Input::Pad { pad, state } => {
                let latest = peer.latest.pads.get_mut(usize::from(*pad));
                if !latest.is_some_and(|latest| is_news(latest, message.seq)) {
                    return Vec::new();
                }
                let (slot, mut acts) = self.plug(id, seat, *pad);
                acts.extend(slot.map(|slot| Act::Pad { slot, state: *state }));
                acts
            }
            Input::Ping { .. } | Input::Display { .. } | Input::Quality { .. } | Input::Timelines(_) => {
                Vec::new()
            }
        }
    }

    fn hold(&mut self, id: &str, what: Held, pressed: bool) -> Vec<Act> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let changed = if pressed { peer.held.insert(what) } else { peer.held.remove(&what) };
        if !changed {
            return Vec::new();
        }
        let holders = self.held.entry(what).or_default();
        *holders = if pressed { *holders + 1 } else { holders.saturating_sub(1) };
        let holders = *holders;
        if holders == 0 {
            self.held.remove(&what);
        }
        let edge = (pressed && holders == 1) || (!pressed && holders == 0);
        if edge { vec![what.act(pressed)] } else { Vec::new() }
    }

    fn touch(&mut self, id: &str, finger: u8, phase: TouchPhase, x: u16, y: u16) -> Vec<Act> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let known = peer.touches.get(&finger).copied();
        let touch = match (phase, known) {
            (TouchPhase::Down, None) => {
                self.next_touch = self.next_touch.wrapping_add(1);
                peer.touches.insert(finger, self.next_touch);
                self.next_touch
            }
            (TouchPhase::Move, Some(touch)) => touch,
            (TouchPhase::Up | TouchPhase::Cancel, Some(touch)) => {
                peer.touches.remove(&finger);
                touch
            }
            _ => return Vec::new(),
        };
        vec![Act::Touch { id: touch, phase, x, y }]
    }

    /// Releases everything that a peer holds, and its pads' buttons.
    fn let_go(&mut self, id: &str) -> Vec<Act> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let held: Vec<Held> = peer.held.iter().copied().collect();
        let touches = std::mem::take(&mut peer.touches);
        peer.motion = None;
        let mut acts: Vec<Act> = held.into_iter().flat_map(|what| self.hold(id, what, false)).collect();
        acts.extend(touches.into_values().map(|id| Act::Touch { id, phase: TouchPhase::Cancel, x: 0, y: 0 }));
        for (slot, owner) in (0..).zip(&self.slots) {
            if owner.as_ref().is_some_and(|(owner, _)| owner == id) {
                acts.push(Act::Pad { slot, state: PadState::default() });
            }
        }
        acts
    }

    /// The slot of a peer's pad, and what the game is told where it is new. A first pad prefers its seat's slot.
    fn plug(&mut self, id: &str, seat: u8, pad: u8) -> (Option<u8>, Vec<Act>) {
        let mine = |owner: &Option<(String, u8)>| owner.as_ref().is_some_and(|(o, p)| o == id && *p == pad);
        if let Some(slot) = self.slots.iter().position(mine) {
            return (u8::try_from(slot).ok(), Vec::new());
        }
        let wish = usize::from(seat.saturating_sub(1));
        let free = |slot: &usize| self.slots.get(*slot).is_some_and(Option::is_none);
        let Some(slot) = Some(wish).filter(free).or_else(|| (0..self.slots.len()).find(free)) else {
            return (None, Vec::new());
        };
        self.slots[slot] = Some((id.to_owned(), pad));
        let slot = u8::try_from(slot).ok();
        (slot, slot.map(|slot| Act::PadConnect { slot, connected: true }).into_iter().collect())
    }

    fn unplug_one(&mut self, id: &str, pad: u8) -> Vec<Act> {
        self.unplug_where(|(owner, number)| owner == id && *number == pad)
    }

    fn unplug(&mut self, id: &str) -> Vec<Act> {
        self.unplug_where(|(owner, _)| owner == id)
    }

    fn unplug_where(&mut self, leaves: impl Fn(&(String, u8)) -> bool) -> Vec<Act> {
        let mut acts = Vec::new();
        for (slot, owner) in (0..).zip(&mut self.slots) {
            if owner.as_ref().is_some_and(&leaves) {
                *owner = None;
                acts.push(Act::PadConnect { slot, connected: false });
            }
        }
        acts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Role = Role::Player { seat: 1 };
    const SECOND: Role = Role::Player { seat: 2 };

    fn key(seq: u32, code: u16, pressed: bool) -> Message {
        Message { seq, input: Input::Key { code, pressed } }
    }

    #[test]
    fn a_spectator_cannot_play() {
        let mut seats = Seats::new(2);
        seats.join("a", Role::Spectator);
        assert_eq!(seats.input("a", &key(1, 30, true)), vec![]);
        assert_eq!(seats.input("nobody", &key(1, 30, true)), vec![]);
    }

    #[test]
    fn a_player_who_takes_a_seat_makes_its_holder_a_spectator_and_frees_his_keys() {
        let mut seats = Seats::new(1);
        seats.join("a", FIRST);
        seats.input("a", &key(1, 30, true));
        let (moved, acts) = seats.join("b", FIRST);
        assert_eq!(moved.as_deref(), Some("a"));
        assert_eq!(acts, vec![Act::Key { code: 30, pressed: false }]);
        assert_eq!(seats.role("a"), Some(Role::Spectator));
        assert_eq!(seats.holder(1), Some("b"));
    }

    #[test]
    fn a_key_that_two_players_hold_is_released_by_the_second() {
        let mut seats = Seats::new(2);
        seats.join("a", FIRST);
        seats.join("b", SECOND);
        assert_eq!(seats.input("a", &key(1, 57, true)).len(), 1);
        assert_eq!(seats.input("b", &key(1, 57, true)).len(), 0);
        assert_eq!(seats.input("a", &key(2, 57, false)).len(), 0);
        assert_eq!(seats.leave("b"), vec![Act::Key { code: 57, pressed: false }]);
    }

    #[test]
    fn lost_and_late_motion_costs_nothing() {
        let mut seats = Seats::new(1);
        seats.join("a", FIRST);
        let motion = |seq, sum_x| Message { seq, input: Input::Motion { sum_x, sum_y: 0 } };
        assert_eq!(seats.input("a", &motion(1, 0)), vec![]);
        assert_eq!(seats.input("a", &motion(4, 48)), vec![Act::PointerBy { dx: 3.0, dy: 0.0 }]);
        assert_eq!(seats.input("a", &motion(3, 32)), vec![]);
        assert_eq!(seats.input("a", &motion(5, 64)), vec![Act::PointerBy { dx: 1.0, dy: 0.0 }]);
    }

    #[test]
    fn the_second_seats_pad_is_the_games_second_pad() {
        let mut seats = Seats::new(2);
        seats.join("b", SECOND);
        let state = PadState { buttons: 1, ..PadState::default() };
        let pad = Message { seq: 1, input: Input::Pad { pad: 0, state } };
        let acts = seats.input("b", &pad);
        assert_eq!(acts, vec![Act::PadConnect { slot: 1, connected: true }, Act::Pad { slot: 1, state }]);
        assert_eq!(seats.pad_owner(1), Some(("b", 0)));
        assert!(seats.leave("b").contains(&Act::PadConnect { slot: 1, connected: false }));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Join(u8, Option<u8>),
        Leave(u8),
        Key(u8, u16, bool),
        Pad(u8, u8),
        Release(u8),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..5_u8, proptest::option::of(0..5_u8)).prop_map(|(peer, seat)| Step::Join(peer, seat)),
            (0..5_u8).prop_map(Step::Leave),
            (0..5_u8, 0..4_u16, any::<bool>()).prop_map(|(peer, code, down)| Step::Key(peer, code, down)),
            (0..5_u8, 0..MAX_PADS).prop_map(|(peer, pad)| Step::Pad(peer, pad)),
            (0..5_u8).prop_map(Step::Release),
        ]
    }

    proptest! {
        #[test]
        fn nothing_stays_pressed_and_no_seat_has_two(steps in proptest::collection::vec(any_step(), 0..200)) {
            let mut seats = Seats::new(3);
            let mut down = BTreeSet::new();
            let mut plugged = BTreeSet::new();
            let mut see = |acts: Vec<Act>| {
                for act in acts {
                    match act {
                        Act::Key { code, pressed: true } => assert!(down.insert(code), "pressed twice"),
                        Act::Key { code, pressed: false } => assert!(down.remove(&code), "released twice"),
                        Act::PadConnect { slot, connected: true } => assert!(plugged.insert(slot)),
                        Act::PadConnect { slot, connected: false } => assert!(plugged.remove(&slot)),
                        _ => {}
                    }
                }
                (down.len(), plugged.len())
            };
            for (seq, step) in (1..).zip(steps) {
                match step {
                    Step::Join(peer, seat) => {
                        let role = seat.map_or(Role::Spectator, |seat| Role::Player { seat });
                        see(seats.join(&peer.to_string(), role).1);
                    }
                    Step::Leave(peer) => { see(seats.leave(&peer.to_string())); }
                    Step::Key(peer, code, pressed) => {
                        see(seats.input(&peer.to_string(), &key(seq, code, pressed)));
                    }
                    Step::Pad(peer, pad) => {
                        let input = Input::Pad { pad, state: PadState::default() };
                        see(seats.input(&peer.to_string(), &Message { seq, input }));
                    }
                    Step::Release(peer) => {
                        see(seats.input(&peer.to_string(), &Message { seq, input: Input::ReleaseAll }));
                    }
                }
                for seat in 1..=3 {
                    let holders = seats.peers.values().filter(|peer| peer.role == Role::Player { seat });
                    prop_assert!(holders.count() <= 1);
                }
            }
            let mut left = (0, 0);
            for peer in 0..5 {
                left = see(seats.leave(&peer.to_string()));
            }
            prop_assert_eq!(left, (0, 0));
        }
    }
}
