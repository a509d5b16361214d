//! The system's libsrt: a listener, and sockets that are read.
#![expect(unsafe_code, reason = "a C library; the blocks say why each call is sound")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "sizes of structures and numbers of families, small ones, which C keeps in other types"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

/// A socket of the library: a number that stays unused after it was closed.
type Handle = c_int;

/// Options (`srt.h`, `SRT_SOCKOPT`).
const RECEIVE_TIMEOUT: c_int = 14;
const IPV6_ONLY: c_int = 54;

/// What the last call of a thread may have failed of: nothing came within the time.
const NOTHING_YET: [c_int; 2] = [6002, 6003];

/// Why a connection is refused (`access_control.h`).
pub(super) const FORBIDDEN: i32 = 1403;
pub(super) const CONFLICT: i32 = 1409;
pub(super) const OVERLOAD: i32 = 1402;

/// Connections that wait to be taken: they are taken at once.
const BACKLOG: c_int = 16;

/// How long a read waits, in milliseconds: whoever reads looks that often whether it still should.
const WAIT: c_int = 500;

type Hook = unsafe extern "C" fn(*mut c_void, Handle, c_int, *const libc::sockaddr, *const c_char) -> c_int;

unsafe extern "C" {
    fn srt_startup() -> c_int;
    fn srt_setloglevel(level: c_int);
    fn srt_create_socket() -> Handle;
    fn srt_bind(socket: Handle, name: *const libc::sockaddr, length: c_int) -> c_int;
    fn srt_listen(socket: Handle, backlog: c_int) -> c_int;
    fn srt_listen_callback(socket: Handle, hook: Hook, opaque: *mut c_void) -> c_int;
    fn srt_accept(socket: Handle, name: *mut libc::sockaddr, length: *mut c_int) -> Handle;
    fn srt_close(socket: Handle) -> c_int;
    fn srt_getsockname(socket: Handle, name: *mut libc::sockaddr, length: *mut c_int) -> c_int;
    fn srt_getsockflag(socket: Handle, option: c_int, value: *mut c_void, length: *mut c_int) -> c_int;
    fn srt_setsockflag(socket: Handle, option: c_int, value: *const c_void, length: c_int) -> c_int;
    fn srt_recvmsg(socket: Handle, buffer: *mut c_char, length: c_int) -> c_int;
    fn srt_setrejectreason(socket: Handle, reason: c_int) -> c_int;
    fn srt_getlasterror(system: *mut c_int) -> c_int;
    fn srt_getlasterror_str() -> *const c_char;
}

/// An end of a connection, closed with its last owner.
#[derive(Debug)]
pub(super) struct Socket(Handle);

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: no memory is passed, and the library knows which numbers are sockets.
        unsafe { srt_close(self.0) };
    }
}

impl Socket {
    fn new() -> io::Result<Self> {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            // SAFETY: no memory is passed. Level 2 is "critical": whatever else goes wrong is said by errors. It is
            // not cleaned up, since sockets may live until the program ends.
            unsafe {
                srt_startup();
                srt_setloglevel(2);
            }
        });
        // SAFETY: no memory is passed.
        let socket = unsafe { srt_create_socket() };
        if socket < 0 { Err(last_error()) } else { Ok(Self(socket)) }
    }

    fn set(&self, option: c_int, value: c_int) -> io::Result<()> {
        let length = size_of::<c_int>() as c_int;
        // SAFETY: both options are numbers of this type, and the library copies it.
        done(unsafe { srt_setsockflag(self.0, option, (&raw const value).cast(), length) })
    }

    /// What has come, at most one message; none where nothing did for [`WAIT`].
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        // SAFETY: at most `length` bytes are written, and the buffer has as many.
        let count = unsafe { srt_recvmsg(self.0, buffer.as_mut_ptr().cast(), length) };
        if let Ok(count) = usize::try_from(count) {
            return Ok(Some(count));
        }
        // SAFETY: the place for the system's error may be null.
        let error = unsafe { srt_getlasterror(std::ptr::null_mut()) };
        if NOTHING_YET.contains(&error) { Ok(None) } else { Err(last_error()) }
    }

    /// What the peer asked for when it connected.
    pub(super) fn stream_id(&self) -> String {
        /// `SRTO_STREAMID`, and the bytes that one has at most.
        const STREAM_ID: c_int = 46;
        const MOST: usize = 512;
        let mut buffer = [0_u8; MOST + 1];
        let mut length = MOST as c_int;
        // SAFETY: at most `length` bytes are written, and the buffer has more.
        let result =
            unsafe { srt_getsockflag(self.0, STREAM_ID, buffer.as_mut_ptr().cast(), &raw mut length) };
        let length = if result == 0 { usize::try_from(length).unwrap_or(0) } else { 0 };
        String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned()
    }
}

/// Decides who may connect: address and stream id in, a reason to refuse out. It holds up all connections of the
/// listener while it does.
pub(super) trait Gate: Send + Sync + 'static {
    /// None lets the peer in.
    fn refuse(&self, from: IpAddr, stream_id: &str) -> Option<i32>;
}

/// An address that is listened at.
#[derive(Debug)]
pub struct Listener(Socket);

