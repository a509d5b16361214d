//! Keeps events in an outbox, for tests that kill it or fill its disk.
//!
//! `keeper keep DIR`: events without end; prints the number of each once it is kept.
//! `keeper fill DIR`: fills the disk, goes on, makes room, starts again; prints how many events happened and how many are there.

use std::io::Write as _;
use std::path::Path;

use playhouse_agent::outbox::Disk;
use playhouse_media::time::Timestamp;
use playhouse_sense::observation::{Direction, What};
use playhouse_sense::outbox::Limits;
use rustix::time::{ClockId, clock_gettime};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("keeper keep|fill DIR".into());
    };
    let folder = Path::new(&folder);
    if what == "fill" { fill(folder) } else { keep(folder) }
}

fn now() -> Timestamp {
    let time = clock_gettime(ClockId::Monotonic);
    let micros = time.tv_sec * 1_000_000 + time.tv_nsec / 1_000;
    Timestamp::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// An event that nobody throws away; its number is its time.
fn crossed() -> What {
    What::Crossed { line: 1, track: 1, label: 0, direction: Direction::In }
}

fn keep(folder: &Path) -> Result<(), Failed> {
    let mut disk = Disk::open(folder, Limits::default(), now())?;
    let mut out = std::io::stdout().lock();
    // Numbers go on from life to life.
    for number in u64::from(std::process::id()) << 32.. {
        let time = now();
        disk.change(time, |outbox| outbox.push(time, number, crossed()))?;
        writeln!(out, "{number}")?;
    }
    Ok(())
}

fn fill(folder: &Path) -> Result<(), Failed> {
    let outbox = folder.join("outbox");
    let mut disk = Disk::open(&outbox, Limits::default(), now())?;
    let ballast = folder.join("ballast");
    let mut file = std::fs::File::create(&ballast)?;
    while file.write_all(&[0; 4096]).is_ok() {}
    // While it is open its room is not given back.
    drop(file);
    let mut happened = 0;
    let mut happen = |disk: &mut Disk, time| {
        happened += 1;
        disk.change(time, |outbox| outbox.push(time, happened, crossed()))
    };
    let mut time = now();
    while disk.outbox().has_disk() {
        happen(&mut disk, time)?;
    }
    for _ in 0..1_000 {
        happen(&mut disk, time)?;
    }
    std::fs::remove_file(&ballast)?;
    // Time is made to pass: the disk is asked again after a rest.
    while !disk.outbox().has_disk() {
        time = disk.wake().ok_or("a disk that failed is never asked again")?;
        happen(&mut disk, time)?;
    }
    drop(disk);
    let disk = Disk::open(&outbox, Limits::default(), time)?;
    writeln!(std::io::stdout(), "{} {} {}", happened, disk.outbox().len(), disk.outbox().lost())?;
    Ok(())
}
