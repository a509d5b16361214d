//! What a sensor is to do.

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use playhouse_sense::enrolment::Desired;
use playhouse_sense::settings::Settings;
use playhouse_store::sensors::Sensor;
use serde_json::Value;

use crate::api::sensors::no_sensor;
use crate::app::Shared;
use crate::extract::{Id, Json};
use crate::house::sensors::doors::capital;
use crate::house::sensors::twin::{desired, patched};
use crate::problem::{Answer, Problem};

/// How often a change is tried again that others' changes overtake.
const TRIES: usize = 5;

/// A change of settings (RFC 7396): what it names is changed, what it names as null is as with a new sensor, and lists are
/// taken as a whole.
#[derive(Debug, utoipa::ToSchema)]
#[schema(example = json!({"lines": [{"id": 1, "name": "Door", "from": {"x": 0.5, "y": 0.1}, "to": {"x": 0.5, "y": 0.9}}]}))]
#[expect(dead_code, reason = "describes what any JSON may be")]
pub(crate) struct SettingsPatch {
    lines: Vec<Value>,
    zones: Vec<Value>,
    low: f32,
    high: f32,
    rate: f32,
    gate: bool,
    /// Of devices of AITRIOS: `{"width": 300, "height": 300}`, the input of their network in pixels, 2 to 8192 each.
    input_size: Value,
    /// Whether the sensor may send crops of what it is unsure of to the larger model of the house. Only agents that were
    /// built for that can; others refuse.
    crops: bool,
}

/// What a sensor is to do.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "describes `Desired`, which knows nothing of OpenAPI")]
pub(crate) struct DesiredView {
    version: u64,
    settings: Value,
}

/// A model or an app that it did not have before has to be here, where it fetches it.
async fn known(app: &Shared, sensor: &Sensor, settings: &Settings) -> Answer<()> {
    let before = desired(sensor).settings;
    let model = settings.model.iter().filter(|_| settings.model != before.model);
    let model = model.map(|model| (&model.name, &model.hash));
    let apps =
        settings.apps.iter().filter(|app| !before.apps.contains(app)).map(|app| (&app.name, &app.hash));
    for (name, hash) in model.chain(apps) {
        if app.store.sensor_files().get(hash).await?.is_none() {
            let detail =
                format!("“{name}” is not among the models and apps of this house; bring it here first.");
            return Err(Problem::invalid("settings", detail));
        }
    }
    Ok(())
}

/// Changes what a sensor is to do. With `If-Match` and a version, only where that is still the newest. The sensor hears it at
/// once, or when it comes, and reports which version it follows.
#[utoipa::path(patch, path = "/api/sensors/{id}/desired", tag = "Sensors",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = SettingsPatch,
    responses((status = 200, body = DesiredView), (status = 404),
              (status = 412, description = "Somebody else has changed it."), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(id): Id<String>,
    headers: HeaderMap,
    Json(patch): Json<Value>,
) -> Answer<Body<Desired>> {
    let wanted =
        headers.get(IF_MATCH).and_then(|value| value.to_str().ok()).map(|value| value.trim_matches('"'));
    let wanted = wanted.filter(|value| *value != "*");
    for _ in 0..TRIES {
        let sensor = app.store.sensors().get(&id).await?.ok_or_else(no_sensor)?;
        if wanted.is_some_and(|wanted| wanted != sensor.version.to_string()) {
            let detail = format!(
                "Somebody else has changed what this sensor is to do: it is version {} now. Look at it, and change it \
                 again.",
                sensor.version
            );
            let problem =
                Problem::new(StatusCode::PRECONDITION_FAILED, "changed", "It has changed meanwhile", detail);
            return Err(problem.with("version", sensor.version));
        }
        let settings = patched(&sensor.settings, patch.clone())
            .map_err(|unfit| Problem::invalid("settings", format!("{}.", capital(&unfit.to_string()))))?;
        known(&app, &sensor, &settings).await?;
        let text = serde_json::to_string(&settings)
            .map_err(|error| Problem::internal("Writing the settings down", &error))?;
        if let Some(sensor) = app.store.sensors().settle(&id, sensor.version, &text).await? {
            app.sensors.follow(&sensor);
            return Ok(Body(desired(&sensor)));
        }
    }
    Err(Problem::busy("Others change this sensor all the time; try again in a moment."))
}
