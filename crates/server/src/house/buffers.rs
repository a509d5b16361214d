//! Memory that films pass through: lent, and used again, so that no picture waits for fresh pages.

use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a buffer: enough that the disk is asked rarely, few enough to stay in the processor's cache.
pub(crate) const BUFFER: usize = 256 << 10;

/// Buffers that are kept while nobody uses them.
const KEPT: usize = 32;

/// Buffers that lie ready.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// One of [`BUFFER`] bytes, which hold anything.
    pub(crate) fn lend(self: &Arc<Self>) -> Lent {
        let ready = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { bytes: ready.unwrap_or_else(|| vec![0; BUFFER]), filled: 0, home: self.clone() }
    }
}

/// A buffer that goes back when it is dropped. It reads as what it was filled with.
#[derive(Debug)]
pub(crate) struct Lent {
    bytes: Vec<u8>,
    filled: usize,
    home: Arc<Buffers>,
}

impl Lent {
    /// What is free of it.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// So many bytes of what was free hold something now.
    pub(crate) fn fill(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut ready = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() < KEPT {
            ready.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_and_holds_nothing_of_the_one_before() {
        let buffers = Arc::new(Buffers::default());
        let mut first = buffers.lend();
        first.room()[..3].copy_from_slice(b"abc");
        first.fill(3);
        let place = first.as_ref().as_ptr();
        assert_eq!(first.as_ref(), b"abc");
        drop(first);
        let again = buffers.lend();
        assert_eq!(again.as_ref(), b"");
        assert_eq!(again.bytes.as_ptr(), place);
        let many: Vec<Lent> = (0..2 * KEPT).map(|_| buffers.lend()).collect();
        drop(many);
        assert_eq!(buffers.0.lock().unwrap().len(), KEPT);
    }
}
