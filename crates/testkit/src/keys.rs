//! Key presses as a keyboard would make them, through XTEST.

use std::ffi::OsStr;

use playhouse_media::time::Timestamp;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt;
use x11rb::rust_connection::RustConnection;

use crate::clock;
use crate::eye::EyeError;

/// Difference between X key codes and those of evdev (`KEY_*`).
const X_OFFSET: u16 = 8;

/// The keyboard of a display.
pub struct Keys {
    connection: RustConnection,
    root: u32,
}

impl Keys {
    /// Connects to a display.
    ///
    /// # Errors
    /// When the display cannot be reached or has no XTEST.
    pub fn of(display: &OsStr) -> Result<Self, EyeError> {
        let (connection, screen) = RustConnection::connect(display.to_str())?;
        let root = connection.setup().roots[screen].root;
        connection.xtest_get_version(2, 2)?.reply()?;
        Ok(Self { connection, root })
    }

    /// Presses the key of this evdev code (`KEY_*`); gives the moment before it left for the X server.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn press(&self, code: u16) -> Result<Timestamp, EyeError> {
        self.key(KEY_PRESS_EVENT, code)
    }

    /// Lets it go.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn release(&self, code: u16) -> Result<Timestamp, EyeError> {
        self.key(KEY_RELEASE_EVENT, code)
    }

    fn key(&self, kind: u8, code: u16) -> Result<Timestamp, EyeError> {
        let code = u8::try_from(code + X_OFFSET).unwrap_or(u8::MAX);
        let at = clock::now();
        self.connection.xtest_fake_input(kind, code, 0, self.root, 0, 0, 0)?;
        self.connection.flush()?;
        Ok(at)
    }
}
