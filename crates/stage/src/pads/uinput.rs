//! Gamepads as devices of the kernel, through `/dev/uinput`.
//!
//! They look like the pads of an Xbox 360, whose layout every game knows, and can rumble. The kernel's interface is
//! described in `Documentation/input/uinput.rst` and `linux/uinput.h`. It has not been run against a kernel yet: its
//! tests check the numbers and bytes that a kernel would see.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use playhouse_play::input::PadState;
use rustix::event::{EventfdFlags, PollFd, PollFlags};

use super::Rumble;
use crate::sandbox::{Access, Grant, Mount};

mod code {
    //! `linux/input-event-codes.h`.
    pub(super) const EV_SYN: u16 = 0;
    pub(super) const EV_KEY: u16 = 1;
    pub(super) const EV_ABS: u16 = 3;
    pub(super) const EV_FF: u16 = 0x15;
    pub(super) const EV_UINPUT: u16 = 0x101;
    pub(super) const FF_RUMBLE: u16 = 0x50;
    pub(super) const UI_FF_UPLOAD: u16 = 1;
    pub(super) const UI_FF_ERASE: u16 = 2;
    /// `ABS_X`, `ABS_Y`, `ABS_RX`, `ABS_RY`: sticks.
    pub(super) const STICKS: [u16; 4] = [0, 1, 3, 4];
    /// `ABS_Z`, `ABS_RZ`: triggers.
    pub(super) const TRIGGERS: [u16; 2] = [2, 5];
    /// `ABS_HAT0X`, `ABS_HAT0Y`.
    pub(super) const HAT: [u16; 2] = [0x10, 0x11];
    /// `BTN_SOUTH` and so on, with the bit of the standard mapping that each has.
    pub(super) const BUTTONS: [(u16, u32); 11] = [
        (0x130, 0),
        (0x131, 1),
        (0x133, 2),
        (0x134, 3),
        (0x136, 4),
        (0x137, 5),
        (0x13a, 8),
        (0x13b, 9),
        (0x13c, 16),
        (0x13d, 10),
        (0x13e, 11),
    ];
}

/// Rumble effects that a game may store in a pad.
const EFFECTS: usize = 16;

/// How long the kernel plays an effect whose length a game leaves open.
const OPEN_END_MILLIS: u16 = 2500;

#[expect(clippy::cast_possible_truncation, reason = "sizes of the kernel's structs have at most 14 bits")]
/// An ioctl of uinput (`'U'`): direction, number and size of what is passed, as `asm-generic/ioctl.h` puts them.
const fn ioctl(direction: u32, number: u32, size: usize) -> u32 {
    direction << 30 | (size as u32) << 16 | (b'U' as u32) << 8 | number
}

const NO_DATA: u32 = 0;
const WRITE: u32 = 1;
const READ: u32 = 2;
const UI_DEV_CREATE: u32 = ioctl(NO_DATA, 1, 0);
const UI_DEV_SETUP: u32 = ioctl(WRITE, 3, size_of::<libc::uinput_setup>());
const UI_ABS_SETUP: u32 = ioctl(WRITE, 4, size_of::<libc::uinput_abs_setup>());
/// The buffer for the device's name in sysfs.
const NAME_LEN: usize = 64;
const UI_GET_SYSNAME: u32 = ioctl(READ, 44, NAME_LEN);
const UI_SET_EVBIT: u32 = ioctl(WRITE, 100, size_of::<libc::c_int>());
const UI_SET_KEYBIT: u32 = ioctl(WRITE, 101, size_of::<libc::c_int>());
const UI_SET_FFBIT: u32 = ioctl(WRITE, 107, size_of::<libc::c_int>());
const UI_BEGIN_FF_UPLOAD: u32 = ioctl(READ | WRITE, 200, size_of::<libc::uinput_ff_upload>());
const UI_END_FF_UPLOAD: u32 = ioctl(WRITE, 201, size_of::<libc::uinput_ff_upload>());
const UI_BEGIN_FF_ERASE: u32 = ioctl(READ | WRITE, 202, size_of::<libc::uinput_ff_erase>());
const UI_END_FF_ERASE: u32 = ioctl(WRITE, 203, size_of::<libc::uinput_ff_erase>());

