//! A small Wayland game: windows of one colour, which remember what they were told.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use wayland_client::globals::{GlobalList, GlobalListContents, registry_queue_init};
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_keyboard, wl_pointer, wl_region, wl_registry, wl_seat, wl_shm,
    wl_shm_pool, wl_subcompositor, wl_subsurface, wl_surface, wl_touch,
};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::wp::pointer_constraints::zv1::client::{
    zwp_locked_pointer_v1, zwp_pointer_constraints_v1,
};
use wayland_protocols::wp::presentation_time::client::{wp_presentation, wp_presentation_feedback};
use wayland_protocols::wp::relative_pointer::zv1::client::{
    zwp_relative_pointer_manager_v1, zwp_relative_pointer_v1,
};
use wayland_protocols::wp::text_input::zv3::client::{zwp_text_input_manager_v3, zwp_text_input_v3};
use wayland_protocols::xdg::shell::client::{
    xdg_popup, xdg_positioner, xdg_surface, xdg_toplevel, xdg_wm_base,
};

use super::house::DEADLINE;

/// What the game was told, in the order in which it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Configured { width: i32, height: i32 },
    Key { code: u32, pressed: bool },
    Enter { x: f64, y: f64 },
    Motion { x: f64, y: f64 },
    Relative { dx: f64, dy: f64 },
    Button { code: u32, pressed: bool },
    Wheel { vertical: bool, v120: i32 },
    TouchDown { id: i32, x: f64, y: f64 },
    TouchUp { id: i32 },
    Locked(bool),
    TextFocus,
    Text(String),
    Asked,
    Presented,
    PopupConfigured { x: i32, y: i32 },
    PopupDone,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) told: Vec<Told>,
    enter: u32,
}

/// A connected game.
pub(crate) struct Client {
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
    pub(crate) globals: GlobalList,
    queue: EventQueue<Memory>,
    compositor: wl_compositor::WlCompositor,
    shm: wl_shm::WlShm,
    shell: xdg_wm_base::XdgWmBase,
    pub(crate) seat: wl_seat::WlSeat,
    pub(crate) pointer: wl_pointer::WlPointer,
}

/// A window, or anything else with a surface.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) surface: wl_surface::WlSurface,
    pub(crate) shell: Option<xdg_surface::XdgSurface>,
    pub(crate) toplevel: Option<xdg_toplevel::XdgToplevel>,
    pub(crate) popup: Option<xdg_popup::XdgPopup>,
}

/// Memory that a picture is in, shared with the stage.
pub(crate) struct Picture {
    pub(crate) file: File,
    pub(crate) buffer: wl_buffer::WlBuffer,
    width: i32,
    height: i32,
}

impl Picture {
    /// Paints a rectangle with `0xAARRGGBB`.
    pub(crate) fn paint(&self, x: i32, y: i32, width: i32, height: i32, colour: u32) {
        let row = colour.to_le_bytes().repeat(usize::try_from(width).unwrap());
        for line in y..y + height {
            let at = u64::try_from((line * self.width + x) * 4).unwrap();
            self.file.write_all_at(&row, at).unwrap();
        }
    }
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> Self {
        let connection = Connection::from_socket(UnixStream::connect(socket).unwrap()).unwrap();
        let (globals, queue) = registry_queue_init::<Memory>(&connection).unwrap();
        let handle = queue.handle();
        let seat: wl_seat::WlSeat = globals.bind(&handle, 8..=9, ()).unwrap();
        seat.get_keyboard(&handle, ());
        seat.get_touch(&handle, ());
        Self {
            compositor: globals.bind(&handle, 6..=6, ()).unwrap(),
            shm: globals.bind(&handle, 1..=2, ()).unwrap(),
            shell: globals.bind(&handle, 3..=6, ()).unwrap(),
            pointer: seat.get_pointer(&handle, ()),
            memory: Memory::default(),
            seat,
            connection,
            globals,
            queue,
        }
    }

    pub(crate) fn handle(&self) -> QueueHandle<Memory> {
        self.queue.handle()
    }

