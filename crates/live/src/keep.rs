//! Makes a film of what was recorded, sample by sample as it is.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::atomic::Ordering;

use playhouse_media::live::{Movie, NoMovie, Track};

use crate::broadcast::Broadcast;
use crate::disk;

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The segments make no film.
    #[error(transparent)]
    Movie(#[from] NoMovie),
    /// Segments could not be read, or the film not written.
    #[error("the disk refused: {0}")]
    Disk(#[from] io::Error),
}

/// A guard: while it lives, nothing of a broadcast is removed.
struct Kept<'a>(&'a Broadcast);

impl<'a> Kept<'a> {
    fn new(broadcast: &'a Broadcast) -> Self {
        broadcast.keeping.fetch_add(1, Ordering::AcqRel);
        Self(broadcast)
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.0.keeping.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Broadcast {
    /// Writes the segments between two times of day, in microseconds since 1970, as a film to `to`; gives how many
    /// milliseconds it plays. Segments are kept whole, so that it may begin and end a little further out. Blocks.
    ///
    /// # Errors
    /// See [`NotKept`].
    pub fn keep(&self, from: u64, until: u64, to: &mut impl Write) -> Result<u64, NotKept> {
        let _kept = Kept::new(self);
        let numbers = self.window().between(from, until);
        self.film(&numbers, to)
    }

    /// Writes those segments as a film, as [`keep`](Self::keep) does. Blocks.
    pub(crate) fn film(&self, wanted: &[u64], to: &mut impl Write) -> Result<u64, NotKept> {
        let mut tracks: Option<Vec<Track>> = None;
        let mut numbers = Vec::new();
        {
            let window = self.window();
            for &number in wanted {
                let Some(era) = window.era_of_segment(number) else { continue };
                if *tracks.get_or_insert_with(|| era.tracks.clone()) != era.tracks {
                    return Err(NoMovie::Mixed.into());
                }
                numbers.push(number);
            }
        }
        let mut records = Vec::with_capacity(numbers.len());
        for number in numbers {
            match disk::record(self.folder(), number) {
                Ok(record) => records.push(record),
                // It was never written, or is just being written.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let movie = Movie::new(&tracks.unwrap_or_default(), &records)?;
        drop(records);
        to.write_all(&movie.header)?;
        let mut open: Option<(u64, File)> = None;
        for piece in movie.pieces {
            if open.as_ref().is_none_or(|(number, _)| *number != piece.segment) {
                open = Some((piece.segment, File::open(self.segment_path(piece.segment))?));
            }
            let Some((_, file)) = &mut open else { continue };
            file.seek(SeekFrom::Start(piece.range.start))?;
            let length = piece.range.end - piece.range.start;
            if io::copy(&mut file.take(length), to)? != length {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(movie.millis)
    }
}
