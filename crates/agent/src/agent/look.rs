//! The thread that looks: newest picture, gate, detector, tracks, events to the outbox, a glimpse while somebody wants one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use playhouse_media::time::Timestamp;
use playhouse_sense::cascade::Counters;
use playhouse_sense::enrolment::Health;
use playhouse_sense::observation::What;
use playhouse_sense::pipeline::{Look, Pipeline};
use playhouse_sense::settings::Settings;
use tokio::sync::mpsc;

use super::apps::Held;
#[cfg(feature = "pictures")]
use super::crops::Crops;
use super::trial::{Trial, Verdict};
use super::twin::Twin;
use crate::clock::{date_ms, now};
use crate::detector::Detector;
use crate::health::Meter;
use crate::input::{Shot, Slot, Taken};
use crate::link::Message;
use crate::outbox::Outbox;

/// The longest time for which one request lets glimpses be sent.
const LONGEST_GLIMPSES: u32 = 60;

/// How long to wait for a picture before looking at anything else.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long there have to be no pictures until that is told.
const DARK: Duration = Duration::from_secs(2);

/// What is followed from the next picture on.
pub(super) struct Order {
    pub(super) version: u64,
    pub(super) settings: Settings,
    /// Another detector, loaded already.
    pub(super) detector: Option<Box<dyn Detector>>,
}

/// What the thread works with.
pub(super) struct Parts {
    pub(super) slot: Arc<Slot>,
    pub(super) detector: Box<dyn Detector>,
    pub(super) outbox: Outbox,
    pub(super) passing: mpsc::Sender<Message>,
    pub(super) twin: Twin,
    pub(super) apps: Held,
    #[cfg(feature = "pictures")]
    pub(super) crops: Crops,
}

/// What is shared with the thread.
#[derive(Default)]
struct Shared {
    meter: Mutex<Option<Meter>>,
    order: Mutex<Option<Order>>,
    /// Until when glimpses are sent: microseconds of the monotonic clock.
    glimpses_until: AtomicU64,
    ended: AtomicBool,
    /// What became of questions about crops, while they are allowed.
    asked: Mutex<Option<Counters>>,
}

/// The running thread.
pub(super) struct Looker {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Looker {
    /// From the next picture on this is followed; no picture is lost by that.
    pub(super) fn follow(&self, order: Order) {
        let mut place = self.shared.order.lock().unwrap_or_else(PoisonError::into_inner);
        // A detector that nobody has looked with yet is not lost by newer settings that keep it.
        let waiting = place.take().and_then(|before| before.detector);
        let detector = order.detector.or(waiting);
        *place = Some(Order { detector, ..order });
    }

    /// Somebody looks, for so many seconds from now on.
    pub(super) fn allow_glimpses(&self, seconds: u32) {
        let until = now() + Duration::from_secs(seconds.min(LONGEST_GLIMPSES).into());
        self.shared.glimpses_until.store(until.as_micros(), Ordering::Relaxed);
    }

    /// What was looked at since the last call.
    pub(super) fn measure(&self, health: &mut Health) {
        let mut meter = self.shared.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.get_or_insert_with(Meter::new).read(health);
        health.crops = *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
    }

    /// Ends the thread, and waits for that.
    pub(super) fn end(self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // A thread that panicked has said so itself.
        self.thread.join().ok();
    }
}

/// Starts the thread.
pub(super) fn start(parts: Parts, first: Settings) -> std::io::Result<Looker> {
    let shared = Arc::new(Shared { meter: Mutex::new(Some(Meter::new())), ..Shared::default() });
    let with = Arc::clone(&shared);
    let thread = std::thread::Builder::new().name("look".into()).spawn(move || {
        let labels = parts.detector.labels().len();
        // Settings that were kept have been checked; the default ones always work.
        let pipeline = Pipeline::new(now(), first, labels)
            .or_else(|_| Pipeline::new(now(), Settings::default(), labels));
        let Ok(pipeline) = pipeline else { return };
        let mut eye = Eye { parts, shared: with, pipeline, trial: None, lit: now(), complained: false };
        eye.report();
        eye.work();
    })?;
    Ok(Looker { shared, thread })
}

struct Eye {
    parts: Parts,
    shared: Arc<Shared>,
    pipeline: Pipeline,
    /// A new detector is on trial, and could be given back.
    trial: Option<Trial>,
    /// When there was a picture last.
    lit: Timestamp,
    /// Whether a detector that fails has been complained about.
    complained: bool,
}

impl Eye {
    fn work(&mut self) {
        while !self.shared.ended.load(Ordering::Relaxed) {
            let order = self.shared.order.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(order) = order {
                self.obey(order);
            }
            match self.parts.slot.take(PATIENCE) {
                Taken::Shot(shot) => {
                    self.lit = now();
                    self.tell(date_ms(), |pipeline| pipeline.camera(shot.taken, true).to_vec());
                    self.look(&shot);
                }
                Taken::Nothing => self.wait(),
                Taken::Closed => break,
            }
            #[cfg(feature = "pictures")]
            self.exchange();
            self.parts.apps.turn(now(), date_ms(), &self.parts.outbox);
        }
    }

