//! The sandbox: one game under bubblewrap, with its own home, without the machine it runs on.
//!
//! A game sees `/usr` and a few files of `/etc` read-only, its own home, its title's files and the sockets that it
//! is granted; nothing else of the disk, no other process and, unless its title asked and the owner agreed, no
//! network. A game that is granted the network shares the machine's, loopback included.
//!
//! Its end is complete: it is the second process of a PID namespace whose first one dies with it, all of it stands
//! in a control group that is killed and removed, and [`GameProcess::try_wait`] says so only afterwards.

mod bubblewrap;
mod group;
mod spawn;
mod status;
mod tree;
mod watch;
mod words;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use playhouse_play::control::GameSpec;

use group::Group;
pub use group::make_room;
use watch::Shared;

/// The home of a game, inside.
pub const HOME: &str = "/home/player";
/// `XDG_RUNTIME_DIR`, inside.
pub const RUNTIME: &str = "/run/user/1000";
/// The title's own files, inside.
pub const TITLE: &str = "/title";

/// Bytes of [`GameProcess::last_words`].
const LAST_WORDS: usize = 4 * 1024;

/// A file, folder or socket of the machine that a game gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is.
    pub outside: PathBuf,
    /// Where the game finds it.
    pub inside: PathBuf,
    /// What the game may do with it. A socket can be connected to either way.
    pub access: Access,
}

/// What a game may do with a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Read and write it.
    Write,
    /// Use it as the device that it is.
    Device,
}

/// One thing that a game is given: what has to be visible, and the variables that say where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// What has to be visible.
    pub mounts: Vec<Mount>,
    /// Variables of the game's environment.
    pub env: Vec<(String, String)>,
}

impl Grant {
    /// The Wayland compositor that listens on `socket`.
    pub fn wayland(socket: &Path) -> Self {
        let mount = Mount {
            outside: socket.to_owned(),
            inside: Path::new(RUNTIME).join("wayland-0"),
            access: Access::Read,
        };
        let vars = [
            ("WAYLAND_DISPLAY", "wayland-0"),
            ("XDG_SESSION_TYPE", "wayland"),
            ("SDL_VIDEODRIVER", "wayland"),
            ("SDL_VIDEO_DRIVER", "wayland"),
            // SDL 2 has no plain window surface on Wayland: without this, games that ask for one end at once.
            ("SDL_FRAMEBUFFER_ACCELERATION", "opengl"),
            ("GDK_BACKEND", "wayland"),
            ("QT_QPA_PLATFORM", "wayland"),
        ];
        Self { mounts: vec![mount], env: pairs(&vars) }
    }

    /// X display `display` of this machine. Its abstract socket is out of reach without the network, so that the
    /// file has to be there.
    pub fn x11(display: u32) -> Self {
        let socket = PathBuf::from(format!("/tmp/.X11-unix/X{display}"));
        let mount = Mount { outside: socket.clone(), inside: socket, access: Access::Read };
        let vars = [
            ("XDG_SESSION_TYPE", "x11"),
            ("SDL_VIDEODRIVER", "x11"),
            ("SDL_VIDEO_DRIVER", "x11"),
            ("GDK_BACKEND", "x11"),
            ("QT_QPA_PLATFORM", "xcb"),
        ];
        let mut env = pairs(&vars);
        env.push(("DISPLAY".to_owned(), format!(":{display}")));
        Self { mounts: vec![mount], env }
    }
}

fn pairs(vars: &[(&str, &str)]) -> Vec<(String, String)> {
    vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What to start and what to give it.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    /// The game. Its own variables win over those of the grants; `LD_PRELOAD` is joined.
    pub game: &'a GameSpec,
    /// Display, sound, pads.
    pub grants: Vec<Grant>,
    /// How long it may run, if not for ever.
    pub time: Option<Duration>,
    /// Whether control groups may be used; without them the limits are coarser (see [`Mechanism`]).
    pub groups: bool,
}

/// What a game may use.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Bytes of memory.
    memory: u64,
    /// Processes and threads.
    processes: u32,
}

/// How the limits on memory and processes are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// By a control group of version 2: exactly, and everything ends at once.
    CgroupV2,
    /// By control groups of version 1: exactly.
    CgroupV1,
    /// By limits per process, and by looking at the game's processes four times a second: what grows faster than
    /// that is seen late. As root the kernel does not hold the limit on processes either.
    Watched,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV2 => "control group, version 2",
            Self::CgroupV1 => "control groups, version 1",
            Self::Watched => "resource limits, watched",
        })
    }
}

/// How a game ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code; 0 is well.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It wanted more memory than it may have, in MiB.
    Memory(u64),
    /// It wanted more processes than it may have; only where they are watched, for a control group refuses more.
    Processes(u32),
    /// Its time was over.
    Time,
    /// The sandbox itself could not be set up.
    NotStarted(String),
}

