//! Long runs of ffmpeg: in a sandbox where there is one, below everything else, with progress, pauses and an end.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::watch;

use super::command::Line;
use crate::tool::{ToolError, first_words};

/// How long ffmpeg may stand still before it is given up: a piece of a large film on a busy machine is slow, not still.
const STILL: Duration = Duration::from_mins(15);

/// Address space: several renditions of a 4K film take some GiB.
const MEMORY: u64 = 16 << 30;

/// Processor seconds of one run: two days of one core, so that one nobody is left to end does end.
const PROCESSOR_S: u64 = 48 * 3600;

/// What ffmpeg complains of at most that is kept: measurements come at its end.
const WORDS: usize = 32 << 10;

/// Bytes of a line of progress.
const LINE: u64 = 4 << 10;

/// What a run said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The end of what it wrote on its standard error.
    pub(super) words: String,
    /// Pictures that the first output got.
    pub(super) pictures: u64,
}

/// Bytes of a number of them.
pub(super) fn bytes(number: f64) -> u64 {
    Duration::try_from_secs_f64(number.max(0.0)).map_or(u64::MAX, |bytes| bytes.as_secs())
}

/// The likeness (of luma) that the filter `ssim` ends with, from 0 to 1.
pub(super) fn likeness(words: &str) -> Option<f64> {
    let (_, value) = words.rsplit_once("SSIM Y:")?;
    value.split_whitespace().next()?.parse().ok().filter(|ssim| (0.0..=1.0).contains(ssim))
}

/// Ends a run with all that it started when it is dropped.
#[derive(Debug)]
pub(crate) struct Group(pub(crate) Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // One that has ended needs no signal.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs ffmpeg in `folder`, the only one that it can write to. Files are at most `room` bytes. `told` hears how many
/// microseconds of its output there are, and how many seconds of it take one.
pub(super) async fn run(
    line: &Line,
    film: Option<File>,
    folder: &Path,
    room: u64,
    paused: &mut watch::Receiver<bool>,
    mut told: impl FnMut(u64, Option<f64>),
) -> Result<Said, ToolError> {
    let program = "ffmpeg";
    let start = |source| ToolError::Start { program, source };
    // Whoever asks for a pause and goes away has no say any more.
    paused.wait_for(|paused| !paused).await.ok();
    let input = match film {
        Some(film) => Stdio::from(film),
        None => Stdio::null(),
    };
    let mut child = command(Some(folder), Rank::Idle)
        .args(&line.arguments)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .current_dir(folder)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let group = Group(pid);
    restrain(pid, room);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut pictures = 0;
    let listen = async {
        let Some(stdout) = stdout else { return Ok(()) };
        let mut lines = BufReader::new(stdout);
        let (mut text, mut micros, mut asked) = (String::new(), 0, true);
        loop {
            text.clear();
            let mut line = (&mut lines).take(LINE);
            tokio::select! {
                read = line.read_line(&mut text) => {
                    if read.map_err(start)? == 0 {
                        return Ok(());
                    }
                }
                changed = paused.changed(), if asked => {
                    asked = changed.is_ok();
                    stand_still(&group, paused).await;
                    continue;
                }
                () = tokio::time::sleep(STILL) => {
                    return Err(ToolError::Slow { program, seconds: STILL.as_secs() });
                }
            }
            match text.trim().split_once('=') {
                Some(("out_time_us", value)) => micros = value.parse().unwrap_or(micros),
                Some(("frame", value)) => pictures = value.trim().parse().unwrap_or(pictures),
                Some(("speed", value)) => told(micros, value.trim().trim_end_matches('x').parse().ok()),
                _ => {}
            }
        }
    };
    let hear = async {
        let (mut words, mut piece) = (Vec::new(), vec![0; 4096]);
        if let Some(mut stderr) = stderr {
            loop {
                let read = stderr.read(&mut piece).await.map_err(start)?;
                if read == 0 {
                    break;
                }
                words.extend_from_slice(&piece[..read]);
                let beyond = words.len().saturating_sub(WORDS);
                words.drain(..beyond);
            }
        }
        Ok(words)
    };
    let ((), words) = tokio::try_join!(listen, hear)?;
    let status = child.wait().await.map_err(start)?;
    if status.success() {
        return Ok(Said { words: String::from_utf8_lossy(&words).into_owned(), pictures });
    }
    let text = String::from_utf8_lossy(&words);
    // Whatever it complained of before: this is why it ended.
    let full = text.contains("No space left") || text.contains("File too large");
    let complaint =
        if full { "No space left on the disk".to_owned() } else { first_words(&words, &status.to_string()) };
    Err(ToolError::Failed { complaint })
}

/// Stops a run for as long as that is asked for.
async fn stand_still(group: &Group, paused: &mut watch::Receiver<bool>) {
    if *paused.borrow_and_update() {
        group.signal(Signal::STOP);
        paused.wait_for(|paused| !paused).await.ok();
    }
    group.signal(Signal::CONT);
}

/// How much of the machine a run gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Idle time of processor and disk only.
    Idle,
    /// What games and viewers leave, before anything idle.
    Low,
}

/// The program with what keeps it low and in: its rank, and bubblewrap where it works. It can write to `folder` alone.
pub(crate) fn command(folder: Option<&Path>, rank: Rank) -> Command {
    let mut words: Vec<String> = Vec::new();
    let mut add = |more: &str| words.extend(more.split_whitespace().map(str::to_owned));
    if rank == Rank::Idle && on_path("chrt") {
        add("chrt --idle 0");
    }
    if rank == Rank::Idle && on_path("ionice") {
        add("ionice -c 3 -t");
    }
    add(if rank == Rank::Idle { "nice -n 19" } else { "nice -n 10" });
    let sandboxed = on_path("bwrap");
    if sandboxed {
        add("bwrap --unshare-all --die-with-parent --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin");
        add("--uid 1000 --gid 1000 --ro-bind /usr /usr");
        for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
            let outside = format!("/{name}");
            // Merged systems have links into `/usr`, older ones folders.
            match fs::read_link(&outside) {
                Ok(target) => add(&format!("--symlink {} {outside}", target.display())),
                Err(_) => add(&format!("--ro-bind-try {outside} {outside}")),
            }
        }
        add(
            "--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache --ro-bind-try /etc/alternatives /etc/alternatives",
        );
        add("--proc /proc");
        // Where root runs Playhouse, the kernel would let the program write these.
        for path in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"] {
            add(&format!("--ro-bind-try {path} {path}"));
        }
        // No terminal is to be written to.
        add("--dev /dev --ro-bind /dev/null /dev/tty --tmpfs /tmp");
        if let Some(folder) = folder {
            words.extend(["--bind".to_owned(), folder.to_string_lossy().into_owned(), "/work".to_owned()]);
            words.extend(["--chdir", "/work"].map(str::to_owned));
        }
        words.push("--".to_owned());
    }
    words.push("ffmpeg".to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

pub(crate) fn restrain(pid: Option<Pid>, room: u64) {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // A program that ended already needs no limits.
    for (what, most) in
        [(Resource::As, MEMORY), (Resource::Cpu, PROCESSOR_S), (Resource::Core, 0), (Resource::Fsize, room)]
    {
        prlimit(pid, what, limit(most)).ok();
    }
}
