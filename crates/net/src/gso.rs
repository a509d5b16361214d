//! The one call that the safe wrappers do not offer: `sendmsg` with a `UDP_SEGMENT` control message.

use std::io::{self, IoSlice};
use std::mem::{size_of, zeroed};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use crate::batch::MAX_SEGMENTS;

/// The address families in the width that addresses have them in.
#[expect(clippy::cast_possible_truncation, reason = "both are small constants")]
const AF_INET: libc::sa_family_t = libc::AF_INET as _;
#[expect(clippy::cast_possible_truncation, reason = "both are small constants")]
const AF_INET6: libc::sa_family_t = libc::AF_INET6 as _;

/// The length of a kind of address, as the kernel takes it.
#[expect(clippy::cast_possible_truncation, reason = "an address has at most 128 bytes")]
const fn length<T>() -> libc::socklen_t {
    size_of::<T>() as _
}

/// Room for one control message of two bytes, aligned as its header must be.
#[repr(C)]
union Control {
    header: libc::cmsghdr,
    space: [u8; 64],
}

/// Sends the buffers as one datagram each: all of `segment` bytes, the last one possibly shorter.
pub(crate) fn send<'a>(
    socket: &UdpSocket,
    to: SocketAddr,
    segment: usize,
    buffers: impl Iterator<Item = &'a Vec<u8>>,
) -> io::Result<()> {
    let segment = u16::try_from(segment).map_err(io::Error::other)?;
    let mut slices = [IoSlice::new(&[]); MAX_SEGMENTS];
    let mut count = 0;
    for (slot, buffer) in slices.iter_mut().zip(buffers) {
        *slot = IoSlice::new(buffer);
        count += 1;
    }
    send_slices(socket, to, segment, &slices[..count])
}

#[expect(unsafe_code, reason = "the control message UDP_SEGMENT has no safe wrapper in rustix or std")]
fn send_slices(socket: &UdpSocket, to: SocketAddr, segment: u16, slices: &[IoSlice<'_>]) -> io::Result<()> {
    // SAFETY: all of these are plain C structures for which all-zero bytes are valid.
    let (mut name, mut control, mut message): (libc::sockaddr_storage, Control, libc::msghdr) =
        unsafe { (zeroed(), zeroed(), zeroed()) };
    let name_len = write_address(&mut name, to);
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = name_len;
    // IoSlice has the layout of iovec, and sendmsg does not write through it.
    message.msg_iov = slices.as_ptr().cast_mut().cast();
    message.msg_iovlen = slices.len() as _;
    message.msg_control = (&raw mut control).cast();
    let data_len = libc::c_uint::try_from(size_of::<u16>()).unwrap_or(2);
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute; the union is larger than the space of a u16.
    let (space, len) = unsafe { (libc::CMSG_SPACE(data_len), libc::CMSG_LEN(data_len)) };
    message.msg_controllen = space as _;
    // SAFETY: msg_control points at `control`, aligned for a header and large enough for header and data, so
    // that CMSG_FIRSTHDR is not null and CMSG_DATA lies within it; `name`, `slices` and `control` live until
    // the call returns, and the descriptor is open because `socket` is borrowed.
    let sent = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = len as _;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Writes an address in the kernel's form and gives its length.
#[expect(unsafe_code, reason = "sockaddr_storage is meant to be written as one of its members")]
fn write_address(name: &mut libc::sockaddr_storage, to: SocketAddr) -> libc::socklen_t {
    match to {
        SocketAddr::V4(to) => {
            let address = libc::sockaddr_in {
                sin_family: AF_INET,
                sin_port: to.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(to.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: sockaddr_storage is larger than sockaddr_in and aligned for it.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in>().write(address) };
            length::<libc::sockaddr_in>()
        }
        SocketAddr::V6(to) => {
            let address = libc::sockaddr_in6 {
                sin6_family: AF_INET6,
                sin6_port: to.port().to_be(),
                sin6_flowinfo: to.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: to.ip().octets() },
                sin6_scope_id: to.scope_id(),
            };
            // SAFETY: sockaddr_storage is larger than sockaddr_in6 and aligned for it.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in6>().write(address) };
            length::<libc::sockaddr_in6>()
        }
    }
}
