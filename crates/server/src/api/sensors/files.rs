//! Models and apps for sensors.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use playhouse_store::Millis;
use playhouse_store::sensor_files::{Kind, SensorFile};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json, Params};
use crate::house::sensors::doors::capital;
use crate::house::sensors::files::{MOST, Unkept};
use crate::house::sensors::twin::desired;
use crate::problem::{Answer, Problem};

/// Longest card, as JSON: a model may have a thousand labels.
const LONGEST_CARD: usize = 32 << 10;

/// What such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModelKind {
    /// A neural network (ONNX).
    Model,
    /// A sensing app (WebAssembly).
    App,
}

impl From<ModelKind> for Kind {
    fn from(word: ModelKind) -> Self {
        match word {
            ModelKind::Model => Self::Model,
            ModelKind::App => Self::App,
        }
    }
}

impl From<Kind> for ModelKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Model => Self::Model,
            Kind::App => Self::App,
        }
    }
}

/// A model or an app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// BLAKE3 of its bytes.
    hash: String,
    kind: ModelKind,
    #[schema(example = "People, small")]
    name: String,
    bytes: i64,
    created: Millis,
    /// Labels, input, thresholds, licence, and what it was measured with.
    #[schema(value_type = Object)]
    card: Value,
    /// How many sensors are to use it.
    sensors: usize,
}

/// Models and apps, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    models: Vec<ModelView>,
}

/// What a new file is.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewModel {
    /// What people call it.
    name: String,
    /// `model` (which it is where nothing is said) or `app`.
    kind: Option<ModelKind>,
}

/// What to change of a model or an app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"card": {"labels": ["person"], "input": [320, 240], "licence": "Apache-2.0"}}))]
pub(crate) struct ChangeModel {
    name: Option<String>,
    /// Labels, input, thresholds, licence, and what it was measured with.
    #[schema(value_type = Option<Object>)]
    card: Option<Value>,
}

fn none() -> Problem {
    Problem::not_found("There is no such model or app (any more).")
}

fn unkept(unkept: &Unkept) -> Problem {
    let detail = format!("{}.", capital(&unkept.to_string()));
    match unkept {
        Unkept::Long(_) => Problem::too_large(detail),
        Unkept::Disk(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            playhouse_store::StoreError::Full.into()
        }
        Unkept::Disk(error) => Problem::internal("Keeping a model", error),
        Unkept::NoModel | Unkept::NoApp => Problem::invalid("body", detail),
    }
}

/// How many sensors are to use each hash.
fn used(app: &Shared) -> HashMap<String, usize> {
    let mut used = HashMap::new();
    for member in app.sensors.fleet.all() {
        let settings = desired(&member.now().row).settings;
        let hashes = settings.model.into_iter().map(|model| model.hash);
        for hash in hashes.chain(settings.apps.into_iter().map(|app| app.hash)) {
            *used.entry(hash).or_default() += 1;
        }
    }
    used
}

fn view(file: SensorFile, used: &HashMap<String, usize>) -> ModelView {
    ModelView {
        sensors: used.get(&file.hash).copied().unwrap_or_default(),
        kind: file.kind.into(),
        card: serde_json::from_str(&file.card).unwrap_or_default(),
        hash: file.hash,
        name: file.name,
        bytes: file.bytes,
        created: file.created,
    }
}

/// Models and apps for sensors, newest first.
#[utoipa::path(get, path = "/api/models", tag = "Sensors", responses((status = 200, body = ModelList)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<ModelList>> {
    let used = used(&app);
    let files = app.store.sensor_files().all().await?;
    Ok(Body(ModelList { models: files.into_iter().map(|file| view(file, &used)).collect() }))
}

/// Brings a model (ONNX, 64 MiB at most) or an app (WebAssembly, 4 MiB at most). What is here already keeps its card.
#[utoipa::path(post, path = "/api/models", tag = "Sensors", params(NewModel),
    request_body(content = String, content_type = "application/octet-stream", description = "Its bytes."),
    responses((status = 201, body = ModelView), (status = 409), (status = 413), (status = 415), (status = 422),
              (status = 507)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Params(new): Params<NewModel>,
    request: Request,
) -> Answer<(StatusCode, Body<ModelView>)> {
    const BYTES: &str = "application/octet-stream";
    if extract::media_type(request.headers()) != BYTES {
        return Err(Problem::wrong_type(BYTES));
    }
    let name = extract::name(&new.name)?.to_owned();
    if app.store.sensor_files().all().await?.len() >= MOST {
        let detail =
            format!("There are {MOST} models and apps, which is as many as there can be. Remove one first.");
        return Err(Problem::conflict(detail));
    }
    let kind = new.kind.unwrap_or(ModelKind::Model).into();
    let mut arriving = app.sensors.files.begin(kind).map_err(|error| unkept(&error))?;
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.or(Err(Problem::invalid("body", "The file broke off; send it again.")))?;
        arriving.take(&chunk).map_err(|error| unkept(&error))?;
    }
    let at = app.clone();
    let kept = tokio::task::spawn_blocking(move || at.sensors.files.keep(arriving)).await;
    let kept = kept.map_err(|error| Problem::internal("Keeping a model", &error))?;
    let (hash, bytes) = kept.map_err(|error| unkept(&error))?;
    let known = app.store.sensor_files().get(&hash).await?;
    let card = known.as_ref().map_or_else(|| "{}".to_owned(), |known| known.card.clone());
    let created = known.map_or_else(now, |known| known.created);
    let file =
        SensorFile { hash, kind, name, bytes: i64::try_from(bytes).unwrap_or(i64::MAX), card, created };
    app.store.sensor_files().put(&file).await?;
    Ok((StatusCode::CREATED, Body(view(file, &used(&app)))))
}

/// Names a model or an app, or says more of it.
#[utoipa::path(patch, path = "/api/models/{hash}", tag = "Sensors", params(("hash" = String, Path)),
    request_body = ChangeModel, responses((status = 200, body = ModelView), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(hash): Id<String>,
    Json(body): Json<ChangeModel>,
) -> Answer<Body<ModelView>> {
    let mut file = app.store.sensor_files().get(&hash).await?.ok_or_else(none)?;
    if let Some(name) = &body.name {
        extract::name(name)?.clone_into(&mut file.name);
    }
    if let Some(card) = body.card {
        let text = card.to_string();
        if !card.is_object() || text.len() > LONGEST_CARD {
            let detail = format!("A card is an object of at most {} KiB.", LONGEST_CARD >> 10);
            return Err(Problem::invalid("card", detail));
        }
        file.card = text;
    }
    app.store.sensor_files().put(&file).await?;
    Ok(Body(view(file, &used(&app))))
}

/// Removes a model or an app that no sensor is to use.
#[utoipa::path(delete, path = "/api/models/{hash}", tag = "Sensors", params(("hash" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "A sensor is to use it.")))]
pub(crate) async fn remove(State(app): State<Shared>, Id(hash): Id<String>) -> Answer<StatusCode> {
    if let Some(sensors) = used(&app).get(&hash) {
        let detail = format!("{sensors} sensors are to use it: give them another one first.");
        return Err(Problem::conflict(detail));
    }
    if !app.store.sensor_files().delete(&hash).await? {
        return Err(none());
    }
    app.sensors.files.remove(&hash);
    Ok(StatusCode::NO_CONTENT)
}
