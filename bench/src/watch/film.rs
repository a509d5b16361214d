//! The film that is watched: one hour of 1080p, made once and kept in `target/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::house::built;
use crate::progress::say;

/// Minutes that are encoded, and how often they come in the film.
const SECONDS: u32 = 60;
const TIMES: u32 = 60;

/// The film, and the folder that a peer serves: the same film cut by ffmpeg for HLS, and a page that plays it.
pub(crate) struct Material {
    pub(crate) film: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Material {
    /// Where everything that is made once is kept.
    pub(crate) fn folder() -> Result<PathBuf> {
        let target = built("bench")?;
        let folder = target.parent().and_then(Path::parent).context("no target folder")?.join("bench/watch");
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Makes what is missing.
    pub(crate) fn make() -> Result<Self> {
        let folder = Self::folder()?;
        let hls = folder.join("hls");
        fs::create_dir_all(&hls)?;
        let (minute, film) = (folder.join("minute.mp4"), folder.join("film.mp4"));
        once(&minute, |to| {
            say("Encoding a minute of 1080p");
            ffmpeg()
                .args(["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25,noise=alls=6:allf=t"])
                .args([
                    "-f",
                    "lavfi",
                    "-i",
                    "sine=frequency=220:sample_rate=48000,aformat=channel_layouts=stereo",
                ])
                .args(["-t", &SECONDS.to_string(), "-c:v", "libx264", "-preset", "veryfast", "-b:v", "5M"])
                .args([
                    "-maxrate",
                    "6M",
                    "-bufsize",
                    "6M",
                    "-g",
                    "50",
                    "-keyint_min",
                    "50",
                    "-sc_threshold",
                    "0",
                ])
                .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-f", "mp4"])
                .arg(to)
                .status()
        })?;
        once(&film, |to| {
            say("Making an hour of it");
            ffmpeg()
                .args(["-stream_loop", &(TIMES - 1).to_string(), "-i"])
                .arg(&minute)
                .args(["-c", "copy", "-movflags", "+faststart", "-f", "mp4"])
                .arg(to)
                .status()
        })?;
        once(&hls.join("film.m3u8"), |to| {
            say("Cutting it for the peer");
            ffmpeg()
                .current_dir(&hls)
                .arg("-i")
                .arg(&film)
                .args(["-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"])
                .args(["-hls_segment_type", "fmp4", "-hls_segment_filename", "%d.m4s"])
                .arg(to)
                .status()
        })?;
        let library = built("bench")?
            .ancestors()
            .nth(3)
            .context("no workspace")?
            .join("web/node_modules/hls.js/dist/hls.min.js");
        fs::copy(&library, folder.join("hls.js"))
            .with_context(|| format!("`{}` is missing; run `npm ci` in `web`", library.display()))?;
        fs::write(folder.join("index.html"), PAGE)?;
        Ok(Self { film, folder })
    }

    /// What it is, for the report.
    pub(crate) fn described(&self) -> Value {
        let bytes = fs::metadata(&self.film).map_or(0, |film| film.len());
        json!({"seconds": SECONDS * TIMES, "width": 1920, "height": 1080, "rate": 25, "bytes": bytes})
    }
}

/// The page of the peer, which has hls.js and nothing else.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>hls.js</title><style>body{margin:0}</style>\
                    <script src=hls.js></script><body></body>";

/// It, saying nothing but errors.
pub(super) fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]).stdin(Stdio::null());
    command
}

/// Makes a file under another name first, so that one that was begun is not taken for a whole one.
pub(super) fn once(
    file: &Path,
    make: impl FnOnce(&Path) -> std::io::Result<std::process::ExitStatus>,
) -> Result<()> {
    if file.is_file() {
        return Ok(());
    }
    let unfinished = file.with_extension(format!("part.{}", file.extension().unwrap_or_default().display()));
    let status = make(&unfinished).context("ffmpeg is needed to make films")?;
    ensure!(status.success(), "`{}` was not made", file.display());
    Ok(fs::rename(&unfinished, file)?)
}
