//! Rumble on its way back from a game: datagrams on a socket.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags};

use super::Rumble;

/// SDL repeats a rumble every 2 s for as long as it lasts, and ends it with a zero: one that is not repeated is to
/// end by itself soon after, should the game die in the midst of it.
const MILLIS: u16 = 2500;

/// A pad and its two motors, as the game's side sends them.
const LEN: usize = 5;

/// The thread that listens. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Listener {
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds `rumble` in the folder.
    pub(super) fn start(folder: &Path, rumble: Rumble) -> io::Result<Self> {
        let path = folder.join("rumble");
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        // Through a descriptor, since an address has room for 108 bytes only (unix(7)).
        let folder = std::fs::File::open(folder)?;
        let socket = UnixDatagram::bind(format!("/proc/self/fd/{}/rumble", folder.as_raw_fd()))?;
        socket.set_nonblocking(true)?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?;
        let own = stop.try_clone()?;
        let thread = std::thread::Builder::new()
            .name("rumble".to_owned())
            .spawn(move || listen(&socket, &own, rumble))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).ok();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the rumble thread panicked");
        }
    }
}

fn listen(socket: &UnixDatagram, stop: &OwnedFd, mut rumble: Rumble) {
    loop {
        let mut fds = [PollFd::new(socket, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "the rumble thread ends");
                return;
            }
        }
        if !fds[1].revents().is_empty() {
            return;
        }
        // One byte more, so that a longer message is not taken for one of the right length.
        let mut message = [0; LEN + 1];
        while let Ok(len) = socket.recv(&mut message) {
            if let Some((pad, strong, weak)) = decode(&message[..len]) {
                rumble(pad, strong, weak, MILLIS);
            }
        }
    }
}

fn decode(message: &[u8]) -> Option<(u8, u16, u16)> {
    let &[pad, a, b, c, d] = message else { return None };
    let known = pad < playhouse_play::input::MAX_PADS;
    known.then_some((pad, u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_messages_about_known_pads_count() {
        assert_eq!(decode(&[3, 1, 0, 0, 1]), Some((3, 1, 256)));
        assert_eq!(decode(&[4, 1, 0, 0, 1]), None);
        assert_eq!(decode(&[0, 1, 0, 0]), None);
        assert_eq!(decode(&[0, 1, 0, 0, 1, 0]), None);
    }
}
