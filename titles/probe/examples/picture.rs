//! Paints the probe's scene without a display, says how long a picture takes, and writes the last one; with a
//! third argument, all of them as raw BGRX for an encoder.
//!
//! ```text
//! cargo run --release -p probe --example picture -- 600 /tmp/probe.ppm [/tmp/probe.bgrx]
//! ```
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use probe::barcode::Reading;
use probe::scene::{Scene, State};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u32 = arguments.next().ok_or("how many pictures?")?.parse()?;
    let path = arguments.next().ok_or("where to?")?;
    let mut raw = arguments.next().map(File::create).transpose()?;

    let size = Size::new(1280, 720);
    let began = Instant::now();
    let scene = Scene::new(size, 1);
    println!("the scene was made in {:?}", began.elapsed());
    let mut data = vec![0; size.bgra_len()];
    let mut times = Vec::new();
    for phase in 0..count {
        let began = Instant::now();
        let reading = Reading { frame: phase, inputs: u16::try_from(phase / 90).unwrap_or(0) };
        scene.paint(&State { reading, phase, pointer: Some((200 + phase % 900, 600)) }, &mut data);
        times.push(began.elapsed());
        if let Some(raw) = &mut raw {
            raw.write_all(&data)?;
        }
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(Duration::ZERO);
    println!("a picture took {:?} p50, {:?} p95, {:?} p99", at(50), at(95), at(99));
    let mut picture = format!("P6\n{} {}\n255\n", size.width, size.height).into_bytes();
    picture.extend(data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
    Ok(std::fs::write(path, picture)?)
}
