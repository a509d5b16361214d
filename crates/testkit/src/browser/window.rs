//! Stands in for a window manager: gives the browser's window the whole display and the keyboard.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt, InputFocus, MapState, Window};
use x11rb::rust_connection::RustConnection;

use crate::eye::EyeError;

/// How long a browser may take to show its window.
const PATIENCE: Duration = Duration::from_secs(20);
/// A window smaller than this is one of its helpers.
const SMALLEST: u16 = 200;

/// Waits for the largest window of a display, lays it over `width` × `height` pixels from the corner and gives it
/// the keyboard; the pointer goes into a corner where nothing reacts to it. Gives whether there was one.
pub(super) fn fill(display: &OsStr, width: u32, height: u32) -> Result<bool, EyeError> {
    let (connection, screen) = RustConnection::connect(display.to_str())?;
    let root = connection.setup().roots[screen].root;
    let end = Instant::now() + PATIENCE;
    let window = loop {
        if let Some(window) = largest(&connection, root)? {
            break window;
        }
        if Instant::now() > end {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let place = ConfigureWindowAux::new().x(0).y(0).width(width).height(height);
    connection.configure_window(window, &place)?.check()?;
    connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?.check()?;
    connection.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, corner(width), corner(height))?.check()?;
    Ok(true)
}

fn corner(size: u32) -> i16 {
    i16::try_from(size).unwrap_or(i16::MAX) - 1
}

fn largest(connection: &RustConnection, root: Window) -> Result<Option<Window>, EyeError> {
    let mut found = None;
    for window in connection.query_tree(root)?.reply()?.children {
        // A window may go away between two questions.
        let Ok(attributes) = connection.get_window_attributes(window)?.reply() else { continue };
        let Ok(size) = connection.get_geometry(window)?.reply() else { continue };
        let area = u32::from(size.width) * u32::from(size.height);
        let shown = attributes.map_state == MapState::VIEWABLE && size.width > SMALLEST;
        if shown && found.is_none_or(|(most, _)| area > most) {
            found = Some((area, window));
        }
    }
    Ok(found.map(|(_, window)| window))
}
