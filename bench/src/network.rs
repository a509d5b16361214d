//! What a bad network does to the picture: a seeded emulator stands between the session and the browser.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use playhouse_testkit::emulator::{Profile, Schedule};
use playhouse_testkit::machine::Watch;
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Frame, Stats, intervals};
use crate::figures::{Spread, rounded};
use crate::ours::Ours;
use crate::progress::{Progress, say};
use crate::round::Side;

/// A gap between frames from which on a person says that the picture froze.
const FREEZE_MS: f64 = 150.0;
/// How long each network is looked at, after it has shown its first frames.
const SPAN: Duration = Duration::from_secs(20);
/// How long a perfect network comes first, so that every case begins at full quality.
const BEFORE: Duration = Duration::from_secs(6);
/// The narrow pipe: how long it lasts, and how long its end is watched.
const NARROW: Duration = Duration::from_secs(15);
const WIDE: Duration = Duration::from_secs(25);
/// How often the browser's statistics are read.
const EVERY: Duration = Duration::from_millis(500);
/// Of these looks, every so many are in the report.
const SHOWN_EVERY: usize = 4;
/// A picture flows again when so many frames in a row came without a gap as long as [`GAP_MS`].
const FLOWING: usize = 30;
const GAP_MS: f64 = 75.0;
/// The bitrate is back at this share of what it was.
const BACK: f64 = 0.8;

struct Case {
    name: &'static str,
    profile: Profile,
    /// Whether the network gets better again after a while.
    recovers: bool,
}

fn cases() -> Vec<Case> {
    let ms = Duration::from_millis;
    let far = Profile { delay: ms(20), ..Profile::default() };
    let lasting = |name, profile| Case { name, profile, recovers: false };
    vec![
        lasting("clean", Profile::default()),
        lasting("loss_1_percent", Profile { loss: 0.01, ..far }),
        lasting("loss_5_percent", Profile { loss: 0.05, ..far }),
        lasting("jitter_20_ms", Profile { jitter: ms(20), ..far }),
        Case { name: "drop_to_2_mbit", profile: Profile { rate: Some(2_000_000), ..far }, recovers: true },
    ]
}

/// One look at the browser's statistics.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    /// Seconds since the network changed.
    seconds: f64,
    bitrate_bps: f64,
    fps: f64,
    height: u32,
    round_trip_ms: f64,
}

/// Measures every case whose name begins with `only`.
pub(crate) fn run(seed: u64, only: &str) -> Result<Value> {
    let watch = Watch::begin();
    let mut reports = Vec::new();
    for case in cases().iter().filter(|case| case.name.starts_with(only)) {
        say(&format!("Network: {}", case.name));
        reports.push(measure(case, seed).with_context(|| format!("network `{}`", case.name))?);
    }
    Ok(
        json!({"case": "network", "seed": seed, "freeze_ms": FREEZE_MS, "networks": reports, "machine": watch.end()}),
    )
}

