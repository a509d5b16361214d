//! The hybrid on the sensor's side: lays crops of tracks of which it is unsure, asks about them, and corrects the tracks by
//! the answers. Nothing of it is done, or kept, while the settings do not allow crops.

use std::collections::BTreeMap;

use playhouse_media::time::Timestamp;
use playhouse_sense::cascade::{Answer, Cascade, Counters, Limits};
use playhouse_sense::detection::Label;
use playhouse_sense::observation::{TrackId, What};
use playhouse_sense::picture::Picture;
use playhouse_sense::pipeline::Pipeline;
use playhouse_sense::track::Thresholds;

use super::ask::{Line, Question, Reply};
use crate::detector::Detector;
use crate::mosaic::Mosaic;

/// Mosaics that are laid at once, of 230 KB each: more people than a small shop has at its door.
const MOST: usize = 24;

/// What the thread that looks has of it.
pub(super) struct Crops {
    line: Line,
    /// While crops are allowed.
    cascade: Option<Cascade>,
    mosaics: BTreeMap<TrackId, Mosaic>,
}

impl Crops {
    /// Crops are not allowed yet.
    pub(super) fn new(line: Line) -> Self {
        Self { line, cascade: None, mosaics: BTreeMap::new() }
    }

    /// The settings allow crops, or not; what waits to be sent is thrown away with the leave.
    pub(super) fn allow(&mut self, now: Timestamp, allowed: bool) {
        if self.cascade.is_some() != allowed {
            self.begin(now, allowed);
        }
    }

    /// Another model looks: what was asked about the one before says nothing of it.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.begin(now, self.cascade.is_some());
    }

    fn begin(&mut self, now: Timestamp, allowed: bool) {
        self.cascade = allowed.then(|| Cascade::new(now, Limits::default()));
        self.mosaics.clear();
    }

    /// What became of questions; `None` while crops are not allowed.
    pub(super) fn counters(&self) -> Option<Counters> {
        self.cascade.as_ref().map(Cascade::counters)
    }

    /// A picture was looked at: lays what is wanted of it.
    pub(super) fn see(&mut self, now: Timestamp, picture: &Picture, pipeline: &mut Pipeline) {
        let Some(cascade) = &mut self.cascade else { return };
        let thresholds = Thresholds { low: pipeline.settings().low, high: pipeline.settings().high };
        let mut done = Vec::new();
        for shot in cascade.shots(now, pipeline.tracks(), thresholds) {
            if self.mosaics.len() < MOST || self.mosaics.contains_key(&shot.track) {
                self.mosaics.entry(shot.track).or_default().lay(&shot, picture);
            } else {
                // Without bytes it is given up.
                cascade.ready(shot.track, Vec::new());
            }
            done.extend(shot.last.then_some(shot.track));
        }
        let there = |track: &TrackId| pipeline.tracks().iter().any(|one| one.id == *track);
        done.extend(self.mosaics.keys().copied().filter(|track| !there(track)));
        for track in done {
            let Some(mosaic) = self.mosaics.remove(&track) else { continue };
            cascade.ready(track, mosaic.jpeg().unwrap_or_default());
        }
        pipeline.adapt(cascade.thresholds(thresholds));
    }

    /// Asks what may be asked now, and follows what was answered; what is to be told of that.
    pub(super) fn exchange(
        &mut self,
        now: Timestamp,
        detector: &dyn Detector,
        pipeline: &mut Pipeline,
    ) -> Vec<What> {
        let reply = self.line.reply();
        let Some(cascade) = &mut self.cascade else { return Vec::new() };
        let told = reply.map_or_else(Vec::new, |reply| follow(cascade, reply, &detector.labels(), pipeline));
        if self.line.is_free()
            && let Some(question) = cascade.next(now)
        {
            let label = detector.labels().into_iter().nth(question.label.into()).unwrap_or_default();
            self.line.ask(Question { track: question.track, label, mosaic: question.mosaic });
        }
        told
    }
}

