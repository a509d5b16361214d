//! The globals that clients can bind, and the handlers of those that need no thought.

use std::os::fd::OwnedFd;

use playhouse_media::frame::Size;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::input::{Seat, SeatHandler, SeatState};
use smithay::output::{Mode, Output, PhysicalProperties, Scale, Subpixel};
use smithay::reexports::wayland_protocols::xdg::decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode as Decoration;
use smithay::reexports::wayland_server::protocol::wl_buffer::WlBuffer;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{DisplayHandle, Resource};
use smithay::utils::Transform;
use smithay::wayland::buffer::BufferHandler;
use smithay::wayland::compositor::CompositorState;
use smithay::wayland::cursor_shape::CursorShapeManagerState;
use smithay::wayland::fractional_scale::{FractionalScaleHandler, FractionalScaleManagerState};
use smithay::wayland::idle_inhibit::{IdleInhibitHandler, IdleInhibitManagerState};
use smithay::wayland::output::{OutputHandler, OutputManagerState};
use smithay::wayland::pointer_constraints::PointerConstraintsState;
use smithay::wayland::presentation::PresentationState;
use smithay::wayland::relative_pointer::RelativePointerManagerState;
use smithay::wayland::selection::data_device::{
    ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler, set_data_device_focus,
};
use smithay::wayland::selection::primary_selection::{
    PrimarySelectionHandler, PrimarySelectionState, set_primary_focus,
};
use smithay::wayland::selection::{SelectionHandler, SelectionTarget};
use smithay::wayland::shell::xdg::decoration::{XdgDecorationHandler, XdgDecorationState};
use smithay::wayland::shell::xdg::{ToplevelSurface, XdgShellState};
use smithay::wayland::shm::{ShmHandler, ShmState};
use smithay::wayland::single_pixel_buffer::SinglePixelBufferState;
use smithay::wayland::tablet_manager::TabletSeatHandler;
use smithay::wayland::viewporter::ViewporterState;
use smithay::wayland::xwayland_shell::XWaylandShellState;

use super::stage::Stage;

/// `CLOCK_MONOTONIC`, the clock of presentation feedback.
const MONOTONIC: u32 = 1;

/// State of the globals. Most are only kept alive.
pub(super) struct Protocols {
    pub(super) compositor: CompositorState,
    pub(super) xdg_shell: XdgShellState,
    pub(super) seats: SeatState<Stage>,
    pub(super) xwayland_shell: XWaylandShellState,
    shm: ShmState,
    data_device: DataDeviceState,
    primary: PrimarySelectionState,
    output: Output,
}

impl Protocols {
    pub(super) fn new(display: &DisplayHandle, size: Size, rate: u32) -> Self {
        let properties = PhysicalProperties {
            // 96 dots per inch, so that games that compute with it find a plain screen.
            size: (millimetres(size.width), millimetres(size.height)).into(),
            subpixel: Subpixel::None,
            make: "Playhouse".into(),
            model: "Stage".into(),
        };
        let output = Output::new("STAGE-1".into(), properties);
        output.create_global::<Stage>(display);
        OutputManagerState::new_with_xdg_output::<Stage>(display);
        XdgDecorationState::new::<Stage>(display);
        ViewporterState::new::<Stage>(display);
        SinglePixelBufferState::new::<Stage>(display);
        PresentationState::new::<Stage>(display, MONOTONIC);
        PointerConstraintsState::new::<Stage>(display);
        RelativePointerManagerState::new::<Stage>(display);
        CursorShapeManagerState::new::<Stage>(display);
        FractionalScaleManagerState::new::<Stage>(display);
        IdleInhibitManagerState::new::<Stage>(display);
        let protocols = Self {
            compositor: CompositorState::new_v6::<Stage>(display),
            xdg_shell: XdgShellState::new::<Stage>(display),
            seats: SeatState::new(),
            xwayland_shell: XWaylandShellState::new::<Stage>(display),
            shm: ShmState::new::<Stage>(display, []),
            data_device: DataDeviceState::new::<Stage>(display),
            primary: PrimarySelectionState::new::<Stage>(display),
            output,
        };
        protocols.set_mode(size, rate);
        protocols
    }

    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Gives the output another size and rate.
    pub(super) fn set_mode(&self, size: Size, rate: u32) {
        let mode =
            Mode { size: pixels(size).into(), refresh: i32::try_from(rate * 1_000).unwrap_or(i32::MAX) };
        if let Some(old) = self.output.current_mode().filter(|old| *old != mode) {
            self.output.delete_mode(old);
        }
        self.output.change_current_state(
            Some(mode),
            Some(Transform::Normal),
            Some(Scale::Integer(1)),
            Some((0, 0).into()),
        );
        self.output.set_preferred(mode);
    }
}

