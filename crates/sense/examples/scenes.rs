//! Writes frames of scenes with their truth: what models are trained and judged on, and what a person may look at.
//!
//! `scenes --seed N --frames N --every N --size WxH --people N --objects N --light L --noise N --out DIR [--ppm]`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{Options, Scene};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut options = Options::default();
    let (mut frames, mut every, mut out, mut single) = (100u64, 1u64, PathBuf::from("."), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--ppm" {
            single = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--seed" => options.seed = value.parse()?,
            "--frames" => frames = value.parse()?,
            "--every" => every = value.parse()?,
            "--size" => {
                let (width, height) = value.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
                options.size = (width.parse()?, height.parse()?);
            }
            "--people" => options.people = value.parse()?,
            "--objects" => options.objects = value.parse()?,
            "--light" => options.light = serde_json::from_value(value.into())?,
            "--noise" => options.noise = value.parse()?,
            "--out" => out = value.into(),
            _ => return Err(format!("{argument} is not known here").into()),
        }
    }
    std::fs::create_dir_all(&out)?;
    let scene = Scene::new(options);
    let mut pictures = BufWriter::new(File::create(out.join("frames.rgb"))?);
    let mut truths = BufWriter::new(File::create(out.join("truth.jsonl"))?);
    let mut picture = Picture::black(1, 1);
    for frame in (0..frames).map(|n| n * every) {
        scene.render(frame, &mut picture);
        let truth = scene.truth(frame);
        let figures: Vec<_> = truth
            .figures
            .iter()
            .map(|figure| {
                let place = figure.place;
                serde_json::json!([
                    figure.id,
                    figure.label,
                    place.left,
                    place.top,
                    place.right,
                    place.bottom,
                    figure.visible
                ])
            })
            .collect();
        writeln!(truths, "{}", serde_json::json!({ "frame": frame, "figures": figures }))?;
        if single {
            let mut file = File::create(out.join(format!("{frame:06}.ppm")))?;
            writeln!(file, "P6 {} {} 255", picture.width(), picture.height())?;
            file.write_all(picture.rgb())?;
        } else {
            pictures.write_all(picture.rgb())?;
        }
    }
    Ok(())
}
