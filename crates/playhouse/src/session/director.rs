//! Decides what is done about each signal, and when the session is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use playhouse_net::{PeerEvent, PeerId};
use playhouse_play::control::{Ask, EndReason, Ended, Role, SessionSpec, Stats, Tell};
use playhouse_play::input::Notice;
use playhouse_play::qualities::{PLAYERS, SPECTATORS};
use playhouse_stage::compositor::Event;
use playhouse_stage::sandbox::Exit;

use super::audience::{Audience, Path};
use super::link::Link;
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
    audience: Audience<'a>,
    /// Since when nobody is connected.
    empty_since: Option<Instant>,
}

impl<'a> Director<'a> {
    pub(super) fn new(spec: &'a SessionSpec, link: Link, theatre: Theatre) -> Self {
        Self { spec, link, theatre, audience: Audience::new(spec), empty_since: Some(Instant::now()) }
    }

    /// Runs until the session is over; gives why.
    pub(super) fn run(mut self, inbox: &Receiver<Signal>) -> Ended {
        // The look at the game follows the clock: a session with viewers always has signals.
        let mut look = Instant::now() + TICK;
        let (reason, message) = loop {
            match inbox.recv_timeout(look.saturating_duration_since(Instant::now())) {
                Ok(signal) => {
                    if let Some(end) = self.handle(signal) {
                        break end;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break (EndReason::Failed, "It lost its threads.".to_owned());
                }
            }
            if Instant::now() >= look {
                look = Instant::now() + TICK;
                if let Some(end) = self.tick() {
                    break end;
                }
            }
        };
        let notice = Notice::Ended { message: message.clone() };
        self.audience.notify(&self.theatre, &notice);
        let last_words = self.theatre.close();
        Ended { reason, message, last_words }
    }

    fn handle(&mut self, signal: Signal) -> Option<(EndReason, String)> {
        match signal {
            Signal::Ask(ask) => return self.asked(ask),
            Signal::NodeGone => return Some((EndReason::Stopped, "The server went away.".to_owned())),
            Signal::EncoderFailed(SPECTATORS, error) => {
                tracing::warn!(%error, "spectators have no quality of their own");
                self.audience.without_second(&self.theatre);
            }
            Signal::EncoderFailed(_, message) => return Some((EndReason::Failed, message)),
            Signal::Stage(Event::FirstFrame) => self.link.tell(&Tell::Ready),
            Signal::Stage(Event::PointerLock(locked)) => {
                self.audience.notify_players(&self.theatre, &Notice::PointerLock { locked });
            }
            Signal::Stage(Event::TextInput(active)) => {
                self.audience.notify_players(&self.theatre, &Notice::TextInput { active });
            }
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
                    self.audience.expect(PeerId::from(peer));
                }
                self.link.tell(&Tell::Answer { request, result: answer.map_err(|error| error.to_string()) });
            }
            Ask::Candidate { peer, candidate } => {
                if let Err(error) = self.theatre.net.handle().candidate(&peer, &candidate) {
                    tracing::debug!(%error, "a candidate was left out");
                }
            }
            Ask::SetRole { peer, role } => self.give_role(&peer, role),
            Ask::Steer { hand, seat, pad } => {
                if let Some(moved) = self.theatre.hands.steer(&hand, seat, pad) {
                    self.audience.seated(&self.theatre, &moved);
                }
            }
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
            Ask::Air { on } => {
                self.theatre.air.set(on);
                self.audience.watch(&self.theatre);
            }
            Ask::Stop => return Some((EndReason::Stopped, "The session was ended.".to_owned())),
        }
        None
    }

    /// Gives a peer its role; the one that had the seat watches from now on, and both are told.
    fn give_role(&mut self, peer: &str, role: Role) {
        let moved = self.theatre.hands.join(peer, role);
        if let Some(moved) = moved {
            self.audience.seated(&self.theatre, &moved);
        }
        self.audience.seated(&self.theatre, peer);
    }

    fn peer(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Connected { peer } => {
                self.audience.arrived(&self.theatre, &peer);
                self.link.tell(&Tell::Peer { peer: peer.to_string(), connected: true });
                self.empty_since = None;
            }
            PeerEvent::Closed { peer, reason } => {
                tracing::info!(%peer, %reason, "a peer left");
                self.theatre.hands.leave(&peer);
                self.audience.left(&self.theatre, &peer);
                self.link.tell(&Tell::Peer { peer: peer.to_string(), connected: false });
                if self.audience.is_empty() {
                    self.empty_since = Some(Instant::now());
                }
            }
            PeerEvent::Estimate { peer, bitrate, loss, rtt, load } => {
                self.audience.measured(&self.theatre, &peer, Path { bitrate, loss, rtt, load });
            }
            _ => {}
        }
    }

    fn wish(&mut self, peer: &PeerId, wish: hands::Wish) {
        match wish {
            hands::Wish::Quality { width, height, rate, kbps } => {
                let size = Size::new(width.into(), height.into());
                self.audience.wished(&self.theatre, peer, size, rate.into(), kbps);
            }
            hands::Wish::Display { vblank, period_micros } if self.theatre.hands.seat(peer) > 0 => {
                let period = Duration::from_micros(u64::from(period_micros));
                self.theatre.stage.handle().follow(vblank, period, LEAD);
            }
            hands::Wish::Display { .. } => {}
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
        let wish = self.theatre.camera.lens(PLAYERS).wish();
        let (worst, viewers) = (self.audience.worst(), self.audience.counts());
        Stats {
            target_bitrate: u64::from(wish.bitrate),
            width: wish.size.width,
            height: wish.size.height,
            cpu_seconds: usage::cpu_seconds(),
            game_cpu_seconds: self.theatre.game.cpu_seconds(),
            rss_bytes: usage::rss_bytes(),
            peers: viewers.iter().sum(),
            viewers: viewers.to_vec(),
            encoder: self.spec.encoder.clone(),
            loss: f64::from(worst.loss),
            round_trip_ms: worst.rtt.as_secs_f64() * 1000.0,
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

/// A game whose sandbox failed has not crashed, for it never ran; nor has one whose time was over.
fn crash_reason(exit: &Exit) -> EndReason {
    match exit {
        Exit::NotStarted(_) => EndReason::NotStarted,
        Exit::Time => EndReason::Stopped,
        _ => EndReason::Crashed,
    }
}

/// The words with a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let end = if words.ends_with('.') { "" } else { "." };
    first.chain(letters).collect::<String>() + end
}