    /// Binds another global.
    pub(crate) fn bind<I>(&self) -> I
    where
        I: Proxy + 'static,
        Memory: Dispatch<I, ()>,
    {
        self.globals.bind(&self.handle(), 1..=1, ()).unwrap()
    }

    pub(crate) fn flush(&self) {
        self.connection.flush().unwrap();
    }

    /// Waits until something was told; forgets it and all that came before it.
    pub(crate) fn told<T>(&mut self, what: &str, wanted: impl Fn(&Told) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            let found = self
                .memory
                .told
                .iter()
                .enumerate()
                .find_map(|(at, told)| wanted(told).map(|found| (at, found)));
            if let Some((at, found)) = found {
                self.memory.told.drain(..=at);
                return found;
            }
            assert!(self.turn(end), "{what} was not told, but {:?}", self.memory.told);
        }
    }

    /// Waits for exactly this.
    pub(crate) fn hears(&mut self, wanted: &Told) {
        self.told(&format!("{wanted:?}"), |told| (told == wanted).then_some(()));
    }

    /// Waits until all that was asked so far has been answered.
    pub(crate) fn settle(&mut self) {
        self.queue.roundtrip(&mut self.memory).unwrap();
    }

    /// Waits until the stage has ended the connection.
    pub(crate) fn is_thrown_out(&mut self) -> bool {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if self.queue.roundtrip(&mut self.memory).is_err() {
                return true;
            }
        }
        false
    }

    fn turn(&mut self, end: Instant) -> bool {
        self.queue.flush().unwrap();
        if self.queue.dispatch_pending(&mut self.memory).unwrap() > 0 {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if let Some(guard) = self.queue.prepare_read() {
            let fd = guard.connection_fd();
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let timeout = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap() + 1, tv_nsec: 0 };
            rustix::event::poll(&mut fds, Some(&timeout)).unwrap();
            match guard.read() {
                Ok(_) => {}
                Err(wayland_client::backend::WaylandError::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("the stage ended the connection: {error}"),
            }
        }
        true
    }

    pub(crate) fn surface(&self) -> wl_surface::WlSurface {
        self.compositor.create_surface(&self.handle(), ())
    }

    /// A window before its first picture; returns the size that it was told to have.
    pub(crate) fn window(&mut self) -> (Window, (i32, i32)) {
        let surface = self.surface();
        let shell = self.shell.get_xdg_surface(&surface, &self.handle(), ());
        let toplevel = shell.get_toplevel(&self.handle(), ());
        surface.commit();
        let size = self.told("a size", |told| match told {
            Told::Configured { width, height } => Some((*width, *height)),
            _ => None,
        });
        (Window { surface, shell: Some(shell), toplevel: Some(toplevel), popup: None }, size)
    }

    /// A window of one colour and this size.
    pub(crate) fn show(&mut self, width: i32, height: i32, colour: u32) -> (Window, Picture) {
        let (window, _) = self.window();
        let picture = self.picture(width, height, colour);
        self.draw(&window, &picture);
        (window, picture)
    }

    /// Shared memory with a picture of one colour.
    pub(crate) fn picture(&self, width: i32, height: i32, colour: u32) -> Picture {
        let file = File::from(rustix::fs::memfd_create("game", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
        file.set_len(u64::try_from(width * height * 4).unwrap()).unwrap();
        let pool = self.shm.create_pool(file.as_fd(), width * height * 4, &self.handle(), ());
        let format = if colour >> 24 == 0xff { wl_shm::Format::Xrgb8888 } else { wl_shm::Format::Argb8888 };
        let buffer = pool.create_buffer(0, width, height, width * 4, format, &self.handle(), ());
        pool.destroy();
        let picture = Picture { file, buffer, width, height };
        picture.paint(0, 0, width, height, colour);
        picture
    }

    /// Shows a picture, all of it new.
    pub(crate) fn draw(&self, window: &Window, picture: &Picture) {
        self.draw_part(window, picture, (0, 0, picture.width, picture.height));
    }

    /// Shows a picture of which only a part is new.
    pub(crate) fn draw_part(&self, window: &Window, picture: &Picture, part: (i32, i32, i32, i32)) {
        window.surface.attach(Some(&picture.buffer), 0, 0);
        window.surface.damage_buffer(part.0, part.1, part.2, part.3);
        window.surface.commit();
        self.flush();
    }

    /// Wants to be asked for the next picture; in force with the next commit.
    pub(crate) fn want_asking(&self, window: &Window) {
        window.surface.frame(&self.handle(), ());
    }

    /// A menu at `(x, y)` of a window, before its first picture.
    pub(crate) fn popup(&self, over: &Window, x: i32, y: i32, width: i32, height: i32) -> Window {
        let positioner = self.shell.create_positioner(&self.handle(), ());
        positioner.set_size(width, height);
        positioner.set_anchor_rect(x, y, 1, 1);
        positioner.set_anchor(xdg_positioner::Anchor::TopLeft);
        positioner.set_gravity(xdg_positioner::Gravity::BottomRight);
        let surface = self.surface();
        let shell = self.shell.get_xdg_surface(&surface, &self.handle(), ());
        let popup = shell.get_popup(over.shell.as_ref(), &positioner, &self.handle(), ());
        surface.commit();
        Window { surface, shell: Some(shell), toplevel: None, popup: Some(popup) }
    }

    /// A part of a window with a picture of its own.
    pub(crate) fn subsurface(&self, of: &Window, x: i32, y: i32) -> (Window, wl_subsurface::WlSubsurface) {
        let subcompositor: wl_subcompositor::WlSubcompositor = self.bind();
        let surface = self.surface();
        let subsurface = subcompositor.get_subsurface(&surface, &of.surface, &self.handle(), ());
        subsurface.set_position(x, y);
        (Window { surface, shell: None, toplevel: None, popup: None }, subsurface)
    }

    /// Draws the pointer with a picture, whose point `(x, y)` is the tip.
    pub(crate) fn cursor(&self, picture: &Picture, x: i32, y: i32) -> Window {
        let surface = self.surface();
        self.pointer.set_cursor(self.memory.enter, Some(&surface), x, y);
        let window = Window { surface, shell: None, toplevel: None, popup: None };
        self.draw(&window, picture);
        window
    }
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Memory {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

/// Writes down the events of an interface.
macro_rules! remember {
    ($interface:ty, $event:ty, |$memory:ident, $proxy:ident, $told:ident| $body:expr) => {
        impl Dispatch<$interface, ()> for Memory {
            fn event(
                $memory: &mut Self,
                $proxy: &$interface,
                $told: $event,
                (): &(),
                _: &Connection,
                _: &QueueHandle<Self>,
            ) {
                $body
            }
        }
    };
}

fn is<T: PartialEq>(value: &WEnum<T>, wanted: &T) -> bool {
    matches!(value, WEnum::Value(value) if value == wanted)
}

remember!(xdg_wm_base::XdgWmBase, xdg_wm_base::Event, |_memory, shell, event| {
    if let xdg_wm_base::Event::Ping { serial } = event {
        shell.pong(serial);
    }
});
remember!(xdg_surface::XdgSurface, xdg_surface::Event, |_memory, surface, event| {
    if let xdg_surface::Event::Configure { serial } = event {
        surface.ack_configure(serial);
    }
});
remember!(xdg_toplevel::XdgToplevel, xdg_toplevel::Event, |memory, _toplevel, event| {
    if let xdg_toplevel::Event::Configure { width, height, .. } = event {
        memory.told.push(Told::Configured { width, height });
    }
});
remember!(xdg_popup::XdgPopup, xdg_popup::Event, |memory, _popup, event| match event {
    xdg_popup::Event::Configure { x, y, .. } => memory.told.push(Told::PopupConfigured { x, y }),
    xdg_popup::Event::PopupDone => memory.told.push(Told::PopupDone),
    _ => {}
});
remember!(wl_keyboard::WlKeyboard, wl_keyboard::Event, |memory, _keyboard, event| {
    if let wl_keyboard::Event::Key { key, state, .. } = event {
        memory.told.push(Told::Key { code: key, pressed: is(&state, &wl_keyboard::KeyState::Pressed) });
    }
});
remember!(wl_pointer::WlPointer, wl_pointer::Event, |memory, _pointer, event| match event {
    wl_pointer::Event::Enter { serial, surface_x: x, surface_y: y, .. } => {
        memory.enter = serial;
        memory.told.push(Told::Enter { x, y });
    }
    wl_pointer::Event::Motion { surface_x: x, surface_y: y, .. } => memory.told.push(Told::Motion { x, y }),
    wl_pointer::Event::Button { button, state, .. } => {
        let pressed = is(&state, &wl_pointer::ButtonState::Pressed);
        memory.told.push(Told::Button { code: button, pressed });
    }
    wl_pointer::Event::AxisValue120 { axis, value120 } => {
        let vertical = is(&axis, &wl_pointer::Axis::VerticalScroll);
        memory.told.push(Told::Wheel { vertical, v120: value120 });
    }
    _ => {}
});
remember!(wl_touch::WlTouch, wl_touch::Event, |memory, _touch, event| match event {
    wl_touch::Event::Down { id, x, y, .. } => memory.told.push(Told::TouchDown { id, x, y }),
    wl_touch::Event::Up { id, .. } => memory.told.push(Told::TouchUp { id }),
    _ => {}
});
remember!(
    zwp_relative_pointer_v1::ZwpRelativePointerV1,
    zwp_relative_pointer_v1::Event,
    |memory, _p, event| {
        if let zwp_relative_pointer_v1::Event::RelativeMotion { dx, dy, .. } = event {
            memory.told.push(Told::Relative { dx, dy });
        }
    }
);
remember!(zwp_locked_pointer_v1::ZwpLockedPointerV1, zwp_locked_pointer_v1::Event, |memory, _p, event| {
    memory.told.push(Told::Locked(matches!(event, zwp_locked_pointer_v1::Event::Locked)));
});
remember!(zwp_text_input_v3::ZwpTextInputV3, zwp_text_input_v3::Event, |memory, _p, event| match event {
    zwp_text_input_v3::Event::Enter { .. } => memory.told.push(Told::TextFocus),
    zwp_text_input_v3::Event::CommitString { text } => memory.told.push(Told::Text(text.unwrap_or_default())),
    _ => {}
});
remember!(wl_callback::WlCallback, wl_callback::Event, |memory, _callback, _event| {
    memory.told.push(Told::Asked);
});
remember!(
    wp_presentation_feedback::WpPresentationFeedback,
    wp_presentation_feedback::Event,
    |memory, _feedback, event| {
        if let wp_presentation_feedback::Event::Presented { .. } = event {
            memory.told.push(Told::Presented);
        }
    }
);
delegate_noop!(Memory: ignore wl_compositor::WlCompositor);
delegate_noop!(Memory: ignore wl_subcompositor::WlSubcompositor);
delegate_noop!(Memory: ignore wl_subsurface::WlSubsurface);
delegate_noop!(Memory: ignore wl_surface::WlSurface);
delegate_noop!(Memory: ignore wl_region::WlRegion);
delegate_noop!(Memory: ignore wl_shm::WlShm);
delegate_noop!(Memory: ignore wl_shm_pool::WlShmPool);
delegate_noop!(Memory: ignore wl_buffer::WlBuffer);
delegate_noop!(Memory: ignore wl_seat::WlSeat);
delegate_noop!(Memory: ignore xdg_positioner::XdgPositioner);
delegate_noop!(Memory: ignore wp_presentation::WpPresentation);
delegate_noop!(Memory: ignore zwp_pointer_constraints_v1::ZwpPointerConstraintsV1);
delegate_noop!(Memory: ignore zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1);
delegate_noop!(Memory: ignore zwp_text_input_manager_v3::ZwpTextInputManagerV3);
