//! The catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use playhouse_play::manifest::{Control, Manifest, Pointer};
use playhouse_store::Millis;
use playhouse_store::plays::Played;
use playhouse_store::titles::Settings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Json};
use crate::gate::who::Caller;
use crate::house::catalogue::{Missing, Title};
use crate::house::cover;
use crate::house::view::SizeView;
use crate::problem::{Answer, Problem};

/// Largest picture that a title's folder may hold for its cover.
const COVER_MAX: u64 = 4 << 20;

/// All titles.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Titles {
    pub(crate) titles: Vec<TitleView>,
}

/// An entry of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TitleView {
    #[schema(example = "freedoom")]
    id: String,
    #[schema(example = "Freedoom")]
    pub(crate) name: String,
    summary: String,
    genre: String,
    year: Option<u16>,
    homepage: Option<String>,
    licence: Option<String>,
    /// Where its picture is.
    #[schema(example = "/api/titles/freedoom/cover.svg")]
    cover: String,
    size: SizeView,
    /// Frames per second at most.
    rate: u32,
    seats: u8,
    /// `absolute` or `locked`.
    pointer: &'static str,
    controls: Vec<ControlView>,
    /// Files and folders of the home that hold progress.
    saves: Vec<String>,
    /// Whether it can be started here.
    available: bool,
    /// The command that installs what is missing.
    install: Option<String>,
    /// What is wrong, in a sentence.
    problem: Option<String>,
    network: Network,
    /// Whether only owners see it.
    hidden: bool,
    /// When you last started it.
    last_played: Option<Millis>,
    /// How long you have played it.
    play_seconds: i64,
}

/// Something that a player can do, with its keys and buttons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ControlView {
    #[schema(example = "Fire")]
    action: String,
    keys: Vec<String>,
    pad: Vec<String>,
}

impl From<&Control> for ControlView {
    fn from(control: &Control) -> Self {
        Self { action: control.action.clone(), keys: control.keys.clone(), pad: control.pad.clone() }
    }
}

/// Whether a game reaches the network: it has to ask, and an owner has to agree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Network {
    asked: bool,
    allowed: bool,
}

/// What an owner decides about a title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"network": true}))]
pub(crate) struct ChangeTitle {
    /// Whether the game may reach the network, where its manifest asks.
    network: Option<bool>,
    /// Whether only owners see it.
    hidden: Option<bool>,
}

/// Where a title's picture is.
pub(crate) fn cover_of(title: &Title) -> String {
    let file = if title.cover.is_some() { "cover" } else { "cover.svg" };
    format!("/api/titles/{}/{file}", title.id)
}

/// What is missing, in a sentence.
fn missing_sentence(name: &str, missing: &Missing) -> String {
    let what = &missing.what;
    match &missing.install {
        Some(install) => {
            format!("{name} needs {what}, which this machine has not got. Install it with: {install}")
        }
        None => {
            format!("{name} needs {what}, which this machine has not got; its manifest names no package.")
        }
    }
}

fn view(title: &Title, settings: Settings, played: Option<Played>) -> TitleView {
    let manifest = title.manifest.as_ref().ok();
    let name = manifest.map_or_else(|| title.id.clone(), |manifest| manifest.name.clone());
    let problem = match (&title.manifest, &title.missing) {
        (Err(sentence), _) => Some(sentence.clone()),
        (Ok(manifest), Some(missing)) => Some(missing_sentence(&manifest.name, missing)),
        (Ok(_), None) => None,
    };
    let size = manifest.map_or(playhouse_media::frame::Size::new(1280, 720), |manifest| manifest.size);
    let text = |pick: fn(&Manifest) -> &String| manifest.map(pick).cloned().unwrap_or_default();
    TitleView {
        id: title.id.clone(),
        name,
        summary: text(|manifest| &manifest.summary),
        genre: text(|manifest| &manifest.genre),
        year: manifest.and_then(|manifest| manifest.year),
        homepage: manifest.and_then(|manifest| manifest.homepage.clone()),
        licence: Some(text(|manifest| &manifest.licence)).filter(|licence| !licence.is_empty()),
        cover: cover_of(title),
        size: size.into(),
        rate: manifest.map_or(60, |manifest| manifest.rate),
        seats: manifest.map_or(1, |manifest| manifest.seats),
        pointer: match manifest.map(|manifest| manifest.pointer).unwrap_or_default() {
            Pointer::Absolute => "absolute",
            Pointer::Locked => "locked",
        },
        controls: manifest
            .map(|manifest| manifest.controls.iter().map(Into::into).collect())
            .unwrap_or_default(),
        saves: manifest.map(|manifest| manifest.saves.clone()).unwrap_or_default(),
        available: problem.is_none(),
        install: title.missing.as_ref().and_then(|missing| missing.install.clone()),
        problem,
        network: Network {
            asked: manifest.is_some_and(|manifest| manifest.network),
            allowed: manifest.is_some_and(|manifest| manifest.network) && settings.network,
        },
        hidden: settings.hidden,
        last_played: played.map(|played| played.last),
        play_seconds: played.map_or(0, |played| played.millis / 1000),
    }
}

/// Reads the catalogue off the reactor: it looks at folders.
pub(crate) async fn catalogue(
    app: &Shared,
    again: bool,
) -> Answer<Arc<std::collections::BTreeMap<String, Title>>> {
    let app = app.clone();
    let look = move || if again { app.catalogue.rescan() } else { app.catalogue.titles() };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| Problem::internal("Reading the catalogue", &error))
}

