//! From pictures to what is told of them: gate, tracker, lines and zones in one.
//!
//! ```text
//! picture ─▶ gate ─┬─ something moved ─▶ (a detector looks) ─▶ tracks ─▶ lines, zones, heat ─▶ events
//!                  └─ nothing did ──────────────────────────▶ tracks stay ─▶ zones ──────────▶ events
//! ```
//!
//! What is told happened when the picture was taken: whoever has the pictures adds the time of day.

use playhouse_media::time::Timestamp;

use crate::area::Areas;
use crate::detection::{Detection, Label};
use crate::gate::Gate;
use crate::geometry::Rect;
use crate::observation::{Glimpse, Thing, TrackId, What};
use crate::picture::Picture;
use crate::settings::{Invalid, Settings};
use crate::track::{Changes, Settled, Thresholds, Track, Tracker};

/// What is to be done with a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look<'a> {
    /// A detector looks at it, and [`Pipeline::detections`] is told what it found.
    Detect,
    /// Nothing moved: that is all there is to tell of it.
    Still(&'a [What]),
}

/// How much was done, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pictures that came here.
    pub pictures: u64,
    /// Of these, how many a detector was spared.
    pub gated: u64,
}

/// Makes events of pictures.
#[derive(Debug)]
pub struct Pipeline {
    settings: Settings,
    labels: usize,
    thresholds: Thresholds,
    /// `None` where no pictures come here.
    gate: Option<Gate>,
    tracker: Tracker,
    areas: Areas,
    counters: Counters,
    works: bool,
    tracks: Vec<Track>,
    told: Vec<What>,
}

