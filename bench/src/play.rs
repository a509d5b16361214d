//! The way from a key to a pixel, and what it costs; alone, or in turns with a peer.

use anyhow::{Context, Result};
use playhouse_testkit::machine::Watch;
use serde_json::{Value, json};

use crate::figures::{Answers, rounded};
use crate::ours::Ours;
use crate::peer::selkies::{self, Selkies};
use crate::progress::say;
use crate::round::{self, Measured};
use crate::scene::{KBPS, RATE, SIZE};
use crate::sound::{Heard, skews};
use crate::usage::Used;

/// Rounds of each side when there are two.
const ROUNDS: usize = 4;
/// Presses that are listened to where sound is measured by itself.
const HEARD: usize = 60;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) inputs: usize,
    pub(crate) seed: u64,
    /// In turns with selkies.
    pub(crate) selkies: bool,
    /// Install a peer that is missing.
    pub(crate) install: bool,
}

/// What our side gives besides the common figures.
#[derive(Debug, Default)]
struct Own {
    steps: Value,
    skews: Vec<f64>,
}

/// Measures it.
pub(crate) fn run(plan: Plan) -> Result<Value> {
    let peer = if plan.selkies { selkies::find(plan.install) } else { None };
    let watch = Watch::begin();
    let rounds = if peer.is_some() { ROUNDS.min(plan.inputs).max(1) } else { 1 };
    let (mut ours, mut own, mut theirs) = (Measured::default(), Own::default(), Measured::default());
    for index in 0..rounds {
        let count = plan.inputs * (index + 1) / rounds - plan.inputs * index / rounds;
        // Both sides of a round get the same presses at the same gaps.
        let seed = plan.seed.wrapping_add(index as u64);
        say(&format!("Round {} of {rounds}", index + 1));
        // A peer streams no sound here, so that ours is not to be heard either while they are compared.
        let title = if peer.is_some() { "probe-silent" } else { "probe" };
        ours.add(our_round(title, count, seed, &mut own).context("our own side")?);
        if let Some(peer) = &peer {
            theirs.add(
                round::moving(&mut Selkies::start(peer, false)?, count, seed).context("the peer's side")?,
            );
        }
    }
    if peer.is_some() {
        say("Sound, which was left out of the rounds");
        let steps = own.steps.clone();
        our_round("probe", plan.inputs.min(HEARD), plan.seed, &mut own).context("sound")?;
        own.steps = steps;
    }
    say("A picture that stands still");
    let still = round::still(&mut Ours::start("probe-still", false)?, plan.seed)?;
    let mut report = report(plan, &ours, &own, still);
    if let Some(peer) = &peer {
        let still_there = round::still(&mut Selkies::start(peer, true)?, plan.seed)?;
        report["peer"] = peer_report(&theirs, still_there);
        report["ratios"] = ratios(&ours, still, &theirs, still_there);
    } else if plan.selkies {
        report["peer"] = json!({"name": "selkies", "missing": selkies::MISSING});
    }
    report["machine"] = serde_json::to_value(watch.end())?;
    Ok(report)
}

fn our_round(title: &str, count: usize, seed: u64, own: &mut Own) -> Result<Measured> {
    let mut side = Ours::start(title, title != "probe-silent")?;
    let measured = round::moving(&mut side, count, seed).with_context(|| side.house.log())?;
    own.steps = steps(&side.house.stats(&side.session)?);
    if let Some(ear) = &side.ear {
        own.skews.extend(skews(&measured.presses, &ear.moments()));
    }
    Ok(measured)
}

/// The session's own account of its steps, over its last seconds; it counts in microseconds.
fn steps(stats: &Value) -> Value {
    let step = |name: &str| {
        let millis = |share: &str| rounded(stats[name][share].as_f64().unwrap_or(0.0) / 1000.0);
        json!({"p50": millis("p50"), "p99": millis("p99")})
    };
    json!({"convert": step("convert"), "encode": step("encode"), "send": step("send")})
}

fn report(plan: Plan, ours: &Measured, own: &Own, still: Used) -> Value {
    let heard = Heard::of(&own.skews);
    json!({
        "case": "play",
        "settings": {"width": SIZE.0, "height": SIZE.1, "rate": RATE, "kbps": KBPS, "inputs": plan.inputs, "seed": plan.seed},
        "input_to_photon_ms": ours.photon(),
        "input_to_photon_p50_of_rounds_ms": ours.p50s,
        "input_to_decoded_ms": Answers::of(&ours.decoded),
        "answer_steps_ms": ours.answer_steps(),
        "frame_ms": own.steps,
        "decoded_fps": ours.decoded_fps(),
        "frame_interval_ms": ours.interval(),
        "audio_video_skew_ms": if heard.n == 0 { Value::Null } else { json!(heard.p50) },
        "audio_video_skew_spread_ms": heard,
        "session_cpu_cores": {"moving": ours.streaming_cores(), "still": rounded(still.streaming_cores)},
        "game_cpu_cores": {"moving": ours.game_cores(), "still": rounded(still.game_cores)},
        "session_rss_bytes": ours.rss_bytes(),
        "bitrate_bps": ours.bitrate_bps(),
    })
}

fn peer_report(theirs: &Measured, still: Used) -> Value {
    json!({
        "name": "selkies",
        "mode": "webrtc",
        "input_to_photon_ms": theirs.photon(),
        "input_to_photon_p50_of_rounds_ms": theirs.p50s,
        "decoded_fps": theirs.decoded_fps(),
        "frame_interval_ms": theirs.interval(),
        "session_cpu_cores": {"moving": theirs.streaming_cores(), "still": rounded(still.streaming_cores)},
        "game_cpu_cores": {"moving": theirs.game_cores(), "still": rounded(still.game_cores)},
        "session_rss_bytes": theirs.rss_bytes(),
        "bitrate_bps": theirs.bitrate_bps(),
    })
}

/// Ours by theirs: below 1 is ahead.
fn ratios(ours: &Measured, still: Used, theirs: &Measured, their_still: Used) -> Value {
    let ratio =
        |ours: f64, theirs: f64| if theirs > 0.0 { json!(rounded(ours / theirs)) } else { Value::Null };
    let (us, them) = (ours.photon(), theirs.photon());
    json!({
        "input_to_photon_p50": ratio(us.p50, them.p50),
        "input_to_photon_p95": ratio(us.p95, them.p95),
        "cpu_moving": ratio(ours.streaming_cores(), theirs.streaming_cores()),
        "cpu_still": ratio(still.streaming_cores, their_still.streaming_cores),
        "rss": ratio(ours.rss_bytes() as f64, theirs.rss_bytes() as f64),
    })
}
