//! What libav has to say, as events of `tracing` and as the reasons of errors.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// Complaints of libav on this thread since the call in progress began.
    static COMPLAINTS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Longest text that is kept of one call: enough for the sentence that matters.
const LONGEST: usize = 400;

/// Sends libav's messages to `tracing` instead of standard error, once per process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Gives the binding's errors their words; it has no way to fail.
        ffmpeg_next::util::error::register_all();
        hook::install();
    });
}

/// Runs `call` and adds to its error what libav complained about meanwhile on this thread.
pub(super) fn during<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    COMPLAINTS.with_borrow_mut(String::clear);
    let result = call();
    result.map_err(|error| {
        let said = COMPLAINTS.with_borrow_mut(std::mem::take);
        if said.is_empty() { error } else { format!("{said} ({error})") }
    })
}

/// Takes note of one line.
fn complain(line: &str) {
    COMPLAINTS.with_borrow_mut(|said| {
        if said.len() + line.len() + 2 <= LONGEST {
            if !said.is_empty() {
                said.push_str("; ");
            }
            said.push_str(line.trim_end_matches('.'));
        }
    });
}

#[cfg(target_arch = "x86_64")]
mod hook {
    use std::ffi::CStr;

    use ffmpeg_next::ffi;
    use libc::{c_char, c_int, c_void};

    #[expect(unsafe_code, reason = "libav takes its logger as a C function")]
    pub(super) fn install() {
        // SAFETY: `receive` has the signature that libav asks for, may be called from any thread, and lives
        // as long as the program.
        unsafe { ffi::av_log_set_callback(Some(receive)) };
    }

    #[expect(unsafe_code, reason = "libav calls this with C strings and a C argument list")]
    unsafe extern "C" fn receive(
        about: *mut c_void,
        level: c_int,
        format: *const c_char,
        arguments: *mut ffi::__va_list_tag,
    ) {
        if level > ffi::AV_LOG_WARNING {
            return;
        }
        let mut line = [0_u8; 512];
        let mut prefix = 0;
        // SAFETY: the arguments are those that libav passed for this very call, and the buffer is as long as
        // said; libav ends what it writes with a zero.
        unsafe {
            ffi::av_log_format_line2(
                about,
                level,
                format,
                arguments,
                line.as_mut_ptr().cast(),
                c_int::try_from(line.len()).unwrap_or(0),
                &raw mut prefix,
            );
        }
        let Ok(line) = CStr::from_bytes_until_nul(&line) else { return };
        let line = line.to_string_lossy();
        let line = line.trim();
        if level <= ffi::AV_LOG_ERROR {
            super::complain(line);
        }
        tracing::debug!(target: "libav", "{line}");
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod hook {
    /// A C argument list has another type on each architecture; elsewhere libav is silent.
    pub(super) fn install() {
        ffmpeg_next::util::log::set_level(ffmpeg_next::util::log::Level::Quiet);
    }
}
