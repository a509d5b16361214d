//! Memory of pictures that was used before: a new one would ask the kernel for new pages with every picture.

use std::sync::{Arc, Mutex, PoisonError};

use playhouse_media::frame::Nv12;

/// Pictures kept for reuse: one being written while one is encoded and one waits.
const SPARE: usize = 3;

/// Used pictures, to be written again.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Nv12>>);

impl Pool {
    /// A used picture to write into, of whatever size, if there is one.
    pub(super) fn take(&self) -> Option<Nv12> {
        self.lock().pop()
    }

    /// Gives a picture back; it is used again once its last holder has done so.
    pub(super) fn give_back(&self, picture: Arc<Nv12>) {
        let Some(nv12) = Arc::into_inner(picture) else { return };
        let mut spare = self.lock();
        if spare.len() < SPARE {
            spare.push(nv12);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Nv12>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use playhouse_media::frame::Size;

    use super::*;

    #[test]
    fn a_picture_is_not_written_while_another_encoder_reads_it() {
        let pool = Pool::default();
        let first = Arc::new(Nv12::new(Size::new(2, 2)));
        let second = Arc::clone(&first);
        pool.give_back(first);
        assert!(pool.take().is_none());
        pool.give_back(second);
        assert!(pool.take().is_some());
    }
}
