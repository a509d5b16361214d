//! A stage under test: what it showed and what it told, to be waited for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use playhouse_media::frame::{Damage, Size};
use playhouse_media::time::Timestamp;
use playhouse_stage::compositor::{self, Compositor, Config, Event, Frame, GameInput};
use tempfile::TempDir;

/// How long anything may take on a loaded machine before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A frame as the sink saw it.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    pub(crate) size: Size,
    pub(crate) damage: Vec<Damage>,
    pub(crate) input_seq: u32,
    pub(crate) input: Timestamp,
    pub(crate) commit: Timestamp,
    pub(crate) came: Instant,
    stride: usize,
    data: Vec<u8>,
}

impl Shot {
    /// A pixel as `0xRRGGBB`; none of these outside of the picture.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> u32 {
        let at = y * self.stride + x * 4;
        let pixel = self.data.get(at..at + 3).filter(|_| x * 4 < self.stride);
        pixel.map_or(u32::MAX, |pixel| u32::from_le_bytes([pixel[0], pixel[1], pixel[2], 0]))
    }
}

#[derive(Default)]
struct Seen {
    shots: Vec<Shot>,
    events: Vec<Event>,
}

/// A stage, and the record of it.
pub(crate) struct House {
    pub(crate) stage: Compositor,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _runtime: TempDir,
}

pub(crate) fn open(width: u32, height: u32, rate: u32) -> House {
    open_with(width, height, rate, false)
}

pub(crate) fn open_with(width: u32, height: u32, rate: u32, xwayland: bool) -> House {
    let runtime = tempfile::tempdir().unwrap();
    let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
    let (shots, events) = (seen.clone(), seen.clone());
    let config =
        Config { size: Size::new(width, height), rate, runtime: runtime.path().to_owned(), xwayland };
    let stage = compositor::start(
        config,
        Box::new(move |frame: &Frame<'_>| {
            let shot = Shot {
                size: frame.size,
                damage: frame.damage.to_vec(),
                input_seq: frame.input_seq,
                input: frame.input,
                commit: frame.commit,
                came: Instant::now(),
                stride: frame.stride,
                data: frame.data.to_vec(),
            };
            shots.0.lock().unwrap().shots.push(shot);
            shots.1.notify_all();
        }),
        Box::new(move |event| {
            events.0.lock().unwrap().events.push(event);
            events.1.notify_all();
        }),
    );
    House { stage: stage.unwrap(), seen, _runtime: runtime }
}

impl House {
    pub(crate) fn input(&self, input: GameInput, seq: u32) {
        self.stage.handle().input(input, seq, Timestamp::from_micros(u64::from(seq)));
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut(&Seen) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if let Some(found) = look(&seen) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come; events: {:?}", seen.events);
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits for a frame that is as wanted, among all that were and will be.
    pub(crate) fn shot(&self, what: &str, wanted: impl Fn(&Shot) -> bool) -> Shot {
        self.wait(what, |seen| seen.shots.iter().find(|shot| wanted(shot)).cloned())
    }

    /// Waits for the newest frame to be as wanted.
    pub(crate) fn last_shot(&self, what: &str, wanted: impl Fn(&Shot) -> bool) -> Shot {
        self.wait(what, |seen| seen.shots.last().filter(|shot| wanted(shot)).cloned())
    }

    /// Waits until there are so many frames, and gives all.
    pub(crate) fn shots(&self, count: usize) -> Vec<Shot> {
        self.wait("enough frames", |seen| (seen.shots.len() >= count).then(|| seen.shots.clone()))
    }

    /// How many frames there were.
    pub(crate) fn count(&self) -> usize {
        self.seen.0.lock().unwrap().shots.len()
    }

    /// Waits for an event.
    pub(crate) fn event(&self, wanted: Event) {
        self.wait(&format!("{wanted:?}"), |seen| seen.events.contains(&wanted).then_some(()));
    }
}
