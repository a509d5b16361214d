//! A game as a client of X11: one window of the screen's size, painted in shared memory.

use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::Event;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, AutoRepeatMode, ChangeKeyboardControlAux, ChangeWindowAttributesAux, ConnectionExt as _,
    CreateGCAux, CreateWindowAux, EventMask, Gcontext, ImageFormat, InputFocus, PropMode, Rectangle, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::layout::Rect;
use crate::memory::Memory;
use crate::pads::Pads;
use crate::play::{Change, Fault, Play};

/// X11 does not say when it takes a picture.
const DEFAULT_RATE: u32 = 60;

/// X11's numbers of keys are the kernel's and this.
const KERNEL: u8 = 8;

/// One is being read while the other is painted.
const BUFFERS: usize = 2;

struct Buffer {
    memory: Memory,
    segment: shm::Seg,
    busy: bool,
}

struct Display {
    connection: RustConnection,
    window: Window,
    gc: Gcontext,
    depth: u8,
    size: Size,
    buffers: Vec<Buffer>,
    visible: bool,
}

/// Plays until the window or the display is closed.
pub fn play(title: &str, mut game: impl Play, pads: &Pads) -> Result<(), Fault> {
    let mut display = Display::open(title, game.size())?;
    game.resize(display.size);
    let period = Duration::from_secs(1) / game.rate().unwrap_or(DEFAULT_RATE);
    let mut due = Instant::now();
    loop {
        while let Some(event) = display.connection.poll_for_event()? {
            display.event(&mut game, &event);
        }
        (0..pads.presses()).for_each(|_| game.press());
        game.pads(&pads.now());
        let now = Instant::now();
        if display.visible && (game.has_news() || due <= now && game.wants_picture()) {
            display.paint(&mut game, now)?;
        }
        if due <= now {
            // Kept to the beat, unless it was missed altogether.
            due = (due + period).max(now);
        }
        display.connection.flush()?;
        let wait = game.wants_picture().then(|| due.saturating_duration_since(Instant::now()));
        let wait = wait.map(Timespec::try_from).transpose()?;
        let stream = display.connection.stream();
        let mut files =
            [PollFd::new(stream, PollFlags::IN), PollFd::from_borrowed_fd(pads.file(), PollFlags::IN)];
        match poll(&mut files, wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Games of ours show themselves where the pointer is.
fn hide_cursor(connection: &RustConnection, window: Window) -> Result<(), Fault> {
    let (picture, cursor, gc) =
        (connection.generate_id()?, connection.generate_id()?, connection.generate_id()?);
    connection.create_pixmap(1, picture, window, 1, 1)?;
    connection.create_gc(gc, picture, &CreateGCAux::new().foreground(0))?;
    let all = Rectangle { x: 0, y: 0, width: 1, height: 1 };
    connection.poly_fill_rectangle(picture, gc, &[all])?;
    connection.create_cursor(cursor, picture, picture, 0, 0, 0, 0, 0, 0, 0, 0)?;
    connection.change_window_attributes(window, &ChangeWindowAttributesAux::new().cursor(cursor))?;
    Ok(())
}

impl Display {
    fn open(title: &str, size: Size) -> Result<Self, Fault> {
        let (connection, screen) = RustConnection::connect(None)?;
        let screen = connection.setup().roots.get(screen).ok_or("the display has no screen")?.clone();
        if connection.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
            return Err("the display has no MIT-SHM".into());
        }
        connection.shm_query_version()?.reply()?;
        let [width, height] = [size.width, size.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let (window, gc) = (connection.generate_id()?, connection.generate_id()?);
        let events = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::POINTER_MOTION
            | EventMask::EXPOSURE
            | EventMask::STRUCTURE_NOTIFY;
        let looks = CreateWindowAux::new().event_mask(events).background_pixel(screen.black_pixel);
        let (depth, visual) = (screen.root_depth, screen.root_visual);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(
            depth,
            window,
            screen.root,
            0,
            0,
            width,
            height,
            0,
            class,
            visual,
            &looks,
        )?;
        connection.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?;
        connection.change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_NAME,
            AtomEnum::STRING,
            title.as_bytes(),
        )?;
        hide_cursor(&connection, window)?;
        let atom = |name: &str| -> Result<u32, Fault> {
            Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        };
        let (state, fullscreen) = (atom("_NET_WM_STATE")?, atom("_NET_WM_STATE_FULLSCREEN")?);
        connection.change_property32(PropMode::REPLACE, window, state, AtomEnum::ATOM, &[fullscreen])?;
        // A held key is one press.
        let still = ChangeKeyboardControlAux::new().auto_repeat_mode(AutoRepeatMode::OFF);
        connection.change_keyboard_control(&still)?;
        connection.map_window(window)?;
        let mut display = Self { connection, window, gc, depth, size, buffers: Vec::new(), visible: false };
        for _ in 0..BUFFERS {
            let buffer = display.buffer()?;
            display.buffers.push(buffer);
        }
        Ok(display)
    }

    fn buffer(&self) -> Result<Buffer, Fault> {
        let memory = Memory::new(self.size.bgra_len())?;
        let segment = self.connection.generate_id()?;
        let file = memory.file().try_clone_to_owned()?;
        self.connection.shm_attach_fd(segment, file, true)?.check()?;
        Ok(Buffer { memory, segment, busy: false })
    }

    fn event(&mut self, game: &mut impl Play, event: &Event) {
        match event {
            Event::KeyPress(key) => {
                game.key(key.detail.saturating_sub(KERNEL), true);
                game.press();
            }
            Event::KeyRelease(key) => game.key(key.detail.saturating_sub(KERNEL), false),
            Event::ButtonPress(_) => game.press(),
            Event::MotionNotify(motion) => game.point(motion.event_x.into(), motion.event_y.into()),
            Event::MapNotify(_) => {
                self.visible = true;
                // Where no window manager does it. One that does makes this an error, which is ignored.
                drop(self.connection.set_input_focus(InputFocus::POINTER_ROOT, self.window, 0_u32));
            }
            Event::ShmCompletion(done) => {
                if let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.segment == done.shmseg) {
                    buffer.busy = false;
                }
            }
            _ => {}
        }
    }

    fn paint(&mut self, game: &mut impl Play, now: Instant) -> Result<(), Fault> {
        let [width, height] =
            [self.size.width, self.size.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        // None free: the server's completion wakes the loop.
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| !buffer.busy) else { return Ok(()) };
        let parts = match game.paint(now, buffer.memory.bytes()) {
            Change::Everything => vec![(0, 0, width, height)],
            Change::Parts(parts) => {
                let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
                let inside = |part: Rect| {
                    let (x, y) = (part.x.min(self.size.width), part.y.min(self.size.height));
                    (
                        x,
                        y,
                        side(part.width.min(self.size.width - x)),
                        side(part.height.min(self.size.height - y)),
                    )
                };
                let place =
                    |(x, y, width, height)| (side(x).cast_signed(), side(y).cast_signed(), width, height);
                parts.into_iter().map(inside).map(place).collect()
            }
        };
        let last = parts.len().saturating_sub(1);
        for (index, (x, y, part_width, part_height)) in parts.into_iter().enumerate() {
            let (from_x, from_y) = (x.cast_unsigned(), y.cast_unsigned());
            self.connection.shm_put_image(
                self.window,
                self.gc,
                width,
                height,
                from_x,
                from_y,
                part_width,
                part_height,
                x,
                y,
                self.depth,
                ImageFormat::Z_PIXMAP.into(),
                index == last,
                buffer.segment,
                0,
            )?;
        }
        buffer.busy = true;
        Ok(())
    }
}
