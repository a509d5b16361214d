//! Decides: who comes and goes, what is aimed at, when the session is over.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use playhouse_net::{PeerEvent, PeerId};
use playhouse_play::control::{Ask, EndReason, Ended, Role, SessionSpec, Stats, Tell};
use playhouse_play::input::Notice;
use playhouse_play::queue::Load;
use playhouse_play::rate::{Controller, Report, Target, Wanted};
use playhouse_stage::compositor::Event;
use playhouse_stage::sandbox::Exit;

use super::link::Link;
use super::picture::Wish;
use super::signal::Signal;
use super::theatre::Theatre;
use super::{clip, hands, usage};
use crate::clock;

/// How often the game's state and the clock are looked at.
const TICK: Duration = Duration::from_millis(100);

/// From asking a game for a picture to its being ready for the viewer's display: drawing, converting, encoding,
/// the way, decoding. What `input_to_decoded_ms` of the benchmark shows.
const LEAD: Duration = Duration::from_millis(14);

/// A session in the making.
pub(super) struct Director<'a> {
    spec: &'a SessionSpec,
    link: Link,
    theatre: Theatre,
    peers: HashMap<PeerId, Viewer>,
    rate: Controller,
    /// Whether no player chose a quality.
    automatic: bool,
    /// Since when nobody is connected.
    empty_since: Option<Instant>,
    worst: Path,
}

/// A peer as the director sees it.
#[derive(Default)]
struct Viewer {
    connected: bool,
    path: Path,
}

/// What a peer's way was last found to carry.
#[derive(Clone, Copy, Default)]
struct Path {
    bitrate: u32,
    loss: f32,
    rtt: Duration,
    load: Load,
}

impl<'a> Director<'a> {
    pub(super) fn new(spec: &'a SessionSpec, link: Link, theatre: Theatre) -> Self {
        let wanted = whole(spec);
        let rate = Controller::new(wanted, spec.bitrate, clock::now());
        Self {
            spec,
            link,
            theatre,
            peers: HashMap::new(),
            rate,
            automatic: true,
            empty_since: Some(Instant::now()),
            worst: Path::default(),
        }
    }

