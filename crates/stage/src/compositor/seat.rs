//! The player's input on its way to the game.
//!
//! The keyboard belongs to the topmost window; the pointer to what lies under it. A game that locks the pointer
//! gets motion without positions; while it does, positions that still come are turned into the motion between
//! them.

use std::collections::BTreeSet;

use playhouse_media::frame::Size;
use playhouse_play::input::TouchPhase;
use smithay::backend::input::{Axis, AxisSource, ButtonState, KeyState};
use smithay::input::keyboard::{FilterResult, KeyboardHandle, Keycode, XkbConfig};
use smithay::input::pointer::{
    AxisFrame, ButtonEvent, CursorImageStatus, MotionEvent, PointerHandle, RelativeMotionEvent,
};
use smithay::input::touch::{DownEvent, MotionEvent as TouchMotion, TouchHandle, UpEvent};
use smithay::input::{Seat, SeatState};
use smithay::reexports::wayland_server::DisplayHandle;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{IsAlive, Logical, Point, SERIAL_COUNTER};
use smithay::wayland::pointer_constraints::{
    PointerConstraint, PointerConstraintsHandler, with_pointer_constraint,
};
use smithay::wayland::shell::xdg::PopupSurface;

use super::cursor::{Cursor, CursorImage};
use super::protocols::pixels;
use super::stage::{Stage, milliseconds, now};
use super::{Error, Event, GameInput};

/// A key is repeated after so many milliseconds, by the game itself, so many times per second.
const REPEAT: (i32, i32) = (400, 30);

/// Highest key code that is passed on: `KEY_MAX` of the kernel.
const KEY_MAX: u16 = 0x2ff;

/// From evdev's codes to those of X keyboards and keymaps.
const XKB_OFFSET: u32 = 8;

/// Length of a notch in surface pixels, as desktops have it.
const NOTCH: f64 = 15.0;

/// Fingers that may be down at once.
const FINGERS: usize = 16;

/// The seat of a stage: all players of a session share one keyboard and one pointer.
pub(super) struct Player {
    pub(super) seat: Seat<Stage>,
    keyboard: KeyboardHandle<Stage>,
    pointer: PointerHandle<Stage>,
    touch: TouchHandle<Stage>,
    cursor: CursorImage,
    output: Size,
    /// Where the pointer is on the output.
    at: Point<f64, Logical>,
    /// Positions came since the last motion: there is a pointer to be seen.
    absolute: bool,
    locked: bool,
    text_wanted: bool,
    keys: BTreeSet<u16>,
    buttons: BTreeSet<u16>,
    fingers: BTreeSet<u32>,
    /// Popups that are to vanish at a click beside them.
    grabs: Vec<PopupSurface>,
}

impl Player {
    pub(super) fn new(
        display: &DisplayHandle,
        output: Size,
        seats: &mut SeatState<Stage>,
    ) -> Result<Self, Error> {
        let mut seat = seats.new_wl_seat(display, "player");
        let layout = XkbConfig { layout: "us", ..XkbConfig::default() };
        let keyboard = seat
            .add_keyboard(layout, REPEAT.0, REPEAT.1)
            .map_err(|error| Error::Keymap(error.to_string()))?;
        let pointer = seat.add_pointer();
        let touch = seat.add_touch();
        let (width, height) = pixels(output);
        Ok(Self {
            seat,
            keyboard,
            pointer,
            touch,
            cursor: CursorImage::new(),
            output,
            at: (f64::from(width) / 2.0, f64::from(height) / 2.0).into(),
            absolute: false,
            locked: false,
            text_wanted: false,
            keys: BTreeSet::new(),
            buttons: BTreeSet::new(),
            fingers: BTreeSet::new(),
            grabs: Vec::new(),
        })
    }

    pub(super) fn set_output(&mut self, output: Size) {
        self.output = output;
        self.at = self.within(self.at);
    }

    pub(super) fn set_cursor(&mut self, status: CursorImageStatus) {
        self.cursor.set(status);
    }