/// Passes a number.
fn set(file: &File, request: u32, value: u16) -> io::Result<()> {
    #[expect(unsafe_code, reason = "uinput is made of ioctls")]
    // SAFETY: these requests take a number and touch no memory of ours.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), request.into(), libc::c_int::from(value)) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Passes a value in and out.
fn exchange<T>(file: &File, request: u32, value: &mut T) -> io::Result<()> {
    debug_assert_eq!((request >> 16 & 0x3fff) as usize, size_of::<T>(), "the request names its size");
    #[expect(unsafe_code, reason = "uinput is made of ioctls")]
    // SAFETY: the kernel reads and writes as many bytes as the request's size says, which are those of `value`;
    // every `T` here is a struct of integers, for which any bytes are valid.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), request.into(), std::ptr::from_mut(value)) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn zeroed<T>() -> T {
    #[expect(unsafe_code, reason = "structs of the kernel's interface with padding and unions")]
    // SAFETY: every `T` here is a struct of integers.
    unsafe {
        std::mem::zeroed()
    }
}

/// The devices of a session, and the thread that carries their rumble back.
#[derive(Debug)]
pub(super) struct Devices {
    pads: Vec<Device>,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Device {
    file: Arc<File>,
    /// What the kernel was told last, so that only changes are told.
    values: Vec<i32>,
    /// `/dev/input/event*` and, where there is one, `/dev/input/js*`.
    nodes: Vec<PathBuf>,
}

impl Devices {
    /// Whether this machine lets us make devices.
    pub(super) fn possible() -> bool {
        open().is_ok()
    }

    pub(super) fn create(count: u8, rumble: Rumble) -> io::Result<Self> {
        let pads = (0..count).map(|_| Device::create()).collect::<io::Result<Vec<_>>>()?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?;
        let own = stop.try_clone()?;
        let files: Vec<_> = pads.iter().map(|pad| Arc::clone(&pad.file)).collect();
        let thread = std::thread::Builder::new()
            .name("rumble".to_owned())
            .spawn(move || listen(&files, &own, rumble))?;
        Ok(Self { pads, stop, thread: Some(thread) })
    }

    pub(super) fn set(&mut self, pad: u8, state: &PadState) {
        if let Some(device) = self.pads.get_mut(usize::from(pad))
            && let Err(error) = device.set(state)
        {
            tracing::warn!(%error, pad, "a gamepad's state could not be passed on");
        }
    }

    pub(super) fn grant(&self) -> Grant {
        let mounts = self
            .pads
            .iter()
            .flat_map(|pad| &pad.nodes)
            .map(|node| Mount { outside: node.clone(), inside: node.clone(), access: Access::Device })
            .collect();
        // There is no udev inside: SDL is to look into the folder itself.
        Grant { mounts, env: vec![("SDL_JOYSTICK_DISABLE_UDEV".to_owned(), "1".to_owned())] }
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).ok();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the rumble thread panicked");
        }
    }
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/uinput")
}

impl Device {
    fn create() -> io::Result<Self> {
        let file = open()?;
        for kind in [code::EV_KEY, code::EV_ABS, code::EV_FF] {
            set(&file, UI_SET_EVBIT, kind)?;
        }
        for (button, _) in code::BUTTONS {
            set(&file, UI_SET_KEYBIT, button)?;
        }
        set(&file, UI_SET_FFBIT, code::FF_RUMBLE)?;
        for (axis, minimum, maximum, fuzz, flat) in axes() {
            let mut setup: libc::uinput_abs_setup = zeroed();
            setup.code = axis;
            setup.absinfo.minimum = minimum;
            setup.absinfo.maximum = maximum;
            setup.absinfo.fuzz = fuzz;
            setup.absinfo.flat = flat;
            exchange(&file, UI_ABS_SETUP, &mut setup)?;
        }
        let mut setup: libc::uinput_setup = zeroed();
        // BUS_USB, Microsoft, wired pad, as the kernel's xpad driver reports them.
        (setup.id.bustype, setup.id.vendor, setup.id.product, setup.id.version) = (3, 0x045e, 0x028e, 0x0114);
        for (to, from) in setup.name.iter_mut().zip(b"Microsoft X-Box 360 pad") {
            *to = from.cast_signed();
        }
        setup.ff_effects_max = u32::try_from(EFFECTS).unwrap_or(u32::MAX);
        exchange(&file, UI_DEV_SETUP, &mut setup)?;
        set(&file, UI_DEV_CREATE, 0)?;
        let mut name = [0_u8; NAME_LEN];
        exchange(&file, UI_GET_SYSNAME, &mut name)?;
        let name: Vec<u8> = name.into_iter().take_while(|byte| *byte != 0).collect();
        let nodes =
            nodes(&Path::new("/sys/devices/virtual/input").join(String::from_utf8_lossy(&name).as_ref()))?;
        Ok(Self { file: Arc::new(file), values: Vec::new(), nodes })
    }

