//! A small model that asks a larger one about what it is unsure of, as [`playhouse_sense::cascade`] decides: here in one process,
//! with the delay that a network has.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::Result;
use playhouse_agent::mosaic::Mosaic;
use playhouse_infer::Model;
use playhouse_infer::mosaic::{self, Judgement};
use playhouse_media::time::Timestamp;
use playhouse_sense::cascade::{Answer, Cascade, Limits, Question};
use playhouse_sense::observation::TrackId;
use playhouse_sense::picture::Picture;
use playhouse_sense::pipeline::Pipeline;
use playhouse_sense::track::Thresholds;
use serde_json::{Value, json};

/// From a question to its answer.
const ROUND_TRIP: Duration = Duration::from_millis(200);

/// The larger model, and what is asked of it.
pub(super) struct Adviser {
    model: Model,
    cascade: Cascade,
    mosaics: BTreeMap<TrackId, Mosaic>,
    coming: VecDeque<(Timestamp, Answer)>,
}

impl Adviser {
    pub(super) fn new(model: Model) -> Self {
        let cascade = Cascade::new(Timestamp::ZERO, Limits::default());
        Self { model, cascade, mosaics: BTreeMap::new(), coming: VecDeque::new() }
    }

    /// After each picture: asks about its tracks, and tells the pipeline what was answered. Gives the bytes of what was asked.
    pub(super) fn advise(
        &mut self,
        now: Timestamp,
        picture: &Picture,
        pipeline: &mut Pipeline,
    ) -> Result<u64> {
        let before = self.cascade.counters().bytes;
        let thresholds = Thresholds { low: pipeline.settings().low, high: pipeline.settings().high };
        for shot in self.cascade.shots(now, pipeline.tracks(), thresholds) {
            self.mosaics.entry(shot.track).or_default().lay(&shot, picture);
            if shot.last {
                self.finish(shot.track)?;
            }
        }
        let there = |track: &TrackId| pipeline.tracks().iter().any(|one| one.id == *track);
        let ended: Vec<TrackId> = self.mosaics.keys().copied().filter(|track| !there(track)).collect();
        for track in ended {
            self.finish(track)?;
        }
        while let Some(question) = self.cascade.next(now) {
            if let Some(answer) = self.answer(&question)? {
                self.coming.push_back((now + ROUND_TRIP, answer));
            }
        }
        while let Some((_, answer)) = self.coming.pop_front_if(|(due, _)| *due <= now) {
            if let Some(answer) = self.cascade.answer(answer) {
                pipeline.settle(answer.track, answer.label);
            }
        }
        pipeline.adapt(self.cascade.thresholds(thresholds));
        Ok(self.cascade.counters().bytes - before)
    }

    pub(super) fn figures(&self) -> Value {
        let counters = self.cascade.counters();
        json!({
            "asked": counters.asked, "answered": counters.answered, "corrected": counters.corrected,
            "given_up": counters.given_up, "bytes": counters.bytes,
        })
    }

    /// A mosaic is to be sent.
    fn finish(&mut self, track: TrackId) -> Result<()> {
        let Some(mosaic) = self.mosaics.remove(&track) else { return Ok(()) };
        self.cascade.ready(track, mosaic.jpeg()?);
        Ok(())
    }

    /// What the larger model makes of a mosaic; `None` where it is not sure either.
    fn answer(&mut self, question: &Question) -> Result<Option<Answer>> {
        let label = match mosaic::judge(&mut self.model, &mosaic::read(&question.mosaic)?)? {
            Judgement::Is(label) => Some(label),
            Judgement::Nothing => None,
            Judgement::Unsure => return Ok(None),
        };
        Ok(Some(Answer { track: question.track, label }))
    }
}
