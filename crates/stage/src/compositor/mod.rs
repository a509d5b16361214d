//! The private, headless Wayland compositor that a game draws into.
//!
//! One per session, in process, on a thread of its own named `stage`: no GPU, no root, no display server. The
//! game is given one output of the session's size and rate and fills it; whenever something in what is seen changed, the
//! picture is lent to a [`FrameSink`], and drawn as far as that reads it.
//!
//! What this module never does: encode, listen on a network, or decide when a frame is due (that is
//! [`playhouse_play::pacing`]).
//!
//! | file | its subject |
//! | --- | --- |
//! | `thread.rs` | the thread: its sockets, its loop and its end |
//! | `stage.rs` | the state, and what follows in a turn from all that came in |
//! | `protocols.rs` | the globals that clients can bind |
//! | `shell.rs` | surfaces that become windows and popups |
//! | `windows.rs` | which windows there are, on top of which, and where on the output |
//! | `picture.rs` | what changed, and drawing the windows as they are read |
//! | `frames.rs` | asking games for their next picture |
//! | `cursor.rs` | the pointer's image |
//! | `seat.rs` | the player's input on its way to the game |
//! | `text.rs` | text for games that ask for it |
//! | `xserver.rs` | Xwayland, and X11 windows |

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use playhouse_media::frame::{Damage, Size};
use playhouse_media::time::Timestamp;
use playhouse_play::input::TouchPhase;
use smithay::reexports::calloop::channel::SyncSender;

mod cursor;
mod frames;
mod picture;
mod protocols;
mod seat;
mod shell;
mod stage;
mod text;
mod thread;
mod windows;
mod xserver;

/// Commands that may wait for the stage: some seconds of a wild mouse. A stage that takes none of them for so
/// long has stopped, and what does not fit is dropped.
const COMMANDS: usize = 4096;

/// Name of the Wayland socket within [`Config::runtime`].
const SOCKET: &str = "wayland-0";

/// What a stage is built with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Size of the one output, and of every picture. Between 16 and 8192 pixels on either side.
    pub size: Size,
    /// Most frames per second, 1 to 240.
    pub rate: u32,
    /// The session's private `XDG_RUNTIME_DIR`, which exists: the Wayland socket is made in it.
    pub runtime: PathBuf,
    /// Whether X11 games are to find a server.
    pub xwayland: bool,
}

/// One picture, lent to the sink for the duration of a call.
pub struct Frame<'a> {
    /// What the picture shows.
    pub pixels: &'a mut dyn Pixels,
    /// Width and height in pixels.
    pub size: Size,
    /// What changed since the frame before; rectangles may touch but do not leave the picture.
    pub damage: &'a [Damage],
    /// Sequence number of the newest input that the game had been given before it committed; 0 for none.
    pub input_seq: u32,
    /// When that input reached the session.
    pub input: Timestamp,
    /// When the game committed what is new in the picture.
    pub commit: Timestamp,
}