    /// Another detector, other settings: between two pictures.
    fn obey(&mut self, order: Order) {
        let rate = order.settings.rate;
        let told = match self.pipeline.change(now(), order.settings) {
            Ok(told) => told.to_vec(),
            Err(why) => return self.parts.twin.refuse(Some(order.version), why.to_string()),
        };
        self.push(date_ms(), told);
        self.parts.slot.set_rate(rate);
        if let Some(detector) = order.detector {
            let before = std::mem::replace(&mut self.parts.detector, detector);
            self.change_model();
            // The one that was on trial itself is no better than the one before it.
            self.trial = Some(match self.trial.take() {
                Some(trial) => trial.of_another(order.version),
                None => Trial::new(order.version, before, self.usual()),
            });
        }
        self.parts.twin.follow(order.version);
        self.report();
    }

    /// How long the detector takes, on average.
    fn usual(&self) -> Option<Duration> {
        self.shared.meter.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Meter::usual)
    }

    fn look(&mut self, shot: &Shot) {
        let size = (shot.picture.width(), shot.picture.height());
        let size = (u32::try_from(size.0).unwrap_or(0), u32::try_from(size.1).unwrap_or(0));
        self.parts.twin.report(|reported| reported.size = size);
        let mut took = None;
        let told = match self.pipeline.picture(shot.taken, &shot.picture) {
            Look::Still(told) => told.to_vec(),
            Look::Detect => {
                let begun = now();
                let found = self.parts.detector.detect(&shot.picture, self.pipeline.floor());
                took = Some(now().since(begun));
                self.judge(took, found.as_ref().err());
                match found {
                    Ok(found) => self.pipeline.detections(shot.taken, &found).to_vec(),
                    Err(_) => Vec::new(),
                }
            }
        };
        self.push(shot.at, told);
        #[cfg(feature = "pictures")]
        self.parts.crops.see(shot.taken, &shot.picture, &mut self.pipeline);
        if let Some(meter) = self.shared.meter.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            meter.count(took);
        }
        if now().as_micros() < self.shared.glimpses_until.load(Ordering::Relaxed) {
            let took_us = u32::try_from(now().since(shot.taken).as_micros()).unwrap_or(u32::MAX);
            let glimpse = self.pipeline.glimpse(shot.frame, shot.at, took_us);
            // One that the link has no room for is old before it has.
            self.parts.passing.try_send(Message::Glimpse(glimpse.encode())).ok();
        }
    }

    /// Asks the larger model, and follows what it answered.
    #[cfg(feature = "pictures")]
    fn exchange(&mut self) {
        let Parts { crops, detector, .. } = &mut self.parts;
        let told = crops.exchange(now(), detector.as_ref(), &mut self.pipeline);
        *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner) = crops.counters();
        self.push(date_ms(), told);
    }

    /// Another detector looks.
    fn change_model(&mut self) {
        self.pipeline.change_model(self.parts.detector.labels().len());
        #[cfg(feature = "pictures")]
        self.parts.crops.forget(now());
    }

    /// Gives a new detector back where it is worse than the one before.
    fn judge(&mut self, took: Option<Duration>, error: Option<&String>) {
        if let Some(error) = error
            && !std::mem::replace(&mut self.complained, true)
        {
            tracing::warn!(error, "the detector fails");
        }
        let Some(trial) = self.trial.take() else { return };
        match trial.judge(took.unwrap_or_default(), error) {
            Verdict::Open(trial) => self.trial = Some(trial),
            Verdict::Good => self.complained = false,
            Verdict::Bad { version, before, why } => {
                let name =
                    self.parts.detector.model().map_or_else(|| "the model".to_owned(), |model| model.name);
                self.parts.detector = before;
                self.complained = false;
                self.change_model();
                self.report();
                let why = format!("{name} {why}; the model before it looks again");
                self.parts.twin.refuse(Some(version), why);
            }
        }
    }

    /// There is no picture right now.
    fn wait(&mut self) {
        if self.parts.slot.fault().is_some() && now().since(self.lit) >= DARK {
            self.tell(date_ms(), |pipeline| pipeline.camera(now(), false).to_vec());
        }
        self.tell(date_ms(), |pipeline| pipeline.idle(now()).to_vec());
    }

    fn tell(&mut self, at: u64, happens: impl FnOnce(&mut Pipeline) -> Vec<What>) {
        let told = happens(&mut self.pipeline);
        self.push(at, told);
    }

    fn push(&mut self, at: u64, told: Vec<What>) {
        let Parts { apps, outbox, .. } = &mut self.parts;
        for what in told {
            let said = apps.observe(now(), at, &what);
            outbox.push(at, what);
            for said in said {
                outbox.push(at, said);
            }
        }
    }

    fn report(&mut self) {
        let allowed = self.pipeline.settings().crops;
        #[cfg(feature = "pictures")]
        self.parts.crops.allow(now(), allowed);
        let Parts { detector, apps, twin, .. } = &mut self.parts;
        apps.name(self.pipeline.settings(), detector.labels());
        twin.report(|reported| {
            reported.model = detector.model();
            reported.labels = detector.labels();
            reported.crops = allowed;
        });
    }
}
