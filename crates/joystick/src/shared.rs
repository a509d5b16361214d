//! The shared file: 4 KiB, written by the session, read by the game; `stage::pads` has the other side.
//!
//! | offset | content |
//! | --- | --- |
//! | 0 | `u32` magic, "PADS" |
//! | 4 | `u32` pads that a game sees from its start, connected or not |
//! | 64 + 64 n | pad n: `u32` sequence, `u32` connected, `u32` buttons (W3C bits), 4 × `i16` axes, 2 × `u8` triggers |
//! | 64 + 64 n + 32 | rumble of pad n, written by the game: `u32` sequence, `u16` strong, `u16` weak, `u32` milliseconds |
//!
//! A sequence is odd while its record is being written (a seqlock).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// Pads in the file.
pub(crate) const PADS: usize = 4;
const LEN: usize = 4096;
const MAGIC: u32 = u32::from_le_bytes(*b"PADS");
const FIRST: usize = 64;
const STRIDE: usize = 64;
const RUMBLE: usize = 32;

/// A writer that died in the middle leaves the sequence odd; after so many looks the old state is kept.
const TRIES: u32 = 64;

/// The mapping.
pub(crate) struct Shared {
    base: *const AtomicU32,
}

// SAFETY: the mapping lives as long as the process, and is only accessed through atomics.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A pad's state.
#[derive(Clone, Copy, Default)]
pub(crate) struct State {
    pub(crate) buttons: u32,
    pub(crate) axes: [i16; 4],
    pub(crate) triggers: [u8; 2],
}

/// The mapping that the environment names, if it names one.
pub(crate) fn shared() -> Option<&'static Shared> {
    static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
    SHARED.get_or_init(open).as_ref()
}

fn open() -> Option<Shared> {
    let path = std::env::var_os("PLAYHOUSE_PADS")?;
    let path = std::ffi::CString::new(std::os::unix::ffi::OsStringExt::into_vec(path)).ok()?;
    // SAFETY: the path is a C string; the descriptor is closed below on every way.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    if fd < 0 {
        return None;
    }
    // SAFETY: `stat` is plain data that the call fills; the descriptor is open.
    let long_enough = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd, &raw mut stat) == 0 && stat.st_size >= 4096
    };
    let base = if long_enough {
        // SAFETY: a fresh mapping of a file that is long enough; nobody else knows its address.
        unsafe {
            libc::mmap(std::ptr::null_mut(), LEN, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd, 0)
        }
    } else {
        libc::MAP_FAILED
    };
    // SAFETY: the descriptor is ours and not used afterwards; the mapping outlives it.
    unsafe { libc::close(fd) };
    if base == libc::MAP_FAILED {
        return None;
    }
    let shared = Shared { base: base.cast_const().cast() };
    (shared.word(0).load(Ordering::Acquire) == MAGIC).then_some(shared)
}

impl Shared {
    fn word(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset < LEN && offset.is_multiple_of(4));
        // SAFETY: `offset` is within the mapping and aligned; atomics may be changed by others at any time.
        unsafe { &*self.base.add(offset / 4) }
    }

    /// Pads that the game sees from its start.
    pub(crate) fn always(&self) -> usize {
        (self.word(4).load(Ordering::Acquire) as usize).min(PADS)
    }

    /// Whether a pad is there.
    pub(crate) fn connected(&self, pad: usize) -> bool {
        self.word(FIRST + pad * STRIDE + 4).load(Ordering::Acquire) != 0
    }

    /// A pad's state; nothing while it is being written without end.
    pub(crate) fn state(&self, pad: usize) -> Option<State> {
        let at = FIRST + pad * STRIDE;
        for _ in 0..TRIES {
            let before = self.word(at).load(Ordering::Acquire);
            if before & 1 == 1 {
                std::hint::spin_loop();
                continue;
            }
            let words: [u32; 4] =
                std::array::from_fn(|word| self.word(at + 8 + word * 4).load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if self.word(at).load(Ordering::Relaxed) == before {
                return Some(unpack(words));
            }
        }
        None
    }

    /// The game shakes a pad.
    pub(crate) fn rumble(&self, pad: usize, strong: u16, weak: u16, milliseconds: u32) {
        let at = FIRST + pad * STRIDE + RUMBLE;
        let seq = self.word(at).load(Ordering::Relaxed) | 1;
        self.word(at).store(seq, Ordering::Relaxed);
        fence(Ordering::Release);
        self.word(at + 4).store(u32::from(strong) | (u32::from(weak) << 16), Ordering::Relaxed);
        self.word(at + 8).store(milliseconds, Ordering::Relaxed);
        self.word(at).store(seq.wrapping_add(1), Ordering::Release);
    }
}

fn unpack(words: [u32; 4]) -> State {
    let low = |word: u32| (word & 0xffff) as u16;
    let high = |word: u32| (word >> 16) as u16;
    let axis = u16::cast_signed;
    let [left, right, triggers] = [words[1], words[2], words[3]];
    State {
        buttons: words[0],
        axes: [axis(low(left)), axis(high(left)), axis(low(right)), axis(high(right))],
        triggers: [(triggers & 0xff) as u8, ((triggers >> 8) & 0xff) as u8],
    }
}
