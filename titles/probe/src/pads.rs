//! Gamepads, as the kernel (or what stands in for it) shows them: `/dev/input/event*`.
//!
//! What matters here: presses (of buttons, and of the hat away from its middle), and where the left stick is. Where the
//! machine has no such devices the session shares the pads' state in a file (`state` in the folder `PLAYHOUSE_PADS`, laid out in
//! `crates/stage/src/pads/memory.rs`).

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// Devices that are looked for.
const DEVICES: u32 = 32;
/// How often.
const LOOK: Duration = Duration::from_secs(1);

/// Pads that are told apart.
const PADS: usize = 4;

/// The shared file's records, and how often they are looked at: while there is a pad, and while there is none.
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
/// The left stick.
const ABS_X: u16 = 0;
const ABS_Y: u16 = 1;
/// `ABS_HAT0X`, `ABS_HAT0Y`.
const HAT: std::ops::Range<u16> = 0x10..0x12;

/// Half the way of a stick.
const REACH: f32 = 32_767.0;

/// What a pad is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pad {
    /// Whether it is there. A device of the kernel is one of ours from its first press or move on.
    pub connected: bool,
    /// Left stick, -1 on the left to 1 on the right, and -1 at the top to 1 at the bottom.
    pub stick: (f32, f32),
}

type State = Arc<Mutex<[Pad; PADS]>>;

/// Tells of presses through a pipe, so that a display's loop can wait for both.
pub struct Pads {
    pipe: PipeReader,
    state: State,
    /// Keeps the pipe from hanging up where there is nobody to look for pads: a display's loop would wait no more.
    _writer: PipeWriter,
}

impl Pads {
    /// Looks for pads from now on.
    pub fn start() -> io::Result<Self> {
        let (pipe, writer) = io::pipe()?;
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        let kept = writer.try_clone()?;
        let state = State::default();
        let shared = state.clone();
        match std::env::var_os("PLAYHOUSE_PADS") {
            Some(folder) => {
                let file = File::open(Path::new(&folder).join("state"))?;
                thread::Builder::new()
                    .name("pads".to_owned())
                    .spawn(move || follow(&file, writer, &shared))?
            }
            None => thread::Builder::new().name("pads".to_owned()).spawn(move || watch(writer, &shared))?,
        };
        Ok(Self { pipe, state, _writer: kept })
    }

    /// Readable when there were presses.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Presses since the last question.
    pub fn presses(&self) -> usize {
        let mut bytes = [0; 64];
        (&self.pipe).read(&mut bytes).unwrap_or(0)
    }

