//! A stage under test: what it showed and what it told, to be waited for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use playhouse_media::frame::{Damage, Size};
use playhouse_media::time::Timestamp;
use playhouse_stage::compositor::{
    self, Compositor, Config, Event, Frame, FrameSink, GameInput, Pixels, Spoiled,
};
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
    /// Made of what was new in this frame and those before, as a sink does.
    picture: Canvas,
    /// The same frame, read whole and read in pieces of odd sizes.
    pub(crate) whole: Canvas,
    pub(crate) pieces: Canvas,
}

impl Shot {
    /// A pixel as `0xRRGGBB`; none of these outside of the picture.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> u32 {
        self.picture.pixel(x, y)
    }

    /// Whether this is all that there is to be seen.
    pub(crate) fn is_whole(&self) -> bool {
        self.picture == self.whole && self.whole == self.pieces
    }
}

/// Pixels as `0xRRGGBB`, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Canvas {
    size: Size,
    pixels: Vec<u32>,
}

impl Canvas {
    fn new(size: Size) -> Self {
        Self { size, pixels: vec![0; size.bgra_len() / 4] }
    }

    /// A picture of these pixels.
    pub(crate) fn of(size: Size, pixel: impl Fn(u32, u32) -> u32) -> Self {
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        Self { size, pixels: pixels.map(|(x, y)| pixel(x, y)).collect() }
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> u32 {
        let width = self.size.width as usize;
        self.pixels.get(y * width + x).copied().filter(|_| x < width).unwrap_or(u32::MAX)
    }

    fn read(&mut self, pixels: &mut dyn Pixels, area: Damage) -> Result<(), Spoiled> {
        let width = self.size.width as usize;
        pixels.read(area, &mut |strip| {
            for (y, row) in (strip.area.y as usize..)
                .zip(strip.data.chunks(strip.stride))
                .take(strip.area.height as usize)
            {
                let into = &mut self.pixels[y * width + strip.area.x as usize..][..strip.area.width as usize];
                for (into, pixel) in into.iter_mut().zip(row.chunks_exact(4)) {
                    *into = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], 0]);
                }
            }
        })
    }
}

/// What a sink may do while it reads, once.
pub(crate) type Deed = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

#[derive(Default)]
struct Seen {
    shots: Vec<Shot>,
    spoiled: usize,
    events: Vec<Event>,
}

/// A sink that keeps everything.
struct Reader {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    amid: Deed,
    picture: Canvas,
}

impl Reader {
    fn read(&mut self, frame: &mut Frame<'_>) -> Result<Shot, Spoiled> {
        if self.picture.size != frame.size {
            self.picture = Canvas::new(frame.size);
        }
        for area in frame.damage {
            self.picture.read(frame.pixels, *area)?;
        }
        let (mut whole, mut pieces) = (Canvas::new(frame.size), Canvas::new(frame.size));
        frame.pixels.read(Damage::whole(frame.size), &mut |_| {
            if let Some(deed) = self.amid.lock().unwrap().take() {
                deed();
            }
        })?;
        whole.read(frame.pixels, Damage::whole(frame.size))?;
        let step = |step: usize| (0..).step_by(step);
        for y in step(67).take_while(|y| *y < frame.size.height) {
            for x in step(101).take_while(|x| *x < frame.size.width) {
                pieces.read(frame.pixels, Damage { x, y, width: 101, height: 67 })?;
            }
        }
        Ok(Shot {
            size: frame.size,
            damage: frame.damage.to_vec(),
            input_seq: frame.input_seq,
            input: frame.input,
            commit: frame.commit,
            came: Instant::now(),
            picture: self.picture.clone(),
            whole,
            pieces,
        })
    }
}

impl FrameSink for Reader {
    fn frame(&mut self, frame: &mut Frame<'_>) {
        let shot = self.read(frame);
        let mut seen = self.seen.0.lock().unwrap();
        match shot {
            Ok(shot) => seen.shots.push(shot),
            Err(Spoiled) => seen.spoiled += 1,
        }
        self.seen.1.notify_all();
    }
}

/// A stage, and the record of it.
pub(crate) struct House {
    pub(crate) stage: Compositor,
    /// What happens amid the next frame.
    pub(crate) amid: Deed,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _runtime: TempDir,
}

pub(crate) fn open(width: u32, height: u32, rate: u32) -> House {
    open_with(width, height, rate, false)
}

pub(crate) fn open_with(width: u32, height: u32, rate: u32, xwayland: bool) -> House {
    let runtime = tempfile::tempdir().unwrap();
    let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
    let (events, amid) = (seen.clone(), Deed::default());
    let config =
        Config { size: Size::new(width, height), rate, runtime: runtime.path().to_owned(), xwayland };
    let reader = Reader { seen: seen.clone(), amid: amid.clone(), picture: Canvas::new(config.size) };
    let stage = compositor::start(
        config,
        Box::new(reader),
        Box::new(move |event| {
            events.0.lock().unwrap().events.push(event);
            events.1.notify_all();
        }),
    );
    House { stage: stage.unwrap(), amid, seen, _runtime: runtime }
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

    /// Waits for a frame that could not be read.
    pub(crate) fn spoiled(&self) {
        self.wait("a spoiled frame", |seen| (seen.spoiled > 0).then_some(()));
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
