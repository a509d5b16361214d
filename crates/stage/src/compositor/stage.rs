//! The stage: its state, and what follows in a turn from all that came in.
//!
//! A turn looks once at which windows there are, whether a picture is due, and whether the game is to be asked for
//! the next. What is not due yet says how long the thread may sleep; a stage with nothing to do sleeps.

use std::time::Duration;

use playhouse_media::frame::Size;
use playhouse_media::time::Timestamp;
use playhouse_play::pacing::Pacer;
use smithay::desktop::PopupManager;
use smithay::reexports::calloop::LoopHandle;
use smithay::reexports::wayland_server::backend::DisconnectReason;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{DisplayHandle, Resource};

use super::frames;
use super::picture::Picture;
use super::protocols::Protocols;
use super::seat::Player;
use super::text::Texts;
use super::windows::Windows;
use super::xserver::XServer;
use super::{Config, Error, Event, FrameSink, GameInput};

/// Commits and time within one turn that only a client without measure reaches: it neither waits to be asked nor
/// for its memory to be given back, and while it talks nobody else is heard.
const FLOOD: (u32, Duration) = (500, Duration::from_millis(250));

/// How often a window that nobody sees is asked for a picture, so that it does not stand still altogether.
const HIDDEN_INTERVAL: Duration = Duration::from_secs(1);

/// How long the thread sleeps at most when nothing is due. Nothing depends on it.
const IDLE: Duration = Duration::from_mins(1);

/// What other threads can tell the stage.
#[derive(Debug)]
pub(super) enum Command {
    Input { input: GameInput, seq: u32, at: Timestamp },
    Redraw,
    Resize { size: Size, rate: u32 },
    Follow { vblank: Timestamp, period: Duration, lead: Duration },
    CloseWindows,
    Stop,
}

/// The newest input given to clients: its number, and when it reached the session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given {
    pub(super) seq: u32,
    pub(super) at: Timestamp,
}

/// Everything that a turn works on.
pub(super) struct Stage {
    pub(super) display: DisplayHandle,
    pub(super) events: LoopHandle<'static, Stage>,
    pub(super) protocols: Protocols,
    pub(super) player: Player,
    pub(super) texts: Texts,
    pub(super) windows: Windows,
    pub(super) popups: PopupManager,
    pub(super) picture: Picture,
    pub(super) xserver: Option<XServer>,
    /// The newest input that clients were given.
    pub(super) given: Given,
    pacer: Pacer,
    /// Pictures taken so far.
    taken: u64,
    /// Something visible may have changed: since when, and after which input.
    changed: Option<(Timestamp, Given)>,
    /// Input that came after the last frame was taken has the right to an early answer.
    answered: u32,
    /// Input came since the game was last asked.
    input_waits: bool,
    asked_hidden: Timestamp,
    /// When this turn began to hear clients, and the commits since.
    heard: (Timestamp, u32),
    told: Told,
    stopping: bool,
    sink: Box<dyn FrameSink>,
    notify: Box<dyn FnMut(Event) + Send>,
}

/// What the session knows.
#[derive(Debug, Default)]
struct Told {
    first_frame: bool,
    windows: bool,
}

/// Now, on the clock that frames are dated with.
pub(super) fn now() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::from_micros(seconds * 1_000_000 + nanos / 1_000)
}

/// The same clock in the milliseconds of Wayland events, which wrap.
pub(super) fn milliseconds(at: Timestamp) -> u32 {
    u32::try_from((at.as_micros() / 1_000) & u64::from(u32::MAX)).unwrap_or(0)
}

impl Stage {
    /// An empty stage.
    pub(super) fn new(
        config: &Config,
        display: DisplayHandle,
        events: LoopHandle<'static, Stage>,
        sink: Box<dyn FrameSink>,
        notify: Box<dyn FnMut(Event) + Send>,
    ) -> Result<Self, Error> {
        let mut protocols = Protocols::new(&display, config.size, config.rate);
        let player = Player::new(&display, config.size, &mut protocols.seats)?;
        Ok(Self {
            texts: Texts::new(&display),
            picture: Picture::new(config.size)?,
            windows: Windows::new(config.size),
            popups: PopupManager::default(),
            pacer: Pacer::new(config.rate),
            taken: 0,
            given: Given::default(),
            changed: None,
            answered: 0,
            input_waits: false,
            asked_hidden: Timestamp::ZERO,
            heard: (Timestamp::ZERO, 0),
            told: Told::default(),
            stopping: false,
            xserver: None,
            display,
            events,
            protocols,
            player,
            sink,
            notify,
        })
    }

    /// Whether the thread is to end.
    pub(super) fn stopping(&self) -> bool {
        self.stopping
    }

