//! Clicks: a short tone at every press, as soon as the sound server takes it.
//!
//! The stream lies idle between clicks: it begins to play with the first bytes that it is given, so that a click does
//! not queue behind silence, and costs nothing while nobody presses.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use probe::sound::{RATE, SAMPLE, Stream, has_server};

/// Samples that the server holds: 15 ms, three of its usual fragments.
const BUFFER: u32 = RATE * 15 / 1000;
/// Samples of a click: 30 ms can be heard and found in any recording.
const CLICK: u32 = RATE * 30 / 1000;
/// Pitch of a click; a whole number of its periods fills it.
const PITCH: u32 = 1_000;
const LOUDNESS: f32 = 24_000.0;
/// Clicks that wait: who presses faster than that hears fewer.
const WAITING: usize = 4;

/// Where clicks are asked for.
pub(crate) struct Clicks(Option<SyncSender<()>>);

impl Clicks {
    /// Never heard.
    pub(crate) fn silent() -> Self {
        Self(None)
    }

    /// Clicks on the sound server that the environment names; silent where there is none.
    pub(crate) fn start() -> io::Result<Self> {
        // Without this question the client library would start a server of its own.
        if !has_server() {
            eprintln!("probe: there is no sound server; it will be silent");
            return Ok(Self::silent());
        }
        let (sender, receiver) = sync_channel(WAITING);
        thread::Builder::new().name("sound".to_owned()).spawn(move || play(&receiver))?;
        Ok(Self(Some(sender)))
    }

    /// Clicks once.
    pub(crate) fn click(&self) {
        if let Some(sender) = &self.0 {
            // Full: they are being played already. Closed: the server went away, which was said.
            sender.try_send(()).ok();
        }
    }
}

fn play(receiver: &Receiver<()>) {
    let mut stream = match Stream::open("probe", "clicks", BUFFER) {
        Ok(stream) => stream,
        Err(error) => {
            eprintln!("probe: the sound server cannot be used ({error}); it will be silent");
            return;
        }
    };
    // The first sound of a stream waits for the server to make room; silence may wait.
    if let Err(error) = stream.write(&vec![0; (BUFFER * SAMPLE) as usize]) {
        eprintln!("probe: the sound server went away ({error}); it is silent now");
        return;
    }
    let click = click();
    while receiver.recv().is_ok() {
        if let Err(error) = stream.write(&click) {
            eprintln!("probe: the sound server went away ({error}); it is silent now");
            return;
        }
    }
}

/// A tone that begins at full loudness, so that its start can be found to the sample, and fades.
fn click() -> Vec<u8> {
    let sample = |at: u32| {
        let turns = (at * PITCH) as f32 / RATE as f32;
        let fade = 1.0 - at as f32 / CLICK as f32;
        #[expect(clippy::cast_possible_truncation, reason = "no louder than LOUDNESS")]
        let level = (LOUDNESS * fade * (turns * std::f32::consts::TAU).cos()) as i16;
        level
    };
    (0..CLICK).flat_map(|at| [sample(at), sample(at)]).flat_map(i16::to_le_bytes).collect()
}
