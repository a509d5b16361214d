//! Plays a while without a display, says how long a picture takes, and writes pictures of that, and the cover
//! (`cover.jpg` of the title is that one, 640 pixels wide).
//!
//! ```text
//! cargo run --release -p lanterns --example frames -- /tmp/lanterns
//! ```
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lanterns::scene::{BYTES, Scene};
use lanterns::sky::{HEIGHT, Inputs, Phase, Sky, WIDTH};

const STEP: f32 = 1.0 / 60.0;

/// Seconds that are worth a look.
const LOOKS: [f32; 9] = [0.4, 4.0, 9.0, 20.0, 20.1, 45.0, 47.0, 75.0, 83.5];
/// When the player no longer catches anything, and when they are gone for two seconds.
const TIRED: f32 = 70.0;
const GONE: std::ops::Range<f32> = 46.0..48.0;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("where to?")?);
    std::fs::create_dir_all(&folder)?;
    let began = Instant::now();
    let (mut sky, mut scene) = (Sky::new(11, 37), Scene::new());
    println!("all was painted in {:?}", began.elapsed());
    let mut data = vec![0; BYTES];
    write(&folder.join("cover.ppm"), &cover(&mut scene))?;
    let (mut times, mut now, mut place) = (Vec::new(), 0.0_f32, 0.0_f32);
    let mut looks = LOOKS.iter().peekable();
    while looks.peek().is_some() {
        now += STEP;
        let low = sky.lanterns.iter().filter(|l| now < TIRED || l.at.0 < 0.0);
        let wanted = low.max_by(|a, b| a.at.1.total_cmp(&b.at.1)).map(|l| l.at.0 / WIDTH * 2.0 - 1.0);
        let wanted = wanted.unwrap_or(if now < TIRED { 0.0 } else { 0.8 });
        place += (wanted - place).clamp(-0.03, 0.03);
        let second = (18.0..60.0).contains(&now).then_some((now * 0.7).sin() * 0.8);
        let first = (now > 2.0).then_some(place);
        let places = if GONE.contains(&now) { [None; 2] } else { [first, second] };
        let began = Instant::now();
        let events = sky.step(&Inputs { places, pressed: false }, STEP);
        scene.paint(&sky, &events, STEP, &mut data);
        times.push(began.elapsed());
        if let Some(look) = looks.next_if(|look| **look <= now) {
            write(&folder.join(format!("{look:04.1}.ppm")), &data)?;
        }
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(Duration::ZERO);
    println!("a picture took {:?} p50, {:?} p95, {:?} p99", at(50), at(95), at(99));
    Ok(())
}

/// A good moment of a good round: the sky is full, and nothing hides the name.
fn cover(scene: &mut Scene) -> Vec<u8> {
    let beside = |(x, y): (f32, f32)| (x - WIDTH / 2.0).abs() > 380.0 || (y - 208.0).abs() > 110.0;
    let full = |sky: &Sky| sky.lanterns.len() > 3 && sky.lanterns.iter().all(|lantern| beside(lantern.at));
    let mut data = vec![0; BYTES];
    if let Some(mut sky) = (1..5000).map(played).find(full) {
        sky.phase = Phase::Rest { left: 1.0, stood: 0.0 };
        scene.cover(&sky, &mut data);
    }
    data
}

/// A sky in which somebody has caught everything for a minute.
fn played(seed: u32) -> Sky {
    let mut sky = Sky::new(seed, 0);
    let mut place = 0.0_f32;
    for step in 0..60 * 60 {
        let low = sky.lanterns.iter().max_by(|a, b| a.at.1.total_cmp(&b.at.1));
        let wanted = low.map_or(place, |lantern| lantern.at.0 / WIDTH * 2.0 - 1.0);
        place += (wanted - place).clamp(-0.03, 0.03);
        sky.step(&Inputs { places: [Some(place), None], pressed: step == 0 }, STEP);
    }
    sky
}

fn write(path: &Path, data: &[u8]) -> std::io::Result<()> {
    let mut picture = format!("P6\n{WIDTH} {HEIGHT}\n255\n").into_bytes();
    picture.extend(data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
    std::fs::write(path, picture)
}
