//! The pads of a game: from shared memory to SDL's virtual joysticks.
//!
//! The layout of the memory is that of `stage::pads::memory`.

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering, fence};

use crate::sdl::{Description, Sdl};

/// Pads that a game can have.
const PADS: usize = 4;

/// Words at the beginning: a mark, and a number that counts up whenever a pad comes or goes.
const HEAD: usize = 2;

/// Words of a pad: sequence, connected, buttons, left stick, right stick, triggers.
const PAD: usize = 6;

/// `PADS` in ASCII, and the layout's version below it.
const MARK: u32 = 0x5041_4401;

/// Bytes mapped.
const LEN: usize = 4096;

/// `SDL_INIT_JOYSTICK`.
const INIT_JOYSTICK: u32 = 0x200;

/// No joystick.
const NONE: i32 = -1;

/// What the kernel calls such a pad, which games know.
const NAME: &[u8] = b"Microsoft X-Box 360 pad\0";

/// Buttons of that pad in the kernel's order; the bits are those of the W3C standard mapping.
const BUTTONS: [u32; 11] = [0, 1, 2, 3, 4, 5, 8, 9, 16, 10, 11];

/// Which of these buttons and axes are what, for SDL's game controllers: a virtual device (`ff`) of that vendor and
/// product, of the kind *virtual* (`76`, a `v`) and the type *game controller* (`01`).
const MAPPING: &[u8] = b"ff0000005e0400008e02000000007601,Microsoft X-Box 360 pad,\
    a:b0,b:b1,x:b2,y:b3,leftshoulder:b4,rightshoulder:b5,back:b6,start:b7,guide:b8,leftstick:b9,rightstick:b10,\
    leftx:a0,lefty:a1,lefttrigger:a2,rightx:a3,righty:a4,righttrigger:a5,\
    dpup:h0.1,dpright:h0.2,dpdown:h0.4,dpleft:h0.8,\0";

/// The shared page; null before it is looked for, [`crate::sdl::UNKNOWN`] where there is none.
static MEMORY: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// The number of changes that the joysticks of now come from.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// SDL's numbers of the attached joysticks.
static ATTACHED: [AtomicI32; PADS] = [const { AtomicI32::new(NONE) }; PADS];

/// Whether somebody is at it already.
static BUSY: AtomicBool = AtomicBool::new(false);

/// The shared page as words, if there is one.
fn memory() -> Option<&'static [AtomicU32]> {
    let mut at = MEMORY.load(Ordering::Acquire);
    if at.is_null() {
        at = map().unwrap_or(crate::sdl::UNKNOWN.cast());
        MEMORY.store(at, Ordering::Release);
    }
    if at.cast() == crate::sdl::UNKNOWN {
        return None;
    }
    // SAFETY: `map` gave a readable page that is never unmapped, aligned as pages are; the other process writes it
    // only by atomic stores.
    Some(unsafe { std::slice::from_raw_parts(at, LEN / size_of::<AtomicU32>()) })
}

/// Joins the folder that the environment names with a file of it, as a C string.
fn path(file: &[u8], into: &mut [u8; 108]) -> Option<usize> {
    // SAFETY: the name is a C string; a game that changes its environment from another thread meanwhile has that
    // problem with every getenv of SDL as well.
    let folder = unsafe { libc::getenv(c"PLAYHOUSE_PADS".as_ptr()) };
    if folder.is_null() {
        return None;
    }
    // SAFETY: getenv gives a C string.
    let folder = unsafe { std::ffi::CStr::from_ptr(folder) }.to_bytes();
    let len = folder.len() + file.len();
    let room = into.get_mut(..len + 1)?;
    room[..folder.len()].copy_from_slice(folder);
    room[folder.len()..len].copy_from_slice(file);
    room[len] = 0;
    Some(len)
}