    pub(super) fn commit_cursor(&self, surface: &WlSurface) -> bool {
        self.cursor.commit(surface)
    }

    pub(super) fn cursor_surface(&self) -> Option<WlSurface> {
        self.cursor.surface().cloned()
    }

    /// What is to be drawn of the pointer.
    pub(super) fn cursor(&self) -> Cursor {
        if !self.absolute || self.locked || self.pointer.current_focus().is_none() {
            return Cursor::None;
        }
        self.cursor.at(self.at)
    }

    pub(super) fn grab_popup(&mut self, popup: PopupSurface) {
        self.grabs.retain(PopupSurface::alive);
        self.grabs.push(popup);
    }

    /// The nearest point of the output.
    fn within(&self, at: Point<f64, Logical>) -> Point<f64, Logical> {
        let (width, height) = pixels(self.output);
        (at.x.clamp(0.0, f64::from(width) - 1.0), at.y.clamp(0.0, f64::from(height) - 1.0)).into()
    }
}

impl Stage {
    /// Gives the game an input.
    pub(super) fn give(&mut self, input: GameInput) {
        match input {
            GameInput::Key { code, pressed } => self.key(code, pressed),
            GameInput::Text(text) => self.texts.give(&text),
            GameInput::Button { code, pressed } => self.button(code, pressed),
            GameInput::PointerTo { x, y } if x.is_finite() && y.is_finite() => self.pointer_to((x, y).into()),
            GameInput::PointerBy { dx, dy } if dx.is_finite() && dy.is_finite() => {
                self.pointer_by((dx, dy).into());
            }
            GameInput::Wheel { dx, dy } => self.wheel(dx, dy),
            GameInput::Touch { id, phase, x, y } if x.is_finite() && y.is_finite() => {
                self.finger(id, phase, (x, y).into());
            }
            GameInput::ReleaseAll => self.release_all(),
            // A coordinate that is no number.
            GameInput::PointerTo { .. } | GameInput::PointerBy { .. } | GameInput::Touch { .. } => {}
        }
    }

    fn key(&mut self, code: u16, pressed: bool) {
        let known = if pressed { self.player.keys.insert(code) } else { self.player.keys.remove(&code) };
        if !known || code > KEY_MAX {
            return;
        }
        let keyboard = self.player.keyboard.clone();
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let code = Keycode::new(u32::from(code) + XKB_OFFSET);
        let serial = SERIAL_COUNTER.next_serial();
        keyboard
            .input::<(), _>(self, code, state, serial, milliseconds(now()), |_, _, _| FilterResult::Forward);
    }

    fn button(&mut self, code: u16, pressed: bool) {
        let known =
            if pressed { self.player.buttons.insert(code) } else { self.player.buttons.remove(&code) };
        if !known {
            return;
        }
        if pressed {
            self.dismiss_popups();
        }
        let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
        let event = ButtonEvent {
            serial: SERIAL_COUNTER.next_serial(),
            time: milliseconds(now()),
            button: u32::from(code),
            state,
        };
        let pointer = self.player.pointer.clone();
        pointer.button(self, &event);
        pointer.frame(self);
    }

    fn pointer_to(&mut self, at: Point<f64, Logical>) {
        let at = self.player.within(at);
        let delta = at - self.player.at;
        if self.player.locked {
            self.player.at = at;
            self.relative(delta);
            let pointer = self.player.pointer.clone();
            pointer.frame(self);
            return;
        }
        self.player.absolute = true;
        self.move_to(at, delta);
    }

    fn pointer_by(&mut self, delta: Point<f64, Logical>) {
        if self.player.locked {
            self.relative(delta);
            let pointer = self.player.pointer.clone();
            pointer.frame(self);
            return;
        }
        let at = self.player.within(self.player.at + delta);
        self.move_to(at, delta);
    }

