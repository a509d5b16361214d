//! What looking costs on one core, and how good it is, against the exact truth of scenes that no model was trained on.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use playhouse_infer::{Card, Model};
use playhouse_media::time::Timestamp;
use playhouse_sense::detection::Detection;
use playhouse_sense::observation::{Batch, Event, What};
use playhouse_sense::picture::Picture;
use playhouse_sense::pipeline::{Look, Pipeline};
use playhouse_sense::scene::{LABELS, Options, Scene};
use playhouse_sense::score::{Map, Switches};
use playhouse_sense::settings::Settings;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

#[cfg(feature = "pictures")]
use super::hybrid::Adviser;
use super::wire::VIDEO;
use crate::figures::rounded;
use crate::progress::Progress;

/// Models are trained on seeds below this.
const HELD_OUT: u64 = 900_000;
/// Pictures of a scene that are looked at: four minutes.
const PICTURES: u64 = 4 * 60 * 15;
/// Pictures whose cost is taken, of each size.
const TIMED: u64 = 300;
/// Sizes whose cost is taken.
const SIZES: [(usize, usize); 2] = [(320, 240), (640, 480)];

/// Fills in `map`, `id_switches`, `looking`, `cpu_ms_per_frame` and `fps`; `hybrid` only where crops can be made.
pub(super) fn measure(seed: u64, figures: &mut Value) -> Result<()> {
    let seed = HELD_OUT + seed;
    let mut map = json!({"edge": null, "server": null, "hybrid": null});
    let mut switches = map.clone();
    let mut looking = map.clone();
    for (side, folder) in [("edge", "edge"), ("server", "large")] {
        let Some(mut model) = open(folder)? else { continue };
        let quality = Quality::of(&mut model, seed, side, |_, _, _| Ok(0))?;
        quality.tell(side, &mut map, &mut switches, &mut looking);
    }
    #[cfg(feature = "pictures")]
    if let (Some(mut model), Some(large)) = (open("edge")?, open("large")?) {
        let quality = Quality::with_help(&mut model, large, seed)?;
        quality.tell("hybrid", &mut map, &mut switches, &mut looking);
    }
    let (mut cost, mut rate) = (json!({}), json!({}));
    let mut model = open("edge")?.context("models/edge has no model")?;
    for size in SIZES {
        let ms = cpu_ms(&mut model, seed, size)?;
        let name = format!("{}x{}", size.0, size.1);
        cost[&name] = json!(rounded(ms));
        rate[&name] = json!(rounded(1000.0 / ms));
    }
    figures["map"] = map;
    figures["id_switches"] = switches;
    figures["looking"] = looking;
    figures["cpu_ms_per_frame"] = cost;
    figures["fps"] = rate;
    Ok(())
}

/// A model of this project; nothing where there is none of that name.
fn open(name: &str) -> Result<Option<Model>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
    let Ok(bytes) = std::fs::read(folder.join("model.onnx")) else { return Ok(None) };
    let card = std::fs::read_to_string(folder.join("card.toml"))?;
    Ok(Some(Model::open(&bytes, &Card::parse(&card)?)?))
}

struct Quality {
    map: f32,
    switches: u64,
    value: Value,
}

impl Quality {
    /// Of a small model that asks a larger one.
    #[cfg(feature = "pictures")]
    fn with_help(model: &mut Model, large: Model, seed: u64) -> Result<Self> {
        let mut adviser = Adviser::new(large);
        let advise = |now, picture: &Picture, pipeline: &mut Pipeline| adviser.advise(now, picture, pipeline);
        let mut quality = Self::of(model, seed, "hybrid", advise)?;
        quality.value["questions"] = adviser.figures();
        Ok(quality)
    }