    /// Runs until the session is over; gives why.
    pub(super) fn run(mut self, inbox: &Receiver<Signal>) -> Ended {
        let (reason, message) = loop {
            match inbox.recv_timeout(TICK) {
                Ok(signal) => {
                    if let Some(end) = self.handle(signal) {
                        break end;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(end) = self.tick() {
                        break end;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break (EndReason::Failed, "It lost its threads.".to_owned());
                }
            }
        };
        let notice = Notice::Ended { message: message.clone() };
        for peer in self.peers.keys() {
            self.theatre.hands.notify(peer, &notice);
        }
        let last_words = self.theatre.close();
        Ended { reason, message, last_words }
    }

    fn handle(&mut self, signal: Signal) -> Option<(EndReason, String)> {
        match signal {
            Signal::Ask(ask) => return self.asked(ask),
            Signal::NodeGone => return Some((EndReason::Stopped, "The server went away.".to_owned())),
            Signal::EncoderFailed(message) => return Some((EndReason::Failed, message)),
            Signal::Stage(Event::FirstFrame) => self.link.tell(&Tell::Ready),
            Signal::Stage(Event::PointerLock(locked)) => self.notify_players(&Notice::PointerLock { locked }),
            Signal::Stage(Event::TextInput(active)) => self.notify_players(&Notice::TextInput { active }),
            Signal::Stage(_) => {}
            Signal::Peer(event) => self.peer(event),
            Signal::Wish(peer, wish) => self.wish(&peer, wish),
        }
        None
    }

    fn asked(&mut self, ask: Ask) -> Option<(EndReason, String)> {
        match ask {
            Ask::Start(_) => tracing::warn!("the node asked a running session to start"),
            Ask::Offer { request, peer, role, sdp } => {
                let answer = self.theatre.net.handle().accept(&peer, &sdp);
                if answer.is_ok() {
                    self.give_role(&peer, role);
                    self.peers.entry(PeerId::from(peer)).or_default();
                }
                self.link.tell(&Tell::Answer { request, result: answer.map_err(|error| error.to_string()) });
            }
            Ask::Candidate { peer, candidate } => {
                if let Err(error) = self.theatre.net.handle().candidate(&peer, &candidate) {
                    tracing::debug!(%error, "a candidate was left out");
                }
            }
            Ask::SetRole { peer, role } => self.give_role(&peer, role),
            Ask::ClosePeer { peer } => {
                if let Err(error) = self.theatre.net.handle().close(&peer) {
                    tracing::debug!(%error, "a peer could not be closed");
                }
            }
            Ask::Clip { request, path, seconds } => self.clip(request, path, seconds),
            Ask::Stats { request } => {
                let stats = Box::new(self.stats());
                self.link.tell(&Tell::Stats { request, stats });
            }
            Ask::Stop => return Some((EndReason::Stopped, "The session was ended.".to_owned())),
        }
        None
    }

    /// Gives a peer its role; the one that had the seat watches from now on, and both are told.
    fn give_role(&mut self, peer: &str, role: Role) {
        let moved = self.theatre.hands.join(peer, role);
        if let Some(moved) = moved {
            self.theatre.hands.notify(&PeerId::from(moved), &Notice::Seat { seat: 0 });
        }
        let seat = self.theatre.hands.seat(peer);
        let peer = PeerId::from(peer);
        if self.peers.get(&peer).is_some_and(|viewer| viewer.connected) {
            self.theatre.hands.notify(&peer, &Notice::Seat { seat });
        }
    }

    fn peer(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Connected { peer } => {
                let wish = self.theatre.camera.wish();
                let hello = Notice::Hello {
                    seat: self.theatre.hands.seat(&peer),
                    width: wish.size.width,
                    height: wish.size.height,
                    rate: wish.rate,
                };
                self.theatre.hands.notify(&peer, &hello);
                self.link.tell(&Tell::Peer { peer: peer.to_string(), connected: true });
                self.peers.entry(peer).or_default().connected = true;
                self.empty_since = None;
                self.watch();
            }
            PeerEvent::Closed { peer, reason } => {
                tracing::info!(%peer, %reason, "a peer left");
                self.theatre.hands.leave(&peer);
                self.peers.remove(&peer);
                self.link.tell(&Tell::Peer { peer: peer.to_string(), connected: false });
                if self.peers.is_empty() {
                    self.empty_since = Some(Instant::now());
                }
                self.watch();
            }
            PeerEvent::Estimate { peer, bitrate, loss, rtt, load } => {
                if let Some(viewer) = self.peers.get_mut(&peer) {
                    viewer.path = Path { bitrate, loss, rtt, load };
                }
                self.steer();
                // Said once: the reports of others come in between.
                if let Some(viewer) = self.peers.get_mut(&peer) {
                    viewer.path.load = Load::default();
                }
            }
            _ => {}
        }
    }

    /// Without viewers nothing is converted or encoded; the first one gets the picture that stands.
    fn watch(&self) {
        let anyone = self.peers.values().any(|viewer| viewer.connected);
        if self.theatre.camera.watch(anyone) {
            self.theatre.stage.handle().redraw();
        }
    }

    /// One encode serves all: it follows the players, or the watchers where nobody plays; the narrowest way counts.
    fn steer(&mut self) {
        let playing = |peer: &PeerId| self.theatre.hands.seat(peer) > 0;
        let anyone_plays = self.peers.keys().any(playing);
        let followed =
            self.peers.iter().filter(|(peer, viewer)| viewer.connected && (!anyone_plays || playing(peer)));
        let Some(path) =
            followed.map(|(_, viewer)| viewer.path).filter(|path| path.bitrate > 0).reduce(narrower)
        else {
            return;
        };
        self.worst = path;
        let report = Report { estimate: path.bitrate, loss: path.loss, rtt: path.rtt, load: path.load };
        let target = self.rate.report(report, clock::now());
        self.aim(target);
    }

    fn aim(&mut self, target: Target) {
        let wish = Wish { size: target.size, rate: target.rate, bitrate: target.bitrate };
        let before = self.theatre.camera.wish();
        if wish == before {
            return;
        }
        self.theatre.camera.aim(wish);
        if wish.rate != before.rate {
            self.theatre.stage.handle().resize(self.spec.size, wish.rate);
        }
        if wish.size != before.size || wish.rate != before.rate {
            let Wish { size, rate, bitrate } = wish;
            let (width, height, automatic) = (size.width, size.height, self.automatic);
            self.notify_all(&Notice::Quality { width, height, rate, bitrate, automatic });
        }
    }

    fn wish(&mut self, peer: &PeerId, wish: hands::Wish) {
        if self.theatre.hands.seat(peer) == 0 {
            return;
        }
        match wish {
            hands::Wish::Quality { width, height, rate, kbps } => {
                let wanted = chosen(self.spec, Size::new(width.into(), height.into()), rate.into(), kbps);
                self.automatic = wanted.automatic;
                let target = self.rate.want(wanted, clock::now());
                self.aim(target);
            }
            hands::Wish::Display { vblank, period_micros } => {
                let period = Duration::from_micros(u64::from(period_micros));
                self.theatre.stage.handle().follow(vblank, period, LEAD);
            }
        }
    }

    fn notify_players(&self, notice: &Notice) {
        for peer in self.peers.keys().filter(|peer| self.theatre.hands.seat(peer) > 0) {
            self.theatre.hands.notify(peer, notice);
        }
    }

    fn notify_all(&self, notice: &Notice) {
        for peer in self.peers.keys() {
            self.theatre.hands.notify(peer, notice);
        }
    }

    /// Writes the last seconds on a thread of its own: a disk may be slow.
    fn clip(&self, request: u64, path: PathBuf, seconds: u32) {
        let (ring, link) = (Arc::clone(&self.theatre.ring), self.link.clone());
        let write = move || {
            let result = clip::write(&ring, &path, seconds);
            link.tell(&Tell::Clip { request, result });
        };
        if let Err(error) = std::thread::Builder::new().name("clip".to_owned()).spawn(write) {
            let result = Err(format!("The clip could not be written: {error}."));
            self.link.tell(&Tell::Clip { request, result });
        }
    }

    fn stats(&self) -> Stats {
        let wish = self.theatre.camera.wish();
        Stats {
            target_bitrate: u64::from(wish.bitrate),
            width: wish.size.width,
            height: wish.size.height,
            cpu_seconds: usage::cpu_seconds(),
            game_cpu_seconds: self.theatre.game.cpu_seconds(),
            rss_bytes: usage::rss_bytes(),
            peers: u32::try_from(self.peers.values().filter(|viewer| viewer.connected).count())
                .unwrap_or(u32::MAX),
            encoder: self.spec.encoder.clone(),
            loss: f64::from(self.worst.loss),
            round_trip_ms: self.worst.rtt.as_secs_f64() * 1000.0,
            ..self.theatre.meter.read(clock::now())
        }
    }

    fn tick(&mut self) -> Option<(EndReason, String)> {
        if let Some(exit) = self.theatre.game.try_wait() {
            return Some(if exit.is_success() {
                (EndReason::Finished, "The game ended.".to_owned())
            } else {
                (crash_reason(&exit), sentence(&exit.to_string()))
            });
        }
        let patience = Duration::from_secs(u64::from(self.spec.idle_seconds));
        if self.empty_since.is_some_and(|since| since.elapsed() >= patience) {
            let message = format!("Nobody came back within {} seconds.", self.spec.idle_seconds);
            return Some((EndReason::Abandoned, message));
        }
        None
    }
}

/// The session's own quality, moved as the path allows.
fn whole(spec: &SessionSpec) -> Wanted {
    Wanted { bitrate: spec.bitrate, rate: spec.rate, size: spec.size, automatic: true }
}

/// What a player chose, within what the session has; zeros leave the choice to us.
fn chosen(spec: &SessionSpec, size: Size, rate: u32, kbps: u32) -> Wanted {
    let whole = whole(spec);
    let fits =
        (160..=spec.size.width).contains(&size.width) && (90..=spec.size.height).contains(&size.height);
    Wanted {
        bitrate: if kbps == 0 { whole.bitrate } else { kbps.saturating_mul(1000).min(whole.bitrate) },
        rate: if rate == 0 { whole.rate } else { rate.clamp(5, whole.rate) },
        size: if fits { size.even() } else { whole.size },
        automatic: !fits && rate == 0,
    }
}

/// A game whose sandbox failed has not crashed: it never ran.
fn crash_reason(exit: &Exit) -> EndReason {
    if matches!(exit, Exit::NotStarted(_)) { EndReason::NotStarted } else { EndReason::Crashed }
}

/// The words with a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let end = if words.ends_with('.') { "" } else { "." };
    first.chain(letters).collect::<String>() + end
}

fn narrower(a: Path, b: Path) -> Path {
    Path {
        bitrate: a.bitrate.min(b.bitrate),
        loss: a.loss.max(b.loss),
        rtt: a.rtt.max(b.rtt),
        load: a.load.max(b.load),
    }
}