    fn move_to(&mut self, at: Point<f64, Logical>, delta: Point<f64, Logical>) {
        let at = self.confined(at);
        let drawn = !matches!(self.player.cursor(), Cursor::None);
        self.player.at = at;
        self.relative(delta);
        self.point();
        let pointer = self.player.pointer.clone();
        pointer.frame(self);
        if drawn || !matches!(self.player.cursor(), Cursor::None) {
            self.changed();
        }
    }

    fn relative(&mut self, delta: Point<f64, Logical>) {
        let pointer = self.player.pointer.clone();
        let event = RelativeMotionEvent { delta, delta_unaccel: delta, utime: now().as_micros() };
        // The focus is given only so that smithay keeps it: a grab (a button that is held) keeps its own.
        let focus = pointer.current_focus().map(|surface| (surface, Point::default()));
        pointer.relative_motion(self, focus, &event);
    }

    /// Points at what lies under the pointer now.
    fn point(&mut self) {
        let pointer = self.player.pointer.clone();
        let at = self.player.at;
        // While a button is held the game under it keeps the pointer, also beyond its edge.
        let held = if self.player.buttons.is_empty() { None } else { pointer.current_focus() };
        let plane = held.as_ref().and_then(|surface| self.windows.on_plane(surface, at));
        let under = match (held, plane) {
            (Some(surface), Some(plane)) => Some((surface, Point::default(), plane)),
            _ => self.windows.under(at),
        };
        let location = under.as_ref().map_or(at, |(_, _, location)| *location);
        let focus = under.map(|(surface, origin, _)| (surface, origin));
        let event = MotionEvent { location, serial: SERIAL_COUNTER.next_serial(), time: milliseconds(now()) };
        pointer.motion(self, focus, &event);
        self.activate_constraint();
    }

    /// The nearest point that the game allows the pointer to be at.
    fn confined(&self, at: Point<f64, Logical>) -> Point<f64, Logical> {
        let Some(surface) = self.player.pointer.current_focus() else { return at };
        let confined = with_pointer_constraint(&surface, &self.player.pointer, |constraint| {
            constraint.is_some_and(|constraint| {
                constraint.is_active() && matches!(&*constraint, PointerConstraint::Confined(_))
            })
        });
        match self.windows.place_of(&surface).filter(|_| confined) {
            Some(place) => {
                let area = place.on_output();
                let last = area.loc + area.size.to_point();
                let x = at.x.clamp(area.loc.x, (last.x - 1.0).max(area.loc.x));
                let y = at.y.clamp(area.loc.y, (last.y - 1.0).max(area.loc.y));
                (x, y).into()
            }
            None => at,
        }
    }

    fn activate_constraint(&self) {
        let Some(surface) = self.player.pointer.current_focus() else { return };
        with_pointer_constraint(&surface, &self.player.pointer, |constraint| {
            if let Some(constraint) = constraint.filter(|constraint| !constraint.is_active()) {
                constraint.activate();
            }
        });
    }

    fn wheel(&mut self, dx: i16, dy: i16) {
        let mut frame = AxisFrame::new(milliseconds(now())).source(AxisSource::Wheel);
        for (axis, turned) in [(Axis::Horizontal, dx), (Axis::Vertical, dy)] {
            if turned != 0 {
                frame = frame.v120(axis, i32::from(turned)).value(axis, f64::from(turned) / 120.0 * NOTCH);
            }
        }
        let pointer = self.player.pointer.clone();
        pointer.axis(self, frame);
        pointer.frame(self);
    }

