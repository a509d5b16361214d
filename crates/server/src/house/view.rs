//! Sessions as the API shows them, to one viewer.

use playhouse_media::frame::Size;
use playhouse_play::control::Role;
use playhouse_store::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::gate::who::{Caller, Person};
use crate::house::live::{Admission, Live, Named, Peer, State, reason_word};

/// Pixels across and down.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct SizeView {
    #[schema(example = 1280)]
    pub(crate) width: u32,
    #[schema(example = 720)]
    pub(crate) height: u32,
}

impl From<Size> for SizeView {
    fn from(size: Size) -> Self {
        Self { width: size.width, height: size.height }
    }
}

/// A name with its id.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NamedView {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl From<&Named> for NamedView {
    fn from(named: &Named) -> Self {
        Self { id: named.id.clone(), name: named.name.clone() }
    }
}

/// The title of a session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TitleRef {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where its picture is.
    pub(crate) cover: String,
}

/// A running game with its seats.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    pub(crate) id: String,
    pub(crate) title: TitleRef,
    /// Who started it.
    pub(crate) account: NamedView,
    /// `starting`, `running` or `ended`.
    #[schema(example = "running")]
    pub(crate) state: &'static str,
    /// A sentence on how it is going.
    #[schema(example = "Freedoom is running.")]
    pub(crate) message: String,
    pub(crate) created: Millis,
    pub(crate) ended: Option<Millis>,
    /// Why it ended: `stopped`, `finished`, `crashed`, `not_started`, `abandoned` or `failed`.
    pub(crate) reason: Option<&'static str>,
    /// The game's last lines, for its account and owners.
    pub(crate) last_words: Option<String>,
    pub(crate) size: SizeView,
    /// Frames per second at most.
    pub(crate) rate: u32,
    /// Seconds without anybody after which it ends.
    pub(crate) idle_seconds: u32,
    /// Since when nobody has been connected.
    pub(crate) idle_since: Option<Millis>,
    pub(crate) seats: Vec<SeatView>,
    /// How many watch.
    pub(crate) spectators: usize,
    pub(crate) peers: Vec<PeerView>,
    /// The channel that it is published on, while it is.
    pub(crate) on_air: Option<NamedView>,
    pub(crate) you: YouView,
}

/// A seat for a player.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SeatView {
    /// From 1.
    pub(crate) seat: u8,
    /// Who sits in it.
    pub(crate) holder: Option<HolderView>,
    /// By which sensor somebody plays in it.
    pub(crate) sensor: Option<NamedView>,
}

/// Who sits in a seat.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HolderView {
    pub(crate) peer: String,
    pub(crate) name: String,
    /// The account's id, where one is signed in.
    pub(crate) account: Option<String>,
    pub(crate) connected: bool,
    /// Whether that is you, on this device or another one.
    pub(crate) you: bool,
}

/// A connection into a session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PeerView {
    pub(crate) peer: String,
    pub(crate) name: String,
    /// `player` or `spectator`.
    pub(crate) role: &'static str,
    pub(crate) seat: Option<u8>,
    pub(crate) connected: bool,
    pub(crate) you: bool,
}

/// What you may do in a session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct YouView {
    /// Whether you may end it, invite, take seats back and save clips.
    pub(crate) steer: bool,
    /// The seat that you hold.
    pub(crate) seat: Option<u8>,
    /// `spectator` or `player`, where an invite brought you here.
    pub(crate) invited: Option<&'static str>,
}

fn seat_of(role: Role) -> Option<u8> {
    if let Role::Player { seat } = role { Some(seat) } else { None }
}

/// The seats of a session.
pub(crate) fn seats(live: &Live, caller: &Caller) -> Vec<SeatView> {
    let me = caller.person();
    let holder = |(id, peer): (&String, &Peer)| HolderView {
        peer: id.clone(),
        name: peer.name.clone(),
        account: if let Person::Account(id) = &peer.person { Some(id.clone()) } else { None },
        connected: peer.connected,
        you: Some(&peer.person) == me.as_ref(),
    };
    let sensor = |seat| live.sensors.get(&seat).map(|seated| NamedView::from(&seated.sensor));
    (1..=live.seats)
        .map(|seat| SeatView { seat, holder: live.holder(seat).map(holder), sensor: sensor(seat) })
        .collect()
}

/// A session as one caller sees it.
pub(crate) fn session(live: &Live, caller: &Caller) -> SessionView {
    let me = caller.person();
    let is_me = |peer: &Peer| Some(&peer.person) == me.as_ref();
    let steer = live.steers(caller);
    let (state, ended, reason, last_words) = match &live.state {
        State::Starting => ("starting", None, None, None),
        State::Running => ("running", None, None, None),
        State::Over { at, ended } => {
            let words = (steer && !ended.last_words.is_empty()).then(|| ended.last_words.clone());
            ("ended", Some(*at), Some(reason_word(ended.reason)), words)
        }
    };
    let peers: Vec<PeerView> = live
        .peers
        .iter()
        .map(|(id, peer)| PeerView {
            peer: id.clone(),
            name: peer.name.clone(),
            role: if peer.role == Role::Spectator { "spectator" } else { "player" },
            seat: seat_of(peer.role),
            connected: peer.connected,
            you: is_me(peer),
        })
        .collect();
    SessionView {
        id: live.id.clone(),
        title: TitleRef {
            id: live.title.id.clone(),
            name: live.title.name.clone(),
            cover: live.cover.clone(),
        },
        account: (&live.account).into(),
        state,
        message: live.message(),
        created: live.created,
        ended,
        reason,
        last_words,
        size: live.size.into(),
        rate: live.rate,
        idle_seconds: live.idle_seconds,
        idle_since: live.idle_since,
        seats: seats(live, caller),
        spectators: live.peers.values().filter(|peer| peer.role == Role::Spectator).count(),
        you: YouView {
            steer,
            seat: live.peers.values().filter(|peer| is_me(peer)).find_map(|peer| seat_of(peer.role)),
            invited: match live.admits(caller) {
                Some(Admission::Player(_)) => Some("player"),
                Some(Admission::Spectator) => Some("spectator"),
                _ => None,
            },
        },
        peers,
        on_air: live
            .on_air
            .as_ref()
            .filter(|on_air| !on_air.stream.has_ended())
            .map(|on_air| (&on_air.channel).into()),
    }
}
