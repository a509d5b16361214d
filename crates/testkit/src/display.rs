//! A display of one's own: Xvfb on a number that it chooses itself.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::child::Program;

/// An X display without a screen; it ends when dropped.
#[derive(Debug)]
pub struct Display {
    program: Program,
    number: u32,
}

impl Display {
    /// Starts an Xvfb of `width` × `height` pixels, 24 bits deep, that only this machine reaches.
    ///
    /// # Errors
    /// When Xvfb (Debian: `xvfb`) is missing or does not come up.
    pub fn start(width: u32, height: u32) -> io::Result<Self> {
        let mut program = Program::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24")])
                .args(["-nolisten", "tcp", "-noreset", "-ac", "+extension", "MIT-SHM", "+extension", "XTEST"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let mut line = String::new();
        if let Some(out) = program.stdout() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let number = line
            .trim()
            .parse()
            .map_err(|e| io::Error::other(format!("Xvfb ended before it had a display: {e}")))?;
        Ok(Self { program, number })
    }

    /// As the `DISPLAY` variable has it.
    pub fn name(&self) -> OsString {
        format!(":{}", self.number).into()
    }

    /// Number of the X server's process.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }
}
