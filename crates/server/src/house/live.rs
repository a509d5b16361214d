//! One running session as the server sees it: who is in it, and who may sit where. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use playhouse_live::Stream;
use playhouse_media::frame::Size;
use playhouse_play::control::{EndReason, Ended, Role};
use playhouse_store::Millis;
use playhouse_store::invites::{Invite, Kind};

use crate::gate::who::{Caller, Person};

/// Connections that one session can have, players and spectators: each costs bandwidth on the machine.
pub(crate) const MOST_PEERS: usize = 64;

/// A name with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// How far a session has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The game has not shown a picture yet.
    Starting,
    /// The game is on.
    Running,
    /// It is over.
    Over { at: Millis, ended: Ended },
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: String,
    pub(crate) title: Named,
    pub(crate) cover: String,
    pub(crate) account: Named,
    pub(crate) created: Millis,
    pub(crate) state: State,
    pub(crate) size: Size,
    pub(crate) rate: u32,
    pub(crate) seats: u8,
    pub(crate) idle_seconds: u32,
    /// Since when nobody has been connected.
    pub(crate) idle_since: Option<Millis>,
    pub(crate) peers: BTreeMap<String, Peer>,
    /// Accounts that came by an invite.
    pub(crate) admitted: HashMap<String, Invite>,
    /// Whose seat was taken back: they watch from then on, whatever their invite says.
    pub(crate) watching: Vec<Person>,
    /// Where it is published, while it is.
    pub(crate) on_air: Option<OnAir>,
    /// Seats in which somebody plays by a sensor that sees them.
    pub(crate) sensors: BTreeMap<u8, SensorSeat>,
}

/// A seat in which somebody plays by a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SensorSeat {
    pub(crate) sensor: Named,
    /// Names this time among all times that a sensor had a seat.
    pub(crate) hand: String,
}

/// Where a session is published.
#[derive(Clone, Debug)]
pub(crate) struct OnAir {
    pub(crate) channel: Named,
    pub(crate) stream: Arc<Stream>,
}

/// A connection into a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) person: Person,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) connected: bool,
    pub(crate) joined: Millis,
    /// The invite by which it came.
    pub(crate) invite: Option<String>,
}

/// What somebody may do in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Its account: everything, in any seat.
    Host,
    /// An owner of the place: everything, and watches unless a seat is asked for.
    Owner,
    /// Takes a seat: that one, or the first that is free.
    Player(Option<u8>),
    /// Watches.
    Spectator,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Whatever is usual.
    Usual,
    /// That seat.
    Seat(u8),
    /// To watch.
    Watch,
}

/// Why somebody does not get a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The game has no such seat.
    NoSuchSeat { seats: u8 },
    /// The invite is for watching, or for another seat.
    NotInvited,
    /// Somebody else sits there.
    Taken { seat: u8, holder: String },
    /// Somebody sits everywhere.
    AllTaken,
    /// Too many are in already.
    Crowded,
}

