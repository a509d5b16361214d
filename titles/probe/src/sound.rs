//! A way to the sound server, through which a game of ours is heard.

use std::path::Path;

use libpulse_binding::def::BufferAttr;
use libpulse_binding::error::PAErr;
use libpulse_binding::sample::{Format, Spec};
use libpulse_binding::stream::Direction;
use libpulse_simple_binding::Simple;

/// Samples per second.
pub const RATE: u32 = 48_000;
/// Bytes of a sample: two channels of 16 bits, little-endian.
pub const SAMPLE: u32 = 4;

/// Whether the environment names a sound server. Without this question the client library would start one of its own.
pub fn has_server() -> bool {
    let socket = |folder| Path::new(&folder).join("pulse/native").exists();
    std::env::var_os("PULSE_SERVER").is_some() || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(socket)
}

/// Sound that is played as it is written.
pub struct Stream(Simple);

impl Stream {
    /// Opens one for `program`, of which the server holds `buffer` samples at most.
    pub fn open(program: &str, what: &str, buffer: u32) -> Result<Self, PAErr> {
        let spec = Spec { format: Format::S16le, channels: 2, rate: RATE };
        let buffer = BufferAttr {
            maxlength: u32::MAX,
            tlength: buffer * SAMPLE,
            prebuf: SAMPLE,
            minreq: u32::MAX,
            fragsize: u32::MAX,
        };
        Simple::new(None, program, Direction::Playback, None, what, &spec, None, Some(&buffer)).map(Self)
    }

    /// Waits until the server has room for these samples.
    pub fn write(&mut self, samples: &[u8]) -> Result<(), PAErr> {
        self.0.write(samples)
    }
}
