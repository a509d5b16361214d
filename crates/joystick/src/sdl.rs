//! SDL as it is found in the process.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// Not looked for yet; a null pointer means *looked for and not there*.
pub(crate) const UNKNOWN: *mut c_void = std::ptr::without_provenance_mut(1);

/// The function behind this library's own of the same name, as the given type; looked up once.
///
/// # Safety
/// The type has to be the function's.
macro_rules! real {
    ($name:expr, $kind:ty) => {{
        static SLOT: std::sync::atomic::AtomicPtr<std::ffi::c_void> =
            std::sync::atomic::AtomicPtr::new($crate::sdl::UNKNOWN);
        let found = $crate::sdl::find(&SLOT, $name);
        if found.is_null() { None } else { Some(std::mem::transmute::<*mut std::ffi::c_void, $kind>(found)) }
    }};
}
pub(crate) use real;

/// Libraries that a game's plug-in may have brought along. The first that is there is what the game uses: libraries
/// of sound bring an SDL 2 of their own into games of SDL 1.2.
const LIBRARIES: [&CStr; 2] = [c"libSDL-1.2.so.0", c"libSDL2-2.0.so.0"];

/// Looks a symbol up in the libraries after this one.
pub(crate) fn find(slot: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let known = slot.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known;
    }
    // SAFETY: the name is a C string, and the linker's lock makes this safe from any thread.
    let mut found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    if found.is_null() {
        found = within_plug_ins(name);
    }
    slot.store(found, Ordering::Relaxed);
    found
}

/// Looks a symbol up in an SDL that came with a plug-in (as Perl's and Python's games have it): the plug-in's calls
/// come by here as well, but what it brought along is nobody else's to see.
fn within_plug_ins(name: &CStr) -> *mut c_void {
    for library in LIBRARIES {
        // SAFETY: both are C strings; nothing is loaded that is not already, and the library's own count of users is
        // left as it was.
        unsafe {
            let handle = libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            if !handle.is_null() {
                let found = libc::dlsym(handle, name.as_ptr());
                libc::dlclose(handle);
                return found;
            }
        }
    }
    std::ptr::null_mut()
}

/// `SDL_Joystick *`.
pub(crate) type Joystick = *mut c_void;

/// `SDL_VirtualJoystickDesc`, version 1 (SDL 2.24 and later).
#[repr(C)]
pub(crate) struct Description {
    pub(crate) version: u16,
    pub(crate) kind: u16,
    pub(crate) axes: u16,
    pub(crate) buttons: u16,
    pub(crate) hats: u16,
    pub(crate) vendor: u16,
    pub(crate) product: u16,
    pub(crate) padding: u16,
    pub(crate) button_mask: u32,
    pub(crate) axis_mask: u32,
    pub(crate) name: *const c_char,
    pub(crate) userdata: *mut c_void,
    pub(crate) update: Option<extern "C" fn(*mut c_void)>,
    pub(crate) set_player_index: Option<extern "C" fn(*mut c_void, c_int)>,
    pub(crate) rumble: Option<extern "C" fn(*mut c_void, u16, u16) -> c_int>,
    pub(crate) rumble_triggers: Option<extern "C" fn(*mut c_void, u16, u16) -> c_int>,
    pub(crate) set_led: Option<extern "C" fn(*mut c_void, u8, u8, u8) -> c_int>,
    pub(crate) send_effect: Option<extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>,
}

/// The functions of SDL that make virtual joysticks.
#[derive(Clone, Copy)]
pub(crate) struct Sdl {
    pub(crate) was_init: extern "C" fn(u32) -> u32,
    pub(crate) add_mapping: extern "C" fn(*const c_char) -> c_int,
    pub(crate) attach: extern "C" fn(*const Description) -> c_int,
    pub(crate) detach: extern "C" fn(c_int) -> c_int,
    pub(crate) count: extern "C" fn() -> c_int,
    pub(crate) instance: extern "C" fn(c_int) -> i32,
    pub(crate) opened: extern "C" fn(i32) -> Joystick,
    pub(crate) set_axis: extern "C" fn(Joystick, c_int, i16) -> c_int,
    pub(crate) set_button: extern "C" fn(Joystick, c_int, u8) -> c_int,
    pub(crate) set_hat: extern "C" fn(Joystick, c_int, u8) -> c_int,
}

impl Sdl {
    /// SDL 2.24 or later, if it is what the game uses.
    pub(crate) fn get() -> Option<Self> {
        // SAFETY: the types are those of SDL_joystick.h and SDL_gamecontroller.h of SDL 2.24, which is the first to
        // have `SDL_JoystickAttachVirtualEx`; SDL 3 has none of that name.
        unsafe {
            Some(Self {
                attach: real!(c"SDL_JoystickAttachVirtualEx", extern "C" fn(*const Description) -> c_int)?,
                was_init: real!(c"SDL_WasInit", extern "C" fn(u32) -> u32)?,
                add_mapping: real!(c"SDL_GameControllerAddMapping", extern "C" fn(*const c_char) -> c_int)?,
                detach: real!(c"SDL_JoystickDetachVirtual", extern "C" fn(c_int) -> c_int)?,
                count: real!(c"SDL_NumJoysticks", extern "C" fn() -> c_int)?,
                instance: real!(c"SDL_JoystickGetDeviceInstanceID", extern "C" fn(c_int) -> i32)?,
                opened: real!(c"SDL_JoystickFromInstanceID", extern "C" fn(i32) -> Joystick)?,
                set_axis: real!(c"SDL_JoystickSetVirtualAxis", extern "C" fn(Joystick, c_int, i16) -> c_int)?,
                set_button: real!(
                    c"SDL_JoystickSetVirtualButton",
                    extern "C" fn(Joystick, c_int, u8) -> c_int
                )?,
                set_hat: real!(c"SDL_JoystickSetVirtualHat", extern "C" fn(Joystick, c_int, u8) -> c_int)?,
            })
        }
    }

    /// The index, among all joysticks, of the one with this number.
    pub(crate) fn index(&self, instance: i32) -> Option<c_int> {
        (0..(self.count)()).find(|index| (self.instance)(*index) == instance)
    }
}

/// Milliseconds of a clock that only goes forward.
pub(crate) fn millis() -> u32 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is there to be written.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    (now.tv_sec as u32).wrapping_mul(1000).wrapping_add((now.tv_nsec / 1_000_000) as u32)
}