    /// What the pads are like now, each at its own place.
    pub fn now(&self) -> [Pad; PADS] {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the buttons in the shared file; a press between two looks is seen as long as it is held for one.
fn follow(file: &File, mut pipe: PipeWriter, state: &State) {
    let mut held = [0_u32; PADS];
    let mut records = [0; SHARED_STRIDE * PADS];
    while file.read_exact_at(&mut records, SHARED_FIRST).is_ok() {
        let mut now = [Pad::default(); PADS];
        for ((record, held), pad) in records.chunks_exact(SHARED_STRIDE).zip(&mut held).zip(&mut now) {
            let word = |at: usize| record[at..].first_chunk().copied().map_or(0, u32::from_ne_bytes);
            let (buttons, [x0, x1, y0, y1]) = (word(8), word(12).to_ne_bytes());
            let axis = |low, high| place(i16::from_ne_bytes([low, high]).into());
            *pad = Pad { connected: word(4) != 0, stick: (axis(x0, x1), axis(y0, y1)) };
            let presses = (buttons & !*held).count_ones() as usize;
            *held = buttons;
            if presses > 0 && pipe.write_all(&vec![1; presses]).is_err() {
                return;
            }
        }
        *state.lock().unwrap_or_else(PoisonError::into_inner) = now;
        thread::sleep(if now.iter().any(|pad| pad.connected) { SHARED_LOOK } else { SHARED_REST });
    }
}

/// A device of the kernel.
struct Device {
    number: u32,
    file: File,
    /// Its place among the pads, once it has shown to be one.
    place: Option<usize>,
}

fn watch(mut pipe: PipeWriter, state: &State) {
    let mut devices: Vec<Device> = Vec::new();
    loop {
        for number in 0..DEVICES {
            if devices.iter().all(|device| device.number != number) {
                devices.extend(open(number).map(|file| Device { number, file, place: None }));
            }
        }
        let mut files: Vec<_> =
            devices.iter().map(|device| PollFd::new(&device.file, PollFlags::IN)).collect();
        let wait = Timespec::try_from(LOOK).ok();
        // An interrupted wait is one that took shorter.
        poll(&mut files, wait.as_ref()).ok();
        let ready: Vec<bool> = files.iter().map(|file| !file.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let mut alive = true;
        let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
        devices.retain_mut(|device| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            let Some(presses) = device.read(&mut now) else {
                if let Some(place) = device.place {
                    now[place] = Pad::default();
                }
                return false;
            };
            alive &= pipe.write_all(&vec![1; presses]).is_ok();
            true
        });
        drop(now);
        if !alive {
            return;
        }
    }
}

impl Device {
    /// Presses that it tells of now, or nothing where it is gone.
    fn read(&mut self, pads: &mut [Pad; PADS]) -> Option<usize> {
        let mut bytes = [0; EVENT * 64];
        let count = match self.file.read(&mut bytes) {
            Ok(0) => return None,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => return None,
        };
        let events = || bytes[..count].chunks_exact(EVENT);
        let presses = events().filter(|event| is_press(event)).count();
        let moves = || events().filter_map(moved);
        if presses > 0 || moves().next().is_some() {
            self.place = self.place.or_else(|| pads.iter().position(|pad| !pad.connected));
        }
        if let Some(pad) = self.place.and_then(|place| pads.get_mut(place)) {
            pad.connected = true;
            for (axis, at) in moves() {
                *(if axis == ABS_X { &mut pad.stick.0 } else { &mut pad.stick.1 }) = at;
            }
        }
        Some(presses)
    }
}

fn open(number: u32) -> Option<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(format!("/dev/input/event{number}")).ok()
}

fn place(level: i32) -> f32 {
    (level as f32 / REACH).clamp(-1.0, 1.0)
}

/// Type, code and value.
fn parts(event: &[u8]) -> Option<(u16, u16, i32)> {
    let &[k0, k1, c0, c1, v0, v1, v2, v3] = event.last_chunk::<8>()?;
    let (kind, code) = (u16::from_ne_bytes([k0, k1]), u16::from_ne_bytes([c0, c1]));
    Some((kind, code, i32::from_ne_bytes([v0, v1, v2, v3])))
}

/// Which of the left stick's axes is where now.
fn moved(event: &[u8]) -> Option<(u16, f32)> {
    let (kind, code, value) = parts(event)?;
    (kind == EV_ABS && (code == ABS_X || code == ABS_Y)).then(|| (code, place(value)))
}

fn is_press(event: &[u8]) -> bool {
    let Some((kind, code, value)) = parts(event) else { return false };
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

    #[test]
    fn the_left_stick_is_followed_to_both_ends() {
        assert_eq!(moved(&event(EV_ABS, ABS_X, -32_768)), Some((ABS_X, -1.0)));
        assert_eq!(moved(&event(EV_ABS, ABS_Y, 32_767)), Some((ABS_Y, 1.0)));
        assert_eq!(moved(&event(EV_ABS, 0x03, 9)), None);
    }

    #[test]
    fn a_shared_pad_is_where_its_player_is_and_goes_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut words = [0_u32; 2 + 6 * PADS];
        words[2 + 6 + 1] = 1;
        words[2 + 6 + 3] = u32::from((-16_384_i16).cast_unsigned());
        let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        std::fs::write(&path, bytes(&words)).unwrap();
        let (_pipe, writer) = io::pipe().unwrap();
        let (state, file) = (State::default(), File::open(&path).unwrap());
        let shared = state.clone();
        let thread =
            thread::Builder::new().name("pads".to_owned()).spawn(move || follow(&file, writer, &shared));
        let until = |wanted: &dyn Fn([Pad; PADS]) -> bool| {
            let began = std::time::Instant::now();
            while !wanted(*state.lock().unwrap()) {
                assert!(began.elapsed() < Duration::from_secs(20), "the pad is not seen");
                thread::yield_now();
            }
        };
        until(&|pads| pads[1].connected && (pads[1].stick.0 + 0.5).abs() < 0.001 && !pads[0].connected);
        words[2 + 6 + 1] = 0;
        OpenOptions::new().write(true).open(&path).unwrap().write_all(&bytes(&words)).unwrap();
        until(&|pads| !pads[1].connected);
        drop(thread.unwrap());
    }
}
