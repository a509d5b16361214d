//! Times conversion, scaling and encoding of moving textured content: `encode [name] [width height rate bitrate threads]`.
//!
//! Prints one JSON object. Pictures come as fast as they can, or with `PACED=1` at their rate; with `OUT=file.h264` it writes the stream too, and with `RAW=file.nv12` the pictures.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::io::Write;
use std::time::{Duration, Instant};

use playhouse_codec::{convert, scale, video};
use playhouse_media::frame::{Nv12, Size};
use playhouse_media::time::Timestamp;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("x264", String::as_str);
    let number = |i: usize, default: u32| arguments.get(i).map_or(Ok(default), |a| a.parse::<u32>());
    let size = Size::new(number(1, 1280)?, number(2, 720)?);
    let (rate, bitrate, threads) = (number(3, 60)?, number(4, 6_000_000)?, number(5, 1)?);
    let frames = std::env::var("FRAMES").map_or(Ok(600), |f| f.parse::<usize>())?;

    let config = video::Config { threads, ..video::Config::new(size, rate, bitrate) };
    let mut encoder = video::open(name, &config)?;
    let mut scene = scene::Scene::new(size);
    let stride = scene.stride();
    let mut picture = Nv12::new(size);
    let mut small = Nv12::new(Size::new(size.width * 3 / 4, size.height * 3 / 4));
    let mut scaler = scale::Scaler::new();
    let mut stream = std::env::var("OUT").ok().map(std::fs::File::create).transpose()?;
    let mut raw = std::env::var("RAW").ok().map(std::fs::File::create).transpose()?;
    let (mut converting, mut scaling, mut encoding, mut sizes) = (vec![], vec![], vec![], vec![]);
    let mut keyframes = vec![];

    let paced = std::env::var_os("PACED").is_some();
    let begin = Instant::now();
    for i in 0..frames {
        let due = Duration::from_micros(i as u64 * 1_000_000 / u64::from(rate));
        if paced {
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
        }
        let source = scene.draw(i);
        let start = Instant::now();
        convert::to_nv12(source, stride, &mut picture)?;
        converting.push(start.elapsed());
        let start = Instant::now();
        scaler.scale(&picture, &mut small)?;
        scaling.push(start.elapsed());
        let pts = Timestamp::ZERO + due;
        let start = Instant::now();
        let encoded = encoder.encode(&picture, pts, false)?;
        encoding.push(start.elapsed());
        if let Some(encoded) = encoded {
            sizes.push(encoded.data.len());
            if encoded.keyframe {
                keyframes.push(encoded.data.len());
            }
            if let Some(file) = &mut stream {
                file.write_all(&encoded.data)?;
            }
        }
        if let Some(file) = &mut raw {
            file.write_all(picture.luma())?;
            file.write_all(picture.chroma())?;
        }
    }
    let bits: usize = sizes.iter().sum::<usize>() * 8;
    let bps = bits as f64 * f64::from(rate) / frames as f64;
    sizes.sort_unstable();
    println!(
        "{{\"encoder\": \"{name}\", \"size\": \"{}x{}\", \"rate\": {rate}, \"threads\": {threads}, \
         \"convert_ms\": {}, \"scale_to_3_4_ms\": {}, \"encode_ms\": {}, \"bitrate_bps\": {bps:.0}, \
         \"bytes\": {{\"p50\": {}, \"p99\": {}, \"max\": {}}}, \"keyframe_bytes\": {keyframes:?}}}",
        size.width,
        size.height,
        spread(&mut converting),
        spread(&mut scaling),
        spread(&mut encoding),
        at(&sizes, 50),
        at(&sizes, 99),
        at(&sizes, 100),
    );
    Ok(())
}

fn at<T: Copy>(sorted: &[T], percent: usize) -> T {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let ms = |percent| at(times, percent).as_secs_f64() * 1000.0;
    format!("{{\"p50\": {:.3}, \"p99\": {:.3}}}", ms(50), ms(99))
}
