//! Surfaces that become windows and popups.

use smithay::backend::renderer::utils::on_commit_buffer_handler;
use smithay::desktop::{PopupKind, find_popup_root_surface, get_popup_toplevel_coords};
use smithay::reexports::wayland_protocols::xdg::shell::server::xdg_toplevel::State as Toplevel;
use smithay::reexports::wayland_server::protocol::wl_output::WlOutput;
use smithay::reexports::wayland_server::protocol::wl_seat::WlSeat;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, Resource};
use smithay::utils::{Rectangle, Serial};
use smithay::wayland::compositor::{
    CompositorClientState, CompositorHandler, CompositorState, get_parent, is_sync_subsurface,
};
use smithay::wayland::shell::xdg::{
    PopupSurface, PositionerState, ToplevelSurface, XdgShellHandler, XdgShellState,
};
use smithay::xwayland::XWaylandClientData;

use super::protocols::pixels;
use super::stage::Stage;
use super::thread::GameClient;

impl CompositorHandler for Stage {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.protocols.compositor
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        if let Some(data) = client.get_data::<XWaylandClientData>() {
            return &data.compositor_state;
        }
        let data = client.get_data::<GameClient>();
        &data.expect("each connection is made with one of the two").compositor
    }

    fn commit(&mut self, surface: &WlSurface) {
        self.hear_commit(surface);
        on_commit_buffer_handler::<Self>(surface);
        self.popups.commit(surface);
        if is_sync_subsurface(surface) {
            return;
        }
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        if let Some(toplevel) = self.windows.toplevel(&root)
            && !toplevel.is_initial_configure_sent()
        {
            toplevel.send_configure();
            return;
        }
        let popup = self.popups.find_popup(&root);
        if let Some(PopupKind::Xdg(popup)) = &popup
            && !popup.is_initial_configure_sent()
        {
            if let Err(error) = popup.send_configure() {
                tracing::debug!("a popup's first configure was refused: {error}");
            }
            return;
        }
        let shown_by = match &popup {
            Some(popup) => find_popup_root_surface(popup).unwrap_or(root),
            None => root,
        };
        if self.player.commit_cursor(&shown_by) || self.windows.shows(&shown_by) {
            self.changed();
        }
    }

    fn destroyed(&mut self, surface: &WlSurface) {
        // A popup or subsurface may have covered something; the next picture finds out.
        if surface.client().is_some() {
            self.changed();
        }
    }
}

impl XdgShellHandler for Stage {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.protocols.xdg_shell
    }

    fn new_toplevel(&mut self, surface: ToplevelSurface) {
        let size = pixels(self.windows.output());
        surface.with_pending_state(|state| {
            state.size = Some(size.into());
            state.bounds = Some(size.into());
            state.states.set(Toplevel::Fullscreen);
            state.states.set(Toplevel::Activated);
        });
        self.windows.add_toplevel(surface);
    }

    fn toplevel_destroyed(&mut self, _surface: ToplevelSurface) {
        self.changed();
    }

    fn parent_changed(&mut self, surface: ToplevelSurface) {
        // A dialog chooses its size; a game does not.
        if surface.parent().is_none() {
            return;
        }
        surface.with_pending_state(|state| {
            state.size = None;
            state.states.unset(Toplevel::Fullscreen);
        });
        if surface.is_initial_configure_sent() {
            surface.send_pending_configure();
        }
    }

    fn fullscreen_request(&mut self, surface: ToplevelSurface, _output: Option<WlOutput>) {
        reconfigure(&surface);
    }

    fn unfullscreen_request(&mut self, surface: ToplevelSurface) {
        reconfigure(&surface);
    }

    fn maximize_request(&mut self, surface: ToplevelSurface) {
        reconfigure(&surface);
    }

    fn unmaximize_request(&mut self, surface: ToplevelSurface) {
        reconfigure(&surface);
    }

    fn new_popup(&mut self, surface: PopupSurface, _positioner: PositionerState) {
        self.place_popup(&surface);
        if let Err(error) = self.popups.track_popup(PopupKind::Xdg(surface)) {
            tracing::debug!("a popup was gone as it came: {error}");
        }
    }

    fn reposition_request(&mut self, surface: PopupSurface, positioner: PositionerState, token: u32) {
        surface.with_pending_state(|state| {
            state.geometry = positioner.get_geometry();
            state.positioner = positioner;
        });
        self.place_popup(&surface);
        surface.send_repositioned(token);
    }

    fn popup_destroyed(&mut self, _surface: PopupSurface) {
        self.changed();
    }

    fn grab(&mut self, surface: PopupSurface, _seat: WlSeat, _serial: Serial) {
        self.player.grab_popup(surface);
    }
}

/// Answers a request for another state with the one state there is.
fn reconfigure(surface: &ToplevelSurface) {
    if surface.is_initial_configure_sent() {
        surface.send_configure();
    }
}

impl Stage {
    /// Moves a popup so that all of it is seen.
    fn place_popup(&self, popup: &PopupSurface) {
        let kind = PopupKind::Xdg(popup.clone());
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let Some(visible) = self.windows.visible_part(&root) else { return };
        let mut target: Rectangle<i32, _> = visible;
        target.loc -= get_popup_toplevel_coords(&kind);
        popup
            .with_pending_state(|state| state.geometry = state.positioner.get_unconstrained_geometry(target));
    }
}