fn measure(case: &Case, seed: u64) -> Result<Value> {
    // The round trip is there from the beginning, as between two places; what is bad about the network comes later.
    let good = Profile { delay: case.profile.delay, ..Profile::default() };
    let mut side = Ours::behind("probe", seed, &Schedule::always(good))?;
    side.client().wait_for_video()?;
    let mut before = Vec::new();
    observe(&mut side, BEFORE, "before", &mut before)?;
    let usual = before[before.len() / 2..].iter().map(|s| s.bitrate_bps).fold(0.0, f64::max);

    side.client().forget()?;
    let begin = side.client().stats()?;
    let schedule = Schedule::always(case.profile);
    let schedule = if case.recovers { schedule.then(NARROW, good) } else { schedule };
    let relay = side.relay.as_ref().context("no network in between")?;
    let counted = relay.counters();
    relay.follow(schedule.clone(), schedule);
    let mut samples = Vec::new();
    observe(&mut side, if case.recovers { NARROW } else { SPAN }, case.name, &mut samples)?;
    let (bad, frames) = (side.client().stats()?, side.client().frames()?);
    let counters = side.relay.as_ref().map(playhouse_testkit::emulator::Relay::counters).unwrap_or_default();

    let mut report = json!({
        "name": case.name,
        "network": {
            "round_trip_ms": case.profile.delay.as_millis() * 2,
            "loss": case.profile.loss,
            "jitter_ms": case.profile.jitter.as_millis(),
            "rate_bps": case.profile.rate,
        },
        "freezes": freezes(&frames),
        "frame_interval_ms": Spread::of(&intervals(&frames)),
        "fps": rate(&begin, &bad, bad.video.frames_decoded - begin.video.frames_decoded),
        "bitrate_bps": rate(&begin, &bad, (bad.video.bytes_received - begin.video.bytes_received) * 8).round(),
        "bitrate_before_bps": usual,
        "packets_lost_at_last": bad.video.packets_lost - begin.video.packets_lost,
        "nacks": bad.video.nack_count - begin.video.nack_count,
        "plis": bad.video.pli_count - begin.video.pli_count,
        "keyframes": bad.video.key_frames_decoded - begin.video.key_frames_decoded,
        "emulator": {
            "passed_down": counters.down.packets - counted.down.packets,
            "lost_down": counters.down.lost - counted.down.lost,
            "overflowed_down": counters.down.overflowed - counted.down.overflowed,
        },
    });
    if case.recovers {
        report["settled_after_ms"] = json!(settled(&frames));
        side.client().forget()?;
        observe(&mut side, WIDE, "recovery", &mut samples)?;
        let back = samples.iter().filter(|s| s.seconds > NARROW.as_secs_f64());
        let back = back.clone().find(|s| s.bitrate_bps >= usual * BACK);
        report["recovered_after_ms"] =
            json!(back.map(|s| ((s.seconds - NARROW.as_secs_f64()) * 1000.0).round()));
        report["freezes_while_recovering"] = freezes(&side.client().frames()?);
        let shown: Vec<&Sample> = samples.iter().skip(SHOWN_EVERY - 1).step_by(SHOWN_EVERY).collect();
        report["samples"] = serde_json::to_value(&shown)?;
    }
    Ok(report)
}

/// Reads the statistics for a while; times go on from those of the samples that are there.
fn observe(side: &mut Ours, span: Duration, name: &str, samples: &mut Vec<Sample>) -> Result<()> {
    let offset = samples.last().map_or(0.0, |s| s.seconds);
    let begin = Instant::now();
    let turns = usize::try_from(span.as_millis() / EVERY.as_millis()).unwrap_or(1);
    let progress = Progress::new(name, turns);
    let mut last = side.client().stats()?;
    for turn in 0..turns {
        let due = begin + EVERY * u32::try_from(turn + 1).unwrap_or(u32::MAX);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let now = side.client().stats()?;
        samples.push(Sample {
            seconds: rounded(offset + begin.elapsed().as_secs_f64()),
            bitrate_bps: rate(&last, &now, (now.video.bytes_received - last.video.bytes_received) * 8)
                .round(),
            fps: rate(&last, &now, now.video.frames_decoded - last.video.frames_decoded),
            height: now.video.frame_height,
            round_trip_ms: rounded(now.pair.current_round_trip_time * 1000.0),
        });
        last = now;
        progress.step(turn);
    }
    Ok(())
}

/// So many per second between two looks.
fn rate(before: &Stats, after: &Stats, count: u64) -> f64 {
    rounded(count as f64 * 1000.0 / (after.at - before.at).max(1.0))
}

fn freezes(frames: &[Frame]) -> Value {
    let intervals = intervals(frames);
    let longest = intervals.iter().copied().fold(0.0, f64::max);
    let frozen: Vec<f64> = intervals.into_iter().filter(|gap| *gap > FREEZE_MS).collect();
    json!({
        "count": frozen.len(),
        "longest_ms": rounded(longest),
        "total_ms": rounded(frozen.iter().fold(0.0, |sum, gap| sum + gap)),
    })
}

/// Milliseconds from the first frame until the picture flowed for good; nothing where it never did.
fn settled(frames: &[Frame]) -> Option<f64> {
    let gaps = intervals(frames);
    let last_gap = gaps.iter().rposition(|gap| *gap > GAP_MS).map_or(0, |at| at + 1);
    if gaps.len() < last_gap + FLOWING {
        return None;
    }
    Some(rounded(gaps[..last_gap].iter().sum()))
}
