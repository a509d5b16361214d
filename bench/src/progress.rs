//! What a person sees on standard error while a benchmark runs.

use std::io::{IsTerminal, Write, stderr};

/// Lines that a long step gives where nobody watches a bar.
const LINES: usize = 5;

/// One step that takes a known number of turns.
#[derive(Debug)]
pub(crate) struct Progress {
    name: String,
    count: usize,
    live: bool,
}

impl Progress {
    pub(crate) fn new(name: &str, count: usize) -> Self {
        Self { name: name.to_owned(), count, live: stderr().is_terminal() }
    }

    /// Turn `index` is done.
    pub(crate) fn step(&self, index: usize) {
        let done = index + 1;
        let last = done == self.count;
        if self.live {
            let end = if last { "\n" } else { "" };
            write(&format!("\r{}: {done} of {}{end}", self.name, self.count));
        } else if last || done.is_multiple_of((self.count / LINES).max(1)) {
            write(&format!("{}: {done} of {}\n", self.name, self.count));
        }
    }
}

/// Says what happens now.
pub(crate) fn say(sentence: &str) {
    write(&format!("{sentence}\n"));
}

fn write(text: &str) {
    let mut err = stderr().lock();
    // Nobody may be reading, which is no reason to stop measuring.
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
