//! Follows what a device reports: its detections become tracks and events, as those of a camera of ours do beside it.
//!
//! Numbers of events come from the times of inferences, in one life for good. So an inference that comes again is known
//! by its time, even by whoever has forgotten all but the number that was taken last.

use std::ops::RangeInclusive;
use std::time::Duration;

use playhouse_media::time::Timestamp;

use super::{Inference, Refused, Report, Size};
use crate::observation::{Event, Glimpse, What};
use crate::pipeline::Pipeline;
use crate::settings::{Invalid, Settings};

/// The life that all numbers belong to ([`crate::observation::Batch::epoch`]).
pub const EPOCH: u64 = u64::from_be_bytes(*b"\0aitrios");

/// Numbers for the events of one inference: the first is its time (milliseconds since 1970) times this, plus one. More than
/// tracks, lines and zones can make of one.
pub const PER_INFERENCE: u64 = 1 << 16;

/// The most detections of a report: 40 for each picture of a report that is full.
pub const MOST_FOUND: usize = 4_000;

/// The most events of a report. What goes beyond is counted as lost ([`What::Lost`]).
pub const MOST_EVENTS: usize = 4_096;

/// Tracks that are not seen for so long have ended, whatever they did.
const ENDED: Duration = Duration::from_secs(5);

/// A zone that is empty for so long is told to be.
const EMPTY: Duration = Duration::from_secs(1);

/// Why a report is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error(transparent)]
    Report(#[from] Refused),
    /// Too many detections.
    #[error("a report of {0} detections, and {MOST_FOUND} are taken; raise the app's threshold")]
    TooMany(usize),
    /// A time that is not believed.
    #[error(
        "a report with the time {0}, which is too far from that of the house; set the device's clock (NTP)"
    )]
    Clock(jiff::Timestamp),
}

/// What a report says that is new.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What happened, numbered in [`EPOCH`].
    pub events: Vec<Event>,
    /// Inferences that are not later than one that was taken before: they came again, or too late.
    pub passed_over: usize,
}

/// Follows one device.
#[derive(Debug, Default)]
pub struct Follower {
    settings: Settings,
    /// The number that was given last; 0: none.
    last: u64,
    pictures: u64,
    /// `None` while the device is silent.
    pipeline: Option<Pipeline>,
    /// It was followed before, by somebody who has forgotten how.
    resumed: bool,
}

impl Follower {
    /// Goes on after this number (see [`EPOCH`]); 0: from the beginning.
    pub fn after(last: u64) -> Self {
        Self { last, resumed: last > 0, ..Self::default() }
    }

    /// Follows these settings from the next inference on.
    ///
    /// # Errors
    /// What is wrong with them; then the old ones are followed.
    pub fn change(&mut self, settings: Settings) -> Result<(), Invalid> {
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// Whether tracks are kept.
    pub fn is_active(&self) -> bool {
        self.pipeline.is_some()
    }

    /// The device sent this report. Of what it says, times within `believed` count, in milliseconds since 1970.
    ///
    /// # Errors
    /// Why nothing of it is taken.
    pub fn report(&mut self, bytes: &[u8], believed: &RangeInclusive<u64>) -> Result<News, Unusable> {
        let mut inferences = Report::read(bytes, self.size())?.inferences;
        let found = inferences.iter().map(|one| one.found.len()).sum();
        if found > MOST_FOUND {
            return Err(Unusable::TooMany(found));
        }
        if let Some(one) = inferences.iter().find(|one| !believed.contains(&one.at)) {
            let at = i64::try_from(one.at).unwrap_or(i64::MAX);
            return Err(Unusable::Clock(jiff::Timestamp::from_millisecond(at).unwrap_or_default()));
        }
        inferences.sort_by_key(|one| one.at);
        let mut news = News::default();
        let mut lost = 0;
        for one in &inferences {
            if one.at <= self.last / PER_INFERENCE {
                news.passed_over += 1;
                continue;
            }
            self.last = one.at * PER_INFERENCE;
            for what in self.follow(one) {
                if news.events.len() < MOST_EVENTS - 1 {
                    news.events.push(self.number(one.at, what));
                } else {
                    lost += 1;
                }
            }
        }
        if lost > 0 {
            let event = self.number(self.last / PER_INFERENCE, What::Lost { count: lost });
            news.events.push(event);
        }
        Ok(news)
    }

    /// The device says nothing any more: tracks end, zones are empty, and until it says something again nobody knows what
    /// it would see. All that stands at the time of the last inference.
    pub fn silent(&mut self) -> Vec<Event> {
        let Some(mut pipeline) = self.pipeline.take() else { return Vec::new() };
        let at = self.last / PER_INFERENCE;
        let ended = time(at) + ENDED;
        let mut told = pipeline.idle(ended).to_vec();
        told.extend_from_slice(pipeline.idle(ended + EMPTY));
        told.extend_from_slice(pipeline.camera(ended + EMPTY, false));
        told.into_iter().map(|what| self.number(at, what)).collect()
    }

    /// What is in the picture that came last, for somebody who looks.
    pub fn glimpse(&self) -> Option<Glimpse> {
        let pipeline = self.pipeline.as_ref()?;
        Some(pipeline.glimpse(self.pictures, self.last / PER_INFERENCE, 0))
    }

    fn size(&self) -> Size {
        let size = self.settings.input_size.unwrap_or_default();
        (size.width, size.height)
    }

    fn number(&mut self, at: u64, what: What) -> Event {
        self.last += 1;
        Event { seq: self.last, at, what }
    }

    fn follow(&mut self, one: &Inference) -> Vec<What> {
        let now = time(one.at);
        self.pictures += 1;
        let mut told = Vec::new();
        if self.pipeline.is_none() {
            if std::mem::take(&mut self.resumed) {
                told.push(What::Camera { works: false });
            }
            told.push(What::Camera { works: true });
            // Settings were checked when they came.
            self.pipeline = Pipeline::without_pictures(now, self.settings.clone()).ok();
        }
        let Some(pipeline) = &mut self.pipeline else { return told };
        if *pipeline.settings() != self.settings
            && let Ok(changed) = pipeline.change(now, self.settings.clone())
        {
            told.extend_from_slice(changed);
        }
        told.extend_from_slice(pipeline.detections(now, &one.found));
        told
    }
}

/// A time of day as one of the pipeline.
fn time(at: u64) -> Timestamp {
    Timestamp::from_micros(at.saturating_mul(1000))
}

#[cfg(test)]
mod tests;
