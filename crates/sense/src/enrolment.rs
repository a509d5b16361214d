//! What sensor and hub say to each other in JSON: enrolment, the twin's two halves, health, and what the hub asks for.

use serde::{Deserialize, Serialize};

use crate::cascade::Counters;
use crate::observation::TrackId;
use crate::settings::Settings;

/// The name in the hub's own certificate. Sensors check it, and the authority's signature, whatever address they dialled:
/// a hub's addresses change, what it is does not.
pub const HUB_NAME: &str = "hub.playhouse.internal";

/// Where an enrolled sensor asks for its next certificate, by HTTPS with the present one: `POST` of [`Renew`], answered
/// with [`Enrolled`]. Refused with 403 where the sensor was thrown out.
pub const RENEW: &str = "/renew";

/// Where an enrolled sensor fetches the bytes of a model, by HTTPS with its certificate: `GET` of this and the hash.
pub const MODELS: &str = "/models/";

/// Where an enrolled sensor fetches the bytes of an app: as with models.
pub const APPS: &str = "/apps/";

/// Where a sensor that may asks what a track is, by HTTPS with its certificate: `POST` of a mosaic of crops
/// (`image/jpeg`), with `track` (its number) and `label` (what the sensor takes it for) as parameters; answered with
/// [`Verdict`]. Refused with 403 where the owner has not allowed crops, with 422 where the house's model cannot say, and
/// with 429 or 503 and `Retry-After` where there is too much to do.
pub const ASK: &str = "/ask";

/// What the house's larger model says of a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Of which.
    pub track: TrackId,
    /// What it is, by name; `None`: nothing at all.
    pub label: Option<String>,
}

/// What a sensor sends to be enrolled: `POST /api/sensors/enrol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrol {
    /// The one-time code that an owner was shown.
    pub code: String,
    /// A certificate request (PKCS #10, PEM) for a key that never leaves the sensor.
    pub request: String,
}

/// What an enrolled sensor sends to go on being one: `POST` to [`RENEW`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// A certificate request (PKCS #10, PEM); the key may be a new one.
    pub request: String,
}

/// What it is given; also the answer to a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id: the certificate's common name.
    pub sensor: String,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The hub's authority, PEM: what the sensor trusts from now on.
    pub authority: String,
    /// Where MQTT over TLS is spoken, `host:port`. The host may be empty: the one that was enrolled at.
    pub mqtt: String,
    /// Where HTTPS with the certificate is spoken, `host:port`. The host may be empty, as above.
    pub https: String,
    /// When the certificate ends: seconds since 1970. Renewed after two thirds of its time.
    pub expires: u64,
}

/// The twin's desired half.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Goes up by one with every change.
    pub version: u64,
    /// What the sensor is told to do.
    pub settings: Settings,
}

/// The twin's reported half.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// The version of [`Desired`] that it follows, or refused.
    pub version: u64,
    /// Why it cannot follow that version; what it did before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The agent's version.
    pub agent: String,
    /// What the pictures come from: `virtual`, `v4l2`, `rtsp`, `file`, `pictures`.
    pub input: String,
    /// Width and height of the pictures, in pixels.
    pub size: (u32, u32),
    /// Name and hash of the model that looks.
    pub model: Option<crate::settings::ModelRef>,
    /// What the model's labels are called.
    pub labels: Vec<String>,
    /// Whether the agent was built so that it can send pictures.
    pub pictures: bool,
    /// Whether it asks the house's larger model about crops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crops: bool,
    /// Its apps, and how they are. Nothing is told where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppReport>,
}

/// How an app of a sensor is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppReport {
    /// Its name in the settings.
    pub name: String,
    /// Its bytes' hash.
    pub hash: String,
    /// Whether it runs.
    pub state: AppState,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Whether an app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// It could not be fetched yet.
    Waiting,
    /// It is told observations.
    Running,
    /// It was refused or stopped, and stays so until the settings have another one.
    Stopped,
}

/// How a sensor is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Pictures looked at in the last second.
    pub fps: f32,
    /// Pictures that came while the one before was still looked at, since the start.
    pub dropped: u64,
    /// Of the pictures looked at, those at which the detector was spared because nothing moved.
    pub gated: u64,
    /// Processor time a picture, in milliseconds.
    pub cpu_ms: f32,
    /// Hottest part of the device, in degrees Celsius, where it has such a sensor.
    pub temperature: Option<f32>,
    /// Bytes that wait in the outbox.
    pub backlog: u64,
    /// Events thrown away because the outbox was full, since the start.
    pub lost: u64,
    /// Why there are no pictures.
    pub camera: Option<String>,
    /// What became of questions to the larger model since they were allowed, or another model looks; `None`: none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crops: Option<Counters>,
}

/// What the hub asks for right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Ask {
    /// Somebody looks: glimpses are sent for so many seconds (60 at most), unless asked again.
    Glimpses {
        /// How long.
        seconds: u32,
    },
    /// The authority will not renew the certificate: the sensor was revoked or removed.
    Leave,
}
