//! Measures sound: runs a program with a sound server of its own, and prints when each click in what it plays was
//! captured, as microseconds of the monotonic clock, and what that cost.
//!
//! `cargo run --release -p playhouse-stage --example clicks -- <program> [arguments]`

use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use playhouse_stage::sound::Sound;

/// Louder than this is a click.
const LOUD: i16 = 15_000;

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut command = std::env::args().skip(1);
    let program = command.next().ok_or("which program is to be run?")?;
    let folder = tempfile::tempdir()?;
    // A block that finds no room is not counted, which no run of a sensible length comes to.
    let (clicks, captured) = sync_channel(100_000);
    let sound = Sound::start(
        folder.path(),
        Box::new(move |samples, _| {
            if samples.iter().any(|sample| *sample > LOUD) {
                let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
                clicks.try_send(now.tv_sec * 1_000_000 + now.tv_nsec / 1000).ok();
            }
        }),
    )?;
    let begin = Instant::now();
    let status = Command::new(program)
        .args(command)
        .envs(sound.env())
        .stdout(std::process::Stdio::inherit())
        .status()?;
    let seconds = begin.elapsed().as_secs_f64();
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    drop(sound);
    for click in captured {
        println!("click {click}");
    }
    let cpu = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
    println!("cpu {:.2} % of a core over {seconds:.1} s, {status}", 100.0 * cpu / seconds);
    Ok(())
}
