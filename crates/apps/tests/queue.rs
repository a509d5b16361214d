//! The example: what it says of people whose truth is known, and that it is made of the source beside it.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use playhouse_apps::{App, Emitted, Names, Said, Told};
use playhouse_media::time::Timestamp;
use playhouse_sense::detection::Detection;
use playhouse_sense::geometry::{Point, Rect};
use playhouse_sense::observation::What;
use playhouse_sense::pipeline::Pipeline;
use playhouse_sense::scene::{Chance, LABELS, Options, PERSON, Scene, imagine};
use playhouse_sense::settings::{Settings, Zone};

const QUEUE: &[u8] = include_bytes!("../../../apps/queue/queue.wasm");

/// Pictures a second.
const RATE: u64 = 15;

/// When the sensor's clock began, in milliseconds since 1970.
const BEGAN: u64 = 1_796_069_400_000;

/// How long one has to stand to be counted, in pictures.
const STANDING: u64 = 3 * RATE;

fn zone(name: &str, left: f32, right: f32) -> Settings {
    let corners = [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)].map(|(x, y)| Point { x, y });
    let zone = Zone { id: 1, name: name.into(), corners: corners.to_vec(), dwell_ms: None };
    Settings { zones: vec![zone], ..Settings::default() }
}

/// A sensor with an app, and a clock that pictures move on.
struct Sensor {
    pipeline: Pipeline,
    names: Names,
    app: App,
    picture: u64,
    told: Vec<What>,
    said: Vec<(u64, Emitted)>,
}

impl Sensor {
    fn new(module: &[u8], settings: Settings) -> Self {
        let names = Names::of(&settings, LABELS.map(str::to_owned).to_vec());
        let pipeline = Pipeline::new(Timestamp::from_micros(1), settings, LABELS.len()).unwrap();
        let app = App::open(module).unwrap();
        Self { pipeline, names, app, picture: 0, told: Vec::new(), said: Vec::new() }
    }

    fn see(&mut self, found: &[Detection]) {
        let now = Timestamp::from_micros(1_000_000 + self.picture * 1_000_000 / RATE);
        let date = BEGAN + self.picture * 1_000 / RATE;
        self.told = self.pipeline.detections(now, found).to_vec();
        for what in &self.told {
            let told = Told::of(date, what, &self.names).unwrap().to_json();
            let Said { events, .. } = self.app.observe(now, &told).unwrap();
            self.said.extend(events.into_iter().map(|event| (self.picture, event)));
        }
        if self.picture.is_multiple_of(RATE) {
            let Said { events, .. } = self.app.tick(now, date).unwrap();
            self.said.extend(events.into_iter().map(|event| (self.picture, event)));
        }
        self.picture += 1;
    }

    fn of(&self, name: &str) -> Vec<f64> {
        self.said.iter().filter(|(_, event)| event.name == name).map(|(_, event)| event.value).collect()
    }
}

fn standing(label: u16, x: f32) -> Detection {
    Detection { place: Rect::around(Point { x, y: 0.5 }, 0.08, 0.24), label, score: 0.9 }
}

#[test]
fn who_stands_in_a_queue_is_counted_and_who_waited_is_told() {
    let mut sensor = Sensor::new(QUEUE, zone("Queue at the till", 0.0, 0.6));
    // Two come, one after the other; a trolley stands there, too, and somebody else beyond the zone.
    for second in 0..30 {
        for _ in 0..RATE {
            let mut found = vec![standing(1, 0.5), standing(PERSON, 0.9)];
            found.extend((5..20).contains(&second).then(|| standing(PERSON, 0.1)));
            found.extend((10..28).contains(&second).then(|| standing(PERSON, 0.3)));
            sensor.see(&found);
        }
    }
    assert_eq!(sensor.of("length"), [0.0, 1.0, 2.0, 1.0]);
    let waited = sensor.of("waited");
    assert_eq!(waited.len(), 1, "{waited:?}");
    assert!((waited[0] - 15.0).abs() < 1.5, "{waited:?}");
}

