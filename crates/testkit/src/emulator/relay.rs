//! Two links between the clients of a UDP server and the server, on loopback.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::link::{Link, Passed, Schedule};

/// Clients at most; a browser that gathers on several interfaces uses a few.
const MAX_CLIENTS: usize = 64;
/// Largest datagram.
const MAX_DATAGRAM: usize = 65_536;
/// Datagrams taken from one socket before the others have their turn.
const BATCH: usize = 256;
/// Kernel buffer of each socket: a keyframe comes in one burst.
const BUFFER: usize = 4 << 20;
/// How long a relay without traffic sleeps before it looks whether it is over.
const GLANCE: Duration = Duration::from_millis(50);
/// What an IPv4 and a UDP header add to each datagram on a real link.
const HEADERS: usize = 28;

/// What went through both links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// From the clients to the server.
    pub up: Passed,
    /// From the server to the clients.
    pub down: Passed,
}

/// A UDP server's stand-in behind a bad network; ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    counters: Arc<Mutex<Counters>>,
    /// Schedules to follow from the next turn on, up and down.
    wanted: Arc<Mutex<Option<(Schedule, Schedule)>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Stands in for `server`. The schedules begin now.
    ///
    /// # Errors
    /// When no socket or thread can be had.
    pub fn start(server: SocketAddr, seed: u64, up: Schedule, down: Schedule) -> io::Result<Self> {
        let front = bind()?;
        let address = front.local_addr()?;
        let counters = Arc::new(Mutex::new(Counters::default()));
        let over = Arc::new(AtomicBool::new(false));
        let wanted = Arc::new(Mutex::new(None));
        let mut state = State {
            server,
            front,
            begin: Instant::now(),
            up: Link::new(seed, up),
            down: Link::new(seed.wrapping_add(1), down),
            clients: Vec::new(),
            known: HashMap::new(),
            buffer: vec![0; MAX_DATAGRAM],
        };
        let (counted, ended, asked) = (Arc::clone(&counters), Arc::clone(&over), Arc::clone(&wanted));
        let thread = std::thread::Builder::new().name("relay".into()).spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                if let Some((up, down)) = asked.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    let now = state.begin.elapsed();
                    state.up.follow(now, up);
                    state.down.follow(now, down);
                }
                state.turn();
                let counts = Counters { up: state.up.passed(), down: state.down.passed() };
                *counted.lock().unwrap_or_else(PoisonError::into_inner) = counts;
            }
        })?;
        Ok(Self { address, counters, wanted, over, thread: Some(thread) })
    }

    /// Where clients send to instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows other schedules, which begin now.
    pub fn follow(&self, up: Schedule, down: Schedule) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some((up, down));
    }

    /// What went through so far.
    pub fn counters(&self) -> Counters {
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A relay that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}

type Datagram = (usize, Vec<u8>);

struct State {
    server: SocketAddr,
    front: UdpSocket,
    begin: Instant,
    up: Link<Datagram>,
    down: Link<Datagram>,
    /// Each client's address and the socket that the server knows it by.
    clients: Vec<(SocketAddr, UdpSocket)>,
    known: HashMap<SocketAddr, usize>,
    buffer: Vec<u8>,
}

impl State {
    /// Waits for a packet or until one is due, and moves what there is. Errors of a socket are the other side's
    /// going away; a datagram that cannot be delivered is lost, as on any network.
    fn turn(&mut self) {
        let next = self.up.next().into_iter().chain(self.down.next()).min();
        let wait = next.map_or(GLANCE, |at| at.saturating_sub(self.begin.elapsed()).min(GLANCE));
        self.wait(wait);
        let now = self.begin.elapsed();
        for _ in 0..BATCH {
            let Ok((len, from)) = self.front.recv_from(&mut self.buffer) else { break };
            if let Some(client) = self.client(from) {
                self.up.send(now, len + HEADERS, (client, self.buffer[..len].to_vec()));
            }
        }
        for (client, (_, socket)) in self.clients.iter().enumerate() {
            for _ in 0..BATCH {
                let Ok(len) = socket.recv(&mut self.buffer) else { break };
                self.down.send(now, len + HEADERS, (client, self.buffer[..len].to_vec()));
            }
        }
        let now = self.begin.elapsed();
        while let Some((_, (client, data))) = self.up.receive(now) {
            self.clients[client].1.send(&data).unwrap_or(0);
        }
        while let Some((_, (client, data))) = self.down.receive(now) {
            self.front.send_to(&data, self.clients[client].0).unwrap_or(0);
        }
    }

    fn wait(&self, wait: Duration) {
        let sockets = self.clients.iter().map(|(_, socket)| socket.as_fd());
        let mut fds: Vec<PollFd<'_>> = std::iter::once(self.front.as_fd())
            .chain(sockets)
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.min(GLANCE).subsec_nanos()) };
        // A signal that cuts the wait short costs one turn.
        poll(&mut fds, Some(&wait)).unwrap_or(0);
    }

    fn client(&mut self, from: SocketAddr) -> Option<usize> {
        if let Some(client) = self.known.get(&from) {
            return Some(*client);
        }
        if self.clients.len() >= MAX_CLIENTS {
            return None;
        }
        let socket = bind().ok()?;
        socket.connect(self.server).ok()?;
        self.clients.push((from, socket));
        self.known.insert(from, self.clients.len() - 1);
        Some(self.clients.len() - 1)
    }
}

fn bind() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    // The kernel gives what it may; a smaller buffer is still a buffer.
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, BUFFER).unwrap_or(());
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Profile;

    #[test]
    fn a_datagram_goes_there_and_back_with_the_delay_of_both_ways() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let profile = Profile { delay: Duration::from_millis(20), ..Profile::default() };
        let way = Schedule::always(profile);
        let relay = Relay::start(server.local_addr().unwrap(), 1, way.clone(), way).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for socket in [&server, &client] {
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        }
        let begin = Instant::now();
        client.send_to(b"there", relay.address()).unwrap();
        let mut buffer = [0; 100];
        let (len, from) = server.recv_from(&mut buffer).unwrap();
        server.send_to(&buffer[..len], from).unwrap();
        let (len, from) = client.recv_from(&mut buffer).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(40));
        assert_eq!((&buffer[..len], from), (&b"there"[..], relay.address()));
    }
}
