//! What an app is told: an observation as the API has it, with the names of what it is about.

use playhouse_sense::observation::What;
use playhouse_sense::settings::Settings;
use serde::Serialize;

/// What lines, zones and labels are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    lines: Vec<(u16, String)>,
    zones: Vec<(u16, String)>,
    labels: Vec<String>,
}

impl Names {
    /// Those of settings, and of the model that looks.
    pub fn of(settings: &Settings, labels: Vec<String>) -> Self {
        let lines = settings.lines.iter().map(|line| (line.id, line.name.clone())).collect();
        let zones = settings.zones.iter().map(|zone| (zone.id, zone.name.clone())).collect();
        Self { lines, zones, labels }
    }
}

fn called(names: &[(u16, String)], id: u16) -> Option<&str> {
    names.iter().find(|(known, _)| *known == id).map(|(_, name)| name.as_str())
}

/// An observation for apps. As JSON it has `at`, `kind` and `what` as in the API's events, and `line_name`, `zone_name` and
/// `label_name` where there is one.
#[derive(Debug, PartialEq, Serialize)]
pub struct Told<'a> {
    at: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_name: Option<&'a str>,
    what: &'a What,
}

impl<'a> Told<'a> {
    /// Of what happened at `at` milliseconds since 1970. Apps are not told what apps say.
    pub fn of(at: u64, what: &'a What, names: &'a Names) -> Option<Self> {
        let (line, zone, label) = match what {
            What::App { .. } => return None,
            What::Appeared { label, .. } => (None, None, Some(*label)),
            What::Crossed { line, label, .. } => (Some(*line), None, Some(*label)),
            What::Entered { zone, label, .. } => (None, Some(*zone), Some(*label)),
            What::Exited { zone, .. } | What::Dwelt { zone, .. } | What::Occupancy { zone, .. } => {
                (None, Some(*zone), None)
            }
            What::Corrected { label, .. } => (None, None, *label),
            What::Left { .. } | What::Heat { .. } | What::Lost { .. } | What::Camera { .. } => {
                (None, None, None)
            }
        };
        Some(Self {
            at,
            kind: what.kind(),
            line_name: line.and_then(|line| called(&names.lines, line)),
            zone_name: zone.and_then(|zone| called(&names.zones, zone)),
            label_name: label.and_then(|label| names.labels.get(usize::from(label))).map(String::as_str),
            what,
        })
    }

    /// As bytes: JSON in UTF-8.
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it can fail to be written: its keys are words and its numbers finite or `null`.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
