//! Xwayland, and X11 windows.
//!
//! Xwayland runs without a root window of its own: each X11 window is a surface, so that games may ask for full
//! screen, change the (emulated) mode, or open dialogs as they do elsewhere. A server with one root window would
//! have needed a window manager all the same, and it neither scales a game that chose a smaller mode nor tells
//! which of its windows is the game.
//!
//! Which surface belongs to which window is told in one of two ways. Xwayland 23 gives both a serial number, and
//! smithay matches them. Xwayland 22 (Debian 12) sends the number of the Wayland object in a `WL_SURFACE_ID`
//! message; that message and the surface come on different connections in any order, so [`Stage::associate_x11`] looks
//! each turn for windows whose surface is not there yet. A number may be used again for another surface: a
//! surface that has its window is never given to a second, and newer windows choose first.
//!
//! The socket lies in `/tmp/.X11-unix`, where games look for it, and only the session's own user may connect.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use playhouse_media::frame::Size;
use smithay::input::keyboard::KeyboardTarget;
use smithay::reexports::calloop::{LoopHandle, RegistrationToken};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DisplayHandle};
use smithay::utils::{IsAlive, Logical, Rectangle, SERIAL_COUNTER};
use smithay::wayland::xwayland_shell::{XWaylandShellHandler, XWaylandShellState};
use smithay::xwayland::xwm::{Reorder, ResizeEdge, XwmId};
use smithay::xwayland::{X11Surface, X11Wm, XWayland, XWaylandEvent, XwmHandler};

use super::Error;
use super::protocols::pixels;
use super::stage::Stage;
use super::windows::{Content, Window, is_dialog};

/// Where X11 clients look for their servers.
const SOCKETS: &str = "/tmp/.X11-unix";

/// Display numbers that are tried: the node runs far fewer sessions.
const DISPLAYS: std::ops::Range<u32> = 20..1020;

/// The socket of a display.
pub(super) fn socket(display: u32) -> PathBuf {
    Path::new(SOCKETS).join(format!("X{display}"))
}

/// A running Xwayland.
pub(super) struct XServer {
    client: Client,
    display: u32,
    manager: Option<X11Wm>,
}

impl XServer {
    /// Starts Xwayland. Clients can connect at once and are answered when it is ready.
    pub(super) fn spawn(
        display: &DisplayHandle,
        events: &LoopHandle<'static, Stage>,
    ) -> Result<(Self, RegistrationToken), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Xwayland(error.to_string());
        make_sockets_folder().map_err(|error| failed(&format!("{SOCKETS}: {error}")))?;
        let mut last = None;
        for number in DISPLAYS {
            let environment: [(&str, &str); 0] = [];
            let spawned =
                XWayland::spawn(display, number, environment, false, Stdio::null(), Stdio::null(), |_| ());
            match spawned {
                Ok((server, client)) => return Self::watch(server, client, number, events),
                // No other number helps where the program itself is missing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(failed(&error)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| Error::Xwayland("no display number is free".into()), |error| failed(&error)))
    }

    fn watch(
        server: XWayland,
        client: Client,
        display: u32,
        events: &LoopHandle<'static, Stage>,
    ) -> Result<(Self, RegistrationToken), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Xwayland(error.to_string());
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(socket(display), owner_only).map_err(|error| failed(&error))?;
        let known = client.clone();
        let source = events
            .insert_source(server, move |event, (), stage| match event {
                XWaylandEvent::Ready { x11_socket, .. } => {
                    let manager = X11Wm::start_wm::<Stage>(stage.events.clone(), x11_socket, known.clone());
                    match (manager, &mut stage.xserver) {
                        (Ok(manager), Some(server)) => server.manager = Some(manager),
                        (Ok(_), None) => {}
                        (Err(error), _) => tracing::error!("X11 windows cannot be managed: {error}"),
                    }
                }
                XWaylandEvent::Error => tracing::error!("Xwayland ended before it was ready"),
            })
            .map_err(|error| failed(&error))?;
        Ok((Self { client, display, manager: None }, source))
    }

    pub(super) fn display(&self) -> u32 {
        self.display
    }
}

/// The folder belongs to the system; on a machine that never had an X server it is not there.
fn make_sockets_folder() -> io::Result<()> {
    if Path::new(SOCKETS).is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(SOCKETS)?;
    std::fs::set_permissions(SOCKETS, std::fs::Permissions::from_mode(0o1777))
}

/// Gives a window its place: a game the output, a dialog its own size in the middle.
pub(super) fn configure(window: &X11Surface, output: Size, wanted: Option<(i32, i32)>) {
    let (width, height) = pixels(output);
    let own = window.geometry().size;
    let wanted = wanted.unwrap_or((own.w, own.h));
    let fixed = window.min_size().filter(|least| Some(*least) == window.max_size() && !least.is_empty());
    let place: Rectangle<i32, Logical> = if is_dialog(window) {
        let corner = ((width - wanted.0).max(0) / 2, (height - wanted.1).max(0) / 2);
        Rectangle::new(corner.into(), wanted.into())
    } else if let Some(size) = fixed.filter(|_| !window.is_fullscreen()) {
        Rectangle::from_size(size)
    } else {
        Rectangle::from_size((width, height).into())
    };
    if let Err(error) = window.configure(place) {
        tracing::debug!("an X11 window was gone before it had its place: {error}");
    }
}

