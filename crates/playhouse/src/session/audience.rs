//! Who plays and who watches, and how: moves each peer to its quality, and aims at what its viewers can be sent.

use std::collections::HashMap;
use std::time::Duration;

use playhouse_media::frame::Size;
use playhouse_net::PeerId;
use playhouse_play::control::SessionSpec;
use playhouse_play::input::Notice;
use playhouse_play::qualities::{PLAYERS, Qualities, SPECTATORS};
use playhouse_play::queue::Load;
use playhouse_play::rate::{Controller, Report, Target, Wanted};

use super::choice;
use super::picture::Wish;
use super::theatre::Theatre;
use crate::clock;

/// All peers of a session.
pub(super) struct Audience<'a> {
    spec: &'a SessionSpec,
    viewers: HashMap<PeerId, Viewer>,
    qualities: Qualities,
    /// What the players want.
    wanted: Wanted,
    players: Controller,
    /// There while somebody is sent the spectators' quality.
    spectators: Option<Controller>,
    worst: Path,
}

/// A peer as the session's main thread sees it.
#[derive(Default)]
struct Viewer {
    connected: bool,
    path: Path,
    /// The quality that the network was told to send.
    quality: u8,
    /// What it chose, where that is less than the session has.
    limit: Option<Wanted>,
}

/// What a peer's way was last found to carry.
#[derive(Clone, Copy, Default)]
pub(super) struct Path {
    pub(super) bitrate: u32,
    pub(super) loss: f32,
    pub(super) rtt: Duration,
    pub(super) load: Load,
}

impl From<Path> for Report {
    fn from(path: Path) -> Self {
        Self { estimate: path.bitrate, loss: path.loss, rtt: path.rtt, load: path.load }
    }
}

impl<'a> Audience<'a> {
    pub(super) fn new(spec: &'a SessionSpec) -> Self {
        let wanted = choice::whole(spec);
        Self {
            spec,
            viewers: HashMap::new(),
            qualities: Qualities::new(),
            wanted,
            players: Controller::new(wanted, spec.bitrate, clock::now()),
            spectators: None,
            worst: Path::default(),
        }
    }

    /// A peer was let in, and will connect.
    pub(super) fn expect(&mut self, peer: PeerId) {
        self.viewers.entry(peer).or_default();
    }

    /// A peer is connected: it is told what it sees.
    pub(super) fn arrived(&mut self, theatre: &Theatre, peer: &PeerId) {
        let seat = theatre.hands.seat(peer);
        let Wish { size, rate, .. } = theatre.camera.lens(PLAYERS).wish();
        let hello = Notice::Hello { seat, width: size.width, height: size.height, rate };
        theatre.hands.notify(peer, &hello);
        // A connection of the same name before this one is gone, with what was chosen for it.
        self.viewers.insert(peer.clone(), Viewer { connected: true, ..Viewer::default() });
        self.qualities.join(peer, seat > 0, clock::now());
        self.steer(theatre);
        self.watch(theatre);
    }

    /// A peer's seat was given or taken: it is told.
    pub(super) fn seated(&mut self, theatre: &Theatre, peer: &str) {
        let peer = PeerId::from(peer);
        if !self.is_connected(&peer) {
            return;
        }
        let seat = theatre.hands.seat(&peer);
        theatre.hands.notify(&peer, &Notice::Seat { seat });
        self.qualities.join(&peer, seat > 0, clock::now());
        self.steer(theatre);
    }

    /// A peer is gone.
    pub(super) fn left(&mut self, theatre: &Theatre, peer: &PeerId) {
        self.viewers.remove(peer);
        self.qualities.leave(peer, clock::now());
        self.steer(theatre);
        self.watch(theatre);
    }

    /// A peer's path was measured.
    pub(super) fn measured(&mut self, theatre: &Theatre, peer: &PeerId, path: Path) {
        let Some(viewer) = self.viewers.get_mut(peer) else { return };
        viewer.path = path;
        let bitrate = theatre.camera.lens(PLAYERS).wish().bitrate;
        self.qualities.report(peer, path.into(), bitrate, clock::now());
        self.steer(theatre);
        // That a queue grows is said once: the reports of others come before the next of this peer.
        if let Some(viewer) = self.viewers.get_mut(peer) {
            viewer.path.load = viewer.path.load.min(Load::Full);
        }
    }

    /// A peer chose a quality, zeros for none: a player for all players, a spectator for itself.
    pub(super) fn wished(&mut self, theatre: &Theatre, peer: &PeerId, size: Size, rate: u32, kbps: u32) {
        let whole = choice::whole(self.spec);
        let wanted = choice::chosen(whole, size, rate, kbps);
        if theatre.hands.seat(peer) > 0 {
            self.wanted = wanted;
            let target = self.players.want(wanted, clock::now());
            self.aim(theatre, PLAYERS, target);
        } else if let Some(viewer) = self.viewers.get_mut(peer) {
            viewer.limit = choice::is_modest(wanted, whole).then_some(wanted);
            self.qualities.wish(peer, viewer.limit.is_some(), clock::now());
            self.steer(theatre);
        }
    }

    /// The spectators' encoder is gone: everybody sees what the players see.
    pub(super) fn without_second(&mut self, theatre: &Theatre) {
        self.qualities.close_second();
        self.steer(theatre);
    }

    /// Tells everybody something.
    pub(super) fn notify(&self, theatre: &Theatre, notice: &Notice) {
        for peer in self.viewers.keys() {
            theatre.hands.notify(peer, notice);
        }
    }

