//! An eye on a display: reads the brightness of a spot from the X server's memory, some thousand times a second.
//!
//! What it sees is what a person in front of that screen would see, and nothing earlier: a browser's own callbacks
//! name a frame well before its pixels are there.

use std::ffi::OsStr;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::time::Duration;

use playhouse_media::time::Timestamp;
use rustix::fs::MemfdFlags;
use rustix::mm::{MapFlags, ProtFlags};
use x11rb::connection::Connection;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::shm::ConnectionExt;
use x11rb::protocol::xproto::ImageFormat;
use x11rb::rust_connection::RustConnection;

use crate::clock;

/// Bytes of a pixel: an Xvfb 24 bits deep pads each to four, blue first.
const PIXEL: usize = 4;
/// Largest spot, in pixels of one side.
const LARGEST: u16 = 2048;

/// Why a display cannot be looked at or typed on.
#[derive(Debug, thiserror::Error)]
pub enum EyeError {
    /// No such display.
    #[error("cannot connect to the display: {0}")]
    Connect(#[from] ConnectError),
    /// The display went away.
    #[error("lost the display: {0}")]
    Lost(#[from] ConnectionError),
    /// The display refused.
    #[error("the display refused a request: {0}")]
    Refused(#[from] ReplyError),
    /// The display refused.
    #[error("the display refused a request: {0}")]
    Ids(#[from] ReplyOrIdError),
    /// No memory to share.
    #[error("no memory to share with the display: {0}")]
    Memory(#[from] rustix::io::Errno),
    /// An empty or huge spot.
    #[error("a spot of {0}x{1} pixels cannot be looked at")]
    Spot(u16, u16),
}

/// A part of the screen, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Left edge.
    pub x: i16,
    /// Upper edge.
    pub y: i16,
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
}

/// Looks at one spot of a display.
pub struct Eye {
    connection: RustConnection,
    root: u32,
    segment: u32,
    memory: Memory,
    spot: Spot,
}

impl Eye {
    /// Opens an eye on `spot` of a display.
    ///
    /// # Errors
    /// When the display cannot be reached or shares no memory.
    pub fn open(display: &OsStr, spot: Spot) -> Result<Self, EyeError> {
        if spot.width == 0 || spot.height == 0 || spot.width > LARGEST || spot.height > LARGEST {
            return Err(EyeError::Spot(spot.width, spot.height));
        }
        let (connection, screen) = RustConnection::connect(display.to_str())?;
        let root = connection.setup().roots[screen].root;
        let len = usize::from(spot.width) * usize::from(spot.height) * PIXEL;
        let file = rustix::fs::memfd_create("eye", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        let memory = Memory::map(&file, len)?;
        let segment = connection.generate_id()?;
        connection.shm_attach_fd(segment, file, false)?.check()?;
        Ok(Self { connection, root, segment, memory, spot })
    }

    /// Looks once: the moment of looking and the spot's mean brightness, 0 to 255.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn look(&mut self) -> Result<(Timestamp, f64), EyeError> {
        let (at, pixels) = self.pixels()?;
        let sum: u64 =
            pixels.chunks_exact(PIXEL).map(|p| u64::from(p[0]) + u64::from(p[1]) + u64::from(p[2])).sum();
        Ok((at, sum as f64 / (pixels.len() / PIXEL * 3) as f64))
    }

    /// Looks once: the moment of looking and the spot's pixels, row by row, 4 bytes each (blue, green, red, none).
    ///
    /// # Errors
    /// When the display is gone.
    pub fn pixels(&mut self) -> Result<(Timestamp, &[u8]), EyeError> {
        let Spot { x, y, width, height } = self.spot;
        let format = ImageFormat::Z_PIXMAP.into();
        self.connection
            .shm_get_image(self.root, x, y, width, height, u32::MAX, format, self.segment, 0)?
            .reply()?;
        Ok((clock::now(), self.memory.copy()))
    }

    /// Looks every `every` until `seen` says so, at most for `within`; gives the moment it did.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn wait(
        &mut self,
        every: Duration,
        within: Duration,
        mut seen: impl FnMut(f64) -> bool,
    ) -> Result<Option<Timestamp>, EyeError> {
        let end = clock::now() + within;
        loop {
            let (at, brightness) = self.look()?;
            if seen(brightness) {
                return Ok(Some(at));
            }
            if at > end {
                return Ok(None);
            }
            std::thread::sleep(every);
        }
    }
}

/// Memory that the X server writes into.
struct Memory {
    address: NonZero<usize>,
    copy: Vec<u8>,
}

impl Memory {
    #[expect(unsafe_code, reason = "memory that is shared with another process can only be mapped so")]
    fn map(file: impl AsFd, len: usize) -> Result<Self, EyeError> {
        // SAFETY: a fresh mapping at an address of the kernel's choice overlaps nothing that Rust knows of.
        let address = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::SHARED, file, 0)?
        };
        let address = NonZero::new(address.expose_provenance()).ok_or(EyeError::Spot(0, 0))?;
        Ok(Self { address, copy: vec![0; len] })
    }

    /// What the X server wrote. It writes only while a request of ours is open, and none is.
    #[expect(unsafe_code, reason = "memory that is shared with another process can only be read so")]
    fn copy(&mut self) -> &[u8] {
        // SAFETY: the mapping is at least as long as `copy` and lives as long as `self`; no reference to it is ever
        // made, so that a server which wrote out of turn could tear the bytes and do no more.
        unsafe {
            std::ptr::copy_nonoverlapping(
                std::ptr::with_exposed_provenance::<u8>(self.address.get()),
                self.copy.as_mut_ptr(),
                self.copy.len(),
            );
        }
        &self.copy
    }
}

impl Drop for Memory {
    #[expect(unsafe_code, reason = "memory that was mapped has to be given back")]
    fn drop(&mut self) {
        // SAFETY: `map` made this mapping with this length, and no reference into it exists.
        let unmapped = unsafe {
            rustix::mm::munmap(std::ptr::with_exposed_provenance_mut(self.address.get()), self.copy.len())
        };
        debug_assert!(unmapped.is_ok(), "a whole mapping can always be given back");
    }
}