/// The pixels of a picture, which are drawn as they are read: what nobody reads costs nothing.
pub trait Pixels {
    /// Draws an area of the picture, cut to it, and lends it to `each` strip by strip, from the top to the bottom.
    ///
    /// Strips of an area whose edges are even have even edges.
    ///
    /// # Errors
    /// If a client's memory went away meanwhile. What was read of this picture is worth nothing then, and the next
    /// one is new everywhere.
    fn read(&mut self, area: Damage, each: &mut dyn FnMut(Strip<'_>)) -> Result<(), Spoiled>;
}

/// Some rows of an area.
#[derive(Debug, Clone, Copy)]
pub struct Strip<'a> {
    /// Where in the picture they are.
    pub area: Damage,
    /// `area.height` rows of `stride` bytes, of which the first `area.width × 4` are pixels: blue, green, red, and a
    /// byte without meaning.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// A picture that could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a game took its picture's memory away while it was read; its connection is closed")]
pub struct Spoiled;

/// Where pictures go.
pub trait FrameSink: Send {
    /// Takes a picture. Called on the stage's thread, which does nothing else meanwhile: it must be quick.
    fn frame(&mut self, frame: &mut Frame<'_>);
}

impl<F: FnMut(&mut Frame<'_>) + Send> FrameSink for F {
    fn frame(&mut self, frame: &mut Frame<'_>) {
        self(frame);
    }
}

/// What a player did, in the picture's terms.
#[derive(Debug, Clone, PartialEq)]
pub enum GameInput {
    /// A key by its evdev code (`KEY_*`), whatever the player's layout: games see a US keyboard.
    Key {
        /// Linux evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Text that no key of a US keyboard has typed (composed, pasted, from a telephone). It reaches games that ask for
    /// text ([`Event::TextInput`]); others do not notice.
    Text(String),
    /// A mouse button by its evdev code (`BTN_*`).
    Button {
        /// Linux evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// The pointer is here, in pixels of the output.
    PointerTo {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// The mouse moved by so many pixels.
    PointerBy {
        /// To the right.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
    /// The wheel turned by so many 1/120 notches.
    Wheel {
        /// To the right.
        dx: i16,
        /// Downwards.
        dy: i16,
    },
    /// A finger, in pixels of the output. One that is cancelled takes the others with it, as Wayland has it.
    Touch {
        /// Which finger, while it is down.
        id: u32,
        /// What it did.
        phase: TouchPhase,
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// Everything that is held is let go.
    ReleaseAll,
}

/// What happened on the stage. Told on the stage's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The game's first picture went to the sink.
    FirstFrame,
    /// The game took the pointer (it wants motion, not positions), or gave it back.
    PointerLock(bool),
    /// The game asks for text, or no longer.
    TextInput(bool),
    /// The last window is gone; a game may open another.
    WindowsGone,
}

/// Why a stage could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The size or rate is out of range.
    #[error("a stage of {}x{} at {rate} frames per second is out of range: sides go from 16 to 8192, the rate from 1 to 240", size.width, size.height)]
    Range {
        /// The size asked for.
        size: Size,
        /// The rate asked for.
        rate: u32,
    },
    /// The socket could not be made.
    #[error("cannot make the Wayland socket {}: {reason}; the runtime directory has to exist, be writable, and its path must be shorter than 100 bytes", path.display())]
    Socket {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Xwayland is not there or does not start.
    #[error(
        "cannot start Xwayland for an X11 game: {0}; install the package xwayland, or choose the host \"wayland\""
    )]
    Xwayland(String),
    /// The keymap could not be compiled.
    #[error("cannot load the US keyboard layout: {0}; install the package xkb-data")]
    Keymap(String),
    /// The system refused something that a stage needs.
    #[error("cannot start the stage: {0}")]
    System(String),
}

/// A running compositor. Dropping it ends the stage, and with it every client's connection.
#[derive(Debug)]
pub struct Compositor {
    handle: Handle,
    socket: PathBuf,
    x_display: Option<u32>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread reports once its sockets are open.
struct Started {
    commands: SyncSender<stage::Command>,
    x_display: Option<u32>,
}

/// Starts a stage; returns when clients can connect.
///
/// `sink` gets every picture and `notify` every event, both on the stage's thread.
///
/// # Errors
/// If the configuration is out of range, a socket cannot be made, or Xwayland or the keymap is missing.
pub fn start(
    config: Config,
    sink: Box<dyn FrameSink>,
    notify: Box<dyn FnMut(Event) + Send>,
) -> Result<Compositor, Error> {
    let sides = 16..=8192;
    let in_range = sides.contains(&config.size.width) && sides.contains(&config.size.height);
    if !in_range || !(1..=240).contains(&config.rate) {
        return Err(Error::Range { size: config.size, rate: config.rate });
    }
    let socket = config.runtime.join(SOCKET);
    let (report, started) = sync_channel::<Result<Started, Error>>(1);
    let thread = std::thread::Builder::new()
        .name("stage".to_owned())
        .spawn(move || thread::run(&config, sink, notify, &report))
        .map_err(|error| Error::System(error.to_string()))?;
    let started = started.recv().unwrap_or_else(|_| Err(Error::System("its thread ended at once".into())));
    match started {
        Ok(started) => Ok(Compositor {
            handle: Handle { commands: started.commands },
            socket,
            x_display: started.x_display,
            thread: Some(thread),
        }),
        Err(error) => {
            if thread.join().is_err() {
                tracing::error!("the stage's thread panicked while it started");
            }
            Err(error)
        }
    }
}

impl Compositor {
    /// The Wayland socket, `WAYLAND_DISPLAY` for a game outside a sandbox.
    pub fn wayland_display(&self) -> &Path {
        &self.socket
    }

    /// The number `N` of the X11 display, if there is one: its socket is `/tmp/.X11-unix/XN`.
    pub fn x_display(&self) -> Option<u32> {
        self.x_display
    }

    /// What other threads command the stage with.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        self.handle.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the stage's thread panicked");
        }
    }
}

/// Commands the stage from any thread.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: SyncSender<stage::Command>,
}

impl Handle {
    /// Gives the game an input, numbered `seq`, that reached the session `at`.
    pub fn input(&self, input: GameInput, seq: u32, at: Timestamp) {
        self.send(stage::Command::Input { input, seq, at });
    }

    /// Sends the current picture once more, all of it damaged: for a viewer who has just come.
    pub fn redraw(&self) {
        self.send(stage::Command::Redraw);
    }

    /// Another size and rate from now on; out of range, nothing happens.
    pub fn resize(&self, size: Size, rate: u32) {
        self.send(stage::Command::Resize { size, rate });
    }

    /// The viewer's display shows a picture at `vblank` and each `period` after; a picture needs `lead` from the
    /// moment that the game is asked for it to the moment that it is there. See
    /// [`playhouse_play::pacing::Pacer::follow`].
    pub fn follow(&self, vblank: Timestamp, period: std::time::Duration, lead: std::time::Duration) {
        self.send(stage::Command::Follow { vblank, period, lead });
    }

    /// Asks every window to close, as a click on its cross would.
    pub fn close_windows(&self) {
        self.send(stage::Command::CloseWindows);
    }

    /// Ends the stage.
    pub fn stop(&self) {
        // A full queue must not keep the stage from ending: this one waits for its place. A queue without a
        // reader has ended already.
        if self.commands.send(stage::Command::Stop).is_err() {
            tracing::debug!("the stage had ended before it was stopped");
        }
    }

    fn send(&self, command: stage::Command) {
        if self.commands.try_send(command).is_err() {
            tracing::debug!("the stage takes no commands: it has ended, or its queue is full");
        }
    }
}
