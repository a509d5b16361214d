//! Waking the network thread: an event counter, and the wait for it, the sockets and a timer together.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

/// A counter that other threads raise to wake the loop.
#[derive(Debug)]
pub(crate) struct Wake(OwnedFd);

impl Wake {
    /// A counter at zero.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    /// Wakes the loop. A counter that is full is raised already, so that nothing can go wrong here.
    pub(crate) fn raise(&self) {
        if let Err(error) = rustix::io::write(&self.0, &1_u64.to_ne_bytes())
            && error != Errno::AGAIN
        {
            tracing::error!(%error, "cannot wake the network thread");
        }
    }

    /// Sets the counter back to zero.
    pub(crate) fn clear(&self) {
        let mut count = [0; 8];
        if let Err(error) = rustix::io::read(&self.0, &mut count)
            && error != Errno::AGAIN
        {
            tracing::error!(%error, "cannot read the network thread's wake-up");
        }
    }

    /// Waits until the counter is raised, a socket can be read, or `timeout` is over.
    pub(crate) fn wait<'a>(
        &self,
        sockets: impl Iterator<Item = &'a UdpSocket>,
        timeout: Duration,
    ) -> std::io::Result<()> {
        let mut fds: Vec<PollFd<'_>> = sockets.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        fds.push(PollFd::new(&self.0, PollFlags::IN));
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
