//! Films cut into segments, judged by `ffmpeg` and `ffprobe`: what comes out is what went in.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cinema;
mod damage;
#[path = "../../../codec/tests/judge/mod.rs"]
mod judge;
mod lists;
mod plays;
