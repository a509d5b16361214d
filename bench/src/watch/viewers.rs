//! How many viewers of a live stream a core carries, and what each takes of memory: all of them by WebRTC, from one
//! publisher, on this machine. The server's own time alone is counted, its share of taking the stream in included.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use playhouse_testkit::procs;
use playhouse_testkit::viewer::{Offered, Viewer};
use serde::Serialize;

use super::film::{ffmpeg, once};
use crate::figures::rounded;
use crate::house::House;
use crate::peer::janus::{self, Janus};
use crate::progress::{Progress, say};

/// Pictures per second of the stream.
const RATE: u32 = 30;
/// How long all viewers are watched.
const SPAN: Duration = Duration::from_secs(12);
/// How long the stream, or the last viewer's first picture, may take to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Viewers that get less than this part of the pictures are not served.
const SERVED: f64 = 0.9;

/// A stream that was encoded once.
#[derive(Clone, Copy, Debug)]
struct Stream {
    name: &'static str,
    kbps: u32,
    size: &'static str,
}

const SMALL: Stream = Stream { name: "viewers-600", kbps: 600, size: "640x360" };
const LARGE: Stream = Stream { name: "viewers-6000", kbps: 6000, size: "1280x720" };

/// What there is of one side at one bitrate.
#[derive(Clone, Copy, Debug, Serialize)]
struct Carried {
    viewers: usize,
    /// Cores' worth of the server's time.
    cores: f64,
    per_core: f64,
    rss_per_viewer_bytes: f64,
    /// Pictures per second that a viewer got, on average.
    pictures: f64,
}

/// All of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Viewers {
    ours_600k: Carried,
    ours_6m: Carried,
    janus_600k: Option<Carried>,
}

/// Viewers that one core carries.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct PerCore {
    ours_600k: f64,
    ours_6m: f64,
    janus_600k: Option<f64>,
}

impl Viewers {
    /// Measures with so many viewers at the small bitrate, and a tenth of them at the large one.
    pub(super) fn measure(house: &House, folder: &Path, viewers: usize, install: bool) -> Result<Self> {
        let peer = janus::find(install).zip(janus::address());
        let few = (viewers / 10).max(1);
        let ours_600k = ours(house, &SMALL.make(folder)?, viewers)?;
        let janus_600k = match peer {
            Some((root, address)) => {
                Some(theirs(&Janus::start(&root, address)?, &SMALL.make(folder)?, viewers)?)
            }
            None => None,
        };
        let ours_6m = ours(house, &LARGE.make(folder)?, few)?;
        Ok(Self { ours_600k, ours_6m, janus_600k })
    }

    /// Whether there was nothing to compare with.
    pub(super) fn has_no_peer(&self) -> bool {
        self.janus_600k.is_none()
    }

    pub(super) fn per_core(&self) -> PerCore {
        PerCore {
            ours_600k: self.ours_600k.per_core,
            ours_6m: self.ours_6m.per_core,
            janus_600k: self.janus_600k.map(|janus| janus.per_core),
        }
    }

    /// Bytes of memory that a viewer takes, at the small bitrate.
    pub(super) fn rss(&self) -> f64 {
        self.ours_600k.rss_per_viewer_bytes
    }
}

impl Stream {
    /// Half a minute of it: constrained baseline, no B-frames, a keyframe every two seconds.
    fn make(self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join(format!("{}.mp4", self.name));
        let rate = format!("{}k", self.kbps);
        once(&file, |to| {
            say(&format!("Encoding a stream of {} kbit/s", self.kbps));
            ffmpeg()
                .args(["-f", "lavfi", "-i"])
                .arg(format!("testsrc2=size={}:rate={RATE},noise=alls=12:allf=t", self.size))
                .args(["-t", "30", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline"])
                .args(["-pix_fmt", "yuv420p", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0"])
                .args(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate, "-f", "mp4"])
                .arg(to)
                .status()
        })?;
        Ok(file)
    }
}

/// Plays a file over and over at its own pace, without encoding it again.
fn play(file: &Path, to: impl FnOnce(&mut Command)) -> Result<Program> {
    let mut command = ffmpeg();
    command.args(["-re", "-stream_loop", "-1", "-i"]).arg(file).args(["-c", "copy", "-an"]);
    to(&mut command);
    Ok(Program::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?)
}

fn ours(house: &House, file: &Path, viewers: usize) -> Result<Carried> {
    let channel = house.channel()?;
    let address = house.rtmp_address(&channel.key);
    let publisher = play(file, |command| {
        command.args(["-f", "flv", &address]);
    })?;
    house.wait_for(&format!("/api/channels/{}/live/master.m3u8", channel.id), PATIENCE)?;
    let path = format!("/api/channels/{}/whep", channel.id);
    let join = || {
        let (offered, offer) = Offered::new()?;
        Ok(offered.answered(&house.whep(&path, &offer)?)?)
    };
    let carried = carried("Playhouse", house.pid(), viewers, join);
    drop(publisher);
    carried
}

fn theirs(janus: &Janus, file: &Path, viewers: usize) -> Result<Carried> {
    let publisher = play(file, |command| {
        command
            .args(["-bsf:v", "h264_mp4toannexb,dump_extra", "-payload_type", "96", "-f", "rtp"])
            .arg(format!("rtp://127.0.0.1:{}?pkt_size=1200", janus.rtp));
    })?;
    let carried = carried("janus", janus.pid(), viewers, || janus.join());
    drop(publisher);
    carried
}

/// What a server takes for its viewers.
fn carried(name: &str, pid: u32, count: usize, join: impl Fn() -> Result<Viewer>) -> Result<Carried> {
    let used = || procs::read(pid).with_context(|| format!("{name} is gone"));
    // Whatever the first viewer brings with it is not the others'.
    let first = join()?;
    ensure!(first.wait(1, PATIENCE), "no picture comes from {name}");
    let alone = used()?.rss_bytes;
    let progress = Progress::new(&format!("Viewers of {name}"), count);
    let mut viewers = vec![first];
    progress.step(0);
    for number in 1..count {
        viewers.push(join()?);
        progress.step(number);
    }
    let end = Instant::now() + PATIENCE;
    for viewer in &viewers {
        let left = end.saturating_duration_since(Instant::now());
        ensure!(viewer.wait(1, left), "{name} does not serve {count} viewers");
    }
    let frames = || viewers.iter().map(Viewer::frames).sum::<u64>();
    let (before, seen, begun) = (used()?, frames(), Instant::now());
    thread::sleep(SPAN);
    let (after, seconds) = (used()?, begun.elapsed().as_secs_f64());
    let pictures = (frames() - seen) as f64 / seconds / count as f64;
    if pictures < f64::from(RATE) * SERVED {
        say(&format!(
            "Viewers of {name} got {pictures:.1} pictures a second of {RATE}: this machine is too busy."
        ));
    }
    let cores = (after.cpu_seconds - before.cpu_seconds) / seconds;
    let more = count.saturating_sub(1).max(1) as f64;
    Ok(Carried {
        viewers: count,
        cores: rounded(cores),
        per_core: rounded(count as f64 / cores.max(0.001)),
        rss_per_viewer_bytes: (after.rss_bytes.saturating_sub(alone) as f64 / more).round(),
        pictures: rounded(pictures),
    })
}
