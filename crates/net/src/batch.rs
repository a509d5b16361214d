//! Sending many packets with few system calls: generic segmentation offload for UDP.
//!
//! A frame is some ten packets of one size to one address, and each system call costs as much as encrypting a
//! packet. The kernel takes them as one buffer and cuts it (`UDP_SEGMENT`, Linux 4.18). All segments have the
//! same size but the last, which may be shorter. Where the kernel or the device refuses, packets are sent singly.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};

use crate::gso;
use crate::socket::Socket;

/// Segments of one call: the kernel's own limit (`UDP_MAX_SEGMENTS`) of the older kernels.
pub(crate) const MAX_SEGMENTS: usize = 64;

/// Bytes of one call: what an IPv4 datagram can hold, less its headers.
const MAX_BYTES: usize = 65_507;

/// Packets on their way out, in order, gathered until [`Outbox::flush`].
pub(crate) struct Outbox {
    sockets: Vec<Outgoing>,
    packets: Vec<Packet>,
    counts: Counts,
}

struct Outgoing {
    udp: UdpSocket,
    local: SocketAddr,
    /// Whether the kernel cuts segments on this socket; false after it refused once.
    offload: bool,
}

struct Packet {
    socket: usize,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// What was sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Packets handed to the kernel.
    pub(crate) packets: u64,
    /// System calls made for them.
    pub(crate) calls: u64,
    /// Packets that the kernel did not take.
    pub(crate) dropped: u64,
}

impl Outbox {
    /// An empty outbox for these sockets.
    pub(crate) fn new(sockets: &[Socket]) -> io::Result<Self> {
        let sockets = sockets
            .iter()
            .map(|socket| Ok(Outgoing { udp: socket.udp.try_clone()?, local: socket.local, offload: true }))
            .collect::<io::Result<_>>()?;
        Ok(Self { sockets, packets: Vec::new(), counts: Counts::default() })
    }

    /// Adds a packet. One from an address that has no socket is dropped.
    pub(crate) fn push(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        match self.sockets.iter().position(|socket| socket.local == from) {
            Some(socket) => self.packets.push(Packet { socket, to, bytes }),
            None => self.counts.dropped += 1,
        }
    }

    /// Hands everything to the kernel.
    pub(crate) fn flush(&mut self) {
        let mut rest = self.packets.as_slice();
        while let Some(first) = rest.first() {
            let (run, after) = rest.split_at(run_length(rest));
            let socket = &mut self.sockets[first.socket];
            send_run(socket, run, &mut self.counts);
            rest = after;
        }
        self.packets.clear();
    }

    /// What was sent so far.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

/// How many packets from the first on can go in one call.
fn run_length(packets: &[Packet]) -> usize {
    let Some(first) = packets.first() else { return 0 };
    let mut total = 0;
    for (index, packet) in packets.iter().enumerate() {
        let same_way = packet.socket == first.socket && packet.to == first.to;
        let fits = index < MAX_SEGMENTS && total + packet.bytes.len() <= MAX_BYTES;
        if !same_way || !fits || packet.bytes.len() > first.bytes.len() {
            return index.max(1);
        }
        total += packet.bytes.len();
        if packet.bytes.len() < first.bytes.len() {
            return index + 1;
        }
    }
    packets.len()
}

fn send_run(socket: &mut Outgoing, run: &[Packet], counts: &mut Counts) {
    if socket.offload && run.len() > 1 {
        counts.calls += 1;
        match gso::send(&socket.udp, run[0].to, run[0].bytes.len(), run.iter().map(|packet| &packet.bytes)) {
            Ok(()) => {
                counts.packets += run.len() as u64;
                return;
            }
            Err(error) if refuses_offload(&error) => {
                tracing::info!(%error, "no segmentation offload here; packets are sent singly");
                socket.offload = false;
            }
            Err(error) => {
                counts.dropped += run.len() as u64;
                tracing::debug!(%error, to = %run[0].to, "packets were not sent");
                return;
            }
        }
    }
    for packet in run {
        counts.calls += 1;
        match socket.udp.send_to(&packet.bytes, packet.to) {
            Ok(_) => counts.packets += 1,
            Err(error) => {
                counts.dropped += 1;
                if error.kind() != ErrorKind::WouldBlock {
                    tracing::debug!(%error, to = %packet.to, "a packet was not sent");
                }
            }
        }
    }
}

fn refuses_offload(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EOPNOTSUPP | libc::ENOPROTOOPT))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::*;
    use crate::socket::bind_all;

    fn receive(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let len = socket.recv(&mut buffer).unwrap();
        buffer[..len].to_vec()
    }

    fn arrives_whole(address: IpAddr, offload: bool) {
        let sockets = bind_all(&[address], &(0..=0)).unwrap();
        let mut outbox = Outbox::new(&sockets).unwrap();
        outbox.sockets[0].offload = offload;
        let browser = UdpSocket::bind((address, 0)).unwrap();
        browser.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let to = browser.local_addr().unwrap();
        let sizes = [100, 1200, 1200, 1200, 700, 1200, 1200, 1201, 5, 5];
        let packets: Vec<Vec<u8>> = sizes.iter().zip(0..).map(|(size, fill)| vec![fill; *size]).collect();
        for packet in &packets {
            outbox.push(sockets[0].local, to, packet.clone());
        }
        outbox.flush();
        for packet in &packets {
            assert_eq!(&receive(&browser), packet);
        }
        let counts = outbox.counts();
        assert_eq!((counts.packets, counts.dropped), (10, 0));
        if outbox.sockets[0].offload {
            assert!(counts.calls <= 5, "{counts:?}");
        }
    }

    #[test]
    fn packets_arrive_whole_and_in_order_with_offload() {
        arrives_whole(IpAddr::V4(Ipv4Addr::LOCALHOST), true);
    }

    #[test]
    fn packets_arrive_whole_and_in_order_without_offload() {
        arrives_whole(IpAddr::V4(Ipv4Addr::LOCALHOST), false);
    }

    #[test]
    fn packets_arrive_whole_and_in_order_over_ipv6() {
        // A machine without IPv6 has nothing to send over.
        if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            arrives_whole(IpAddr::V6(Ipv6Addr::LOCALHOST), true);
        }
    }

    #[test]
    fn a_run_ends_with_a_shorter_packet_and_before_a_longer_or_another_way() {
        let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let packet = |len: usize, to: SocketAddr| Packet { socket: 0, to, bytes: vec![0; len] };
        let other: SocketAddr = "127.0.0.1:10".parse().unwrap();
        assert_eq!(run_length(&[packet(9, to), packet(9, to), packet(4, to), packet(9, to)]), 3);
        assert_eq!(run_length(&[packet(9, to), packet(10, to)]), 1);
        assert_eq!(run_length(&[packet(9, to), packet(9, other)]), 1);
        let many: Vec<Packet> = (0..100).map(|_| packet(9, to)).collect();
        assert_eq!(run_length(&many), MAX_SEGMENTS);
        let big: Vec<Packet> = (0..60).map(|_| packet(1200, to)).collect();
        assert_eq!(run_length(&big), MAX_BYTES / 1200);
    }
}
