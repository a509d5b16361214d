//! The MQTT topics between sensors and the hub. `{id}` is the sensor's id, which its certificate names.
//!
//! | topic | who sends | QoS | payload |
//! | --- | --- | --- | --- |
//! | `sense/{id}/batch` | sensor | 1 | [`crate::observation::Batch`] |
//! | `sense/{id}/taken` | hub | 1 | JSON `{"epoch", "seq"}`: everything up to that number is in the database |
//! | `sense/{id}/glimpse` | sensor | 0 | [`crate::observation::Glimpse`], while somebody looks |
//! | `sense/{id}/health` | sensor | 0 | JSON [`crate::enrolment::Health`], every ten seconds |
//! | `sense/{id}/reported` | sensor | 1 | JSON [`crate::enrolment::Reported`] |
//! | `sense/{id}/desired` | hub | 1, retained | JSON [`crate::enrolment::Desired`] |
//! | `sense/{id}/ask` | hub | 1 | JSON [`crate::enrolment::Ask`] |
//! | `devices/{id}/events` | foreign device | 0, 1 | JSON, see `docs/sense-hub.md` |
//! | `devices/{id}/inferences` | device of AITRIOS | 0, 1 | JSON [`crate::aitrios::Report`] |

/// What a sensor tells.
pub const BATCH: &str = "batch";
/// What the hub has taken for good.
pub const TAKEN: &str = "taken";
/// What is in the picture right now.
pub const GLIMPSE: &str = "glimpse";
/// How the sensor is.
pub const HEALTH: &str = "health";
/// The twin's reported half.
pub const REPORTED: &str = "reported";
/// The twin's desired half.
pub const DESIRED: &str = "desired";
/// What the hub asks for right now.
pub const ASK: &str = "ask";

/// The sensor's topic of that kind.
pub fn of(sensor: &str, kind: &str) -> String {
    format!("sense/{sensor}/{kind}")
}

/// The sensor and the kind of a topic that [`of`] made.
pub fn parse(topic: &str) -> Option<(&str, &str)> {
    let (sensor, kind) = topic.strip_prefix("sense/")?.split_once('/')?;
    (!sensor.is_empty() && !kind.is_empty() && !kind.contains('/')).then_some((sensor, kind))
}
