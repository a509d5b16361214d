//! Bytes of a film on their way to a viewer: what stands before them, and ranges of the file, with bounded memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use axum::body::{Body, Bytes};
use futures_util::stream;

/// Bytes that are read at a time, and held for each viewer: enough that the disk is asked rarely.
const CHUNK: usize = 256 << 10;

/// What is sent.
#[derive(Debug)]
pub(crate) struct Piece {
    head: Vec<u8>,
    file: File,
    ranges: VecDeque<Range<u64>>,
}

impl Piece {
    /// `head`, and behind it the bytes of `file` in `ranges`.
    pub(crate) fn new(head: Vec<u8>, file: File, ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        Self { head, file, ranges: ranges.into_iter().filter(|range| !range.is_empty()).collect() }
    }

    /// The next bytes; none at the end. Blocks.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = std::mem::take(&mut self.head);
        while chunk.len() < CHUNK
            && let Some(range) = self.ranges.front_mut()
        {
            let room = CHUNK - chunk.len();
            let take = usize::try_from(range.end - range.start).map_or(room, |left| left.min(room));
            let at = chunk.len();
            chunk.resize(at + take, 0);
            self.file.read_exact_at(&mut chunk[at..], range.start)?;
            range.start += take as u64;
            if range.is_empty() {
                self.ranges.pop_front();
            }
        }
        Ok(chunk)
    }

    /// The body of an answer. Reads the first bytes at once, so call it where blocking is allowed.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn body(mut self) -> io::Result<Body> {
        let first = self.next()?;
        if self.ranges.is_empty() {
            return Ok(Body::from(first));
        }
        let rest = stream::unfold(Some((self, Some(first))), async |state| {
            let (mut piece, first) = state?;
            if let Some(first) = first {
                return Some((Ok(Bytes::from(first)), Some((piece, None))));
            }
            let reading = tokio::task::spawn_blocking(move || piece.next().map(|chunk| (chunk, piece)));
            match reading.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok((chunk, _)) if chunk.is_empty() => None,
                Ok((chunk, piece)) => Some((Ok(Bytes::from(chunk)), Some((piece, None)))),
                // The connection is cut, so that nobody takes half of it for the whole.
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Body::from_stream(rest))
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
        let piece = Piece::new(b"head".to_vec(), File::open(&path).unwrap(), ranges);
        let body = axum::body::to_bytes(piece.body().unwrap(), usize::MAX).await.unwrap();
        assert!(body == wanted, "{} bytes of {}", body.len(), wanted.len());
        let beyond = Piece::new(Vec::new(), File::open(&path).unwrap(), [0..900_000, 900_000..2_000_000]);
        let cut = axum::body::to_bytes(beyond.body().unwrap(), usize::MAX).await;
        assert!(cut.is_err(), "half was taken for the whole");
    }
}
