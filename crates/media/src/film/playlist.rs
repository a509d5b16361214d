//! What a film consists of, in the words of HLS and of DASH: both over the same segments.

pub(super) mod dash;
pub(super) mod hls;
#[cfg(test)]
mod tests;

use super::sidecar::Plan;

/// When each segment begins, and the last one ends, in ticks since the film begins.
fn times(plan: &Plan) -> impl Iterator<Item = u64> {
    // What is decoded before the film begins, and not presented, takes no time.
    let starts = plan.cuts.iter().map(|cut| cut.pts).chain([plan.end]);
    starts.map(|start| u64::try_from(start).unwrap_or(0))
}
