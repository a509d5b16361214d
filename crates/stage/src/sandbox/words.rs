//! What a game printed last: a bounded ring of bytes.

use std::collections::VecDeque;
use std::path::Path;

/// Bytes kept of what a game prints: some hundred lines, enough to see what led to a crash.
const KEPT: usize = 64 * 1024;

/// Of coreutils: tells the C library how to buffer what a program prints (stdbuf(1)).
const BUFFERING: &str = "/usr/libexec/coreutils/libstdbuf.so";

/// Variables that make programs print line by line. Into a pipe they would print block by block, and the last block,
/// which says why, is lost with a game that crashes or is killed. A terminal would have the same effect, but programs
/// colour and draw on those.
pub(super) fn line_by_line() -> Vec<(String, String)> {
    let mut env = vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())];
    if Path::new(BUFFERING).is_file() {
        env.push(("LD_PRELOAD".to_owned(), BUFFERING.to_owned()));
        env.push(("_STDBUF_O".to_owned(), "L".to_owned()));
    }
    env
}

/// The end of a game's output, standard output and standard error together.
#[derive(Debug, Default)]
pub(super) struct Words {
    bytes: VecDeque<u8>,
}

impl Words {
    /// Adds bytes, and lets the oldest ones go.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let newest = &bytes[bytes.len().saturating_sub(KEPT)..];
        let surplus = (self.bytes.len() + newest.len()).saturating_sub(KEPT);
        self.bytes.drain(..surplus);
        self.bytes.extend(newest);
    }

    /// The last `limit` bytes as text; what is not UTF-8 is replaced, and a line that was cut in two is left out.
    pub(super) fn last(&self, limit: usize) -> String {
        let from = self.bytes.len().saturating_sub(limit);
        let mut bytes: Vec<u8> = self.bytes.range(from..).copied().collect();
        if from > 0
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
            && end + 1 < bytes.len()
        {
            bytes.drain(..=end);
        }
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut words = Words::default();
        for number in 0..40_000 {
            words.push(format!("line {number}\n").as_bytes());
        }
        assert!(words.bytes.len() <= KEPT);
        let last = words.last(64);
        assert!(last.ends_with("line 39999"), "{last}");
        assert!(last.starts_with("line "), "a line cut in two is left out: {last}");
    }

    #[test]
    fn one_long_piece_and_bytes_that_are_not_text() {
        let mut words = Words::default();
        words.push(&vec![0xff; KEPT * 2]);
        words.push("é".as_bytes());
        assert_eq!(words.bytes.len(), KEPT);
        assert!(words.last(8).ends_with('é'));
    }
}