impl Live {
    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over { .. })
    }

    /// What a caller may do here; nothing for a stranger.
    pub(crate) fn admits(&self, caller: &Caller) -> Option<Admission> {
        if let Some(account) = caller.account() {
            if account.id == self.account.id {
                return Some(Admission::Host);
            }
            if caller.is_owner() {
                return Some(Admission::Owner);
            }
        }
        let admitted = caller.account().and_then(|account| self.admitted.get(&account.id));
        let here = |invite: &&Invite| invite.session == self.id;
        // The best invite counts: a spectator who is sent a player's link can use it.
        let invite = admitted
            .into_iter()
            .chain(caller.invites())
            .filter(here)
            .max_by_key(|invite| invite.kind == Kind::Player)?;
        let watches = caller.person().is_some_and(|person| self.watching.contains(&person));
        Some(match invite.kind {
            Kind::Player if !watches => Admission::Player(invite.seat),
            _ => Admission::Spectator,
        })
    }

    /// Whether a caller may end it, invite, take seats back and save clips.
    pub(crate) fn steers(&self, caller: &Caller) -> bool {
        matches!(self.admits(caller), Some(Admission::Host | Admission::Owner))
    }

    /// The connection in a seat.
    pub(crate) fn holder(&self, seat: u8) -> Option<(&String, &Peer)> {
        self.peers.iter().find(|(_, peer)| peer.role == Role::Player { seat })
    }

    /// The role that somebody gets.
    pub(crate) fn role_for(
        &self,
        person: &Person,
        admission: Admission,
        wish: Wish,
    ) -> Result<Role, Refusal> {
        if self.peers.len() >= MOST_PEERS {
            return Err(Refusal::Crowded);
        }
        let mine = |seat: &u8| self.holder(*seat).is_some_and(|(_, peer)| peer.person == *person);
        let free = |seat: &u8| self.holder(*seat).is_none() && !self.sensors.contains_key(seat);
        let take = |seat: u8| match self.holder(seat) {
            None if self.sensors.contains_key(&seat) => {
                let holder = self.sensors[&seat].sensor.name.clone();
                Err(Refusal::Taken { seat, holder })
            }
            Some((_, peer)) if peer.person != *person => {
                Err(Refusal::Taken { seat, holder: peer.name.clone() })
            }
            _ => Ok(Role::Player { seat }),
        };
        match (admission, wish) {
            (_, Wish::Watch) | (Admission::Spectator | Admission::Owner, Wish::Usual) => Ok(Role::Spectator),
            (_, Wish::Seat(seat)) if seat == 0 || seat > self.seats => {
                Err(Refusal::NoSuchSeat { seats: self.seats })
            }
            (Admission::Spectator, Wish::Seat(_)) => Err(Refusal::NotInvited),
            (Admission::Player(Some(own)), Wish::Seat(seat)) if own != seat => Err(Refusal::NotInvited),
            (_, Wish::Seat(seat)) | (Admission::Player(Some(seat)), Wish::Usual) => take(seat),
            (Admission::Host, Wish::Usual) => {
                let seat = (1..=self.seats).find(mine).or_else(|| (1..=self.seats).find(free));
                Ok(seat.map_or(Role::Spectator, |seat| Role::Player { seat }))
            }
            // The first seat is kept for the session's account, who may be on the way back to it.
            (Admission::Player(None), Wish::Usual) => {
                let seat = (1..=self.seats).find(mine).or_else(|| (2..=self.seats).find(free));
                seat.map(|seat| Role::Player { seat }).ok_or(Refusal::AllTaken)
            }
        }
    }

    /// Lets a connection in. Gives the connections of the same person that it takes the seat over from; they
    /// watch from now on, and can be closed.
    pub(crate) fn join(&mut self, id: &str, peer: Peer) -> Vec<String> {
        let mut older = Vec::new();
        if matches!(peer.role, Role::Player { .. }) {
            for (other, holder) in &mut self.peers {
                if holder.role == peer.role && other != id {
                    holder.role = Role::Spectator;
                    older.push(other.clone());
                }
            }
        }
        self.peers.insert(id.to_owned(), peer);
        older
    }

    /// Gives a seat to a sensor. Gives the connection that had it, which watches from now on.
    pub(crate) fn seat_sensor(&mut self, seat: u8, sensor: SensorSeat) -> Option<String> {
        self.sensors.insert(seat, sensor);
        let (id, _) = self.holder(seat)?;
        let id = id.clone();
        if let Some(holder) = self.peers.get_mut(&id) {
            holder.role = Role::Spectator;
        }
        Some(id)
    }

    /// A connection came or went.
    pub(crate) fn connected(&mut self, id: &str, connected: bool, now: Millis) {
        if connected {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.connected = true;
            }
            self.idle_since = None;
        } else {
            self.peers.remove(id);
            if !self.peers.values().any(|peer| peer.connected) {
                self.idle_since = self.idle_since.or(Some(now));
            }
        }
    }

    /// The session is over.
    pub(crate) fn end(&mut self, ended: Ended, now: Millis) {
        if !self.is_over() {
            self.state = State::Over { at: now, ended };
            self.peers.clear();
            self.sensors.clear();
            self.on_air = None;
        }
    }

    /// A sentence on how it is going.
    pub(crate) fn message(&self) -> String {
        match &self.state {
            State::Starting => format!("{} is starting.", self.title.name),
            State::Running => format!("{} is running.", self.title.name),
            State::Over { ended, .. } if ended.message.is_empty() => format!("{} is over.", self.title.name),
            State::Over { ended, .. } => ended.message.clone(),
        }
    }
}

