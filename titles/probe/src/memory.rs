//! Memory that is shared with a display server.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};

use rustix::fs::MemfdFlags;
use rustix::mm::{MapFlags, ProtFlags};

/// A file in memory, mapped for writing. The display server only reads it.
pub struct Memory {
    file: OwnedFd,
    start: NonNull<u8>,
    len: usize,
}

impl Memory {
    /// `len` bytes of zeros.
    pub fn new(len: usize) -> io::Result<Self> {
        let file = rustix::fs::memfd_create("probe", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        #[expect(unsafe_code, reason = "memory that is shared with the display server")]
        // SAFETY: a new mapping of a file of this length that nobody else can shorten: its descriptor is given
        // away only to display servers, which read.
        let start = unsafe {
            rustix::mm::mmap(
                ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )?
        };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { file, start, len })
    }

    /// The file.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "memory that is shared with the display server")]
        // SAFETY: the mapping has `len` bytes and lives as long as `self`, which is borrowed mutably; the display
        // server reads it and does not write.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len)
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "memory that is shared with the display server")]
        // SAFETY: mapped in `new` with this length, and no reference outlives `self`. An error would mean that
        // there is no such mapping, and then there is nothing to undo.
        unsafe { rustix::mm::munmap(self.start.as_ptr().cast::<c_void>(), self.len) }.ok();
    }
}
