//! The game as a client of Wayland: one full-screen surface of shared memory.

mod input;
mod window;

use std::time::Instant;

use probe::pads::Pads;
use probe::play::{Fault, Play as _};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use wayland_client::{Connection, EventQueue};

use crate::game::Game;
use window::Window;

/// Plays until the window is closed.
pub(crate) fn play(game: Game, pads: &Pads) -> Result<(), Fault> {
    let connection = Connection::connect_to_env()?;
    let mut queue = connection.new_event_queue();
    connection.display().get_registry(&queue.handle(), ());
    let mut window = Window::new(game);
    queue.roundtrip(&mut window)?;
    window.open(&queue.handle())?;
    while !window.closed {
        queue.dispatch_pending(&mut window)?;
        window.paint(&queue.handle())?;
        wait(&connection, &mut queue, &mut window, pads)?;
    }
    Ok(())
}

/// Waits for the display, a pad or the time of the next picture.
fn wait(
    connection: &Connection,
    queue: &mut EventQueue<Window>,
    window: &mut Window,
    pads: &Pads,
) -> Result<(), Fault> {
    connection.flush()?;
    let Some(guard) = queue.prepare_read() else { return Ok(()) };
    let display = guard.connection_fd();
    let mut files =
        [PollFd::new(&display, PollFlags::IN), PollFd::from_borrowed_fd(pads.file(), PollFlags::IN)];
    let left = window.due().map(|due| due.saturating_duration_since(Instant::now()));
    let left = left.map(Timespec::try_from).transpose()?;
    match poll(&mut files, left.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [display, pad] = files.map(|file| !file.revents().is_empty());
    if display {
        guard.read()?;
    }
    if pad {
        (0..pads.presses()).for_each(|_| window.game.press());
    }
    window.game.pads(&pads.now());
    Ok(())
}
