//! The functions of SDL that a game calls to look at its events, with ours in front.

use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::pads::follow;
use crate::sdl::find;

/// A function of SDL, looked up at its first call.
struct Real {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Self { name, found: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Null where SDL has no such function: a game cannot call it then, since it would not have linked.
    fn get(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        let found = find(self.name).unwrap_or(std::ptr::null_mut());
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

/// Defines a function of SDL's name that follows the pads before (or, for `after`, behind) SDL's own.
macro_rules! hook {
    ($when:ident $name:ident ($($arg:ident: $type:ty),*) -> $result:ty, $absent:expr) => {
        #[doc = concat!("`", stringify!($name), "` of SDL 2, with the pads followed.")]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the name is SDL's")]
        extern "C" fn $name($($arg: $type),*) -> $result {
            static REAL: Real = Real::new(c_name(concat!(stringify!($name), "\0")));
            let real = REAL.get();
            if real.is_null() {
                return $absent;
            }
            // SAFETY: SDL's function of this name has this signature (SDL_events.h, SDL_joystick.h, SDL.h).
            let real = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn($($type),*) -> $result>(real) };
            hook!(@ $when real($($arg),*))
        }
    };
    (@ before $call:expr) => {{ follow(); $call }};
    (@ after $call:expr) => {{ let result = $call; follow(); result }};
}

const fn c_name(name: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}

hook!(after SDL_Init(flags: u32) -> c_int, -1);
hook!(after SDL_InitSubSystem(flags: u32) -> c_int, -1);
hook!(before SDL_PumpEvents() -> (), ());
hook!(before SDL_PollEvent(event: *mut c_void) -> c_int, 0);
hook!(before SDL_WaitEventTimeout(event: *mut c_void, timeout: c_int) -> c_int, 0);
hook!(before SDL_JoystickUpdate() -> (), ());
hook!(before SDL_GameControllerUpdate() -> (), ());
hook!(before SDL_NumJoysticks() -> c_int, 0);
