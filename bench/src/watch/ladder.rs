//! What a ladder of a title's own saves against a fixed one: chosen and counted by the code that the server runs.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use playhouse_library::probe;
use playhouse_library::render::{self, Control, Step};
use playhouse_watch::rendering::Plan;
use serde::Serialize;
use tokio::sync::watch;

use super::film::{ffmpeg, once};
use crate::figures::rounded;
use crate::house::built;
use crate::progress::say;

/// Seconds of the hard scene: enough to take three scenes from.
const SECONDS: u32 = 36;

/// Percent of the bits that are saved at the same quality (SSIM), on average over the rungs of the fixed ladder; none where no
/// fixed rung fits.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Savings {
    /// The Little Lantern, a drawing.
    lantern: Option<f64>,
    /// A zoom into the Mandelbrot set with grain on it.
    grain: Option<f64>,
}

impl Savings {
    /// Makes both films, where they are missing, and their ladders.
    pub(super) fn measure(folder: &Path) -> Result<Self> {
        let lantern = folder.join("lantern.mp4");
        let program = built("lantern")?;
        once(&lantern, |to| {
            say("Drawing The Little Lantern");
            Command::new(&program).arg(to).stdin(Stdio::null()).stdout(Stdio::null()).status()
        })?;
        let grain = folder.join("grain.mp4");
        once(&grain, |to| {
            say("Drawing a scene that is hard to encode");
            ffmpeg()
                .args(["-f", "lavfi", "-i"])
                .arg("mandelbrot=size=640x360:rate=24:end_scale=0.0003,scale=1280:720,noise=alls=6:allf=t")
                .args(["-t", &SECONDS.to_string(), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18"])
                .args(["-pix_fmt", "yuv420p", "-g", "48", "-f", "mp4"])
                .arg(to)
                .status()
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let saved = |name: &str, film: &Path| -> Result<Option<f64>> {
            say(&format!("Choosing the ladder of {name}"));
            Ok(runtime.block_on(saving(film)).with_context(|| format!("no ladder of {name}"))?.map(rounded))
        };
        Ok(Self { lantern: saved("The Little Lantern", &lantern)?, grain: saved("the hard scene", &grain)? })
    }
}

async fn saving(film: &Path) -> Result<Option<f64>> {
    let container = probe::probe(File::open(film)?).await?;
    let plan = Plan::of(&container).map_err(anyhow::Error::msg)?;
    let work = tempfile::Builder::new().prefix("bench-ladder-").tempdir()?;
    let (_pause, paused) = watch::channel(false);
    let heard = std::sync::Mutex::new(0);
    let tell = |progress: render::Progress| {
        let tenth = (progress.done * 10.0).floor();
        let mut heard = heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if progress.step == Step::Probing && tenth > f64::from(*heard) {
            *heard += 1;
            say(&format!("Probing: {:.0} %", progress.done * 100.0));
        }
    };
    let open = || File::open(film);
    let ladder =
        render::choose(&open, &plan, work.path(), Control { paused, tell: &tell, reserve: 0 }).await?;
    ensure!(!ladder.rungs.is_empty(), "it has no rung");
    Ok(ladder.saving_percent)
}