    fn finger(&mut self, id: u32, phase: TouchPhase, at: Point<f64, Logical>) {
        let touch = self.player.touch.clone();
        let slot = Some(id).into();
        let serial = SERIAL_COUNTER.next_serial();
        let time = milliseconds(now());
        let under = self.windows.under(at);
        let location = under.as_ref().map_or(at, |(_, _, location)| *location);
        let focus = under.map(|(surface, origin, _)| (surface, origin));
        match phase {
            TouchPhase::Down => {
                if self.player.fingers.len() >= FINGERS || !self.player.fingers.insert(id) {
                    return;
                }
                self.player.absolute = false;
                touch.down(self, focus, &DownEvent { slot, location, serial, time });
            }
            TouchPhase::Move => {
                if !self.player.fingers.contains(&id) {
                    return;
                }
                touch.motion(self, focus, &TouchMotion { slot, location, time });
            }
            TouchPhase::Up => {
                if !self.player.fingers.remove(&id) {
                    return;
                }
                touch.up(self, &UpEvent { slot, serial, time });
            }
            TouchPhase::Cancel => {
                self.player.fingers.clear();
                touch.cancel(self);
                return;
            }
        }
        touch.frame(self);
    }

    fn release_all(&mut self) {
        for code in self.player.keys.clone() {
            self.key(code, false);
        }
        for code in self.player.buttons.clone() {
            self.button(code, false);
        }
        if !self.player.fingers.is_empty() {
            self.finger(0, TouchPhase::Cancel, Point::default());
        }
    }

    /// Lets menus vanish that the click is not in.
    fn dismiss_popups(&mut self) {
        let hit = self.windows.under(self.player.at).map(|(surface, _, _)| surface);
        self.player.grabs.retain(PopupSurface::alive);
        if hit.is_some_and(|hit| self.player.grabs.iter().any(|popup| popup.wl_surface() == &hit)) {
            return;
        }
        for popup in self.player.grabs.drain(..).rev() {
            popup.send_popup_done();
        }
    }

    /// Gives keyboard and pointer to what is on top now.
    pub(super) fn focus_top(&mut self) {
        let top = self.windows.top().cloned();
        let surface = top.as_ref().and_then(|window| window.surface().cloned());
        let keyboard = self.player.keyboard.clone();
        if keyboard.current_focus() != surface {
            if let Some(window) = &top {
                self.activate_x11(window);
            }
            keyboard.set_focus(self, surface, SERIAL_COUNTER.next_serial());
        }
        for root in self.windows.roots(false).collect::<Vec<_>>() {
            self.protocols.output().enter(&root);
        }
        self.point();
        let pointer = self.player.pointer.clone();
        pointer.frame(self);
    }

    /// Tells the session of what the game did to pointer and text since the last turn.
    pub(super) fn settle_seat(&mut self) {
        let focus = self.player.pointer.current_focus().filter(IsAlive::alive);
        let locked = focus.is_some_and(|surface| {
            with_pointer_constraint(&surface, &self.player.pointer, |constraint| {
                constraint.is_some_and(|constraint| {
                    constraint.is_active() && matches!(&*constraint, PointerConstraint::Locked(_))
                })
            })
        });
        if locked != self.player.locked {
            self.player.locked = locked;
            self.changed();
            self.tell(Event::PointerLock(locked));
        }
        let wanted = self.texts.wanted();
        if wanted != self.player.text_wanted {
            self.player.text_wanted = wanted;
            self.tell(Event::TextInput(wanted));
        }
    }
}

impl PointerConstraintsHandler for Stage {
    fn new_constraint(&mut self, surface: &WlSurface, pointer: &PointerHandle<Self>) {
        // A game may lock the pointer before the player ever moved it: it is in the game all the same.
        if pointer.current_focus().is_none() {
            self.point();
        }
        if pointer.current_focus().as_ref() == Some(surface) {
            self.activate_constraint();
        }
    }

    fn cursor_position_hint(
        &mut self,
        surface: &WlSurface,
        pointer: &PointerHandle<Self>,
        at: Point<f64, Logical>,
    ) {
        let active = with_pointer_constraint(surface, pointer, |constraint| {
            constraint.is_some_and(|constraint| constraint.is_active())
        });
        if let Some(place) = self.windows.place_of(surface).filter(|_| active) {
            let inside = at - place.geometry.loc.to_f64();
            let on_output = place.origin + Point::from((inside.x * place.scale, inside.y * place.scale));
            self.player.at = self.player.within(on_output);
        }
    }
}
