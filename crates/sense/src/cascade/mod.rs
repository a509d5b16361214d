//! What a sensor asks a larger model: tracks of which it is neither sure enough nor unsure enough, each once, within a budget
//! of bytes.
//!
//! Nothing here has a pixel. [`Cascade::shots`] says of what a crop is wanted; whoever has the pictures, in a build that may
//! send any, lays the crops of a track side by side as one [`mosaic`] and hands its bytes to [`Cascade::ready`];
//! [`Cascade::next`] gives what may be sent now. While there is no link, mosaics wait, bounded, and tracks stay provisional.

mod budget;
mod learn;
pub mod mosaic;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use playhouse_media::time::Timestamp;
use serde::{Deserialize, Serialize};

use self::budget::Bucket;
use self::learn::Lessons;
use crate::detection::Label;
use crate::geometry::Rect;
use crate::observation::TrackId;
use crate::track::{MOST_TRACKS, Thresholds, Track};

/// Crops of one mosaic, two by two: somebody who turns around is seen from several sides.
pub const CELLS: usize = 4;

/// A crop shows so much more than the box on each side, as a part of its size: boxes are tight, models want context.
const AROUND: f32 = 0.1;

/// A track is asked about once it was followed for so long: most are clear by then.
const SETTLES: Duration = Duration::from_millis(600);

/// So much time lies between two crops of a track.
const BETWEEN: Duration = Duration::from_millis(400);

/// A track of which the sensor is sure is asked about so rarely, to learn whether it may be sure.
const CHECK: u32 = 40;

/// Tracks that were asked about and are remembered, so that none is asked about twice.
const MOST_ASKED: usize = 4 * MOST_TRACKS;

/// How long an answer is waited for until the mosaic is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What questions may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Bytes a second, over time.
    pub rate: f32,
    /// Bytes at once, at most: what nobody used adds up to this. A larger mosaic is never sent.
    pub burst: usize,
    /// Bytes of mosaics that wait, at most; the oldest go first.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: 2_000.0, burst: 32 * 1024, queue: 512 * 1024 }
    }
}

/// A crop that is wanted of the picture at hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Of which track.
    pub track: TrackId,
    /// What of the picture.
    pub place: Rect,
    /// Where in the mosaic: 0 is the upper left, 1 the upper right one, and so on, up to [`CELLS`].
    pub cell: usize,
    /// Whether the mosaic is complete with it.
    pub last: bool,
}

/// What a sensor asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// About which track.
    pub track: TrackId,
    /// What the sensor takes it for.
    pub label: Label,
    /// The mosaic, in whatever format both sides speak.
    pub mosaic: Vec<u8>,
}

/// What a larger model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// About which track.
    pub track: TrackId,
    /// What it is; `None`: nothing at all.
    pub label: Option<Label>,
}

/// What became of questions, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Sent.
    pub asked: u64,
    /// Bytes of their mosaics.
    pub bytes: u64,
    /// Answered.
    pub answered: u64,
    /// Of these, how many said something else than the sensor.
    pub corrected: u64,
    /// Never sent or never answered.
    pub given_up: u64,
}

/// How far a track's question is.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// So many crops were wanted so far, the last one then.
    Shots { count: usize, at: Timestamp },
    /// It waits, or is on its way, or was answered or given up.
    Asked,
}

/// What is known of a track that is asked about.
#[derive(Clone, Copy, Debug)]
struct Asked {
    progress: Progress,
    label: Label,
    score: f32,
    sent: Option<Timestamp>,
}

/// Decides what is asked.
#[derive(Debug)]
pub struct Cascade {
    limits: Limits,
    budget: Bucket,
    tracks: BTreeMap<TrackId, Asked>,
    waiting: VecDeque<Question>,
    bytes: usize,
    lessons: Lessons,
    counters: Counters,
}

impl Cascade {
    /// Nothing is asked yet.
    pub fn new(now: Timestamp, limits: Limits) -> Self {
        Self {
            budget: Bucket::new(now, limits.rate, limits.burst),
            limits,
            tracks: BTreeMap::new(),
            waiting: VecDeque::new(),
            bytes: 0,
            lessons: Lessons::default(),
            counters: Counters::default(),
        }
    }

    /// What became of questions.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of mosaics that wait.
    pub fn backlog(&self) -> usize {
        self.bytes
    }

