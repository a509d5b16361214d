//! The session's UDP sockets: one per address, on a port out of the configured range.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use rustix::net::sockopt;

use crate::Error;
use crate::config::SOCKET_BUFFER;

/// A bound socket and the address that is offered for it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) udp: UdpSocket,
    pub(crate) local: SocketAddr,
}

/// Binds a socket on each address.
pub(crate) fn bind_all(addresses: &[IpAddr], ports: &RangeInclusive<u16>) -> Result<Vec<Socket>, Error> {
    if addresses.is_empty() {
        return Err(Error::NoAddress);
    }
    addresses.iter().map(|address| bind(*address, ports)).collect()
}

/// Binds one socket on the first free port. The search begins at a place that differs between processes, so that
/// sessions that start together do not all try the same ports.
fn bind(address: IpAddr, ports: &RangeInclusive<u16>) -> Result<Socket, Error> {
    let (first, last) = (*ports.start(), *ports.end());
    let count = u32::from(last.saturating_sub(first)) + 1;
    let begin = std::process::id().wrapping_mul(7) % count;
    for step in 0..count {
        let port = u32::from(first) + (begin + step) % count;
        let port = u16::try_from(port).unwrap_or(last);
        match UdpSocket::bind((address, port)) {
            Ok(udp) => return prepare(udp).map_err(|source| Error::Address { address, source }),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(source) => return Err(Error::Address { address, source }),
        }
    }
    Err(Error::PortsTaken { address, first, last })
}

fn prepare(udp: UdpSocket) -> io::Result<Socket> {
    udp.set_nonblocking(true)?;
    // The kernel caps both at its own limits without an error; a smaller buffer still works.
    sockopt::set_socket_send_buffer_size(&udp, SOCKET_BUFFER)?;
    sockopt::set_socket_recv_buffer_size(&udp, SOCKET_BUFFER)?;
    let local = udp.local_addr()?;
    Ok(Socket { udp, local })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn both_ends_of_the_range_are_used_and_a_full_range_says_so() {
        // Two neighbouring free ports, found by asking: other programs use ports as well.
        let (mut taken, first) = loop {
            let low = bind(LOOPBACK, &(0..=0)).unwrap();
            let port = low.local.port();
            if let Some(next) = port.checked_add(1)
                && UdpSocket::bind((LOOPBACK, next)).is_ok()
            {
                drop(low);
                break (Vec::new(), port);
            }
        };
        let range = first..=first + 1;
        taken.push(bind(LOOPBACK, &range).unwrap());
        taken.push(bind(LOOPBACK, &range).unwrap());
        let mut ports: Vec<u16> = taken.iter().map(|socket| socket.local.port()).collect();
        ports.sort_unstable();
        assert_eq!(ports, [first, first + 1]);
        let error = bind(LOOPBACK, &range).unwrap_err();
        assert!(matches!(error, Error::PortsTaken { .. }), "{error}");
    }

    #[test]
    fn a_foreign_address_is_named_in_the_error() {
        let foreign: IpAddr = "203.0.113.7".parse().unwrap();
        let error = bind(foreign, &(0..=0)).unwrap_err();
        assert!(error.to_string().contains("203.0.113.7"), "{error}");
    }

    #[test]
    fn no_address_is_an_error() {
        assert!(matches!(bind_all(&[], &(0..=0)), Err(Error::NoAddress)));
    }
}