impl Exit {
    /// Whether it ended by itself, without an error.
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(0) => f.write_str("the game ended"),
            Self::Code(code) => write!(f, "the game ended with error {code}"),
            Self::Signal(signal) => {
                write!(f, "the game was ended by signal {signal}{}", signal_name(*signal))
            }
            Self::Memory(mib) => {
                write!(f, "the game was ended because it used more than its {mib} MiB of memory")
            }
            Self::Processes(limit) => {
                write!(f, "the game was ended because it started more than its {limit} processes")
            }
            Self::Time => {
                f.write_str("the game was ended because it ran for as long as its title may (limits.minutes)")
            }
            Self::NotStarted(why) => write!(f, "the game's sandbox could not be set up: {why}"),
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => " (it crashed: bad memory access)",
        libc::SIGABRT => " (it gave up: abort)",
        libc::SIGILL | libc::SIGBUS | libc::SIGFPE => " (it crashed)",
        libc::SIGKILL => " (killed)",
        libc::SIGTERM => " (asked to end)",
        _ => "",
    }
}

/// Why a game could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No bubblewrap.
    #[error("games cannot be started: `bwrap` is not installed; install the package `bubblewrap`")]
    NoBubblewrap,
    /// A command without words.
    #[error("{title} could not start: its manifest names no command")]
    NoCommand {
        /// The title.
        title: String,
    },
    /// No such program.
    #[error("{title} could not start: `{program}` is not installed")]
    NotInstalled {
        /// The title.
        title: String,
        /// The program that its command names.
        program: String,
    },
    /// No home.
    #[error("{title} could not start: its home {} could not be made: {source}", path.display())]
    Home {
        /// The title.
        title: String,
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel refused.
    #[error("{title} could not start: {source}")]
    Start {
        /// The title.
        title: String,
        /// Why.
        source: io::Error,
    },
}

/// A running game. Dropping it kills it.
#[derive(Debug)]
pub struct GameProcess {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
    mechanism: Mechanism,
}

/// Starts a game.
///
/// # Errors
/// What a person can do something about: a missing package, an unusable folder. A sandbox that fails to set itself
/// up shows a moment later as [`Exit::NotStarted`].
pub fn start(config: Config<'_>) -> Result<GameProcess, Error> {
    let game = config.game;
    let bwrap = bubblewrap::find()?;
    let limits = Limits { memory: u64::from(game.memory_mib) << 20, processes: game.processes };
    let (mounts, env) = gather(game, config.grants);
    let home = |source| Error::Home { title: game.title.clone(), path: game.home.clone(), source };
    fs::create_dir_all(&game.home).map_err(home)?;
    let line = bubblewrap::line(game, &limits, &mounts, &env)?;

    let group = if config.groups {
        Group::create(&limits)
            .inspect_err(
                |reason| tracing::warn!(%reason, "no control group for this game; its limits are coarser"),
            )
            .ok()
    } else {
        None
    };
    let mechanism = match &group {
        Some(group) if group.is_v2() => Mechanism::CgroupV2,
        Some(_) => Mechanism::CgroupV1,
        None => Mechanism::Watched,
    };
    let order = watch::Order { bwrap, line, group, limits, time: config.time };
    let (shared, thread) =
        watch::start(order).map_err(|source| Error::Start { title: game.title.clone(), source })?;
    tracing::info!(title = game.title, %mechanism, "game started");
    Ok(GameProcess { shared, thread: Some(thread), mechanism })
}

/// Puts grants and the game's own variables together.
fn gather(game: &GameSpec, grants: Vec<Grant>) -> (Vec<Mount>, Vec<(String, String)>) {
    let mut mounts = Vec::new();
    let mut variables = words::line_by_line();
    for grant in grants {
        mounts.extend(grant.mounts);
        variables.extend(grant.env);
    }
    variables.extend(game.env.clone());
    let mut env: Vec<(String, String)> = Vec::new();
    for (name, value) in variables {
        let preloaded = env.iter_mut().find(|(given, _)| *given == name && name == "LD_PRELOAD");
        match preloaded {
            Some((_, libraries)) => *libraries = format!("{libraries}:{value}"),
            None => env.push((name, value)),
        }
    }
    (mounts, env)
}

impl GameProcess {
    /// How it ended, once it has and nothing of it is left.
    pub fn try_wait(&self) -> Option<Exit> {
        self.shared.exit()
    }

    /// Waits for the end, at most so long.
    pub fn wait(&self, limit: Duration) -> Option<Exit> {
        self.shared.wait(limit)
    }

    /// The last 4 KiB that it printed.
    pub fn last_words(&self) -> String {
        self.shared.last_words(LAST_WORDS)
    }

    /// Asks it to end (`SIGTERM`), and ends it three seconds later if it has not; returns when nothing is left.
    pub fn stop(&self) -> Exit {
        self.shared.ask(watch::Wish::End);
        self.shared.wait(watch::GRACE + watch::MARGIN).unwrap_or(Exit::Signal(libc::SIGKILL))
    }

    /// Asks it to end, as [`GameProcess::stop`] does, without waiting.
    pub fn ask_to_stop(&self) {
        self.shared.ask(watch::Wish::End);
    }

    /// Processor seconds that it and its children used.
    pub fn cpu_seconds(&self) -> f64 {
        self.shared.usage().cpu_seconds
    }

    /// Bytes of memory of it and its children that no file backs.
    pub fn rss_bytes(&self) -> u64 {
        self.shared.usage().bytes
    }

    /// How its limits are held.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }
}

impl Drop for GameProcess {
    fn drop(&mut self) {
        self.shared.ask(watch::Wish::Kill);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches a game panicked");
        }
    }
}
