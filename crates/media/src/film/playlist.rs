//! What a film consists of, in the words of HLS and of DASH: both over the same segments.

pub(super) mod dash;
pub(super) mod hls;
pub(super) mod sliding;
#[cfg(test)]
mod tests;

use super::sidecar::Plan;

/// When each segment begins, and the last one ends, in ticks since the film begins.
fn times(plan: &Plan) -> impl Iterator<Item = u64> {
    // What is decoded before the film begins, and not presented, takes no time.
    let starts = plan.cuts.iter().map(|cut| cut.pts).chain([plan.end]);
    starts.map(|start| u64::try_from(start).unwrap_or(0))
}

/// The same in microseconds.
pub(super) fn micros(plan: &Plan) -> Vec<u64> {
    let timescale = u128::from(plan.timescale);
    let micros = |ticks: u64| (u128::from(ticks) * 1_000_000 + timescale / 2) / timescale;
    times(plan).map(|ticks| u64::try_from(micros(ticks)).unwrap_or(u64::MAX)).collect()
}
