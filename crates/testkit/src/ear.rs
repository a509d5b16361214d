//! An ear on a browser: a private sound server whose output goes nowhere but here, and the moments at which
//! something was to be heard.
//!
//! A moment is when the sound server took the samples to play, as a sound card's driver would; what a real card and
//! the air add comes on top.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;
use tempfile::TempDir;

use crate::child::Program;
use crate::clock;

/// Samples per second that are listened to, one channel.
const RATE: u32 = 48_000;
/// How much the recorder is asked to hand over at a time.
const LATENCY_MS: u32 = 2;
/// Amplitude of a sample, of 32,768, above which it is loud.
const LOUD: u16 = 1_500;
/// Silence before a loud sample that makes it the beginning of a sound.
const PAUSE: Duration = Duration::from_millis(40);
/// Moments that are kept; a benchmark makes some hundreds.
const KEPT: usize = 100_000;
/// How long the sound server may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was heard.
#[derive(Debug, Default)]
struct Heard {
    moments: Vec<Timestamp>,
    samples: u64,
    /// Sum of squares of all samples, of full scale 1.
    energy: f64,
}

/// A sound server of one's own, and what is heard from it; both end when dropped.
#[derive(Debug)]
pub struct Ear {
    heard: Arc<Mutex<Heard>>,
    _recorder: Program,
    _server: Program,
    folder: TempDir,
}

impl Ear {
    /// Starts the sound server (Debian: `pulseaudio`, `pulseaudio-utils`) and listens.
    ///
    /// # Errors
    /// When it is missing or does not come up.
    pub fn open() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("testkit-ear-").tempdir()?;
        let socket = folder.path().join("native");
        let mut server = Command::new("pulseaudio");
        server
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
                "--disable-shm=yes",
                "--log-level=error",
            ])
            .args([
                "-L",
                &format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()),
            ])
            .args(["-L", "module-null-sink sink_name=ear rate=48000 channels=2"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "PULSE_STATE_PATH", "PULSE_RUNTIME_PATH"] {
            server.env(name, folder.path());
        }
        let mut server = Program::start(&mut server)?;
        let end = Instant::now() + PATIENCE;
        while !socket.exists() {
            if Instant::now() > end || server.ended()?.is_some() {
                return Err(io::Error::other("the sound server did not come up"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut recorder = Program::start(
            Command::new("parec")
                .arg(format!("--server=unix:{}", socket.display()))
                .args(["--device=ear.monitor", "--format=s16le", "--channels=1", "--raw"])
                .args([format!("--rate={RATE}"), format!("--latency-msec={LATENCY_MS}")])
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let output = recorder.stdout().ok_or_else(|| io::Error::other("the recorder has no output"))?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let kept = Arc::clone(&heard);
        std::thread::Builder::new().name("ear".into()).spawn(move || listen(output, &kept))?;
        Ok(Self { heard, _recorder: recorder, _server: server, folder })
    }

    /// Where a program sends its sound, as the `PULSE_SERVER` variable has it.
    pub fn address(&self) -> OsString {
        format!("unix:{}", self.folder.path().join("native").display()).into()
    }

    /// When sounds began that came after a pause, so far.
    pub fn moments(&self) -> Vec<Timestamp> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).moments.clone()
    }

    /// Root mean square of all that was heard so far, of full scale 1; zero is silence.
    pub fn loudness(&self) -> f64 {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        (heard.energy / heard.samples.max(1) as f64).sqrt()
    }
}

fn listen(mut output: ChildStdout, heard: &Mutex<Heard>) {
    let mut onsets = Onsets::default();
    let mut buffer = [0; 4096];
    let mut rest = Vec::new();
    while let Ok(len @ 1..) = output.read(&mut buffer) {
        let now = clock::now();
        rest.extend_from_slice(&buffer[..len]);
        let whole = rest.len() / 2 * 2;
        let samples: Vec<i16> =
            rest[..whole].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        rest.drain(..whole);
        let begun = onsets.take(&samples);
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.samples += samples.len() as u64;
        heard.energy += samples.iter().map(|s| (f64::from(*s) / 32_768.0).powi(2)).sum::<f64>();
        for at in begun {
            let later = Duration::from_secs_f64((samples.len() - at) as f64 / f64::from(RATE));
            if heard.moments.len() < KEPT {
                heard.moments.push(now - later);
            }
        }
    }
}

/// Finds the beginnings of sounds.
#[derive(Debug)]
struct Onsets {
    quiet: u64,
}

impl Default for Onsets {
    /// Before the first sample it was quiet: the recorder may get nothing at all until something sounds.
    fn default() -> Self {
        Self { quiet: u64::from(RATE) }
    }
}

impl Onsets {
    /// Places in `samples` where a sound begins after a pause.
    fn take(&mut self, samples: &[i16]) -> Vec<usize> {
        let pause = u64::from(RATE) * u64::from(PAUSE.subsec_millis()) / 1000;
        let mut begun = Vec::new();
        for (at, sample) in samples.iter().enumerate() {
            if sample.unsigned_abs() < LOUD {
                self.quiet += 1;
                continue;
            }
            if self.quiet >= pause {
                begun.push(at);
            }
            self.quiet = 0;
        }
        begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_begins_once_however_long_it_lasts() {
        let mut onsets = Onsets::default();
        let mut samples = vec![0; 4_000];
        samples.extend([9_000, -9_000].repeat(2_000));
        samples.extend(vec![0; 4_000]);
        samples.push(-30_000);
        assert_eq!(onsets.take(&samples[..6_000]), [4_000]);
        assert_eq!(onsets.take(&samples[6_000..]), [6_000]);
    }
}
