//! Up to four gamepads with rumble.
//!
//! Where `/dev/uinput` can be written, pads are real devices of the kernel (see `uinput`), which every game
//! finds. Elsewhere a library that is loaded before SDL 2 (`crates/joystick`) gives the game virtual joysticks; their state
//! is a page of shared memory, so that neither side makes a system call for it.

mod memory;
mod rumble;
mod uinput;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use playhouse_play::input::{MAX_PADS, PadState};

use crate::sandbox::{Access, Grant, Mount, RUNTIME};
use memory::Memory;
use uinput::Devices;

/// Told when a game makes a pad rumble: pad, strong motor, weak motor (0 to 65535), milliseconds. It is called on a thread of its
/// own and must be quick. Two zeros end it.
pub type Rumble = Box<dyn FnMut(u8, u16, u16, u16) + Send>;

/// The library that is loaded before SDL.
const LIBRARY: &str = "libplayhouse_joystick.so";

/// Where the game finds it.
const LIBRARY_INSIDE: &str = "/run/playhouse/libplayhouse_joystick.so";

/// Why there are no pads.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the shared memory and its socket.
    #[error("gamepads could not be prepared in {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel's devices.
    #[error("gamepads could not be made through /dev/uinput: {0}")]
    Uinput(#[source] io::Error),
    /// The library.
    #[error(
        "gamepads are not available: {LIBRARY} is not beside the program; build it with `cargo build --release -p playhouse-joystick`"
    )]
    NoLibrary,
}

/// The pads of a session. Dropping it unplugs them.
#[derive(Debug)]
pub struct Pads {
    folder: PathBuf,
    kind: Mutex<Kind>,
    _rumble: Option<rumble::Listener>,
}

#[derive(Debug)]
enum Kind {
    Devices(Devices),
    Memory { memory: Memory, connected: [bool; MAX_PADS as usize], library: PathBuf },
}

impl Pads {
    /// Prepares pads for a game, none of them plugged in; their files go into `runtime`. `seats` is how many
    /// the game can use: devices of the kernel stand there from the beginning, since nothing can be put into a
    /// sandbox later.
    pub fn start(runtime: &Path, seats: u8, rumble: Rumble) -> Result<Self, Error> {
        let folder = runtime.join("pads");
        if Devices::possible() {
            let devices = Devices::create(seats.min(MAX_PADS), rumble).map_err(Error::Uinput)?;
            return Ok(Self { folder, kind: Mutex::new(Kind::Devices(devices)), _rumble: None });
        }
        let library = library().ok_or(Error::NoLibrary)?;
        let failed = |source| Error::Folder { path: folder.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let memory = Memory::create(&folder.join("state")).map_err(failed)?;
        let listener = rumble::Listener::start(&folder, rumble).map_err(failed)?;
        let kind = Mutex::new(Kind::Memory { memory, connected: [false; MAX_PADS as usize], library });
        Ok(Self { folder, kind, _rumble: Some(listener) })
    }

    /// Plugs a pad in or out. Pads that there cannot be are ignored.
    pub fn connect(&self, pad: u8, plugged: bool) {
        if pad >= MAX_PADS {
            return;
        }
        match &mut *self.lock() {
            // It stays, and nobody touches it any longer.
            Kind::Devices(devices) => devices.set(pad, &PadState::default()),
            Kind::Memory { memory, connected, .. } => {
                let was = std::mem::replace(&mut connected[usize::from(pad)], plugged);
                if was != plugged {
                    memory.set(pad, plugged.then_some(&PadState::default()));
                }
            }
        }
    }

    /// A pad's new state; one that is not plugged in is plugged in by it.
    pub fn set(&self, pad: u8, state: &PadState) {
        if pad >= MAX_PADS {
            return;
        }
        match &mut *self.lock() {
            Kind::Devices(devices) => devices.set(pad, state),
            Kind::Memory { memory, connected, .. } => {
                connected[usize::from(pad)] = true;
                memory.set(pad, Some(state));
            }
        }
    }

    /// What a game needs to have them.
    pub fn grant(&self) -> Grant {
        match &*self.lock() {
            Kind::Devices(devices) => devices.grant(),
            Kind::Memory { library, .. } => {
                let inside = Path::new(RUNTIME).join("pads");
                let mounts = ["state", "rumble"]
                    .map(|name| Mount {
                        outside: self.folder.join(name),
                        inside: inside.join(name),
                        access: Access::Read,
                    })
                    .into_iter()
                    .chain([Mount {
                        outside: library.clone(),
                        inside: LIBRARY_INSIDE.into(),
                        access: Access::Read,
                    }])
                    .collect();
                let env = [
                    ("LD_PRELOAD", LIBRARY_INSIDE.to_owned()),
                    ("PLAYHOUSE_PADS", inside.display().to_string()),
                ]
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec();
                Grant { mounts, env }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kind> {
        // Nothing that holds the lock can leave it half written.
        self.kind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The library, beside the program, above it (where test programs lie), or where a package puts libraries.
fn library() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    ["", "..", "../lib/playhouse"]
        .iter()
        .map(|place| folder.join(place).join(LIBRARY))
        .find(|path| path.is_file())
}
