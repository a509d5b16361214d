//! Bytes of a film on their way to a viewer: what stands before them, and ranges of the file, with bounded memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, IoSliceMut};
use std::ops::Range;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use crate::house::buffers::{BUFFER, Buffers, Lent};

/// Whether a read may wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    May,
    /// What is not in memory is left for later.
    MustNot,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Piece {
    head: Vec<u8>,
    file: File,
    ranges: VecDeque<Range<u64>>,
    buffers: Arc<Buffers>,
}

impl Piece {
    /// `head`, and behind it the bytes of `file` in `ranges`.
    pub(crate) fn new(
        head: Vec<u8>,
        file: File,
        ranges: impl IntoIterator<Item = Range<u64>>,
        buffers: &Arc<Buffers>,
    ) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        Self { head, file, ranges, buffers: buffers.clone() }
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// `WouldBlock` where it must not wait and nothing is in memory.
    fn next(&mut self, wait: Wait) -> io::Result<Bytes> {
        if self.head.len() > BUFFER {
            return Ok(Bytes::from(std::mem::take(&mut self.head)));
        }
        let mut chunk = self.buffers.lend();
        let head = std::mem::take(&mut self.head);
        chunk.room()[..head.len()].copy_from_slice(&head);
        chunk.fill(head.len());
        while let Some(range) = self.ranges.front_mut() {
            let room = chunk.room();
            let most = room.len();
            let take = usize::try_from(range.end - range.start).map_or(most, |left| left.min(most));
            if take == 0 {
                break;
            }
            match read(&self.file, &mut room[..take], range.start, wait) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    chunk.fill(count);
                    range.start += count as u64;
                    if range.is_empty() {
                        self.ranges.pop_front();
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && !chunk.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Bytes::from_owner::<Lent>(chunk))
    }

    /// The body of an answer. Reads the first bytes at once, so call it where blocking is allowed.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn body(mut self) -> io::Result<Body> {
        let first = self.next(Wait::May)?;
        if self.ranges.is_empty() {
            return Ok(Body::from(first));
        }
        let rest = stream::unfold(Some((self, Some(first))), async |state| {
            let (piece, first) = state?;
            let (chunk, piece) = match first {
                Some(first) => (Ok(first), Some(piece)),
                None => later(piece).await,
            };
            match chunk {
                Ok(chunk) if chunk.is_empty() => None,
                // After an error the connection is cut, so that nobody takes half of it for the whole.
                chunk => Some((chunk, piece.map(|piece| (piece, None)))),
            }
        });
        Ok(Body::from_stream(rest))
    }
}

/// The next bytes of a piece, from memory at once, from the disk on a thread that may wait for it.
async fn later(mut piece: Piece) -> (io::Result<Bytes>, Option<Piece>) {
    match piece.next(Wait::MustNot) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return (Err(error), None),
        chunk => return (chunk, Some(piece)),
    }
    let reading = tokio::task::spawn_blocking(move || (piece.next(Wait::May), Some(piece)));
    reading.await.unwrap_or_else(|error| (Err(io::Error::other(error)), None))
}

fn read(file: &File, into: &mut [u8], from: u64, wait: Wait) -> io::Result<usize> {
    let flags = if wait == Wait::May { ReadWriteFlags::empty() } else { ReadWriteFlags::NOWAIT };
    match preadv2(file, &mut [IoSliceMut::new(into)], from, flags) {
        // Some file systems cannot tell what is in memory.
        Err(Errno::OPNOTSUPP) if wait == Wait::MustNot => Err(ErrorKind::WouldBlock.into()),
        Err(Errno::INTR) => Err(ErrorKind::Interrupted.into()),
        answer => Ok(answer?),
    }
}

/// What a `Range` header (RFC 9110, section 14.2) asks for of `len` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything: nothing was said, or something that may be passed over, such as several ranges.
    Whole,
    /// A part.
    Part(Range<u64>),
    /// Nothing that is there.
    Beyond,
}

/// Reads a `Range` header.
pub(crate) fn asked(header: Option<&str>, len: u64) -> Asked {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((from, to)) = spec.split_once('-').filter(|_| !spec.contains(',')) else { return Asked::Whole };
    let number = |text: &str| -> Option<u64> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => from..to.saturating_add(1).min(len),
        (Some(from), None) if to.trim().is_empty() => from..len,
        (None, Some(last)) if from.trim().is_empty() => len.saturating_sub(last)..len,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Beyond } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_has_them() {
        let table = [
            (None, Asked::Whole),
            (Some("bytes=0-0"), Asked::Part(0..1)),
            (Some("bytes=5-"), Asked::Part(5..10)),
            (Some("bytes=-3"), Asked::Part(7..10)),
            (Some("bytes=-30"), Asked::Part(0..10)),
            (Some("bytes=5-99"), Asked::Part(5..10)),
            (Some("bytes=0-99999999999999999999999"), Asked::Part(0..10)),
            (Some("bytes=10-"), Asked::Beyond),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=3-2"), Asked::Whole),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("bytes=+1-2"), Asked::Whole),
            (Some("lines=1-2"), Asked::Whole),
        ];
        for (header, what) in table {
            assert_eq!(asked(header, 10), what, "{header:?}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Beyond);
    }

    #[tokio::test]
    async fn what_comes_out_is_head_and_ranges_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        let film: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
        std::fs::write(&path, &film).unwrap();
        let ranges = [10..20, 500_000..500_000, 0..700_000, 999_999..1_000_000];
        let mut wanted = b"head".to_vec();
        wanted.extend([&film[10..20], &film[0..700_000], &film[999_999..]].concat());
        let buffers = Arc::default();
        let piece = Piece::new(b"head".to_vec(), File::open(&path).unwrap(), ranges, &buffers);
        let body = axum::body::to_bytes(piece.body().unwrap(), usize::MAX).await.unwrap();
        assert!(body == wanted, "{} bytes of {}", body.len(), wanted.len());
        let beyond =
            Piece::new(Vec::new(), File::open(&path).unwrap(), [0..900_000, 900_000..2_000_000], &buffers);
        let cut = axum::body::to_bytes(beyond.body().unwrap(), usize::MAX).await;
        assert!(cut.is_err(), "half was taken for the whole");
    }
}