/// A size as smithay counts. Sides are at most 8192.
pub(super) fn pixels(size: Size) -> (i32, i32) {
    (i32::try_from(size.width).unwrap_or(i32::MAX), i32::try_from(size.height).unwrap_or(i32::MAX))
}

fn millimetres(pixels: u32) -> i32 {
    i32::try_from(pixels * 254 / 960).unwrap_or(i32::MAX)
}

impl BufferHandler for Stage {
    fn buffer_destroyed(&mut self, _buffer: &WlBuffer) {}
}

impl ShmHandler for Stage {
    fn shm_state(&self) -> &ShmState {
        &self.protocols.shm
    }
}

impl OutputHandler for Stage {}

impl SeatHandler for Stage {
    type KeyboardFocus = WlSurface;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.protocols.seats
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&WlSurface>) {
        let client = focused.and_then(|surface| self.display.get_client(surface.id()).ok());
        set_data_device_focus(&self.display, seat, client.clone());
        set_primary_focus(&self.display, seat, client);
        self.texts.focus(focused);
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: smithay::input::pointer::CursorImageStatus) {
        self.player.set_cursor(image);
        self.changed();
    }
}

impl TabletSeatHandler for Stage {}

impl SelectionHandler for Stage {
    type SelectionUserData = ();

    // The stage never owns a selection, so nothing is ever asked of it.
    fn send_selection(
        &mut self,
        _target: SelectionTarget,
        _mime: String,
        _into: OwnedFd,
        _seat: Seat<Self>,
        _data: &(),
    ) {
    }
}

impl DataDeviceHandler for Stage {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.protocols.data_device
    }
}

impl ClientDndGrabHandler for Stage {}
impl ServerDndGrabHandler for Stage {}

impl PrimarySelectionHandler for Stage {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.protocols.primary
    }
}

impl XdgDecorationHandler for Stage {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        decorate(&toplevel);
    }

    fn request_mode(&mut self, toplevel: ToplevelSurface, _mode: Decoration) {
        decorate(&toplevel);
    }

    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        decorate(&toplevel);
    }
}

/// The stage decorates windows, by drawing no decoration: a game fills its output.
fn decorate(toplevel: &ToplevelSurface) {
    toplevel.with_pending_state(|state| state.decoration_mode = Some(Decoration::ServerSide));
    if toplevel.is_initial_configure_sent() {
        toplevel.send_pending_configure();
    }
}

impl FractionalScaleHandler for Stage {
    fn new_fractional_scale(&mut self, surface: WlSurface) {
        smithay::wayland::compositor::with_states(&surface, |states| {
            smithay::wayland::fractional_scale::with_fractional_scale(states, |scale| {
                scale.set_preferred_scale(1.0);
            });
        });
    }
}

impl IdleInhibitHandler for Stage {
    fn inhibit(&mut self, _surface: WlSurface) {}
    fn uninhibit(&mut self, _surface: WlSurface) {}
}

/// Whether a surface has a picture.
pub(super) fn has_picture(surface: &WlSurface) -> bool {
    with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false)
}

smithay::delegate_compositor!(Stage);
smithay::delegate_shm!(Stage);
smithay::delegate_seat!(Stage);
smithay::delegate_output!(Stage);
smithay::delegate_xdg_shell!(Stage);
smithay::delegate_xdg_decoration!(Stage);
smithay::delegate_data_device!(Stage);
smithay::delegate_primary_selection!(Stage);
smithay::delegate_viewporter!(Stage);
smithay::delegate_single_pixel_buffer!(Stage);
smithay::delegate_presentation!(Stage);
smithay::delegate_pointer_constraints!(Stage);
smithay::delegate_relative_pointer!(Stage);
smithay::delegate_cursor_shape!(Stage);
smithay::delegate_fractional_scale!(Stage);
smithay::delegate_idle_inhibit!(Stage);
smithay::delegate_xwayland_shell!(Stage);