impl Stage {
    /// Finds the surfaces of X11 windows that have none yet.
    pub(super) fn associate_x11(&mut self) {
        let Some(server) = &self.xserver else { return };
        let (client, display) = (&server.client, &self.display);
        let mut taken: Vec<WlSurface> = Vec::new();
        for (_, surface) in self.windows.x11_mut() {
            if surface.as_ref().is_some_and(|surface| !surface.alive()) {
                *surface = None;
            }
            taken.extend(surface.clone());
        }
        for (window, surface) in self.windows.x11_mut() {
            if surface.is_some() {
                continue;
            }
            #[expect(deprecated, reason = "Xwayland before 23.1 (Debian 12) knows no other way")]
            let by_number = || {
                let number = window.wl_surface_id()?;
                client.object_from_protocol_id::<WlSurface>(display, number).ok()
            };
            let found = window.wl_surface().or_else(by_number);
            *surface = found.filter(|found| found.alive() && !taken.contains(found));
            taken.extend(surface.clone());
        }
    }

    /// Gives a window the X11 input focus: Xwayland passes keys on to the window that has it.
    pub(super) fn activate_x11(&mut self, window: &Window) {
        let Content::X11 { window, .. } = &window.content else { return };
        if let Err(error) = window.set_activated(true) {
            tracing::debug!("an X11 window was gone before it had the focus: {error}");
        }
        if let Some(manager) = self.xserver.as_mut().and_then(|server| server.manager.as_mut())
            && let Err(error) = manager.raise_window(window)
        {
            tracing::debug!("an X11 window was gone before it was raised: {error}");
        }
        let seat = self.player.seat.clone();
        // For a window without a surface known to smithay, this sets the X11 focus and nothing else.
        KeyboardTarget::<Stage>::enter(window, &seat, self, Vec::new(), SERIAL_COUNTER.next_serial());
    }
}

impl XWaylandShellHandler for Stage {
    fn xwayland_shell_state(&mut self) -> &mut XWaylandShellState {
        &mut self.protocols.xwayland_shell
    }
}

impl XwmHandler for Stage {
    fn xwm_state(&mut self, _manager: XwmId) -> &mut X11Wm {
        let manager = self.xserver.as_mut().and_then(|server| server.manager.as_mut());
        manager.expect("only the manager calls this, and it is kept for as long as the stage")
    }

    fn new_window(&mut self, _manager: XwmId, _window: X11Surface) {}

    fn new_override_redirect_window(&mut self, _manager: XwmId, _window: X11Surface) {}

    fn map_window_request(&mut self, _manager: XwmId, window: X11Surface) {
        if let Err(error) = window.set_mapped(true) {
            tracing::debug!("an X11 window was gone before it was shown: {error}");
            return;
        }
        configure(&window, self.windows.output(), None);
        self.windows.add_x11(window);
    }

    fn mapped_override_redirect_window(&mut self, _manager: XwmId, window: X11Surface) {
        self.windows.add_x11(window);
    }

    fn unmapped_window(&mut self, _manager: XwmId, window: X11Surface) {
        self.windows.remove_x11(&window);
        if !window.is_override_redirect()
            && let Err(error) = window.set_mapped(false)
        {
            tracing::debug!("an X11 window was gone before it was hidden: {error}");
        }
        self.changed();
    }

    fn destroyed_window(&mut self, _manager: XwmId, window: X11Surface) {
        self.windows.remove_x11(&window);
        self.changed();
    }

    fn configure_request(
        &mut self,
        _manager: XwmId,
        window: X11Surface,
        _x: Option<i32>,
        _y: Option<i32>,
        w: Option<u32>,
        h: Option<u32>,
        _reorder: Option<Reorder>,
    ) {
        let own = window.geometry().size;
        let side =
            |wanted: Option<u32>, own: i32| wanted.and_then(|side| i32::try_from(side).ok()).unwrap_or(own);
        let wanted = (side(w, own.w), side(h, own.h));
        if window.is_mapped() {
            configure(&window, self.windows.output(), Some(wanted));
        } else if let Err(error) = window.configure(Rectangle::from_size(wanted.into())) {
            tracing::debug!("an X11 window was gone before it had its size: {error}");
        }
    }

    fn configure_notify(
        &mut self,
        _manager: XwmId,
        _window: X11Surface,
        _geometry: Rectangle<i32, Logical>,
        _above: Option<u32>,
    ) {
        self.changed();
    }

    fn fullscreen_request(&mut self, _manager: XwmId, window: X11Surface) {
        if let Err(error) = window.set_fullscreen(true) {
            tracing::debug!("an X11 window was gone before it had the full screen: {error}");
        }
        configure(&window, self.windows.output(), None);
    }

    fn unfullscreen_request(&mut self, _manager: XwmId, window: X11Surface) {
        if let Err(error) = window.set_fullscreen(false) {
            tracing::debug!("an X11 window was gone before it left the full screen: {error}");
        }
        configure(&window, self.windows.output(), None);
    }

    // A game fills its output: there is nowhere to move it to, nor another size.
    fn resize_request(&mut self, _manager: XwmId, _window: X11Surface, _button: u32, _edge: ResizeEdge) {}
    fn move_request(&mut self, _manager: XwmId, _window: X11Surface, _button: u32) {}

    fn disconnected(&mut self, _manager: XwmId) {
        tracing::warn!("Xwayland has ended, and with it every X11 window");
    }
}