/// Corrects a track. A name that the sensor's model does not have settles nothing.
fn follow(cascade: &mut Cascade, reply: Reply, labels: &[String], pipeline: &mut Pipeline) -> Vec<What> {
    let place = |name: &str| labels.iter().position(|label| label == name);
    let known = |name: &str| place(name).and_then(|place| Label::try_from(place).ok());
    let label = match reply.verdict.map(|verdict| verdict.label) {
        Some(None) => Some(None),
        Some(Some(name)) => known(&name).map(Some),
        None => None,
    };
    let Some(label) = label else {
        cascade.unanswered(reply.track);
        return Vec::new();
    };
    match cascade.answer(Answer { track: reply.track, label }) {
        Some(answer) => pipeline.settle(answer.track, answer.label).to_vec(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use playhouse_sense::detection::Detection;
    use playhouse_sense::enrolment::Verdict;
    use playhouse_sense::geometry::Rect;
    use playhouse_sense::scene::Options;
    use playhouse_sense::settings::Settings;
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::agent::ask;
    use crate::detector::Oracle;
    use crate::link::State;

    /// A sensor that follows two things, of which it is unsure, and takes both for boxes.
    struct Sensor {
        crops: Crops,
        pipeline: Pipeline,
        detector: Oracle,
        link: watch::Sender<State>,
        asked: mpsc::Receiver<Question>,
        replies: mpsc::Sender<Reply>,
        frame: u64,
    }

    impl Sensor {
        fn new() -> Self {
            let (link, state) = watch::channel(State::Down("cut".to_owned()));
            let (line, asked, replies) = ask::apart(state);
            let settings = Settings { gate: false, crops: true, ..Settings::default() };
            let pipeline = Pipeline::new(Timestamp::ZERO, settings, 3).unwrap();
            let mut crops = Crops::new(line);
            crops.allow(Timestamp::ZERO, true);
            let detector = Oracle::new(Options::default());
            Self { crops, pipeline, detector, link, asked, replies, frame: 0 }
        }

        fn look(&mut self, pictures: u64) -> Vec<What> {
            let thing = |left: f32| {
                let place = Rect { left, top: 0.3, right: left + 0.2, bottom: 0.8 };
                Detection { place, label: 2, score: 0.5 }
            };
            let (picture, mut told) = (Picture::black(64, 48), Vec::new());
            for _ in 0..pictures {
                self.frame += 1;
                let now = Timestamp::from_micros(self.frame * 100_000);
                self.pipeline.picture(now, &picture);
                self.pipeline.detections(now, &[thing(0.1), thing(0.6)]);
                self.crops.see(now, &picture, &mut self.pipeline);
                told.extend(self.crops.exchange(now, &self.detector, &mut self.pipeline));
            }
            told
        }

        fn say(&self, track: TrackId, label: Option<&str>) {
            let verdict = Verdict { track, label: label.map(str::to_owned) };
            assert!(self.replies.try_send(Reply { track, verdict: Some(verdict) }).is_ok());
        }
    }

    #[test]
    fn questions_wait_for_a_link_and_answers_correct_the_track() {
        let mut sensor = Sensor::new();
        sensor.look(60);
        assert!(sensor.asked.try_recv().is_err(), "there is no link");
        sensor.link.send_replace(State::Up);
        sensor.look(10);
        let first = sensor.asked.try_recv().unwrap_or_else(|_| panic!("a question"));
        assert!(first.label == "box" && first.mosaic.starts_with(b"\xff\xd8"));
        assert!(sensor.asked.try_recv().is_err(), "the next one waits for the answer");
        sensor.say(first.track, Some("unicorn"));
        assert_eq!(sensor.look(1), [], "a name that its model does not have");
        let second = sensor.asked.try_recv().unwrap_or_else(|_| panic!("a question"));
        sensor.say(second.track, Some("person"));
        assert_eq!(sensor.look(1), [What::Corrected { track: second.track, label: Some(0) }]);
        let counters = sensor.crops.counters().unwrap();
        assert_eq!((counters.asked, counters.corrected, counters.given_up), (2, 1, 1));
    }

    #[test]
    fn what_waits_is_thrown_away_when_crops_are_forbidden() {
        let mut sensor = Sensor::new();
        sensor.look(60);
        sensor.crops.allow(Timestamp::from_micros(6_000_000), false);
        sensor.link.send_replace(State::Up);
        sensor.look(60);
        assert!(sensor.asked.try_recv().is_err() && sensor.crops.mosaics.is_empty());
        assert_eq!(sensor.crops.counters(), None);
    }
}
