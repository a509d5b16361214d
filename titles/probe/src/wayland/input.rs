//! What the player does: everything pressed flips the mark, the pointer moves the crosshair.

use probe::play::Play as _;
use wayland_client::protocol::wl_keyboard::{self, WlKeyboard};
use wayland_client::protocol::wl_pointer::{self, WlPointer};
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::protocol::wl_touch::{self, WlTouch};
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum};

use super::window::Window;

/// The devices, and what is known of them.
#[derive(Default)]
pub(super) struct Seat {
    keyboard: Option<WlKeyboard>,
    pointer: Option<WlPointer>,
    touch: Option<WlTouch>,
    /// Whether the wheel turned since the last whole event.
    turned: bool,
}

impl Dispatch<WlSeat, ()> for Window {
    fn event(
        window: &mut Self,
        seat: &WlSeat,
        event: wl_seat::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        let wl_seat::Event::Capabilities { capabilities: WEnum::Value(has) } = event else { return };
        let devices = &mut window.seat;
        if has.contains(wl_seat::Capability::Keyboard) && devices.keyboard.is_none() {
            devices.keyboard = Some(seat.get_keyboard(handle, ()));
        }
        if has.contains(wl_seat::Capability::Pointer) && devices.pointer.is_none() {
            devices.pointer = Some(seat.get_pointer(handle, ()));
        }
        if has.contains(wl_seat::Capability::Touch) && devices.touch.is_none() {
            devices.touch = Some(seat.get_touch(handle, ()));
        }
    }
}

impl Dispatch<WlKeyboard, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_keyboard::Event::Key { state: WEnum::Value(wl_keyboard::KeyState::Pressed), .. } = event {
            window.game.press();
        }
    }
}

impl Dispatch<WlPointer, ()> for Window {
    fn event(
        window: &mut Self,
        pointer: &WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_pointer::Event::Enter { serial, surface_x, surface_y, .. } => {
                // The crosshair is the cursor.
                pointer.set_cursor(serial, None, 0, 0);
                window.game.point(surface_x, surface_y);
            }
            wl_pointer::Event::Motion { surface_x, surface_y, .. } => window.game.point(surface_x, surface_y),
            wl_pointer::Event::Button { state: WEnum::Value(wl_pointer::ButtonState::Pressed), .. } => {
                window.game.press();
            }
            wl_pointer::Event::Axis { .. } => window.seat.turned = true,
            // One turn may come as several events, which this one ends.
            wl_pointer::Event::Frame if window.seat.turned => {
                window.seat.turned = false;
                window.game.press();
            }
            _ => {}
        }
    }
}

impl Dispatch<WlTouch, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlTouch,
        event: wl_touch::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_touch::Event::Down { x, y, .. } => {
                window.game.point(x, y);
                window.game.press();
            }
            wl_touch::Event::Motion { x, y, .. } => window.game.point(x, y),
            _ => {}
        }
    }
}
