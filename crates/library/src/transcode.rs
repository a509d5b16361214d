//! A transcoder of what is live: fragmented MP4 goes in, and pictures of several sizes come out in one MPEG transport
//! stream, each with a keyframe where the original has one.

use std::fmt::Write as _;
use std::io;
use std::process::Stdio;

use playhouse_watch::live_ladder::Rung;
use rustix::process::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use crate::render::ffmpeg::{Group, Rank, command, restrain};
use crate::tool::first_words;

/// The quickest preset of x264 that still compares pictures well enough for a small bitrate.
const PRESET: &str = "superfast";

/// Pictures between two keyframes where the original has none for long: never, its own are what counts.
const GOP: u32 = 100_000;

/// Bytes of complaints that are kept.
const WORDS: u64 = 4 << 10;

/// A running transcoder, which ends when it is dropped.
#[derive(Debug)]
pub struct Transcoder {
    /// Where fragmented MP4 goes.
    pub input: ChildStdin,
    /// Where the transport stream comes from: a track of pictures for each rung, in their order.
    pub output: ChildStdout,
    /// The program.
    pub program: Program,
}

/// A program that ends, with all that it started, when it is dropped.
#[derive(Debug)]
pub struct Program {
    _group: Group,
    _child: Child,
}

/// Starts one.
///
/// # Errors
/// Where ffmpeg cannot be started.
pub fn start(rungs: &[Rung]) -> io::Result<Transcoder> {
    let mut child = command(None, Rank::Low)
        .args(arguments(rungs))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let group = Group(pid);
    restrain(pid, 0);
    let missing = || io::Error::other("ffmpeg has no standard input or output");
    let (input, output) = (child.stdin.take().ok_or_else(missing)?, child.stdout.take().ok_or_else(missing)?);
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(hear(stderr));
    }
    Ok(Transcoder { input, output, program: Program { _group: group, _child: child } })
}

/// Writes down what it complains of first; the rest is read, so that it does not stand still.
async fn hear(mut stderr: ChildStderr) {
    let mut words = Vec::new();
    if (&mut stderr).take(WORDS).read_to_end(&mut words).await.is_ok() && !words.is_empty() {
        tracing::warn!(complaint = first_words(&words, ""), "a transcoder of a live stream complains");
    }
    tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.ok();
}

/// The command line. Pictures are neither left out nor doubled, and nothing waits for anything.
fn arguments(rungs: &[Rung]) -> Vec<String> {
    let mut filter = format!("[0:v]split={}", rungs.len());
    for at in 0..rungs.len() {
        write!(filter, "[s{at}]").ok();
    }
    for (at, rung) in rungs.iter().enumerate() {
        write!(filter, ";[s{at}]scale=-2:{}:flags=bilinear,format=yuv420p[v{at}]", rung.height).ok();
    }
    let mut words = "-v error -nostdin -hide_banner -probesize 32k -analyzeduration 0 -threads 1 \
                     -protocol_whitelist pipe -format_whitelist mov,mp4 -f mp4 -i pipe:0 -filter_complex"
        .split_whitespace()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    words.push(filter);
    let mut add = |more: &str| words.extend(more.split_whitespace().map(str::to_owned));
    for (at, rung) in rungs.iter().enumerate() {
        add(&format!("-map [v{at}] -b:v:{at} {0} -maxrate:v:{at} {0} -bufsize:v:{at} {0}", rung.bitrate));
    }
    add(&format!(
        "-c:v libx264 -preset {PRESET} -tune zerolatency -profile:v main -threads 2 -g {GOP} -sc_threshold 0 \
         -force_key_frames source -forced-idr 1 -fps_mode passthrough -enc_time_base 1:90000 -flush_packets 1 \
         -muxdelay 0 -f mpegts pipe:1"
    ));
    words
}
