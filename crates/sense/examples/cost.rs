//! What gate, tracker, lines and zones cost a picture, and how well they count: `cost [MINUTES]` (1).
//!
//! The detector is imagined from the truth: it misses one thing in twenty, and its boxes tremble by a twentieth. Prints one
//! JSON object.

use std::io::Write;
use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;
use playhouse_sense::observation::What;
use playhouse_sense::picture::Picture;
use playhouse_sense::pipeline::{Look, Pipeline};
use playhouse_sense::scene::{Chance, Options, Scene, imagine};
use playhouse_sense::score::Switches;
use playhouse_sense::settings::{Settings, Zone};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let minutes: u64 = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    let mut sizes = Vec::new();
    for size in [(320, 240), (640, 480)] {
        let scene = Scene::new(Options { size, ..Options::default() });
        let door = Scene::door();
        let zone = Zone { id: 1, name: "Left".into(), corners: vec![], dwell_ms: Some(3_000) };
        let corners = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)];
        let corners = corners.map(|(x, y)| playhouse_sense::geometry::Point { x, y }).to_vec();
        let settings = Settings {
            lines: vec![door.clone()],
            zones: vec![Zone { corners, ..zone }],
            ..Settings::default()
        };
        let mut pipeline = Pipeline::new(Timestamp::from_micros(1), settings, 3)?;
        let (mut judge, mut chance, mut picture) = (Switches::new(), Chance::new(1), Picture::black(1, 1));
        let (mut gate, mut rest) = (Duration::ZERO, Duration::ZERO);
        let (mut counted, mut really) = (0_u32, 0_usize);
        let mut before = scene.truth(0);
        let frames = minutes * 60 * 15;
        for frame in 0..frames {
            let now = Timestamp::from_micros(1_000_000 + frame * 1_000_000 / 15);
            scene.render(frame, &mut picture);
            let truth = scene.truth(frame);
            let found = imagine(&truth, &mut chance, 0.05, 0.05);
            let begun = Instant::now();
            let looks = pipeline.picture(now, &picture) == Look::Detect;
            gate += begun.elapsed();
            if looks {
                let begun = Instant::now();
                let told = pipeline.detections(now, &found);
                rest += begun.elapsed();
                let crossed = told.iter().filter(|what| matches!(what, What::Crossed { .. })).count();
                counted += u32::try_from(crossed)?;
            }
            really += truth.crossings(&before, &door).len();
            let seen = pipeline.tracks().iter().filter(|track| !track.hidden);
            judge.add(&truth.figures, &seen.map(|track| (track.id, track.place)).collect::<Vec<_>>());
            before = truth;
        }
        let score = judge.followed();
        let per_frame = |time: Duration| time.as_secs_f64() * 1000.0 / frames as f64;
        sizes.push(serde_json::json!({
            "size": size, "frames": frames, "gate_ms": per_frame(gate), "tracks_and_areas_ms": per_frame(rest),
            "gated": pipeline.counters().gated, "crossings_counted": counted, "crossings_really": really,
            "id_switches": score.switches, "figures": score.there, "missed": score.missed, "ghosts": score.wrong,
        }));
    }
    writeln!(std::io::stdout(), "{}", serde_json::json!(sizes))?;
    Ok(())
}
