//! Cameras that understand: what looking costs and how good it is, how few bytes say it, how soon it is on a page, a fleet
//! of ten thousand, and what is left after chaos.

mod agent;
mod chaos;
mod dashboard;
mod fleet;
#[cfg(feature = "pictures")]
mod hybrid;
mod looking;
mod wire;

use anyhow::Result;
use clap::ValueEnum;
use playhouse_testkit::machine::Watch;
use serde_json::{Value, json};

use crate::progress::say;

/// One part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Processor time a picture, precision, and ids that were mixed up
    Looking,
    /// Bytes on the wire, and lines counted
    Wire,
    /// From a picture to its boxes on a page
    Dashboard,
    /// Many devices against one server
    Fleet,
    /// Nothing lost and nothing twice while everything breaks
    Chaos,
}

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How long a scene is watched for its bytes and counts.
    pub(crate) minutes: u32,
    /// Simulated devices.
    pub(crate) devices: usize,
    /// How long everything breaks.
    pub(crate) chaos_minutes: u32,
    /// What of it; all where nothing is named.
    pub(crate) only: Vec<Part>,
}

impl Plan {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Measures it. What is not measured is null.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let watch = Watch::begin();
    let mut figures = json!({
        "case": "sense",
        "bytes_ratio_to_video": null, "count_error_percent": null, "wire": null,
        "map": null, "id_switches": null, "looking": null,
        "cpu_ms_per_frame": null, "fps": null,
        "glass_to_dashboard_ms": null, "dashboard": null,
        "fleet": null, "chaos": null,
    });
    if plan.has(Part::Looking) {
        say("What looking costs, and how good it is");
        looking::measure(plan.seed, &mut figures)?;
    }
    if plan.has(Part::Dashboard) {
        say("From a picture to its boxes on a page");
        dashboard::measure(plan.seed, &mut figures)?;
    }
    if plan.has(Part::Fleet) {
        say("Many devices against one server");
        figures["fleet"] = fleet::measure(plan.devices)?;
    }
    if plan.has(Part::Chaos) {
        say("Nothing lost and nothing twice while everything breaks");
        figures["chaos"] = chaos::measure(plan.seed, plan.chaos_minutes)?;
    }
    if plan.has(Part::Wire) {
        say("Bytes on the wire, and lines counted");
        wire::measure(plan.seed, plan.minutes, &mut figures)?;
    }
    figures["machine"] = json!(watch.end());
    Ok(figures)
}