impl Listener {
    /// Takes the address; nobody is let in yet.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new()?;
        if address.is_ipv6() {
            // The library insists on hearing which: both families at the wildcard, as elsewhere.
            socket.set(IPV6_ONLY, c_int::from(!address.ip().is_unspecified()))?;
        }
        let (name, length) = name_of(address);
        // SAFETY: `name` is an address of `length` bytes, which the library copies.
        done(unsafe { srt_bind(socket.0, (&raw const name).cast(), length) })?;
        Ok(Self(socket))
    }

    /// The address, with the port that the system chose.
    ///
    /// # Errors
    /// When the library does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let (mut name, mut length) = no_name();
        // SAFETY: `name` has `length` bytes, and is an address where the call succeeds.
        unsafe {
            done(srt_getsockname(self.0.0, (&raw mut name).cast(), &raw mut length))?;
            address_of((&raw const name).cast())
                .ok_or_else(|| io::Error::other("an address of no known kind"))
        }
    }

    /// Lets in whom the gate does not refuse.
    ///
    /// # Errors
    /// When the library cannot listen.
    pub(super) fn listen(&self, gate: Box<dyn Gate>) -> io::Result<()> {
        // It lives on after the listener: the library does not say when its last call was. There is one per listener.
        let gate: &'static mut Box<dyn Gate> = Box::leak(Box::new(gate));
        // SAFETY: the hook gets back this pointer, which stays valid and is only read.
        done(unsafe { srt_listen_callback(self.0.0, hook, (&raw mut *gate).cast()) })?;
        // SAFETY: no memory is passed.
        done(unsafe { srt_listen(self.0.0, BACKLOG) })
    }

    /// The next connection; waits for it, also while the listener is being dropped elsewhere.
    pub(super) fn acceptor(&self) -> Acceptor {
        Acceptor(self.0.0)
    }
}

/// Takes the connections of a listener; errors once that is gone.
pub(super) struct Acceptor(Handle);

impl Acceptor {
    pub(super) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        let (mut name, mut length) = no_name();
        // SAFETY: `name` has `length` bytes.
        let socket = unsafe { srt_accept(self.0, (&raw mut name).cast(), &raw mut length) };
        if socket < 0 {
            return Err(last_error());
        }
        let socket = Socket(socket);
        socket.set(RECEIVE_TIMEOUT, WAIT)?;
        // SAFETY: the call succeeded, so that `name` is an address.
        let from = unsafe { address_of((&raw const name).cast()) };
        Ok((socket, from.ok_or_else(|| io::Error::other("an address of no known kind"))?))
    }
}

/// Called by the library for each connection before it stands.
unsafe extern "C" fn hook(
    gate: *mut c_void,
    socket: Handle,
    _version: c_int,
    from: *const libc::sockaddr,
    stream_id: *const c_char,
) -> c_int {
    // SAFETY: this is what `listen` passed; it is never freed nor written to.
    let gate: &dyn Gate = unsafe { &**gate.cast::<Box<dyn Gate>>() };
    // SAFETY: the library passes an address and a text that ends with a zero, for as long as the call lasts.
    let (from, stream_id) = unsafe {
        let text = if stream_id.is_null() {
            String::new()
        } else {
            CStr::from_ptr(stream_id).to_string_lossy().into_owned()
        };
        (address_of(from), text)
    };
    let Some(reason) = from.map_or(Some(FORBIDDEN), |from| gate.refuse(from.ip(), &stream_id)) else {
        return 0;
    };
    // SAFETY: no memory is passed.
    unsafe { srt_setrejectreason(socket, reason) };
    -1
}

fn done(result: c_int) -> io::Result<()> {
    if result < 0 { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> io::Error {
    // SAFETY: the library returns a text of this thread that stays until its next call.
    let text = unsafe { CStr::from_ptr(srt_getlasterror_str()) };
    io::Error::other(text.to_string_lossy().into_owned())
}

fn no_name() -> (libc::sockaddr_storage, c_int) {
    // SAFETY: of this plain structure all zeros are a value.
    (unsafe { std::mem::zeroed() }, size_of::<libc::sockaddr_storage>() as c_int)
}

fn name_of(address: SocketAddr) -> (libc::sockaddr_storage, c_int) {
    let (mut name, _) = no_name();
    let place = &raw mut name;
    let length = match address {
        SocketAddr::V4(address) => {
            let value = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage has room for, and the alignment of, every kind of address.
            unsafe { place.cast::<libc::sockaddr_in>().write(value) };
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(address) => {
            let value = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            // SAFETY: as above.
            unsafe { place.cast::<libc::sockaddr_in6>().write(value) };
            size_of::<libc::sockaddr_in6>()
        }
    };
    (name, length as c_int)
}

/// # Safety
/// `name` is null, or an address of the family that it says.
unsafe fn address_of(name: *const libc::sockaddr) -> Option<SocketAddr> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller's word; read without regard to its alignment.
    unsafe {
        match c_int::from((&raw const (*name).sa_family).read_unaligned()) {
            libc::AF_INET => {
                let name = name.cast::<libc::sockaddr_in>().read_unaligned();
                let ip = name.sin_addr.s_addr.to_ne_bytes();
                Some(SocketAddr::new(ip.into(), u16::from_be(name.sin_port)))
            }
            libc::AF_INET6 => {
                let name = name.cast::<libc::sockaddr_in6>().read_unaligned();
                let ip = IpAddr::V6(Ipv6Addr::from(name.sin6_addr.s6_addr)).to_canonical();
                Some(SocketAddr::new(ip, u16::from_be(name.sin6_port)))
            }
            _ => None,
        }
    }
}
