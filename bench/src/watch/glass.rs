//! Glass to glass: from the moment that a publisher has drawn a picture until its pixels are on a viewer's screen.

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_media::time::Timestamp;
use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::child::Program;
use playhouse_testkit::clock;
use playhouse_testkit::display::Display;
use playhouse_testkit::eye::{Eye, Spot};
use probe::barcode::{self, Reading};
use probe::layout::{BARCODE, GRID};

use super::film::ffmpeg;
use crate::house::House;
use crate::progress::say;
use crate::scene::SIZE;

/// Pictures per second of the publisher.
const RATE: u32 = 30;
/// How long a viewer gets to find its distance, and how long it is watched.
const SETTLE: Duration = Duration::from_secs(6);
const SPAN: Duration = Duration::from_secs(12);
/// How long the stream, or a page, may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the screen.
const LOOK: Duration = Duration::from_millis(2);

const SCRIPT: &str = include_str!("glass.js");

/// How a viewer watches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Whep,
    LowLatencyHls,
}

/// Milliseconds of each picture that was seen.
pub(super) fn measure(house: &House, way: Way) -> Result<Vec<f64>> {
    let channel = house.channel()?;
    let publisher = Publisher::start(&house.rtmp_address(&channel.key))?;
    let path = format!("/api/channels/{}/live/master.m3u8", channel.id);
    house.wait_for(&path, PATIENCE)?;
    let display = Display::start(SIZE.0, SIZE.1).context("cannot start a display (Debian: `xvfb`)")?;
    let mut browser = Browser::start(&display.name(), &Options { size: SIZE, ..Options::default() })?;
    let page = &mut browser.page;
    page.before_pages(SCRIPT)?;
    house.enter(page)?;
    ensure!(page.wait("document.readyState === 'complete' && !!window.benchWhep", PATIENCE)?, "no page");
    let call = match way {
        Way::Whep => format!("benchWhep('/api/channels/{}/whep')", channel.id),
        Way::LowLatencyHls => format!("benchHls('{path}')"),
    };
    page.evaluate(&call)?;
    thread::sleep(SETTLE);
    let seen = watch(&display, &publisher)?;
    if seen.is_empty() {
        let state = page.evaluate("document.querySelector('video')?.readyState + ' ' + document.querySelector('video')?.currentTime")?;
        say(&format!("No picture was seen by {way:?}; the element says {state}."));
    }
    Ok(seen)
}

fn watch(display: &Display, publisher: &Publisher) -> Result<Vec<f64>> {
    let number = |value: u32| u16::try_from(value).context("the barcode does not fit the screen");
    let spot = Spot {
        x: i16::try_from(BARCODE.x)?,
        y: i16::try_from(BARCODE.y)?,
        width: number(BARCODE.width)?,
        height: number(BARCODE.height)?,
    };
    let mut eye = Eye::open(&display.name(), spot)?;
    let mut newest = None;
    let mut seen = Vec::new();
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        let (at, pixels) = eye.pixels()?;
        // Green stands for brightness; the spot begins where the barcode does.
        let luma = |x: u32, y: u32| {
            let place = ((y - BARCODE.y) * BARCODE.width + (x - BARCODE.x)) as usize * 4 + 1;
            pixels.get(place).copied().unwrap_or(0)
        };
        if let Some(Reading { frame, .. }) = barcode::read(GRID, luma)
            && newest.is_none_or(|newest| frame > newest)
        {
            newest = Some(frame);
            if let Some(born) = publisher.born(frame) {
                seen.push(at.since(born).as_secs_f64() * 1000.0);
            }
        }
        thread::sleep(LOOK);
    }
    Ok(seen)
}

/// ffmpeg, which publishes what a thread of ours draws: pictures with their number, and a tone.
struct Publisher {
    ffmpeg: Program,
    born: Arc<Mutex<HashMap<u32, Timestamp>>>,
    over: Arc<AtomicBool>,
    painter: Option<JoinHandle<()>>,
}

impl Publisher {
    fn start(address: &str) -> Result<Self> {
        let size = format!("{}x{}", GRID.width, GRID.height);
        let mut command = ffmpeg();
        command
            .args(["-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0"])
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "-video_size", &size])
            .args(["-framerate", &RATE.to_string(), "-i", "pipe:0"])
            .args([
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=330:sample_rate=48000,aformat=channel_layouts=stereo",
            ])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
                "-profile:v",
                "baseline",
            ])
            .args([
                "-pix_fmt",
                "yuv420p",
                "-g",
                &(2 * RATE).to_string(),
                "-b:v",
                "2M",
                "-c:a",
                "aac",
                "-b:a",
                "96k",
            ])
            .args(["-flush_packets", "1", "-flvflags", "no_duration_filesize", "-f", "flv", address]);
        // The pipe is the source; the helper that other calls share closes it.
        let mut ffmpeg =
            Program::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        let mut pipe = ffmpeg.stdin().context("ffmpeg has no input")?;
        let (born, over) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(AtomicBool::new(false)));
        let (births, end) = (Arc::clone(&born), Arc::clone(&over));
        let painter = thread::Builder::new().name("painter".to_owned()).spawn(move || {
            let begun = Instant::now();
            for number in 0.. {
                let due = begun + Duration::from_secs(1) * number / RATE;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if end.load(Ordering::Acquire) {
                    break;
                }
                let picture = paint(number);
                births.lock().unwrap_or_else(PoisonError::into_inner).insert(number, clock::now());
                if pipe.write_all(&picture).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { ffmpeg, born, over, painter: Some(painter) })
    }

    fn born(&self, number: u32) -> Option<Timestamp> {
        self.born.lock().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Its end closes the pipe, which a painter may be waiting for.
        self.ffmpeg.stop();
        if let Some(painter) = self.painter.take() {
            drop(painter.join());
        }
    }
}

/// Brightness of each pixel: a grey wall with a block that moves, and the number as a barcode.
fn paint(number: u32) -> Vec<u8> {
    let (width, height) = (GRID.width as usize, GRID.height as usize);
    let mut picture = vec![90; width * height];
    let mut fill = |x: u32, y: u32, across: u32, down: u32, luma: u8| {
        for row in y..(y + down).min(GRID.height) {
            let start = row as usize * width + x as usize;
            let end = start + (across.min(GRID.width - x)) as usize;
            picture[start..end].fill(luma);
        }
    };
    fill(number * 8 % (GRID.width - 160), 480, 160, 160, 200);
    for (cell, white) in (Reading { frame: number, inputs: 0 }).cells() {
        fill(cell.x, cell.y, cell.width, cell.height, if white { 235 } else { 16 });
    }
    picture
}