    /// Clients are about to be heard.
    pub(super) fn begin_hearing(&mut self) {
        self.heard = (now(), 0);
    }

    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Input { input, seq, at } => {
                self.given = Given { seq, at };
                self.input_waits = true;
                self.give(input);
            }
            Command::Redraw => {
                self.picture.damage_all();
                self.changed();
            }
            Command::Resize { size, rate } => self.resize(size, rate),
            Command::Follow { vblank, period, lead } => self.pacer.follow(vblank, period, lead),
            Command::CloseWindows => self.windows.close_all(),
            Command::Stop => self.stopping = true,
        }
    }

    /// Something visible changed just now.
    pub(super) fn changed(&mut self) {
        self.changed = Some((now(), self.given));
    }

    /// Counts a commit; a client that floods the stage with them is thrown out.
    pub(super) fn hear_commit(&mut self, surface: &WlSurface) {
        let (since, commits) = &mut self.heard;
        *commits += 1;
        if *commits < FLOOD.0 || now().since(*since) < FLOOD.1 {
            return;
        }
        if let Some(client) = surface.client() {
            tracing::warn!("a client commits without measure and is disconnected");
            self.display.backend_handle().kill_client(client.id(), DisconnectReason::ConnectionClosed);
        }
        // The next flood, if there is another, gets as far.
        self.heard = (now(), 0);
    }

    /// Tells the session.
    pub(super) fn tell(&mut self, event: Event) {
        (self.notify)(event);
    }

    fn resize(&mut self, size: Size, rate: u32) {
        let in_range = |side| (16..=8192).contains(&side);
        if !in_range(size.width) || !in_range(size.height) || !(1..=240).contains(&rate) {
            return;
        }
        self.pacer.set_rate(rate);
        self.protocols.set_mode(size, rate);
        if size != self.picture.size() {
            match Picture::new(size) {
                Ok(picture) => self.picture = picture,
                Err(error) => tracing::error!("the picture keeps its size: {error}"),
            }
        }
        self.windows.set_output(self.picture.size());
        self.player.set_output(self.picture.size());
        self.changed();
    }

    /// What follows from all that came in; returns how long there is nothing to do.
    pub(super) fn turn(&mut self) -> Duration {
        self.settle_windows();
        self.settle_seat();
        let mut wake = None;
        if let Some((commit, after)) = self.changed {
            let at = now();
            let due = self.pacer.take_at(at, after.seq != self.answered);
            if due <= at {
                self.take(commit, after);
            } else {
                wake = Some(due);
            }
        }
        if self.changed.is_none() && self.seen().any(|root| frames::waits(&root)) {
            let at = now();
            let due = self.pacer.ask_at(at, self.input_waits);
            if due <= at {
                self.seen().for_each(|root| frames::ask(&root, at));
                self.pacer.asked(at);
                self.input_waits = false;
            } else {
                wake = Some(wake.map_or(due, |other: Timestamp| other.min(due)));
            }
        }
        if self.windows.roots(true).any(|root| frames::waits(&root)) {
            let at = now();
            let due = self.asked_hidden + HIDDEN_INTERVAL;
            if due <= at {
                self.windows.roots(true).for_each(|root| frames::ask(&root, at));
                self.asked_hidden = at;
            } else {
                wake = Some(wake.map_or(due, |other| other.min(due)));
            }
        }
        wake.map_or(IDLE, |due| due.since(now()))
    }

    /// Lends the picture to the sink if anything in it is new.
    fn take(&mut self, commit: Timestamp, after: Given) {
        self.changed = None;
        let cursor = self.player.cursor();
        let at = now();
        if let Some((mut pixels, damage)) = self.picture.look(&self.windows, &cursor) {
            let size = pixels.size();
            self.sink.frame(&mut super::Frame {
                pixels: &mut pixels,
                size,
                damage,
                input_seq: after.seq,
                input: after.at,
                commit,
            });
            // Of a game that spoiled its picture nothing was seen; it is on its way out, and the rest is drawn then.
            if !self.picture.is_spoiled() {
                self.pacer.taken(at);
                self.answered = after.seq;
                if !self.told.first_frame && self.windows.any() {
                    self.told.first_frame = true;
                    self.tell(Event::FirstFrame);
                }
            }
        }
        self.taken += 1;
        for root in self.seen() {
            frames::presented(&root, self.protocols.output(), at, self.taken, self.pacer.interval());
        }
    }

    /// Roots of all surface trees in the picture.
    fn seen(&self) -> impl Iterator<Item = WlSurface> + '_ {
        self.windows.roots(false).chain(self.player.cursor_surface())
    }

    fn settle_windows(&mut self) {
        self.associate_x11();
        if self.windows.settle() {
            self.focus_top();
            self.changed();
        }
        let any = self.windows.any();
        if self.told.windows && !any {
            self.tell(Event::WindowsGone);
        }
        self.told.windows = any;
    }
}
