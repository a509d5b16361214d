//! From the moment that a publisher connects until its channel has a playlist that somebody can begin with.

use std::io::{Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;

use super::film::ffmpeg;

/// How often it is measured.
pub(super) const TIMES: usize = 5;
/// How long a playlist may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions.
const ASK: Duration = Duration::from_millis(5);

/// Milliseconds until `ready` says that there is a playlist, for a publisher at `rtmp` (`rtmp://address:port/path`).
pub(super) fn measure(rtmp: &str, ready: impl Fn() -> bool) -> Result<f64> {
    let (address, path) =
        rtmp.trim_start_matches("rtmp://").split_once('/').context("an RTMP address without a path")?;
    // Stands in between, so that the moment of the connection is known and ffmpeg's start does not count.
    let door = TcpListener::bind(("127.0.0.1", 0))?;
    let port = door.local_addr()?.port();
    let mut publisher = Program::start(
        ffmpeg()
            .args(["-re", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"])
            .args(["-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000"])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
                "-g",
                "15",
                "-b:v",
                "2M",
            ])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv"])
            .arg(format!("rtmp://127.0.0.1:{port}/{path}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    let (near, _) = door.accept()?;
    let begun = Instant::now();
    let far = TcpStream::connect(address)?;
    pass(near.try_clone()?, far.try_clone()?)?;
    pass(far, near)?;
    let found = loop {
        if ready() {
            break true;
        }
        if begun.elapsed() > PATIENCE || publisher.ended()?.is_some() {
            break false;
        }
        thread::sleep(ASK);
    };
    let took = begun.elapsed();
    publisher.stop();
    ensure!(found, "no playlist came of a publisher at {rtmp}");
    Ok(took.as_secs_f64() * 1000.0)
}

/// Passes bytes on until one end is closed.
fn pass(mut from: TcpStream, mut to: TcpStream) -> Result<()> {
    thread::Builder::new().name("pass".to_owned()).spawn(move || {
        // Either end may go first, which ends the other.
        drop(copy(&mut from, &mut to));
        drop(to.flush());
        drop(to.shutdown(Shutdown::Both));
    })?;
    Ok(())
}