    /// Of every picture of a scene, without a gate: precision of what is followed, and ids that were mixed up. `after` comes
    /// after each picture, and says how many bytes it sent.
    fn of(
        model: &mut Model,
        seed: u64,
        side: &str,
        mut after: impl FnMut(Timestamp, &Picture, &mut Pipeline) -> Result<u64>,
    ) -> Result<Self> {
        let scene = Scene::new(Options { seed, ..Options::default() });
        let settings = Settings { gate: false, ..Settings::default() };
        let mut pipeline = Pipeline::new(Timestamp::ZERO, settings, LABELS.len())?;
        let (mut map, mut switches) = (Map::new(LABELS.len()), Switches::new());
        let mut picture = Picture::black(0, 0);
        let mut bytes = 0;
        let progress = Progress::new(&format!("Looking, {side}"), usize::try_from(PICTURES)?);
        for frame in 0..PICTURES {
            scene.render(frame, &mut picture);
            let now = at(frame);
            pipeline.picture(now, &picture);
            model.set_score(pipeline.floor());
            let told = pipeline.detections(now, &model.look(&picture)?).to_vec();
            bytes += said(told, frame)? + after(now, &picture, &mut pipeline)?;
            let truth = scene.truth(frame);
            let seen = pipeline.tracks().iter().filter(|track| !track.hidden);
            let found: Vec<Detection> = seen
                .clone()
                .map(|track| Detection { place: track.place, label: track.label, score: track.score })
                .collect();
            map.add(&truth.figures, &found);
            switches.add(&truth.figures, &seen.map(|track| (track.id, track.place)).collect::<Vec<_>>());
            progress.step(usize::try_from(frame)?);
        }
        let (precision, followed) = (map.mean(), switches.followed());
        // A server that is to look itself is sent the video.
        let bytes = match side {
            "server" => VIDEO / 8 * PICTURES / 15,
            _ => bytes,
        };
        let value = json!({
            "bytes_an_hour": bytes * 3600 * 15 / PICTURES,
            "map_50_95": rounded(precision.strict.into()),
            "idf1": rounded(followed.idf1.into()), "mota": rounded(followed.mota.into()),
            "pictures": PICTURES,
        });
        Ok(Self { map: precision.half, switches: followed.switches, value })
    }

    /// Puts it where it belongs.
    fn tell(self, side: &str, map: &mut Value, switches: &mut Value, looking: &mut Value) {
        map[side] = json!(rounded(self.map.into()));
        switches[side] = json!(self.switches);
        looking[side] = self.value;
    }
}

/// Bytes of what is told of a picture, as it is sent; what carries it is not counted.
fn said(told: Vec<What>, frame: u64) -> Result<u64> {
    if told.is_empty() {
        return Ok(0);
    }
    let events = (frame..).zip(told).map(|(seq, what)| Event { seq, at: frame * 1000 / 15, what });
    Ok(Batch { epoch: 0, events: events.collect() }.encode()?.len() as u64)
}

/// Processor time of gate, detector, tracks and areas for one picture, in milliseconds; what draws it is not counted.
fn cpu_ms(model: &mut Model, seed: u64, size: (usize, usize)) -> Result<f64> {
    let scene = Scene::new(Options { seed, size, ..Options::default() });
    let mut pipeline = Pipeline::new(Timestamp::ZERO, Settings::default(), LABELS.len())?;
    let mut picture = Picture::black(0, 0);
    let mut spent = Duration::ZERO;
    for frame in 0..TIMED {
        scene.render(frame, &mut picture);
        let (now, begin) = (at(frame), process_time());
        if pipeline.picture(now, &picture) == Look::Detect {
            model.set_score(pipeline.floor());
            let found = model.look(&picture)?;
            pipeline.detections(now, &found);
        }
        spent += process_time().saturating_sub(begin);
    }
    Ok(spent.as_secs_f64() * 1000.0 / TIMED as f64)
}

/// When a picture is taken, at 15 a second.
fn at(frame: u64) -> Timestamp {
    Timestamp::from_micros(1_000_000 + frame * 1_000_000 / 15)
}

/// Processor time of this process: a model may have threads of its own.
fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
