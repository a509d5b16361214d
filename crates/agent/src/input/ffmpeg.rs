//! The program ffmpeg as a decoder: foreign bytes are decoded in a process of their own, with limits, and pictures come
//! through a pipe.

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use playhouse_sense::picture::Picture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{Fault, LOOK, SILENCE, Shot, Stop, WIDEST, shot};

/// Address space of the program: pictures of 4K with a thread or two take some hundred MiB.
const MEMORY: u64 = 2 << 30;

/// What is remembered of its complaints, in bytes.
const COMPLAINTS: usize = 2 << 10;

/// The longest head of a picture: `P6 65535 65535 255`.
const LONGEST_HEAD: usize = 32;

/// A running ffmpeg. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Decoder {
    child: Child,
    stdout: ChildStdout,
    read: Vec<u8>,
    complaints: Arc<Mutex<Vec<u8>>>,
    /// What is decoded, for complaints.
    what: String,
}

/// The pictures of whatever a [`Decoder`] can be opened for, which is opened anew after each fault.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    decoder: Option<Decoder>,
    frame: u64,
}

impl Decoded {
    /// The next picture.
    pub(super) fn next(
        &mut self,
        stop: &Stop,
        open: impl FnOnce() -> Result<Decoder, Fault>,
    ) -> Result<Shot, Fault> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None => self.decoder.insert(open()?),
        };
        let picture = decoder.next(stop).inspect_err(|_| self.decoder = None)?;
        self.frame += 1;
        Ok(shot(picture, self.frame - 1))
    }
}

/// What ffmpeg reads.
pub(super) enum From {
    /// A file, which it knows as `file:/dev/fd/0` and never by its name.
    File(std::fs::File),
    /// What is written to [`Decoder::stdin`].
    Pipe,
    /// A device that the arguments name.
    Device,
}

impl Decoder {
    /// Starts ffmpeg. `input`: its arguments up to and including `-i`.
    pub(super) fn start(what: &str, input: &[&str], from: From) -> Result<Self, Fault> {
        let scale = format!(
            "scale=w='min({WIDEST},iw)':h='min({WIDEST},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
        );
        let stdin = match from {
            From::File(file) => Stdio::from(file),
            From::Pipe => Stdio::piped(),
            From::Device => Stdio::null(),
        };
        let mut child = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostats", "-loglevel", "error", "-threads", "2"])
            .args(input)
            .args(["-an", "-sn", "-dn", "-vf", &scale, "-fps_mode", "passthrough", "-flush_packets", "1"])
            // Each picture says its own size, so that one that changes is no surprise.
            .args(["-f", "image2pipe", "-c:v", "ppm", "pipe:1"])
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Fault::NoFfmpeg)?;
        restrain(child.id());
        let pipe = |name: &str| Fault::NoFfmpeg(std::io::Error::other(format!("it has no {name}")));
        let stdout = child.stdout.take().ok_or_else(|| pipe("output"))?;
        let mut stderr = child.stderr.take().ok_or_else(|| pipe("complaints"))?;
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&complaints);
        std::thread::Builder::new()
            .name("ffmpeg".into())
            .spawn(move || {
                let mut some = [0; 512];
                // All of it is read, so that a talkative program does not stand still.
                while let Ok(length @ 1..) = stderr.read(&mut some) {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = COMPLAINTS.saturating_sub(heard.len());
                    heard.extend(&some[..length.min(room)]);
                }
            })
            .map_err(Fault::NoFfmpeg)?;
        Ok(Self { child, stdout, read: Vec::new(), complaints, what: what.to_owned() })
    }

    /// Where what is to be decoded is written; once.
    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the next picture.
    pub(super) fn next(&mut self, stop: &Stop) -> Result<Picture, Fault> {
        let patient_until = Instant::now() + SILENCE;
        loop {
            if let Some(picture) = self.take()? {
                return Ok(picture);
            }
            if stop.is_stopped() {
                return Err(Fault::Stopped);
            }
            if !self.readable()? {
                if Instant::now() >= patient_until {
                    return Err(Fault::Silent(self.what.clone()));
                }
                continue;
            }
            let before = self.read.len();
            self.read.resize(before + (64 << 10), 0);
            let length =
                self.stdout.read(&mut self.read[before..]).map_err(|error| self.unreadable(&error))?;
            self.read.truncate(before + length);
            if length == 0 {
                return Err(self.ended());
            }
        }
    }

    fn readable(&self) -> Result<bool, Fault> {
        let mut fds = [PollFd::from_borrowed_fd(self.stdout.as_fd(), PollFlags::IN)];
        let look = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
        match poll(&mut fds, Some(&look)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// The picture that begins what was read, if it is whole.
    fn take(&mut self) -> Result<Option<Picture>, Fault> {
        let Some((head, width, height)) = head(&self.read) else {
            if self.read.len() >= LONGEST_HEAD {
                return Err(self.unreadable(&"ffmpeg wrote something that is no picture"));
            }
            return Ok(None);
        };
        if width.max(height) > WIDEST as usize || width.min(height) == 0 {
            return Err(self.unreadable(&format!("a picture of {width} by {height} came of it")));
        }
        let end = head + width * height * 3;
        if self.read.len() < end {
            return Ok(None);
        }
        let picture = Picture::new(width, height, self.read[head..end].to_vec());
        self.read.drain(..end);
        Ok(picture)
    }

    fn unreadable(&self, why: &impl ToString) -> Fault {
        Fault::Unreadable { what: self.what.clone(), why: why.to_string() }
    }

    /// Why it ended, in its own words where it had any.
    fn ended(&mut self) -> Fault {
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let heard = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&heard).into_owned();
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        // `[h264 @ 0x55] words`: the address helps nobody.
        let first = if first.starts_with('[') {
            first.split_once("] ").map_or(first, |(_, rest)| rest)
        } else {
            first
        };
        let words: String = first.chars().filter(|c| !c.is_control()).take(200).collect();
        let why = if words.is_empty() { format!("ffmpeg ended ({status})") } else { words };
        Fault::Unreadable { what: self.what.clone(), why }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // One that has ended already needs no killing; waiting reaps it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The length of a PPM head (`P6`, width, height, 255), and the size that it names.
fn head(bytes: &[u8]) -> Option<(usize, usize, usize)> {
    let mut ends = bytes.iter().take(LONGEST_HEAD).enumerate().filter(|(_, byte)| byte.is_ascii_whitespace());
    let end = ends.nth(3)?.0;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some("P6") {
        return None;
    }
    let (width, height) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (words.next() == Some("255")).then_some((end + 1, width, height))
}

/// A decoder of foreign bytes gets so much memory, and leaves no core behind.
fn restrain(pid: u32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // A program that ended already needs no limits.
    prlimit(Some(pid), Resource::As, limit(MEMORY)).ok();
    prlimit(Some(pid), Resource::Core, limit(0)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_picture_is_read_and_rubbish_is_not() {
        assert_eq!(head(b"P6\n640 480\n255\n\x00\x01"), Some((15, 640, 480)));
        assert_eq!(head(b"P6\n640 48"), None);
        assert_eq!(head(b"P5\n640 480\n255\n"), None);
        assert_eq!(head(b"P6\n640 -1\n255\n"), None);
    }
}
