//! One round of one side: keys are pressed, and everything that can be known of it meanwhile is.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use playhouse_testkit::eye::Spot;

use crate::client::{Answer, Client, Stats, intervals, millis};
use crate::figures::{Answers, Spread, Tail, rounded};
use crate::inputs::{Inputs, Press};
use crate::progress::Progress;
use crate::scene::{KEY, MARK};
use crate::usage::{Usage, Used};

/// How long a picture that stands still is watched.
const STILL: Duration = Duration::from_secs(10);
/// How long the mark may take to answer for the first time.
const WARM_UP: Duration = Duration::from_mins(1);
/// The page gets a key at most so long after it was pressed, milliseconds: less than the gap between two.
const KEY_WITHIN_MS: f64 = 110.0;
/// A page sends an input in the handler of its key, milliseconds.
const SENT_WITHIN_MS: f64 = 4.0;

/// A started game in a browser.
pub(crate) trait Side {
    /// For the person who waits.
    fn name(&self) -> &'static str;
    /// The browser.
    fn client(&mut self) -> &mut Client;
    /// What its processes used so far.
    fn usage(&self) -> Usage;
}

/// What one or several rounds gave.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) presses: Vec<Press>,
    pub(crate) decoded: Vec<Option<f64>>,
    /// The way of each answer, by its steps.
    pub(crate) steps: BTreeMap<String, Vec<f64>>,
    pub(crate) intervals: Vec<f64>,
    pub(crate) p50s: Vec<f64>,
    pub(crate) used: Vec<Used>,
    seconds: f64,
    frames: u64,
    bytes: u64,
}

impl Measured {
    /// Adds a round.
    pub(crate) fn add(&mut self, other: Self) {
        self.p50s.push(other.photon().p50);
        self.presses.extend(other.presses);
        self.decoded.extend(other.decoded);
        for (step, values) in other.steps {
            self.steps.entry(step).or_default().extend(values);
        }
        self.intervals.extend(other.intervals);
        self.used.extend(other.used);
        self.seconds += other.seconds;
        self.frames += other.frames;
        self.bytes += other.bytes;
    }

    pub(crate) fn photon(&self) -> Answers {
        Answers::of(&self.presses.iter().map(Press::millis).collect::<Vec<_>>())
    }

    /// Percentiles of each step of the answers' way.
    pub(crate) fn answer_steps(&self) -> BTreeMap<&str, Spread> {
        self.steps.iter().map(|(step, values)| (step.as_str(), Spread::of(values))).collect()
    }

    pub(crate) fn decoded_fps(&self) -> f64 {
        rounded(self.frames as f64 / self.seconds.max(0.001))
    }

    pub(crate) fn bitrate_bps(&self) -> f64 {
        (self.bytes as f64 * 8.0 / self.seconds.max(0.001)).round()
    }

    pub(crate) fn interval(&self) -> Tail {
        Tail::of(&self.intervals)
    }

    pub(crate) fn streaming_cores(&self) -> f64 {
        mean(self.used.iter().map(|u| u.streaming_cores))
    }

    pub(crate) fn game_cores(&self) -> f64 {
        mean(self.used.iter().map(|u| u.game_cores))
    }

    pub(crate) fn rss_bytes(&self) -> u64 {
        self.used.iter().map(|u| u.rss_bytes).max().unwrap_or(0)
    }
}

/// Presses `count` keys while the picture moves.
pub(crate) fn moving(side: &mut impl Side, count: usize, seed: u64) -> Result<Measured> {
    let progress = Progress::new(side.name(), count);
    let mut inputs = begin(side, seed)?;
    let client = side.client();
    let offset = client.clock_offset()?;
    client.forget()?;
    let before = client.stats()?;
    let used = side.usage();
    let presses = inputs.run(count, |index, _| progress.step(index))?;
    let used = used.until(&side.usage());
    let client = side.client();
    let after = client.stats()?;
    let keys = client.keys()?;
    let all = client.answers()?;
    let answers: Vec<_> = presses.iter().map(|press| answer(press, &keys, &all, offset)).collect();
    let mut steps: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (step, value) in answers.iter().flatten().flat_map(|(answer, _)| &answer.steps) {
        steps.entry(step.clone()).or_default().push(*value);
    }
    Ok(Measured {
        decoded: answers.into_iter().map(|found| found.map(|(_, millis)| millis)).collect(),
        steps,
        presses,
        intervals: intervals(&client.frames()?),
        used: vec![used],
        p50s: Vec::new(),
        seconds: (after.at - before.at) / 1000.0,
        frames: after.video.frames_decoded.saturating_sub(before.video.frames_decoded),
        bytes: received(&after).saturating_sub(received(&before)),
    })
}

/// Watches a picture that stands still.
pub(crate) fn still(side: &mut impl Side, seed: u64) -> Result<Used> {
    // The first presses show that there is a game; after them nothing moves.
    drop(begin(side, seed)?);
    thread::sleep(STILL / 5);
    let used = side.usage();
    thread::sleep(STILL);
    Ok(used.until(&side.usage()))
}

fn begin(side: &mut impl Side, seed: u64) -> Result<Inputs> {
    let client = side.client();
    client.wait_for_video()?;
    let (x, y, width, height) = MARK;
    let mut inputs = Inputs::new(&client.display.name(), KEY, Spot { x, y, width, height }, seed)?;
    inputs.warm_up(WARM_UP)?;
    Ok(inputs)
}

fn received(stats: &Stats) -> u64 {
    stats.video.bytes_received + stats.video.header_bytes_received
}

/// The frame that answered a press, and the milliseconds until it was decoded. The page's clock is ahead of the
/// machine's by `offset`.
fn answer<'a>(press: &Press, keys: &[f64], answers: &'a [Answer], offset: f64) -> Option<(&'a Answer, f64)> {
    let at = millis(press.at) + offset;
    // The page's clock is known to a millisecond or so.
    let key = keys.iter().find(|key| **key > at - 2.0 && **key < at + KEY_WITHIN_MS)?;
    let sent = |answer: &&Answer| answer.sent.is_some_and(|sent| (sent - key).abs() < SENT_WITHIN_MS);
    answers.iter().find(sent).map(|answer| (answer, answer.decoded - at))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    rounded(values.iter().sum::<f64>() / values.len().max(1) as f64)
}
