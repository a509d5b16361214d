//! The page that pads are written into, for a game to read without a system call.
//!
//! Words of 32 bits in the machine's order: a mark, a count of connections and disconnections, then six words per
//! pad: sequence (odd while it is written), connected, buttons, left stick, right stick (x in the low half),
//! triggers (left in the low byte). `crates/joystick` reads it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use playhouse_play::input::{MAX_PADS, PadState};
use rustix::mm::{MapFlags, ProtFlags};

/// Words at the beginning.
const HEAD: usize = 2;

/// Words of a pad.
const PAD: usize = 6;

/// `PADS` in ASCII, and the layout's version below it.
const MARK: u32 = 0x5041_4401;

/// Bytes of the file.
const LEN: usize = 4096;

/// The mapped page. Only one thread at a time writes (see [`super::Pads`]).
#[derive(Debug)]
pub(super) struct Memory {
    words: NonNull<AtomicU32>,
}

#[expect(unsafe_code, reason = "a pointer to atomics is as good as a reference to them")]
// SAFETY: the page belongs to this value alone and is only reached through atomics.
unsafe impl Send for Memory {}

impl Memory {
    /// Makes the file with no pad connected.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        // A file of its own, whatever stood there: its length never changes as long as a game maps it, and a game
        // gets it read-only.
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        file.set_len(LEN as u64)?;
        #[expect(unsafe_code, reason = "shared memory")]
        // SAFETY: a new mapping at an address of the kernel's choice, of a file as long as it is.
        let at = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                LEN,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )?
        };
        let words = NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let memory = Self { words };
        memory.words()[1].store(1, Ordering::Relaxed);
        memory.words()[0].store(MARK, Ordering::Release);
        Ok(memory)
    }

    fn words(&self) -> &[AtomicU32] {
        #[expect(unsafe_code, reason = "shared memory")]
        // SAFETY: `LEN` bytes are mapped until drop, aligned as pages are, and only reached through atomics.
        unsafe {
            std::slice::from_raw_parts(self.words.as_ptr(), LEN / size_of::<AtomicU32>())
        }
    }

    /// Writes a pad's state; one that is not connected has none.
    pub(super) fn set(&mut self, pad: u8, state: Option<&PadState>) {
        debug_assert!(pad < MAX_PADS, "the caller checks");
        let at = HEAD + PAD * usize::from(pad);
        let words = &self.words()[at..at + PAD];
        let new = encode(state);
        let sequence = words[0].load(Ordering::Relaxed);
        words[0].store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let connection = words[1].load(Ordering::Relaxed) != new[0];
        for (word, value) in words[1..].iter().zip(new) {
            word.store(value, Ordering::Relaxed);
        }
        words[0].store(sequence.wrapping_add(2), Ordering::Release);
        if connection {
            self.words()[1].fetch_add(1, Ordering::Release);
        }
    }
}

fn encode(state: Option<&PadState>) -> [u32; PAD - 1] {
    let Some(state) = state else { return [0; PAD - 1] };
    let two = |low: i16, high: i16| u32::from(low.cast_unsigned()) | u32::from(high.cast_unsigned()) << 16;
    let [left_x, left_y, right_x, right_y] = state.axes;
    let [left, right] = state.triggers.map(u32::from);
    [1, state.buttons, two(left_x, left_y), two(right_x, right_y), left | right << 8]
}

impl Drop for Memory {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "shared memory")]
        // SAFETY: mapped by `create` with this length; nothing borrows it any longer.
        let done = unsafe { rustix::mm::munmap(self.words.as_ptr().cast(), LEN) };
        if let Err(error) = done {
            tracing::warn!(%error, "the memory of the pads stays mapped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sticks_and_triggers_stand_where_the_reader_looks() {
        let state = PadState { buttons: 0x8001, axes: [1, -1, 2, -2], triggers: [3, 4] };
        assert_eq!(encode(Some(&state)), [1, 0x8001, 0xffff_0001, 0xfffe_0002, 0x0403]);
    }

    #[test]
    fn a_count_tells_of_connections_and_of_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::create(&dir.path().join("state")).unwrap();
        let count = |memory: &Memory| memory.words()[1].load(Ordering::Relaxed);
        let before = count(&memory);
        memory.set(2, Some(&PadState::default()));
        memory.set(2, Some(&PadState { buttons: 1, ..PadState::default() }));
        assert_eq!(count(&memory), before + 1);
        memory.set(2, None);
        assert_eq!(count(&memory), before + 2);
    }
}
