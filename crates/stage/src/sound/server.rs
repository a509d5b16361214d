//! The sound thread: takes connections, keeps the time, mixes a block every 10 ms.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use playhouse_media::time::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::client::Client;
use super::convert::Frame;
use super::stream::{BLOCK, Notice};
use super::tagstruct::Broken;
use super::{Sink, now};

/// Length of a block.
const TICK: Duration = Duration::from_millis(10);

/// Connections; a game has one to a handful, with its helpers.
const MAX_CLIENTS: usize = 64;

/// How long before a block clients are asked for what it lacks, at first and at most: what they answer then is as
/// fresh as it can be. Raised when they prove slower.
const LEAD: (Duration, Duration) = (Duration::from_millis(8), TICK);

/// By how much it is raised.
const LEAD_STEP: Duration = Duration::from_millis(1);

/// A thread that is later than this goes on from now, rather than making up for it.
const LATE: Duration = Duration::from_millis(40);

/// A sound server and what it plays.
pub(super) struct Server {
    listener: UnixListener,
    stop: OwnedFd,
    clients: Vec<Client>,
    sink: Sink,
    /// When the next block is due.
    due: Timestamp,
    /// Whether clients were asked for that block.
    asked: bool,
    lead: Duration,
    next_client: u32,
    next_stream: u32,
}

impl Server {
    pub(super) fn new(listener: UnixListener, stop: OwnedFd, sink: Sink) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            stop,
            clients: Vec::new(),
            sink,
            due: now() + TICK,
            asked: false,
            lead: LEAD.0,
            next_client: 0,
            next_stream: 0,
        })
    }

    /// Until it is told to stop.
    pub(super) fn run(&mut self) {
        while let Ok(true) = self.turn().inspect_err(|error| tracing::error!(%error, "the sound thread ends"))
        {
        }
    }

    fn turn(&mut self) -> io::Result<bool> {
        let time = now();
        if !self.asked && time >= self.due - self.lead {
            self.ask();
        }
        if time >= self.due {
            self.block();
        }
        let next = if self.asked || !self.is_playing() { self.due } else { self.due - self.lead };
        let (stop, accept, ready) = self.poll(next.since(now()))?;
        if stop {
            return Ok(false);
        }
        for index in ready {
            let next = &mut self.next_stream;
            let client = &mut self.clients[index];
            let received = client.receive(|client, packet| client.command(packet, next));
            if received.and_then(|()| client.flush()).is_err() {
                client.dead = true;
            }
        }
        self.clients.retain(|client| !client.dead);
        if accept {
            self.accept();
        }
        Ok(true)
    }

    /// Waits; gives whether to stop, whether somebody connects, and who has something to say.
    fn poll(&self, wait: Duration) -> io::Result<(bool, bool, Vec<usize>)> {
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let mut fds =
            vec![PollFd::new(&self.stop, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        for client in &self.clients {
            let flags = if client.is_writing() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            fds.push(PollFd::new(&client.socket, flags));
        }
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let clients =
            fds[2..].iter().enumerate().filter(|(_, fd)| ready(fd)).map(|(index, _)| index).collect();
        Ok((ready(&fds[0]), ready(&fds[1]), clients))
    }

    fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            if self.clients.len() >= MAX_CLIENTS {
                tracing::warn!("a game has more than {MAX_CLIENTS} sound connections; one is refused");
                continue;
            }
            match Client::new(socket, self.next_client) {
                Ok(client) => self.clients.push(client),
                Err(error) => tracing::warn!(%error, "a sound client could not be taken in"),
            }
            self.next_client = self.next_client.wrapping_add(1);
        }
    }

    fn is_playing(&self) -> bool {
        self.clients.iter().any(|client| client.streams.values().any(super::stream::Stream::is_active))
    }

    /// Asks every stream's client for what it lacks.
    fn ask(&mut self) {
        self.asked = true;
        for client in &mut self.clients {
            let wanted: Vec<(u32, u32)> = client
                .streams
                .iter_mut()
                .filter_map(|(channel, stream)| Some((*channel, stream.request()?)))
                .collect();
            let told: Result<(), Broken> = wanted
                .into_iter()
                .try_for_each(|(channel, bytes)| client.tell(channel, &[Notice::Request(bytes)]));
            client.dead |= told.is_err();
        }
    }

    /// Mixes a block and hands it on.
    fn block(&mut self) {
        let mut mixed = [[0.0; 2]; BLOCK];
        let mut dry = false;
        for client in &mut self.clients {
            let mut notices = Vec::new();
            for (channel, stream) in &mut client.streams {
                if stream.mix(&mut mixed, &mut |notice| notices.push((*channel, notice))) {
                    dry = true;
                    if self.lead == LEAD.1 {
                        stream.raise();
                    }
                }
            }
            let told = notices.into_iter().try_for_each(|(channel, notice)| client.tell(channel, &[notice]));
            client.dead |= told.is_err();
        }
        if dry {
            self.lead = (self.lead + LEAD_STEP).min(LEAD.1);
        }
        (self.sink)(&to_samples(&mixed), self.due - TICK);
        let time = now();
        self.due = if time.since(self.due) > LATE { time + TICK } else { self.due + TICK };
        self.asked = false;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a number that is too loud for an integer becomes its largest"
)]
fn to_samples(mixed: &[Frame; BLOCK]) -> [i16; 2 * BLOCK] {
    let mut samples = [0; 2 * BLOCK];
    for (sample, value) in samples.iter_mut().zip(mixed.as_flattened()) {
        *sample = (value * 32_767.0).round() as i16;
    }
    samples
}
