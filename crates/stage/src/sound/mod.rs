//! The game's own private sound server, and what it plays as blocks of 10 ms.
//!
//! Games speak to PulseAudio: SDL, `OpenAL`, `GStreamer` and, by a plugin, everything that uses ALSA. So the server
//! speaks its protocol, on a socket that only this game sees; but it is a thread of the session and no daemon: nothing has to be
//! installed, started or restarted, and the thread that mixes is the clock itself. Clients are asked for samples
//! just before a block is due, which no daemon between two programs can do.
//!
//! A block never waits: where a client is late, it gets silence there and a little more room from then on (see
//! `stream`). There is no queue behind the mixer, so that sound cannot fall behind the picture.
//!
//! Measured on two busy cores with an SDL program that clicks (`cargo run --release -p playhouse-stage --example
//! clicks`), from the program's audio callback to the block that holds the click: 8 ms p50 and 18 ms p95 with
//! buffers of 512 or 1024 frames; from the event that causes the click, which waits for the callback first, 14 and
//! 26 ms with 512 frames. A `PulseAudio` daemon with a null sink, recorded in fragments of 5 ms, took 11 and 11 ms,
//! and 16 and 21 ms, in the same hour, with outliers to 40 ms and more, 2 to 3 % of a core and a process more; with a pipe sink of one page
//! it took 70 ms. This server takes 0.7 % of a core while something plays and 0.3 % in silence.

mod client;
mod commands;
mod convert;
mod kind;
mod resample;
mod server;
mod stream;
mod tagstruct;

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use playhouse_media::time::Timestamp;
use rustix::event::EventfdFlags;

use crate::sandbox::{Access, Grant, Mount, RUNTIME};

/// Samples per second and channel of a block.
pub const RATE: u32 = stream::RATE;

/// Samples of a block: 10 ms of left and right, interleaved.
pub const BLOCK_SAMPLES: usize = 2 * stream::BLOCK;

/// Takes each block of [`BLOCK_SAMPLES`] samples with the time at which its first sample is heard. It is called on the
/// sound thread a hundred times a second and must be quick.
pub type Sink = Box<dyn FnMut(&[i16], Timestamp) + Send>;

/// Where ALSA programs are told to use the sound server.
const ALSA: &str = "pcm.!default { type pulse }\nctl.!default { type pulse }\n";

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket could not be made.
    #[error("the sound server's socket {} could not be made: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The thread could not be started.
    #[error("the sound server could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// A running sound server. Dropping it ends it.
#[derive(Debug)]
pub struct Sound {
    socket: PathBuf,
    alsa: PathBuf,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Sound {
    /// Starts the server with its socket in `runtime`; blocks go to `sink` from now on, silent ones too.
    pub fn start(runtime: &Path, sink: Sink) -> Result<Self, Error> {
        let folder = runtime.join("sound");
        let socket = folder.join("native");
        let alsa = folder.join("asound.conf");
        let failed = |source| Error::Socket { path: socket.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        fs::write(&alsa, ALSA).map_err(failed)?;
        let listener = listen(&folder).map_err(failed)?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| Error::Thread(error.into()))?;
        let own = stop.try_clone().map_err(Error::Thread)?;
        let mut server = server::Server::new(listener, own, sink).map_err(Error::Thread)?;
        let thread = std::thread::Builder::new()
            .name("sound".to_owned())
            .spawn(move || server.run())
            .map_err(Error::Thread)?;
        Ok(Self { socket, alsa, stop, thread: Some(thread) })
    }

    /// What a game needs to be heard.
    pub fn grant(&self) -> Grant {
        let inside = Path::new(RUNTIME).join("pulse/native");
        let server = format!("unix:{}", inside.display());
        let mounts = vec![
            Mount { outside: self.socket.clone(), inside, access: Access::Read },
            Mount { outside: self.alsa.clone(), inside: "/etc/asound.conf".into(), access: Access::Read },
        ];
        Grant { mounts, env: vars(&server) }
    }

    /// Variables for a program outside the sandbox.
    pub fn env(&self) -> Vec<(String, String)> {
        vars(&format!("unix:{}", self.socket.display()))
    }
}

fn vars(server: &str) -> Vec<(String, String)> {
    [
        ("PULSE_SERVER", server),
        // The name that SDL 1.2 and SDL 2 both take.
        ("SDL_AUDIODRIVER", "pulse"),
        ("SDL_AUDIO_DRIVER", "pulseaudio"),
        ("ALSOFT_DRIVERS", "pulse"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Binds `native` in the folder, through a descriptor: an address has room for 108 bytes only (unix(7)), and a
/// session's folder may lie deep.
fn listen(folder: &Path) -> io::Result<UnixListener> {
    let socket = folder.join("native");
    if let Err(error) = fs::remove_file(&socket)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let folder = fs::File::open(folder)?;
    UnixListener::bind(format!("/proc/self/fd/{}/native", folder.as_raw_fd()))
}

impl Drop for Sound {
    fn drop(&mut self) {
        // Fails only where the counter is full, and then the thread is about to wake up.
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).ok();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sound thread panicked");
        }
        fs::remove_file(&self.socket).ok();
    }
}

fn now() -> Timestamp {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = now.tv_sec.cast_unsigned() * 1_000_000 + now.tv_nsec.cast_unsigned() / 1000;
    Timestamp::from_micros(micros)
}
