//! Pads through SDL: a small file that `crates/joystick`, preloaded into the game, reads.
//!
//! The file's layout stands in `crates/joystick/src/shared.rs`. It is written with `pwrite`, which a shared mapping of
//! the same file sees at once; each record has a sequence that is odd while it changes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use playhouse_play::input::PadState;

use super::{Error, PADS, Rumble};
use crate::sandbox::{Access, Grant, Mount};

const LIBRARY: &str = "libplayhouse_joystick.so";
const INSIDE: &str = "/run/playhouse";
const LEN: u64 = 4096;
const FIRST: u64 = 64;
const STRIDE: u64 = 64;
const RUMBLE: u64 = 32;

/// How often rumble is looked for while a pad is connected: a hand feels no sooner.
const LOOK: Duration = Duration::from_millis(16);

/// The file and who watches it.
pub(super) struct Preload {
    shared: Arc<Shared>,
    file: PathBuf,
    library: PathBuf,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    file: File,
    /// One writer at a time per pad, and its sequence.
    sequences: Mutex<[u32; PADS as usize]>,
    connected: AtomicU32,
    over: AtomicBool,
}

impl Preload {
    pub(super) fn start(runtime: &Path, always: u8, rumble: Rumble) -> Result<Self, Error> {
        let library = std::env::current_exe()?.with_file_name(LIBRARY);
        // Tests and examples run one folder below the program.
        let above = library.parent().and_then(Path::parent).map(|dir| dir.join(LIBRARY));
        let library = match above {
            Some(above) if !library.is_file() && above.is_file() => above,
            _ => library,
        };
        if !library.is_file() {
            return Err(Error::NoLibrary(library));
        }
        let path = runtime.join("pads");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        // A game runs as another user than a session that is root.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
        file.set_len(LEN)?;
        file.write_all_at(&u32::from(always.min(PADS)).to_ne_bytes(), 4)?;
        file.write_all_at(b"PADS", 0)?;
        let shared = Arc::new(Shared {
            file,
            sequences: Mutex::new([0; PADS as usize]),
            connected: AtomicU32::new(0),
            over: AtomicBool::new(false),
        });
        let watched = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("pads".to_owned()).spawn(move || watch(&watched, rumble))?;
        Ok(Self { shared, file: path, library, thread: Some(thread) })
    }

    pub(super) fn connect(&self, pad: u8, connected: bool) -> io::Result<()> {
        let record = FIRST + u64::from(pad) * STRIDE;
        self.shared.file.write_all_at(&u32::from(connected).to_ne_bytes(), record + 4)?;
        let bit = 1 << pad;
        let set = |bits: u32| Some(if connected { bits | bit } else { bits & !bit });
        // The closure always gives a value.
        self.shared.connected.fetch_update(Ordering::AcqRel, Ordering::Acquire, set).ok();
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        Ok(())
    }

    pub(super) fn set(&self, pad: u8, state: &PadState) -> io::Result<()> {
        let record = FIRST + u64::from(pad) * STRIDE;
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&state.buttons.to_ne_bytes());
        for (at, axis) in state.axes.iter().enumerate() {
            bytes[4 + at * 2..6 + at * 2].copy_from_slice(&axis.to_ne_bytes());
        }
        bytes[12..14].copy_from_slice(&state.triggers);
        let mut sequences = self.shared.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sequence) = sequences.get_mut(usize::from(pad)) else { return Ok(()) };
        *sequence = sequence.wrapping_add(2);
        let file = &self.shared.file;
        file.write_all_at(&sequence.wrapping_sub(1).to_ne_bytes(), record)?;
        file.write_all_at(&bytes, record + 8)?;
        file.write_all_at(&sequence.to_ne_bytes(), record)
    }

    pub(super) fn grant(&self) -> Grant {
        let mount = |outside: &Path, name: &str, access| Mount {
            outside: outside.to_owned(),
            inside: Path::new(INSIDE).join(name),
            access,
        };
        Grant {
            mounts: vec![
                mount(&self.file, "pads", Access::Write),
                mount(&self.library, LIBRARY, Access::Read),
            ],
            env: vec![
                ("LD_PRELOAD".to_owned(), format!("{INSIDE}/{LIBRARY}")),
                ("PLAYHOUSE_PADS".to_owned(), format!("{INSIDE}/pads")),
            ],
        }
    }
}

impl Drop for Preload {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the thread that watches gamepads panicked");
            }
        }
    }
}

/// Looks for rumble while there is a pad; sleeps otherwise.
fn watch(shared: &Shared, mut rumble: Rumble) {
    let mut seen = [0; PADS as usize];
    while !shared.over.load(Ordering::Acquire) {
        if shared.connected.load(Ordering::Acquire) == 0 {
            std::thread::park();
            continue;
        }
        for (pad, seen) in (0..PADS).zip(&mut seen) {
            let mut bytes = [0; 12];
            let at = FIRST + u64::from(pad) * STRIDE + RUMBLE;
            if shared.file.read_exact_at(&mut bytes, at).is_err() {
                continue;
            }
            let word =
                |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            let (sequence, motors, milliseconds) = (word(0), word(4), word(8));
            if sequence % 2 == 0 && sequence != *seen {
                *seen = sequence;
                let (strong, weak) = ((motors & 0xffff) as u16, (motors >> 16) as u16);
                rumble(pad, strong, weak, u16::try_from(milliseconds).unwrap_or(u16::MAX));
            }
        }
        std::thread::park_timeout(LOOK);
    }
}