#[test]
fn who_walks_through_is_no_queue_and_neither_is_another_zone() {
    let mut sensor = Sensor::new(QUEUE, zone("Queue", 0.0, 1.0));
    for step in 0..10 * RATE {
        let walks = (step < 2 * RATE).then(|| standing(PERSON, 0.1 + 0.02 * step as f32));
        sensor.see(walks.as_slice());
    }
    assert!(sensor.told.is_empty() && sensor.of("length") == [0.0], "{:?}", sensor.said);
    let mut sensor = Sensor::new(QUEUE, zone("Door", 0.0, 1.0));
    (0..10 * RATE).for_each(|_| sensor.see(&[standing(PERSON, 0.5)]));
    assert_eq!(sensor.of("length"), [0.0]);
}

/// Minutes of a drawn shop, seen by a detector that misses and trembles a little.
fn shop(module: &[u8], minutes: u64, mut judge: impl FnMut(u64, &Scene, &Sensor)) -> Sensor {
    let scene = Scene::new(Options { seed: 5, people: 6, ..Options::default() });
    let mut sensor = Sensor::new(module, zone("Queue", 0.2, 0.8));
    let mut chance = Chance::new(5);
    for frame in 0..minutes * 60 * RATE {
        let found = imagine(&scene.truth(frame), &mut chance, 0.05, 0.05);
        sensor.see(&found);
        judge(frame, &scene, &sensor);
    }
    sensor
}

/// Zones and tracks wait a moment before they believe anything, and an app is told the time once a second.
const LATE: usize = 3;

#[test]
fn the_length_is_what_is_true_most_of_the_time() {
    let mut since: HashMap<u32, u64> = HashMap::new();
    let (mut right, mut sum, mut really, mut longest) = (0_u32, 0.0, 0.0, 0.0_f64);
    let mut latest: Vec<f64> = Vec::new();
    shop(QUEUE, 10, |frame, scene, sensor| {
        let truth = scene.truth(frame);
        let is_there = |id: &u32| {
            let figure = truth.figures.iter().find(|figure| figure.id == *id);
            figure.is_some_and(|figure| (0.2..=0.8).contains(&figure.foot.x))
        };
        since.retain(|id, _| is_there(id));
        for figure in truth.figures.iter().filter(|figure| figure.label == PERSON && is_there(&figure.id)) {
            since.entry(figure.id).or_insert(frame);
        }
        if !frame.is_multiple_of(RATE) {
            return;
        }
        let stand = since.values().filter(|since| frame - **since >= STANDING).count() as f64;
        let told = sensor.of("length").last().copied().unwrap_or_default();
        latest.push(stand);
        let late = &latest[latest.len().saturating_sub(LATE)..];
        right += u32::from(late.contains(&told));
        (sum, really, longest) = (sum + told, really + stand, longest.max(stand));
    });
    let (seconds, off) = (latest.len(), sum / really - 1.0);
    println!("right in {right} of {seconds} seconds, {off:+.2} on average, up to {longest} people");
    assert!(longest >= 3.0, "there is a queue at all");
    assert!(right as usize * 10 >= seconds * 8 && off.abs() < 0.2, "{right} of {seconds}, {off}");
}

#[test]
fn the_module_is_what_its_source_makes() {
    let folder = tempfile::tempdir().unwrap();
    let (build, made) = (
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/queue/build"),
        folder.path().join("made.wasm"),
    );
    let output = Command::new(build).arg(&made).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "clang and lld have to be installed: {errors}");
    let made = std::fs::read(made).unwrap();
    let (ours, theirs) = (shop(QUEUE, 3, |_, _, _| {}), shop(&made, 3, |_, _, _| {}));
    assert!(ours.said.len() > 10, "{:?}", ours.said);
    assert_eq!(ours.said, theirs.said);
}
