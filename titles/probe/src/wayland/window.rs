//! The window: its surface, its buffers, and when it is painted.

use std::time::Instant;

use playhouse_media::frame::Size;
use probe::memory::Memory;
use probe::play::{Change, Fault, Play as _};
use wayland_client::protocol::wl_buffer::{self, WlBuffer};
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_compositor::WlCompositor;
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::protocol::wl_shm::{self, WlShm};
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::xdg::shell::client::xdg_surface::{self, XdgSurface};
use wayland_protocols::xdg::shell::client::xdg_toplevel::{self, XdgToplevel};
use wayland_protocols::xdg::shell::client::xdg_wm_base::{self, XdgWmBase};

use super::input::Seat;
use crate::game::Game;

/// Enough that one is free while one is shown and one waits.
const BUFFERS: usize = 3;

/// A picture that the compositor may be reading.
struct Buffer {
    memory: Memory,
    proxy: WlBuffer,
    busy: bool,
}

#[derive(Default)]
struct Globals {
    compositor: Option<WlCompositor>,
    shm: Option<WlShm>,
    shell: Option<XdgWmBase>,
}

/// The window and everything that it holds of the compositor.
pub(super) struct Window {
    pub(super) game: Game,
    pub(super) closed: bool,
    pub(super) seat: Seat,
    globals: Globals,
    surface: Option<WlSurface>,
    buffers: Vec<Buffer>,
    /// Size that the compositor asked for last, in force with the next configure.
    asked: Option<Size>,
    configured: bool,
    /// Whether the compositor will say when it takes another picture.
    waiting: bool,
}

impl Window {
    pub(super) fn new(game: Game) -> Self {
        Self {
            game,
            closed: false,
            seat: Seat::default(),
            globals: Globals::default(),
            surface: None,
            buffers: Vec::new(),
            asked: None,
            configured: false,
            waiting: false,
        }
    }

    /// Asks for a full-screen window.
    pub(super) fn open(&mut self, handle: &QueueHandle<Self>) -> Result<(), Fault> {
        let (Some(compositor), Some(shell), Some(_)) =
            (&self.globals.compositor, &self.globals.shell, &self.globals.shm)
        else {
            return Err("the compositor lacks wl_compositor, wl_shm or xdg_wm_base".into());
        };
        let surface = compositor.create_surface(handle, ());
        let toplevel = shell.get_xdg_surface(&surface, handle, ()).get_toplevel(handle, ());
        toplevel.set_title("Probe".to_owned());
        toplevel.set_app_id("playhouse.probe".to_owned());
        toplevel.set_fullscreen(None);
        surface.commit();
        self.surface = Some(surface);
        Ok(())
    }

    /// When to look again even if the compositor says nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        self.game.due().filter(|_| self.configured && !self.waiting && self.game.wants_picture())
    }

    /// Paints and commits where there is something to show and a buffer to show it in. An input is answered at
    /// once; everything else waits until the compositor asks for a picture.
    pub(super) fn paint(&mut self, handle: &QueueHandle<Self>) -> Result<(), Fault> {
        let now = Instant::now();
        let paced = !self.waiting && self.game.due().is_none_or(|due| due <= now);
        if !self.configured || !(self.game.has_news() || paced && self.game.wants_picture()) {
            return Ok(());
        }
        if self.buffers.is_empty() {
            self.make_buffers(handle)?;
        }
        let Some(surface) = &self.surface else { return Ok(()) };
        // None free: the compositor's release wakes the loop, and it comes here again.
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| !buffer.busy) else { return Ok(()) };
        match self.game.paint(now, buffer.memory.bytes()) {
            Change::Everything => surface.damage_buffer(0, 0, i32::MAX, i32::MAX),
            Change::Parts(parts) => {
                for part in parts {
                    let [x, y, width, height] =
                        [part.x, part.y, part.width, part.height].map(u32::cast_signed);
                    surface.damage_buffer(x, y, width, height);
                }
            }
        }
        surface.attach(Some(&buffer.proxy), 0, 0);
        buffer.busy = true;
        if !self.waiting {
            surface.frame(handle, ());
            self.waiting = true;
        }
        surface.commit();
        Ok(())
    }

    fn make_buffers(&mut self, handle: &QueueHandle<Self>) -> Result<(), Fault> {
        let Some(shm) = &self.globals.shm else { return Ok(()) };
        let size = self.game.size();
        let [width, height] = [size.width, size.height].map(u32::cast_signed);
        for _ in 0..BUFFERS {
            let memory = Memory::new(size.bgra_len())?;
            let pool = shm.create_pool(memory.file(), i32::try_from(size.bgra_len())?, handle, ());
            let proxy = pool.create_buffer(0, width, height, width * 4, wl_shm::Format::Xrgb8888, handle, ());
            pool.destroy();
            self.buffers.push(Buffer { memory, proxy, busy: false });
        }
        Ok(())
    }

    fn configure(&mut self) {
        self.configured = true;
        if let Some(size) = self.asked
            && size != self.game.size()
        {
            self.game.resize(size);
            // The compositor keeps what it still reads.
            self.buffers.drain(..).for_each(|buffer| buffer.proxy.destroy());
        }
    }
}

impl Dispatch<WlRegistry, ()> for Window {
    fn event(
        window: &mut Self,
        registry: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        let wl_registry::Event::Global { name, interface, version } = event else { return };
        match interface.as_str() {
            "wl_compositor" => {
                window.globals.compositor = Some(registry.bind(name, version.min(4), handle, ()));
            }
            "wl_shm" => window.globals.shm = Some(registry.bind(name, 1, handle, ())),
            "xdg_wm_base" => window.globals.shell = Some(registry.bind(name, 1, handle, ())),
            "wl_seat" => drop(registry.bind::<WlSeat, _, _>(name, version.min(5), handle, ())),
            _ => {}
        }
    }
}

impl Dispatch<XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            window.configure();
        }
    }
}

impl Dispatch<XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_toplevel::Event::Configure { width: width @ 1.., height: height @ 1.., .. } => {
                window.asked = Some(Size::new(width.cast_unsigned(), height.cast_unsigned()));
            }
            xdg_toplevel::Event::Close => window.closed = true,
            _ => {}
        }
    }
}

impl Dispatch<WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        window.waiting = false;
    }
}

impl Dispatch<WlBuffer, ()> for Window {
    fn event(
        window: &mut Self,
        proxy: &WlBuffer,
        _: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(buffer) = window.buffers.iter_mut().find(|buffer| buffer.proxy == *proxy) {
            buffer.busy = false;
        }
    }
}

delegate_noop!(Window: ignore WlCompositor);
delegate_noop!(Window: ignore WlShm);
delegate_noop!(Window: ignore WlShmPool);
delegate_noop!(Window: ignore WlSurface);