    /// Tells the players something.
    pub(super) fn notify_players(&self, theatre: &Theatre, notice: &Notice) {
        for peer in self.viewers.keys().filter(|peer| theatre.hands.seat(peer) > 0) {
            theatre.hands.notify(peer, notice);
        }
    }

    /// Whether nobody is there, nor expected.
    pub(super) fn is_empty(&self) -> bool {
        self.viewers.is_empty()
    }

    /// Peers connected to each quality, the players' first.
    pub(super) fn counts(&self) -> [u32; 2] {
        [PLAYERS, SPECTATORS].map(|quality| u32::try_from(self.members(quality).count()).unwrap_or(u32::MAX))
    }

    /// The least that the players' quality has to fit through.
    pub(super) fn worst(&self) -> Path {
        self.worst
    }

    fn is_connected(&self, peer: &PeerId) -> bool {
        self.viewers.get(peer).is_some_and(|viewer| viewer.connected)
    }

    fn members(&self, quality: u8) -> impl Iterator<Item = (&PeerId, &Viewer)> {
        let belongs = move |peer: &PeerId| self.qualities.of(peer) == quality;
        self.viewers.iter().filter(move |(peer, viewer)| viewer.connected && belongs(peer))
    }

    /// Without viewers nothing is converted or encoded; the first one gets the picture that stands. The players'
    /// quality is encoded whoever watches, since clips are cut from it, and live channels made of it.
    pub(super) fn watch(&self, theatre: &Theatre) {
        let anyone = theatre.air.is_on() || self.viewers.values().any(|viewer| viewer.connected);
        if theatre.camera.lens(PLAYERS).watch(anyone) {
            theatre.stage.handle().redraw();
        }
    }

    /// The players' quality follows the players, or the watchers where nobody plays, and the spectators' quality those
    /// who are sent it; of each the narrowest way counts.
    fn steer(&mut self, theatre: &Theatre) {
        self.steer_spectators(theatre);
        self.move_viewers(theatre);
        let playing = |peer: &PeerId| theatre.hands.seat(peer) > 0;
        let anyone_plays = self.members(PLAYERS).any(|(peer, _)| playing(peer));
        let followed = self.members(PLAYERS).filter(|(peer, _)| !anyone_plays || playing(peer));
        if let Some(path) = narrowest(followed) {
            self.worst = path;
            let target = self.players.report(path.into(), clock::now());
            self.aim(theatre, PLAYERS, target);
        }
    }

    fn steer_spectators(&mut self, theatre: &Theatre) {
        let lens = theatre.camera.lens(SPECTATORS);
        if self.members(SPECTATORS).next().is_none() {
            self.spectators = None;
            lens.watch(false);
            return;
        }
        let now = clock::now();
        let limits = self.members(SPECTATORS).filter_map(|(_, viewer)| viewer.limit.as_ref());
        let (wanted, path) = (choice::shared(self.wanted, limits), narrowest(self.members(SPECTATORS)));
        let rate = self.spectators.get_or_insert_with(|| Controller::new(wanted, wanted.bitrate, now));
        let mut target = rate.want(wanted, now);
        if let Some(path) = path {
            target = rate.report(path.into(), now);
        }
        self.aim(theatre, SPECTATORS, target);
        if lens.watch(true) {
            theatre.stage.handle().redraw();
        }
    }

    /// Whoever belongs to another quality than it is sent changes over. What the network had no room to be told is
    /// told again with the next measurement.
    fn move_viewers(&mut self, theatre: &Theatre) {
        for (peer, viewer) in self.viewers.iter_mut().filter(|(_, viewer)| viewer.connected) {
            let quality = self.qualities.of(peer);
            if quality == viewer.quality {
                continue;
            }
            if let Err(error) = theatre.net.handle().set_quality(peer, quality) {
                tracing::debug!(%peer, %error, "a viewer could not change over");
                continue;
            }
            tracing::info!(%peer, quality, "a viewer changes over");
            viewer.quality = quality;
            let wish = theatre.camera.lens(quality).wish();
            theatre.hands.notify(peer, &told(wish, viewer, self.wanted.automatic));
        }
    }

    fn aim(&self, theatre: &Theatre, quality: u8, target: Target) {
        let lens = theatre.camera.lens(quality);
        let wish = Wish { size: target.size, rate: target.rate, bitrate: target.bitrate };
        let before = lens.wish();
        if wish == before {
            return;
        }
        lens.aim(wish);
        if quality == PLAYERS && wish.rate != before.rate {
            theatre.stage.handle().resize(self.spec.size, wish.rate);
        }
        if wish.size != before.size || wish.rate != before.rate {
            let sees = |viewer: &&Viewer| viewer.connected && viewer.quality == quality;
            for (peer, viewer) in self.viewers.iter().filter(|(_, viewer)| sees(viewer)) {
                theatre.hands.notify(peer, &told(wish, viewer, self.wanted.automatic));
            }
        }
    }
}

/// What a viewer is told of its picture.
fn told(wish: Wish, viewer: &Viewer, players_automatic: bool) -> Notice {
    let Wish { size, rate, bitrate } = wish;
    let automatic = if viewer.quality == SPECTATORS { viewer.limit.is_none() } else { players_automatic };
    Notice::Quality { width: size.width, height: size.height, rate, bitrate, automatic }
}

/// The least of what was measured.
fn narrowest<'a>(viewers: impl Iterator<Item = (&'a PeerId, &'a Viewer)>) -> Option<Path> {
    viewers.map(|(_, viewer)| viewer.path).filter(|path| path.bitrate > 0).reduce(|a, b| Path {
        bitrate: a.bitrate.min(b.bitrate),
        loss: a.loss.max(b.loss),
        rtt: a.rtt.max(b.rtt),
        load: a.load.max(b.load),
    })
}