fn map() -> Option<*mut AtomicU32> {
    let mut name = [0; 108];
    path(b"/state", &mut name)?;
    // SAFETY: `name` is a C string; the descriptor is closed again, and the mapping stays without it. The file is
    // longer than what is mapped for as long as it exists: only Playhouse can write it, and never shortens it.
    let at = unsafe {
        let file = libc::open(name.as_ptr().cast::<c_char>(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let at = libc::mmap(std::ptr::null_mut(), LEN, libc::PROT_READ, libc::MAP_SHARED, file, 0);
        libc::close(file);
        at
    };
    if at == libc::MAP_FAILED {
        return None;
    }
    let at = at.cast::<AtomicU32>();
    // SAFETY: mapped above.
    let mark = unsafe { (*at).load(Ordering::Relaxed) };
    (mark == MARK).then_some(at)
}

/// Whether there are pads to be expected in this process.
pub(crate) fn wanted() -> bool {
    Sdl::get().is_some() && memory().is_some()
}

/// Notices that SDL was just initialised: joysticks of the time before are gone.
pub(crate) fn after_init() {
    if let (Some(sdl), Some(_)) = (Sdl::get(), memory()) {
        for attached in &ATTACHED {
            let instance = attached.load(Ordering::Relaxed);
            if instance != NONE && sdl.index(instance).is_none() {
                attached.store(NONE, Ordering::Relaxed);
            }
        }
        SEEN.store(0, Ordering::Relaxed);
        tick();
    }
}

/// Attaches and detaches joysticks where pads came or went; nearly always one comparison.
pub(crate) fn tick() {
    let Some(memory) = memory() else { return };
    let changes = memory[1].load(Ordering::Acquire);
    if changes == SEEN.load(Ordering::Relaxed) {
        return;
    }
    let Some(sdl) = Sdl::get() else { return };
    if (sdl.was_init)(INIT_JOYSTICK) == 0 || BUSY.swap(true, Ordering::Acquire) {
        return;
    }
    for (pad, attached) in ATTACHED.iter().enumerate() {
        let connected = read(memory, pad).connected;
        let instance = attached.load(Ordering::Relaxed);
        if connected && instance == NONE {
            attached.store(attach(&sdl, pad), Ordering::Relaxed);
        } else if !connected && instance != NONE {
            if let Some(index) = sdl.index(instance) {
                (sdl.detach)(index);
            }
            attached.store(NONE, Ordering::Relaxed);
        }
    }
    SEEN.store(changes, Ordering::Relaxed);
    BUSY.store(false, Ordering::Release);
}

fn attach(sdl: &Sdl, pad: usize) -> i32 {
    (sdl.add_mapping)(MAPPING.as_ptr().cast());
    let description = Description {
        version: 1,
        // SDL_JOYSTICK_TYPE_GAMECONTROLLER
        kind: 1,
        axes: 6,
        buttons: BUTTONS.len() as u16,
        hats: 1,
        vendor: 0x045e,
        product: 0x028e,
        padding: 0,
        button_mask: 0,
        axis_mask: 0,
        name: NAME.as_ptr().cast(),
        userdata: std::ptr::without_provenance_mut(pad),
        update: Some(update),
        set_player_index: None,
        rumble: Some(rumble),
        rumble_triggers: None,
        set_led: None,
        send_effect: None,
    };
    // SDL copies the description and the name.
    let index = (sdl.attach)(&raw const description);
    if index < 0 { NONE } else { (sdl.instance)(index) }
}

/// A pad's state, as `play::input::PadState` has it.
#[derive(Clone, Copy, Default)]
struct State {
    connected: bool,
    buttons: u32,
    axes: [i16; 4],
    triggers: [u8; 2],
}

/// Reads a pad; tries again while it is being written.
fn read(memory: &[AtomicU32], pad: usize) -> State {
    /// Writing takes nanoseconds; where the writer was stopped in its midst, the next update reads again.
    const TRIES: usize = 1000;
    let Some(words) = memory.get(HEAD + PAD * pad..).and_then(|words| words.first_chunk::<PAD>()) else {
        return State::default();
    };
    let word = |index: usize| words[index].load(Ordering::Relaxed);
    let two = |word: u32| [word as u16 as i16, (word >> 16) as i16];
    let mut state = State::default();
    for _ in 0..TRIES {
        let before = words[0].load(Ordering::Acquire);
        let ([left_x, left_y], [right_x, right_y]) = (two(word(3)), two(word(4)));
        state = State {
            connected: word(1) != 0,
            buttons: word(2),
            axes: [left_x, left_y, right_x, right_y],
            triggers: [word(5) as u8, (word(5) >> 8) as u8],
        };
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && words[0].load(Ordering::Relaxed) == before {
            break;
        }
        std::hint::spin_loop();
    }
    state
}

/// SDL asks for the state of a pad that the game has opened.
extern "C" fn update(userdata: *mut c_void) {
    let pad = userdata.addr();
    let (Some(sdl), Some(memory), Some(attached)) = (Sdl::get(), memory(), ATTACHED.get(pad)) else { return };
    let joystick = (sdl.opened)(attached.load(Ordering::Relaxed));
    if joystick.is_null() {
        return;
    }
    let state = read(memory, pad);
    let [left_x, left_y, right_x, right_y] = state.axes;
    let [left, right] = state.triggers.map(|trigger| (i32::from(trigger) * 257 - 32_768) as i16);
    for (axis, value) in [left_x, left_y, left, right_x, right_y, right].into_iter().enumerate() {
        (sdl.set_axis)(joystick, axis as c_int, value);
    }
    let held = |bit: u32| (state.buttons >> bit & 1) as u8;
    for (button, bit) in BUTTONS.into_iter().enumerate() {
        (sdl.set_button)(joystick, button as c_int, held(bit));
    }
    // Up 1, right 2, down 4, left 8; opposite directions cancel each other, as no hat can point both ways.
    let [up, down, left, right] = [12, 13, 14, 15].map(held);
    let hat = (up & !down & 1) | (right & !left & 1) << 1 | (down & !up & 1) << 2 | (left & !right & 1) << 3;
    (sdl.set_hat)(joystick, 0, hat);
}

/// SDL wants a pad to rumble until it says otherwise; strong is the slow, heavy motor.
extern "C" fn rumble(userdata: *mut c_void, strong: u16, weak: u16) -> c_int {
    let mut message = [0; 5];
    message[0] = userdata.addr() as u8;
    message[1..3].copy_from_slice(&strong.to_le_bytes());
    message[3..5].copy_from_slice(&weak.to_le_bytes());
    let mut name = [0; 108];
    let Some(len) = path(b"/rumble", &mut name) else { return -1 };
    // SAFETY: all zeros is a value of that struct.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, from) in address.sun_path.iter_mut().zip(&name[..len]) {
        *to = *from as c_char;
    }
    let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: message and address outlive the call; the socket is closed again. It does not block where nobody reads.
    let sent = unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return -1;
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let sent = libc::sendto(
            socket,
            message.as_ptr().cast(),
            message.len(),
            flags,
            (&raw const address).cast(),
            size,
        );
        libc::close(socket);
        sent
    };
    if sent < 0 { -1 } else { 0 }
}