    fn set(&mut self, state: &PadState) -> io::Result<()> {
        let values = values(state);
        let mut bytes = Vec::new();
        for (index, (kind, code, value)) in values.iter().enumerate() {
            if self.values.get(index) != Some(value) {
                event(&mut bytes, *kind, *code, *value);
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        event(&mut bytes, code::EV_SYN, 0, 0);
        (&*self.file).write_all(&bytes)?;
        self.values = values.into_iter().map(|(_, _, value)| value).collect();
        Ok(())
    }
}

/// Axis, minimum, maximum, fuzz and flat, as xpad has them.
fn axes() -> impl Iterator<Item = (u16, i32, i32, i32, i32)> {
    let sticks = code::STICKS.map(|axis| (axis, -32_768, 32_767, 16, 128));
    let triggers = code::TRIGGERS.map(|axis| (axis, 0, 255, 0, 0));
    let hat = code::HAT.map(|axis| (axis, -1, 1, 0, 0));
    sticks.into_iter().chain(triggers).chain(hat)
}

/// A state as type, code and value of each event.
fn values(state: &PadState) -> Vec<(u16, u16, i32)> {
    let held = |bit: u32| i32::from(state.buttons >> bit & 1 == 1);
    let buttons = code::BUTTONS.map(|(button, bit)| (code::EV_KEY, button, held(bit)));
    let sticks =
        code::STICKS.into_iter().zip(state.axes).map(|(axis, value)| (code::EV_ABS, axis, value.into()));
    let triggers = code::TRIGGERS.into_iter().zip(state.triggers);
    let triggers = triggers.map(|(axis, value)| (code::EV_ABS, axis, value.into()));
    let [up, down, left, right] = [12, 13, 14, 15].map(held);
    let hat = code::HAT.into_iter().zip([right - left, down - up]);
    let hat = hat.map(|(axis, value)| (code::EV_ABS, axis, value));
    buttons.into_iter().chain(sticks).chain(triggers).chain(hat).collect()
}

/// One `input_event`; the kernel fills in the time.
fn event(bytes: &mut Vec<u8>, kind: u16, code: u16, value: i32) {
    bytes.extend([0; size_of::<libc::timeval>()]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(code.to_ne_bytes());
    bytes.extend(value.to_ne_bytes());
}

/// The nodes of a device, by its folder in sysfs.
fn nodes(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut nodes = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("event") || name.starts_with("js") {
            nodes.push(Path::new("/dev/input").join(name.as_ref()));
        }
    }
    Ok(nodes)
}

/// Strengths of an effect, and how long it lasts.
type Effect = (u16, u16, u16);

fn listen(files: &[Arc<File>], stop: &OwnedFd, mut rumble: Rumble) {
    let mut effects = vec![[(0, 0, 0); EFFECTS]; files.len()];
    loop {
        let mut fds: Vec<PollFd<'_>> = files.iter().map(|file| PollFd::new(file, PollFlags::IN)).collect();
        fds.push(PollFd::new(stop, PollFlags::IN));
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "the rumble thread ends");
                return;
            }
        }
        if fds.last().is_some_and(|stop| !stop.revents().is_empty()) {
            return;
        }
        for ((pad, file), effects) in (0..).zip(files).zip(&mut effects) {
            let mut bytes = [0; size_of::<libc::input_event>()];
            while let Ok(count) = (&**file).read(&mut bytes) {
                let Some((kind, code, value)) = decode(&bytes[..count]) else { break };
                match answer(file, effects, kind, code, value) {
                    Ok(Some((strong, weak, millis))) => rumble(pad, strong, weak, millis),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "a rumble effect could not be taken"),
                }
            }
        }
    }
}

fn decode(bytes: &[u8]) -> Option<(u16, u16, i32)> {
    let rest = bytes.get(size_of::<libc::timeval>()..)?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (code, rest) = rest.split_first_chunk()?;
    let value = rest.try_into().ok()?;
    Some((u16::from_ne_bytes(*kind), u16::from_ne_bytes(*code), i32::from_ne_bytes(value)))
}