/// A reason as the API and the records have it.
pub(crate) fn reason_word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stopped => "stopped",
        EndReason::Finished => "finished",
        EndReason::Crashed => "crashed",
        EndReason::NotStarted => "not_started",
        EndReason::Abandoned => "abandoned",
        EndReason::Failed => "failed",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn live(seats: u8) -> Live {
        let named = |id: &str| Named { id: id.to_owned(), name: id.to_uppercase() };
        Live {
            id: "s".to_owned(),
            title: named("doom"),
            cover: String::new(),
            account: named("ada"),
            created: 0,
            state: State::Running,
            size: Size::new(1280, 720),
            rate: 60,
            seats,
            idle_seconds: 300,
            idle_since: None,
            peers: BTreeMap::new(),
            admitted: HashMap::new(),
            watching: Vec::new(),
            on_air: None,
            sensors: BTreeMap::new(),
        }
    }

    fn person(name: &str) -> Person {
        Person::Account(name.to_owned())
    }

    fn peer(name: &str, role: Role) -> Peer {
        Peer { person: person(name), name: name.to_owned(), role, connected: true, joined: 0, invite: None }
    }

    const FIRST: Role = Role::Player { seat: 1 };
    const SECOND: Role = Role::Player { seat: 2 };

    #[test]
    fn the_second_device_takes_the_seat_over() {
        let mut live = live(1);
        assert_eq!(live.role_for(&person("ada"), Admission::Host, Wish::Usual), Ok(FIRST));
        assert_eq!(live.join("laptop", peer("ada", FIRST)), Vec::<String>::new());
        assert_eq!(live.role_for(&person("ada"), Admission::Host, Wish::Usual), Ok(FIRST));
        assert_eq!(live.join("phone", peer("ada", FIRST)), vec!["laptop"]);
        assert_eq!(live.peers["laptop"].role, Role::Spectator);
        assert_eq!(live.holder(1).unwrap().0, "phone");
    }

    #[test]
    fn an_invited_player_does_not_get_the_hosts_seat_by_chance() {
        let mut live = live(2);
        let bob = person("bob");
        assert_eq!(live.role_for(&bob, Admission::Player(None), Wish::Usual), Ok(SECOND));
        live.join("b", peer("bob", SECOND));
        assert_eq!(live.role_for(&bob, Admission::Player(None), Wish::Usual), Ok(SECOND));
        assert_eq!(
            live.role_for(&person("eve"), Admission::Player(None), Wish::Usual),
            Err(Refusal::AllTaken)
        );
        let taken = Refusal::Taken { seat: 2, holder: "bob".to_owned() };
        assert_eq!(live.role_for(&person("eve"), Admission::Player(None), Wish::Seat(2)), Err(taken));
    }

    #[test]
    fn an_invite_opens_its_own_seat_alone() {
        let live = live(3);
        let bob = person("bob");
        assert_eq!(live.role_for(&bob, Admission::Spectator, Wish::Seat(2)), Err(Refusal::NotInvited));
        assert_eq!(live.role_for(&bob, Admission::Player(Some(3)), Wish::Seat(2)), Err(Refusal::NotInvited));
        assert_eq!(live.role_for(&bob, Admission::Player(Some(2)), Wish::Usual), Ok(SECOND));
        let none = Refusal::NoSuchSeat { seats: 3 };
        assert_eq!(live.role_for(&bob, Admission::Host, Wish::Seat(4)), Err(none.clone()));
        assert_eq!(live.role_for(&bob, Admission::Host, Wish::Seat(0)), Err(none));
        assert_eq!(live.role_for(&bob, Admission::Owner, Wish::Usual), Ok(Role::Spectator));
    }

    #[test]
    fn a_session_is_idle_when_the_last_one_left() {
        let mut live = live(1);
        live.idle_since = Some(1);
        live.join("a", peer("ada", FIRST));
        live.connected("a", true, 5);
        assert_eq!(live.idle_since, None);
        live.connected("a", false, 9);
        assert_eq!(live.idle_since, Some(9));
    }

    #[test]
    fn a_crowd_is_turned_away() {
        let mut live = live(1);
        for number in 0..MOST_PEERS {
            live.join(&number.to_string(), peer("x", Role::Spectator));
        }
        assert_eq!(live.role_for(&person("y"), Admission::Spectator, Wish::Usual), Err(Refusal::Crowded));
    }
}
