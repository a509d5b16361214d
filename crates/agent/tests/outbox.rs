//! The outbox's files against kill -9 and a full disk.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use playhouse_agent::outbox::Disk;
use playhouse_media::time::Timestamp;
use playhouse_sense::outbox::Limits;

/// The example that keeps events; cargo builds it for these tests.
fn keeper() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let keeper = test.parent().unwrap().parent().unwrap().join("examples/keeper");
    assert!(keeper.exists(), "{} is built by `cargo test`, or by `cargo build --examples`", keeper.display());
    keeper
}

/// Takes everything out of an outbox, as a hub would.
fn drain(folder: &Path) -> Vec<u64> {
    let mut disk = Disk::open(folder, Limits::default(), Timestamp::ZERO).unwrap();
    let now = Timestamp::from_micros(1_000_000);
    disk.change(now, playhouse_sense::outbox::Outbox::connected);
    let mut all = Vec::new();
    while let Some(batch) = disk.change(now, |outbox| outbox.next_batch(now)) {
        let seq = batch.events.last().unwrap().seq;
        all.extend(batch.events.into_iter().map(|event| event.at));
        disk.change(now, |outbox| outbox.taken(now, batch.epoch, seq));
    }
    assert!(disk.outbox().is_empty());
    all
}

#[test]
fn nothing_that_was_kept_is_lost_by_kill_nine() {
    let place = tempfile::tempdir().unwrap();
    let mut kept = BTreeSet::new();
    for round in 0..5 {
        let mut child =
            Command::new(keeper()).arg("keep").arg(place.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..200 + round * 777 {
            line.clear();
            said.read_line(&mut line).unwrap();
            kept.insert(line.trim().parse::<u64>().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said until it was dead, too; the last line may be half of one.
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        let whole =
            rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.parse::<u64>().ok());
        kept.extend(whole);
    }
    let there = drain(place.path());
    let once: BTreeSet<u64> = there.iter().copied().collect();
    assert_eq!(once.len(), there.len(), "each is there once");
    let missing: Vec<_> = kept.difference(&once).take(5).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(drain(place.path()).is_empty(), "and is taken once");
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_no_event() {
    let place = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=2m none \"$0\" && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
        .arg(place.path())
        .arg(keeper())
        .arg("fill")
        .arg(place.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let figures: Vec<u64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [happened, there, lost] = figures[..] else { panic!("{said}") };
    assert!(happened > 1_000);
    assert_eq!((there, lost), (happened, 0));
}
