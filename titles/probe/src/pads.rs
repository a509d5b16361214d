//! Gamepads, as the kernel (or what stands in for it) shows them: `/dev/input/event*`.
//!
//! Presses alone matter here: buttons, and the hat away from its middle. Where the machine has no such devices the
//! session shares the pads' state in a file (`state` in the folder `PLAYHOUSE_PADS`, laid out in
//! `crates/stage/src/pads/memory.rs`).

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// Devices that are looked for.
const DEVICES: u32 = 32;
/// How often.
const LOOK: Duration = Duration::from_secs(1);

/// The shared file's records, and how often they are looked at: while there is a pad, and while there is none.
const SHARED_PADS: usize = 4;
const SHARED_FIRST: u64 = 8;
const SHARED_STRIDE: usize = 24;
const SHARED_LOOK: Duration = Duration::from_millis(2);
const SHARED_REST: Duration = Duration::from_millis(100);

/// Bytes of `struct input_event`: the time, then type, code, value.
const EVENT: usize = size_of::<libc::input_event>();
const EV_KEY: u16 = 1;
const EV_ABS: u16 = 3;
/// `BTN_JOYSTICK` up to the last of `BTN_GAMEPAD`.
const BUTTONS: std::ops::Range<u16> = 0x120..0x140;
/// `BTN_DPAD_UP` and its three others.
const HAT_BUTTONS: std::ops::Range<u16> = 0x220..0x224;
/// `ABS_HAT0X`, `ABS_HAT0Y`.
const HAT: std::ops::Range<u16> = 0x10..0x12;

/// Tells of presses through a pipe, so that a display's loop can wait for both.
pub(crate) struct Pads {
    pipe: PipeReader,
    /// Keeps the pipe from hanging up where there is nobody to look for pads: a display's loop would wait no more.
    _writer: PipeWriter,
}

impl Pads {
    /// Looks for pads from now on.
    pub(crate) fn start() -> io::Result<Self> {
        let (pipe, writer) = io::pipe()?;
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        let kept = writer.try_clone()?;
        match std::env::var_os("PLAYHOUSE_PADS") {
            Some(folder) => {
                let file = File::open(Path::new(&folder).join("state"))?;
                thread::Builder::new().name("pads".to_owned()).spawn(move || follow(&file, writer))?
            }
            None => thread::Builder::new().name("pads".to_owned()).spawn(move || watch(writer))?,
        };
        Ok(Self { pipe, _writer: kept })
    }

    /// Readable when there were presses.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Presses since the last question.
    pub(crate) fn presses(&self) -> usize {
        let mut bytes = [0; 64];
        (&self.pipe).read(&mut bytes).unwrap_or(0)
    }
}

/// Looks at the buttons in the shared file; a press between two looks is seen as long as it is held for one.
fn follow(file: &File, mut pipe: PipeWriter) {
    let mut held = [0_u32; SHARED_PADS];
    let mut records = [0; SHARED_STRIDE * SHARED_PADS];
    while file.read_exact_at(&mut records, SHARED_FIRST).is_ok() {
        let mut pads = 0;
        for (record, held) in records.chunks_exact(SHARED_STRIDE).zip(&mut held) {
            let word = |at: usize| record[at..].first_chunk().copied().map_or(0, u32::from_ne_bytes);
            let (connected, buttons) = (word(4), word(8));
            pads += connected;
            let presses = (buttons & !*held).count_ones() as usize;
            *held = buttons;
            if presses > 0 && pipe.write_all(&vec![1; presses]).is_err() {
                return;
            }
        }
        thread::sleep(if pads > 0 { SHARED_LOOK } else { SHARED_REST });
    }
}

fn watch(mut pipe: PipeWriter) {
    let mut pads: Vec<(u32, File)> = Vec::new();
    loop {
        for number in 0..DEVICES {
            if pads.iter().all(|(open, _)| *open != number) {
                pads.extend(open(number).map(|file| (number, file)));
            }
        }
        let mut files: Vec<_> = pads.iter().map(|(_, file)| PollFd::new(file, PollFlags::IN)).collect();
        let wait = Timespec::try_from(LOOK).ok();
        // An interrupted wait is one that took shorter.
        poll(&mut files, wait.as_ref()).ok();
        let ready: Vec<bool> = files.iter().map(|file| !file.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let mut alive = true;
        pads.retain_mut(|(_, file)| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            let Some(presses) = presses(file) else { return false };
            alive &= pipe.write_all(&vec![1; presses]).is_ok();
            true
        });
        if !alive {
            return;
        }
    }
}

fn open(number: u32) -> Option<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(format!("/dev/input/event{number}")).ok()
}

/// Presses that a pad tells of now, or nothing where it is gone.
fn presses(file: &mut File) -> Option<usize> {
    let mut bytes = [0; EVENT * 64];
    match file.read(&mut bytes) {
        Ok(0) => None,
        Ok(count) => Some(bytes[..count].chunks_exact(EVENT).filter(|event| is_press(event)).count()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}

fn is_press(event: &[u8]) -> bool {
    let Some(&[k0, k1, c0, c1, v0, v1, v2, v3]) = event.last_chunk::<8>() else { return false };
    let (kind, code) = (u16::from_ne_bytes([k0, k1]), u16::from_ne_bytes([c0, c1]));
    let value = i32::from_ne_bytes([v0, v1, v2, v3]);
    match kind {
        EV_KEY => value == 1 && (BUTTONS.contains(&code) || HAT_BUTTONS.contains(&code)),
        EV_ABS => value != 0 && HAT.contains(&code),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut bytes = vec![7; EVENT - 8];
        bytes.extend(kind.to_ne_bytes().into_iter().chain(code.to_ne_bytes()).chain(value.to_ne_bytes()));
        bytes
    }

    #[test]
    fn a_button_counts_when_it_goes_down_and_a_keyboard_never() {
        assert!(is_press(&event(EV_KEY, 0x130, 1)));
        assert!(!is_press(&event(EV_KEY, 0x130, 0)));
        assert!(!is_press(&event(EV_KEY, 30, 1)));
        assert!(is_press(&event(EV_ABS, 0x11, -1)));
        assert!(!is_press(&event(EV_ABS, 0x00, 500)));
    }
}
