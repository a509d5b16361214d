//! Preloaded into SDL games: gamepads without `/dev/uinput`.
//!
//! The dynamic linker puts this library before SDL (`LD_PRELOAD`), so that a game's calls of SDL's event functions
//! come by here. They attach a virtual joystick for each pad that is plugged in, and go on to SDL. SDL then asks
//! for a pad's state whenever it updates joysticks; the answer comes from a page of shared memory that Playhouse writes, without a
//! system call. Rumble goes back as a datagram.
//!
//! A program that does not use SDL, or an SDL older than 2.24, is not touched: the library has no constructor, starts no thread, keeps
//! no descriptor and allocates nothing. SDL 3 has functions of the same names, to which calls are merely passed on.
//! A game that asks `dlsym` for SDL's functions itself, or carries a copy of SDL within, is out of reach.

#![expect(unsafe_code, reason = "it lives between a game and SDL, both written in C")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "words are cut into their halves, and counts below a dozen become C's integers"
)]

mod pads;
mod sdl;

use std::ffi::{c_int, c_void};

use sdl::real;

/// What `SDL_WaitEvent` waits at a time, in milliseconds, so that a pad is seen soon while nothing else happens.
const WAIT: c_int = 200;

/// `int SDL_Init(Uint32)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_Init(flags: u32) -> c_int {
    // SAFETY: SDL's own function of this name has this type.
    let Some(init) = (unsafe { real!(c"SDL_Init", extern "C" fn(u32) -> c_int) }) else { return -1 };
    let result = init(flags);
    pads::after_init();
    result
}

/// `int SDL_InitSubSystem(Uint32)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_InitSubSystem(flags: u32) -> c_int {
    // SAFETY: as above.
    let Some(init) = (unsafe { real!(c"SDL_InitSubSystem", extern "C" fn(u32) -> c_int) }) else { return -1 };
    let result = init(flags);
    pads::after_init();
    result
}

/// `void SDL_PumpEvents(void)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_PumpEvents() {
    pads::tick();
    // SAFETY: as above.
    if let Some(pump) = unsafe { real!(c"SDL_PumpEvents", extern "C" fn()) } {
        pump();
    }
}

/// `int SDL_PollEvent(SDL_Event *)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_PollEvent(event: *mut c_void) -> c_int {
    pads::tick();
    // SAFETY: as above.
    let poll = unsafe { real!(c"SDL_PollEvent", extern "C" fn(*mut c_void) -> c_int) };
    poll.map_or(0, |poll| poll(event))
}

/// `int SDL_WaitEvent(SDL_Event *)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_WaitEvent(event: *mut c_void) -> c_int {
    // SAFETY: as above.
    let (wait, wait_some) = unsafe {
        (
            real!(c"SDL_WaitEvent", extern "C" fn(*mut c_void) -> c_int),
            real!(c"SDL_WaitEventTimeout", extern "C" fn(*mut c_void, c_int) -> c_int),
        )
    };
    // Both a timeout and an error give 0; SDL's own way is taken where it is not clear that it was a timeout.
    if let (true, Some(wait_some)) = (pads::wanted(), wait_some) {
        loop {
            pads::tick();
            let before = sdl::millis();
            if wait_some(event, WAIT) != 0 {
                return 1;
            }
            if sdl::millis().wrapping_sub(before) < WAIT.unsigned_abs() / 2 {
                break;
            }
        }
    }
    wait.map_or(0, |wait| wait(event))
}

/// `int SDL_WaitEventTimeout(SDL_Event *, int)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_WaitEventTimeout(event: *mut c_void, millis: c_int) -> c_int {
    pads::tick();
    // SAFETY: as above.
    let wait = unsafe { real!(c"SDL_WaitEventTimeout", extern "C" fn(*mut c_void, c_int) -> c_int) };
    wait.map_or(0, |wait| wait(event, millis))
}

/// `void SDL_JoystickUpdate(void)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_JoystickUpdate() {
    pads::tick();
    // SAFETY: as above.
    if let Some(update) = unsafe { real!(c"SDL_JoystickUpdate", extern "C" fn()) } {
        update();
    }
}

/// `void SDL_GameControllerUpdate(void)`.
///
/// # Safety
/// As SDL has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SDL_GameControllerUpdate() {
    pads::tick();
    // SAFETY: as above.
    if let Some(update) = unsafe { real!(c"SDL_GameControllerUpdate", extern "C" fn()) } {
        update();
    }
}
