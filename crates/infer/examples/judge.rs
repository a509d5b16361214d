//! Judges a model on held-out scenes: mean average precision in all, by label and by light, and the median time a picture.
//!
//! `judge FOLDER [--scenes N] [--frames N] [--size WxH] [--ort]`, where the folder has `model.onnx` and `card.toml`. Prints JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use playhouse_infer::{Card, Kind, Model, Options};
use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{self, Chance, Light, Scene};
use playhouse_sense::score::Map;

type Failed = Box<dyn std::error::Error>;

/// The first seed that no model is trained on.
const HELD_OUT: u64 = 9_000_000;

/// Below this nothing is gathered: it lies beyond what mean average precision notices.
const LEAST: f32 = 0.02;

fn main() -> Result<(), Failed> {
    let mut folder = None;
    let (mut scenes, mut frames, mut size) = (24_u64, 25_u64, (320, 240));
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--scenes" => scenes = value()?.parse()?,
            "--frames" => frames = value()?.parse()?,
            "--size" => {
                let value = value()?;
                let (width, height) = value.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
                size = (width.parse()?, height.parse()?);
            }
            "--ort" => options.runtime = Kind::Ort,
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let folder = folder.ok_or("which folder with model.onnx and card.toml?")?;
    let bytes = std::fs::read(folder.join("model.onnx"))?;
    let mut card = Card::parse(&std::fs::read_to_string(folder.join("card.toml"))?)?;
    card.hash = blake3::hash(&bytes).to_hex().to_string();
    let mut model = Model::open_with(&bytes, &card, options)?;
    let mut in_use = Vec::new();
    model.set_score(LEAST);

    let (mut all, mut lights) = (Map::new(card.labels.len()), BTreeMap::new());
    let (mut drawing, mut looking) = (Vec::new(), Vec::new());
    let mut picture = Picture::black(1, 1);
    for n in 0..scenes {
        let mut chance = Chance::of(&[HELD_OUT, n]);
        let (name, light) =
            [("day", Light::Day), ("dusk", Light::Dusk), ("flicker", Light::Flicker)][chance.below(3)];
        let people = [2, 3, 4, 6][chance.below(4)];
        let objects = [1, 2, 4][chance.below(3)];
        let noise = chance.between(0.0, 8.0);
        let scene = Scene::new(scene::Options {
            seed: HELD_OUT + n,
            size,
            people,
            objects,
            light,
            noise,
            ..scene::Options::default()
        });
        for frame in (0..frames).map(|frame| frame * 53) {
            let began = Instant::now();
            scene.render(frame, &mut picture);
            drawing.push(began.elapsed());
            let began = Instant::now();
            let found = model.look(&picture)?;
            looking.push(began.elapsed());
            let truth = scene.truth(frame).figures;
            all.add(&truth, &found);
            lights.entry(name).or_insert_with(|| Map::new(card.labels.len())).add(&truth, &found);
            in_use.push(found.iter().filter(|one| one.score >= card.score).count());
        }
    }
    let labels: BTreeMap<_, _> = card
        .labels
        .iter()
        .zip(all.by_label())
        .filter_map(|(label, precision)| Some((label, precision?.half)))
        .collect();
    let lights: BTreeMap<_, _> = lights.iter().map(|(name, map)| (name, map.mean().half)).collect();
    let pictures = (scenes * frames) as f64;
    let json = serde_json::json!({
        "hash": card.hash,
        "half": all.mean().half,
        "strict": all.mean().strict,
        "labels": labels,
        "lights": lights,
        "found_per_picture": in_use.iter().sum::<usize>() as f64 / pictures,
        "scenes": scenes,
        "frames": frames,
        "look_ms": median_ms(looking),
        "draw_ms": median_ms(drawing),
    });
    #[expect(clippy::print_stdout, reason = "the answer of a command")]
    {
        println!("{json}");
    }
    Ok(())
}

/// The middle one, so that a machine that does other things as well does not count.
fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