impl Pipeline {
    /// Follows these settings with a model that knows so many labels.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(now: Timestamp, settings: Settings, labels: usize) -> Result<Self, Invalid> {
        settings.check()?;
        Ok(Self {
            areas: Areas::new(now, &settings),
            thresholds: thresholds(&settings),
            settings,
            labels,
            gate: Some(Gate::default()),
            tracker: Tracker::default(),
            counters: Counters::default(),
            works: true,
            tracks: Vec::new(),
            told: Vec::new(),
        })
    }

    /// Of something that gives detections and no pictures. Any label is known, and there is nothing to compare pictures with,
    /// which is most of what a pipeline takes.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn without_pictures(now: Timestamp, settings: Settings) -> Result<Self, Invalid> {
        Ok(Self { gate: None, ..Self::new(now, settings, usize::MAX)? })
    }

    /// What is followed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How much was done.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What is in the picture that came last.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Follows other settings from now on. Tracks go on, and so do lines and zones that are the same.
    ///
    /// # Errors
    /// What is wrong with them; then the old ones are followed.
    pub fn change(&mut self, now: Timestamp, settings: Settings) -> Result<&[What], Invalid> {
        settings.check()?;
        self.told.clear();
        self.areas.change(now, &settings, &mut self.told);
        self.thresholds = thresholds(&settings);
        self.settings = settings;
        Ok(&self.told)
    }

    /// Another model looks from now on, which knows so many labels. Tracks go on, and are named by it.
    pub fn change_model(&mut self, labels: usize) {
        self.labels = labels;
        self.tracker.forget_labels();
    }

    /// Other thresholds than those of the settings, until these change: what [`crate::cascade`] has learned.
    pub fn adapt(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// From which score on a detector is to tell of something.
    pub fn floor(&self) -> f32 {
        self.thresholds.low * crate::track::FAINT
    }

    /// A picture came, taken at `now`.
    pub fn picture(&mut self, now: Timestamp, picture: &Picture) -> Look<'_> {
        self.told.clear();
        self.counters.pictures += 1;
        let look = self.gate.as_mut().is_none_or(|gate| gate.picture(now, picture).look);
        if look || !self.settings.gate {
            return Look::Detect;
        }
        self.counters.gated += 1;
        let changes = self.tracker.still(now);
        self.follow(now, &changes, true);
        Look::Still(&self.told)
    }

    /// A detector found this in the picture that came last.
    pub fn detections(&mut self, now: Timestamp, found: &[Detection]) -> &[What] {
        self.told.clear();
        let known: Vec<Detection> =
            found.iter().copied().filter(|detection| usize::from(detection.label) < self.labels).collect();
        let changes = self.tracker.detections(now, &known, self.thresholds);
        self.follow(now, &changes, true);
        if let Some(gate) = &mut self.gate {
            let places = known.iter().map(|detection| detection.place);
            gate.looked(now, places.chain(self.tracks.iter().map(|track| track.place)));
        }
        &self.told
    }

    /// There is no picture, and time goes on: called now and then while a camera gives none.
    pub fn idle(&mut self, now: Timestamp) -> &[What] {
        self.told.clear();
        let changes = self.tracker.idle(now);
        self.follow(now, &changes, false);
        &self.told
    }

    /// The camera gives pictures, or none any more; told when that changes.
    pub fn camera(&mut self, now: Timestamp, works: bool) -> &[What] {
        self.told.clear();
        if self.works != works {
            self.works = works;
            self.gate = self.gate.take().map(|_| Gate::default());
            self.told.push(What::Camera { works });
            let changes = self.tracker.idle(now);
            self.follow(now, &changes, false);
        }
        &self.told
    }

    /// A larger model looked at a track: it is that, or nothing at all. Told where it makes a difference.
    pub fn settle(&mut self, track: TrackId, label: Option<Label>) -> &[What] {
        self.told.clear();
        match self.tracker.settle(track, label) {
            Some(Settled::Other) => self.told.push(What::Corrected { track, label }),
            Some(Settled::Nothing(ended)) => {
                self.told.push(What::Corrected { track, label });
                self.end(&ended);
            }
            Some(Settled::Same) | None => {}
        }
        self.refresh();
        &self.told
    }

    /// What is in the picture that came last, for somebody who looks: its number, when it was taken in milliseconds since
    /// 1970, and how long ago that is in microseconds.
    pub fn glimpse(&self, frame: u64, at: u64, took_us: u32) -> Glimpse {
        let things = self.tracks.iter().filter(|track| !track.hidden).map(|track| Thing {
            track: track.id,
            label: track.label,
            place: Thing::place(&track.place),
            score: to_byte(track.score),
            provisional: self.is_provisional(track),
        });
        Glimpse { frame, at, took_us, things: things.collect() }
    }

    /// Whether a larger model is still to say what a track is.
    pub fn is_provisional(&self, track: &Track) -> bool {
        !track.settled && track.score < self.thresholds.high
    }

    fn follow(&mut self, now: Timestamp, changes: &Changes, seen: bool) {
        for track in &changes.begun {
            let foot = within(track.place);
            self.told.push(What::Appeared { track: track.id, label: track.label, foot });
        }
        self.refresh();
        if seen {
            self.areas.see(now, &self.tracks, &mut self.told);
        }
        for track in &changes.ended {
            self.end(track);
        }
        self.areas.pass(now, &mut self.told);
    }

    fn end(&mut self, track: &Track) {
        self.areas.end(track, &mut self.told);
        let lasted_ms = u32::try_from(track.seen.since(track.since).as_millis()).unwrap_or(u32::MAX);
        self.told.push(What::Left { track: track.id, lasted_ms, foot: within(track.place) });
    }

    fn refresh(&mut self) {
        self.tracks.clear();
        self.tracks.extend(self.tracker.tracks());
    }
}

/// Those of the settings.
fn thresholds(settings: &Settings) -> Thresholds {
    Thresholds { low: settings.low, high: settings.high }
}

/// The foot of a box, within the picture.
fn within(place: Rect) -> crate::geometry::Point {
    let foot = place.foot();
    crate::geometry::Point { x: foot.x.clamp(0.0, 1.0), y: foot.y.clamp(0.0, 1.0) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a u8")]
fn to_byte(score: f32) -> u8 {
    (score.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests;