/// A title that a caller may see.
pub(crate) async fn find(app: &Shared, caller: &Caller, id: &str) -> Answer<(Title, Settings)> {
    let title = catalogue(app, false).await?.get(id).cloned();
    let settings = app.store.titles().get(id).await?;
    title
        .filter(|title| visible(title, settings, caller.is_owner()))
        .map(|title| (title, settings))
        .ok_or_else(|| {
            let id: String = id.chars().take(60).collect();
            Problem::not_found(format!(
                "There is no title `{id}` in the catalogue. Look at the list for what there is."
            ))
        })
}

fn visible(title: &Title, settings: Settings, owner: bool) -> bool {
    owner || (title.manifest.is_ok() && !settings.hidden)
}

/// The manifest of a title that can be started here.
pub(crate) fn startable(title: &Title) -> Answer<&Manifest> {
    let unavailable = |detail: String| {
        let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "unavailable-title", "The title cannot be started here", detail)
    };
    let manifest = title.manifest.as_ref().map_err(|sentence| {
        unavailable(format!("{sentence}. Correct the file; it is read again by itself."))
    })?;
    match &title.missing {
        None => Ok(manifest),
        Some(missing) => {
            let problem = unavailable(missing_sentence(&manifest.name, missing));
            Err(problem.with("install", missing.install.clone()))
        }
    }
}

/// All titles that a caller may see; `again` where the folders are to be looked at first.
pub(crate) async fn all(app: &Shared, caller: &Caller, again: bool) -> Answer<Titles> {
    let titles = catalogue(app, again).await?;
    let settings = app.store.titles().all().await?;
    let played = match caller.account() {
        Some(account) => app.store.plays().played(&account.id, now()).await?,
        None => HashMap::new(),
    };
    let owner = caller.is_owner();
    let mut list: Vec<TitleView> = titles
        .values()
        .map(|title| (title, settings.get(&title.id).copied().unwrap_or_default()))
        .filter(|(title, settings)| visible(title, *settings, owner))
        .map(|(title, settings)| view(title, settings, played.get(&title.id).copied()))
        .collect();
    list.sort_by_cached_key(|title| title.name.to_lowercase());
    Ok(Titles { titles: list })
}

/// All titles by name. Owners see hidden and broken ones too.
#[utoipa::path(get, path = "/api/titles", tag = "Titles", responses((status = 200, body = Titles)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<Titles>> {
    Ok(Body(all(&app, &caller, false).await?))
}

/// Looks at the folders of titles again. That happens by itself as well, once a second at most.
#[utoipa::path(post, path = "/api/titles/rescan", tag = "Titles", responses((status = 200, body = Titles)))]
pub(crate) async fn rescan(State(app): State<Shared>, caller: Caller) -> Answer<Body<Titles>> {
    Ok(Body(all(&app, &caller, true).await?))
}

/// One title.
#[utoipa::path(get, path = "/api/titles/{id}", tag = "Titles", params(("id" = String, Path)),
    responses((status = 200, body = TitleView), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<TitleView>> {
    let (title, settings) = find(&app, &caller, &id).await?;
    let played = app.store.plays().played(&account(&caller)?.id, now()).await?;
    Ok(Body(view(&title, settings, played.get(&id).copied())))
}

/// Decides whether a title may reach the network, and who sees it.
#[utoipa::path(patch, path = "/api/titles/{id}", tag = "Titles", params(("id" = String, Path)),
    request_body = ChangeTitle, responses((status = 200, body = TitleView), (status = 404)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeTitle>,
) -> Answer<Body<TitleView>> {
    let (title, mut settings) = find(&app, &caller, &id).await?;
    settings.network = body.network.unwrap_or(settings.network);
    settings.hidden = body.hidden.unwrap_or(settings.hidden);
    app.store.titles().set(&id, settings).await?;
    Ok(Body(view(&title, settings, None)))
}

/// A picture in a header that lets it be no more than a picture, whatever is in it.
fn picture(kind: &'static str, lasts: &'static str, bytes: Vec<u8>) -> Response {
    const PICTURE: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    let header = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let headers =
        [header(CONTENT_TYPE, kind), header(CACHE_CONTROL, lasts), header(CONTENT_SECURITY_POLICY, PICTURE)];
    (headers, bytes).into_response()
}

/// The cover drawn from a title's id: pattern, colours and initials, always the same.
#[utoipa::path(get, path = "/api/titles/{id}/cover.svg", tag = "Titles", params(("id" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml"), (status = 404)))]
pub(crate) async fn drawn_cover(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Response> {
    let titles = catalogue(&app, false).await?;
    let title =
        titles.get(&id).ok_or_else(|| Problem::not_found("There is no such title in the catalogue."))?;
    let name = title.manifest.as_ref().map_or(id.as_str(), |manifest| manifest.name.as_str());
    Ok(picture("image/svg+xml", "public, max-age=3600", cover::draw(&id, name).into_bytes()))
}

/// The title's own cover, a file in its folder, or the drawn one.
#[utoipa::path(get, path = "/api/titles/{id}/cover", tag = "Titles", params(("id" = String, Path)),
    responses((status = 200, content_type = "image/*"), (status = 404)))]
pub(crate) async fn own_cover(state: State<Shared>, id: Id<String>) -> Answer<Response> {
    let titles = catalogue(&state.0, false).await?;
    let Some(file) = titles.get(&id.0).and_then(|title| title.cover.clone()) else {
        return drawn_cover(state, id).await;
    };
    let kind = match file.extension().and_then(|extension| extension.to_str()) {
        Some("webp") => "image/webp",
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        _ => "image/svg+xml",
    };
    let size = tokio::fs::metadata(&file).await.map(|state| state.len());
    match (size, tokio::fs::read(&file)) {
        (Ok(size), read) if size <= COVER_MAX => {
            let bytes = read.await.map_err(|error| Problem::internal("Reading a cover", &error))?;
            Ok(picture(kind, "public, max-age=300", bytes))
        }
        _ => drawn_cover(state, id).await,
    }
}