    /// The thresholds that answers have taught, between which a track is asked about; without answers, those of the
    /// settings.
    pub fn thresholds(&self, settings: Thresholds) -> Thresholds {
        self.lessons.thresholds(settings)
    }

    /// These tracks are in the picture at hand. Of which of them a crop is wanted.
    pub fn shots(&mut self, now: Timestamp, tracks: &[Track], settings: Thresholds) -> Vec<Shot> {
        let thresholds = self.thresholds(settings);
        let mut shots = Vec::new();
        for track in tracks.iter().filter(|track| !track.hidden && !track.settled) {
            let unsure = (thresholds.low..thresholds.high).contains(&track.score);
            let check = track.id % CHECK == 0 && track.score >= thresholds.high;
            let known = self.tracks.get(&track.id);
            if known.is_none() && (!(unsure || check) || now.since(track.since) < SETTLES) {
                continue;
            }
            let first = Progress::Shots { count: 0, at: Timestamp::ZERO };
            let Progress::Shots { count, at } = known.map_or(first, |asked| asked.progress) else { continue };
            if count > 0 && now.since(at) < BETWEEN {
                continue;
            }
            let last = count + 1 == CELLS;
            let progress = Progress::Shots { count: count + 1, at: now };
            let asked = Asked { progress, label: track.label, score: track.score, sent: None };
            self.tracks.insert(track.id, asked);
            shots.push(Shot { track: track.id, place: around(&track.place), cell: count, last });
        }
        while self.tracks.len() > MOST_ASKED {
            self.tracks.pop_first();
        }
        shots
    }

    /// A mosaic is complete, or its track ended before it was: these are its bytes.
    pub fn ready(&mut self, track: TrackId, mosaic: Vec<u8>) {
        let Some(asked) = self.tracks.get_mut(&track) else { return };
        if !matches!(asked.progress, Progress::Shots { .. }) {
            return;
        }
        asked.progress = Progress::Asked;
        if mosaic.is_empty() || mosaic.len() > self.limits.burst.min(self.limits.queue) {
            self.counters.given_up += 1;
            return;
        }
        self.bytes += mosaic.len();
        self.waiting.push_back(Question { track, label: asked.label, mosaic });
        while self.bytes > self.limits.queue {
            let Some(oldest) = self.waiting.pop_front() else { break };
            self.bytes -= oldest.mosaic.len();
            self.counters.given_up += 1;
        }
    }

    /// What may be asked now: only while there is a link.
    pub fn next(&mut self, now: Timestamp) -> Option<Question> {
        self.give_up(now);
        if !self.budget.take(now, self.waiting.front()?.mosaic.len()) {
            return None;
        }
        let question = self.waiting.pop_front()?;
        self.bytes -= question.mosaic.len();
        self.counters.asked += 1;
        self.counters.bytes += question.mosaic.len() as u64;
        if let Some(asked) = self.tracks.get_mut(&question.track) {
            asked.sent = Some(now);
        }
        Some(question)
    }

    /// Whoever never got an answer.
    fn give_up(&mut self, now: Timestamp) {
        for asked in self.tracks.values_mut() {
            if asked.sent.is_some_and(|sent| now.since(sent) >= PATIENCE) {
                asked.sent = None;
                self.counters.given_up += 1;
            }
        }
    }

    /// A larger model has answered. What the track is to be called, for [`crate::pipeline::Pipeline::settle`]; `None` where
    /// nothing was asked.
    pub fn answer(&mut self, answer: Answer) -> Option<Answer> {
        let asked = self.tracks.get_mut(&answer.track)?;
        asked.sent.take()?;
        self.counters.answered += 1;
        if answer.label != Some(asked.label) {
            self.counters.corrected += 1;
        }
        self.lessons.learn(asked.score, asked.label, answer.label);
        Some(answer)
    }

    /// There will be no answer about a track: whoever was asked does not know, or is not there.
    pub fn unanswered(&mut self, track: TrackId) {
        if self.tracks.get_mut(&track).and_then(|asked| asked.sent.take()).is_some() {
            self.counters.given_up += 1;
        }
    }
}

/// A box and a bit around it, within the picture.
fn around(place: &Rect) -> Rect {
    let (x, y) = (place.width() * AROUND, place.height() * AROUND);
    Rect {
        left: (place.left - x).clamp(0.0, 1.0),
        top: (place.top - y).clamp(0.0, 1.0),
        right: (place.right + x).clamp(0.0, 1.0),
        bottom: (place.bottom + y).clamp(0.0, 1.0),
    }
}