/// Takes an effect in, forgets one, or says what one does.
fn answer(
    file: &File,
    effects: &mut [Effect; EFFECTS],
    kind: u16,
    code: u16,
    value: i32,
) -> io::Result<Option<Effect>> {
    let slot = |id: i16| usize::try_from(id).ok().filter(|id| *id < EFFECTS);
    match (kind, code) {
        (code::EV_UINPUT, code::UI_FF_UPLOAD) => {
            let mut upload: libc::uinput_ff_upload = zeroed();
            upload.request_id = value.cast_unsigned();
            exchange(file, UI_BEGIN_FF_UPLOAD, &mut upload)?;
            let effect = &upload.effect;
            // `ff_rumble_effect`, the first member of the union: strong, then weak.
            let [strong, weak, ..] = effect.u[0].to_ne_bytes().as_chunks::<2>().0.to_vec()[..] else {
                return Ok(None);
            };
            if effect.type_ == code::FF_RUMBLE
                && let Some(id) = slot(effect.id)
            {
                let millis = if effect.replay.length == 0 { OPEN_END_MILLIS } else { effect.replay.length };
                effects[id] = (u16::from_ne_bytes(strong), u16::from_ne_bytes(weak), millis);
            }
            upload.retval = 0;
            exchange(file, UI_END_FF_UPLOAD, &mut upload)?;
            Ok(None)
        }
        (code::EV_UINPUT, code::UI_FF_ERASE) => {
            let mut erase: libc::uinput_ff_erase = zeroed();
            erase.request_id = value.cast_unsigned();
            exchange(file, UI_BEGIN_FF_ERASE, &mut erase)?;
            if let Some(id) = i16::try_from(erase.effect_id).ok().and_then(slot) {
                effects[id] = (0, 0, 0);
            }
            erase.retval = 0;
            exchange(file, UI_END_FF_ERASE, &mut erase)?;
            Ok(None)
        }
        (code::EV_FF, id) => {
            let effect = i16::try_from(id).ok().and_then(slot).map_or((0, 0, 0), |id| effects[id]);
            Ok(Some(if value == 0 { (0, 0, 0) } else { effect }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_numbers_of_the_kernels_header() {
        assert_eq!(UI_DEV_CREATE, 0x5501);
        assert_eq!(UI_DEV_SETUP, 0x405c_5503);
        assert_eq!(UI_ABS_SETUP, 0x401c_5504);
        assert_eq!(UI_SET_EVBIT, 0x4004_5564);
        assert_eq!(UI_SET_KEYBIT, 0x4004_5565);
        assert_eq!(UI_SET_FFBIT, 0x4004_556b);
        if cfg!(target_pointer_width = "64") {
            assert_eq!(UI_BEGIN_FF_UPLOAD, 0xc068_55c8);
            assert_eq!(UI_END_FF_UPLOAD, 0x4068_55c9);
        }
        assert_eq!(UI_BEGIN_FF_ERASE, 0xc00c_55ca);
    }

    #[test]
    fn events_are_read_as_they_are_written() {
        let mut bytes = Vec::new();
        event(&mut bytes, code::EV_ABS, 3, -5);
        assert_eq!(bytes.len(), size_of::<libc::input_event>());
        assert_eq!(decode(&bytes), Some((code::EV_ABS, 3, -5)));
        assert_eq!(decode(&bytes[1..]), None);
    }

    #[test]
    fn the_cross_is_a_hat_and_the_rest_are_buttons() {
        let state =
            PadState { buttons: 1 | 1 << 9 | 1 << 12 | 1 << 15, axes: [0, 7, 0, 0], triggers: [0, 9] };
        let values = values(&state);
        let value = |kind, code| values.iter().find(|event| (event.0, event.1) == (kind, code)).unwrap().2;
        assert_eq!(
            (value(code::EV_KEY, 0x130), value(code::EV_KEY, 0x131), value(code::EV_KEY, 0x13b)),
            (1, 0, 1)
        );
        assert_eq!((value(code::EV_ABS, 0x10), value(code::EV_ABS, 0x11)), (1, -1));
        assert_eq!((value(code::EV_ABS, 1), value(code::EV_ABS, 5)), (7, 9));
    }
}
