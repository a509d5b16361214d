//! The guide: what is on which channel, and what channels made of the library are to play.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::schedules::Schedule;
use playhouse_store::{Millis, id};
use playhouse_watch::schedule::{Block, Definition, Rotation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::clock::{DAY, HOUR, now};
use crate::extract::{self, Id, Json, Params};
use crate::gate::who::Caller;
use crate::house::guide::what::{self, Entry};
use crate::problem::{Answer, Problem};

/// The longest span that is answered at once.
const LONGEST: Millis = 8 * DAY;

/// What is answered where nothing is asked for: an evening.
const USUAL: Millis = 6 * HOUR;

/// Channels of a house: a list of others has up to two thousand.
pub(crate) const MOST_CHANNELS: usize = 4000;

/// The window of a channel that is new.
const WINDOW_SECONDS: u32 = 7200;

/// Which part of the guide.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// From when on; now where nothing is said.
    from: Option<Millis>,
    /// Up to when, eight days later at most; six hours later where nothing is said.
    to: Option<Millis>,
}

/// A programme.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgrammeView {
    start_ms: Millis,
    stop_ms: Millis,
    #[schema(example = "The General")]
    title: String,
    subtitle: Option<String>,
    description: Option<String>,
    category: Option<String>,
    season: Option<u32>,
    episode: Option<u32>,
    /// The film that it is, which can be watched from its start.
    film: Option<String>,
    /// Whether it is what comes between programmes.
    filler: bool,
}

impl From<Entry> for ProgrammeView {
    fn from(entry: Entry) -> Self {
        Self {
            start_ms: entry.start,
            stop_ms: entry.stop,
            title: entry.title,
            subtitle: entry.subtitle,
            description: entry.description,
            category: entry.category,
            season: entry.season,
            episode: entry.episode,
            film: entry.film,
            filler: entry.filler,
        }
    }
}

/// A channel in the guide.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuideChannel {
    id: String,
    #[schema(example = "House of Silents")]
    name: String,
    number: Option<u32>,
    category: Option<String>,
    /// The address of a logo.
    logo: Option<String>,
    /// `schedule`, `push`, `pull` or `external`.
    #[schema(example = "schedule")]
    kind: &'static str,
    /// Whether it can be tuned in to now.
    on: bool,
    /// The HLS playlist, while it is on.
    #[schema(example = "/api/channels/abc/on/master.m3u8")]
    hls: Option<String>,
    /// Where a channel of others plays, for players that fetch it themselves.
    elsewhere: Option<String>,
    programmes: Vec<ProgrammeView>,
}

/// The guide.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuideView {
    now_ms: Millis,
    from_ms: Millis,
    to_ms: Millis,
    channels: Vec<GuideChannel>,
}

/// What a channel is to play. A rotation is `films` (ids), `shows` (names) or `everything`, with an `order`: `shuffle` or
/// `in_order`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "zone": "Europe/Berlin",
    "always": {"everything": true, "order": "shuffle"},
    "blocks": [{"name": "Late show", "days": ["friday", "saturday"], "from": "22:00", "to": "02:00",
                "what": {"shows": ["Dark Rooms"], "order": "in_order"}}],
    "filler": {"films": ["abc"]}
}))]
pub(crate) struct ScheduleBody {
    /// The time zone of its hours, as IANA names it.
    zone: String,
    /// From which shuffled orders are drawn.
    #[serde(default)]
    seed: u64,
    /// The rotation that plays while no block does.
    #[serde(default)]
    #[schema(value_type = Object)]
    always: Rotation,
    /// Hours with something of their own: `name`, `days`, `from` and `to` as `20:15`, and `what`, a rotation. Of two that
    /// overlap the first counts; one that ends before it begins ends on the next day.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    blocks: Vec<Block>,
    /// The rotation that comes where no film fits: best short.
    #[serde(default)]
    #[schema(value_type = Object)]
    filler: Rotation,
}

/// A channel that is made of the library.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "House of Silents", "number": 7, "category": "Films",
    "schedule": {"zone": "Europe/Berlin", "always": {"everything": true}}}))]
pub(crate) struct NewGuideChannel {
    name: String,
    /// Where it stands in the guide.
    number: Option<u32>,
    /// The heading it stands under.
    category: Option<String>,
    schedule: ScheduleBody,
}

/// A channel that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeChannel {
    id: String,
    name: String,
    /// The HLS playlist.
    hls: String,
}

/// What a schedule would play.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    now_ms: Millis,
    programmes: Vec<ProgrammeView>,
}

/// There is no such channel.
pub(crate) fn no_channel() -> Problem {
    Problem::not_found("There is no such channel (any more). The guide has those that there are.")
}

/// How a kind of channel is called in the API.
pub(crate) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Push => "push",
        Kind::Pull => "pull",
        Kind::Schedule => "schedule",
        Kind::External => "external",
    }
}

/// Where a channel is played from, while there is something on it.
pub(crate) fn hls(app: &Shared, channel: &Channel) -> Option<String> {
    let at = |folder: &str| format!("/api/channels/{}/{folder}/master.m3u8", channel.id);
    match channel.kind {
        Kind::Schedule => Some(at("on")),
        // Our pages may fetch from this house alone, which passes on what is elsewhere.
        Kind::External => channel.source.as_ref().map(|_| at("relay")),
        Kind::Push | Kind::Pull => app.hub.stream(&channel.id).map(|_| at("live")),
    }
}

/// The span that was asked for, within bounds.
pub(crate) fn span(from: Option<Millis>, to: Option<Millis>) -> Answer<(Millis, Millis)> {
    let from = from.unwrap_or_else(now);
    let to = to.unwrap_or_else(|| from.saturating_add(USUAL));
    let near = (from - now()).abs() <= 366 * DAY;
    if from >= to || to - from > LONGEST || !near {
        let detail =
            "Ask for a span of at most eight days, within a year of now, that begins before it ends.";
        return Err(Problem::invalid("from", detail));
    }
    Ok((from, to))
}

/// What is on which channel: of those made of the library it is known for as long as somebody asks.
#[utoipa::path(get, path = "/api/guide", tag = "Guide", params(Span), responses((status = 200, body = GuideView)))]
pub(crate) async fn get(State(app): State<Shared>, Params(asked): Params<Span>) -> Answer<Body<GuideView>> {
    let (from, to) = span(asked.from, asked.to)?;
    let mut channels = app.store.channels().all().await?;
    channels.truncate(MOST_CHANNELS);
    let mut on = what::on(&app, &channels, from, to).await?;
    let view = |channel: &Channel| {
        let hls = hls(&app, channel);
        GuideChannel {
            id: channel.id.clone(),
            name: channel.name.clone(),
            number: channel.number,
            category: channel.category.clone(),
            logo: channel.logo.clone(),
            kind: word(channel.kind),
            on: hls.is_some(),
            hls,
            elsewhere: channel.source.clone().filter(|_| channel.kind == Kind::External),
            programmes: on.remove(&channel.id).unwrap_or_default().into_iter().map(Into::into).collect(),
        }
    };
    Ok(Body(GuideView {
        now_ms: now(),
        from_ms: from,
        to_ms: to,
        channels: channels.iter().map(view).collect(),
    }))
}

fn checked(body: ScheduleBody) -> Answer<Definition> {
    let ScheduleBody { zone, seed, always, blocks, filler } = body;
    let definition = Definition { zone, seed, always, blocks, filler };
    definition.check().map_err(|wrong| Problem::invalid("schedule", wrong.to_string()))?;
    Ok(definition)
}

async fn keep(app: &Shared, channel: &str, definition: &Definition) -> Answer<()> {
    let text = serde_json::to_string(definition)
        .map_err(|error| Problem::internal("Writing the schedule of a channel", &error))?;
    let schedule = Schedule { channel: channel.to_owned(), definition: text, changed: now() };
    app.store.schedules().put(&schedule).await?;
    app.guide.follow(app).await
}

/// Makes a channel of the library, which is on at once.
#[utoipa::path(post, path = "/api/guide/channels", tag = "Guide", request_body = NewGuideChannel,
    responses((status = 201, body = MadeChannel), (status = 409, description = "The number is taken."), (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewGuideChannel>,
) -> Answer<Response> {
    let name = extract::name(&body.name)?.to_owned();
    let category = body.category.as_deref().map(extract::name).transpose()?.map(ToOwned::to_owned);
    let definition = checked(body.schedule)?;
    let channels = app.store.channels().all().await?;
    if channels.len() >= MOST_CHANNELS {
        return Err(Problem::conflict(format!(
            "A house has at most {MOST_CHANNELS} channels; delete some first."
        )));
    }
    if body.number.is_some() && channels.iter().any(|channel| channel.number == body.number) {
        return Err(Problem::conflict("Another channel has that number; choose one that is free.")
            .with("field", "number"));
    }
    let channel = Channel {
        id: id::fresh(),
        owner: account(&caller)?.id.clone(),
        name,
        kind: Kind::Schedule,
        source: None,
        number: body.number,
        category,
        logo: None,
        guide_id: None,
        replace_publisher: false,
        ladder: false,
        window_seconds: WINDOW_SECONDS,
        created: now(),
    };
    app.store.channels().put(&channel).await?;
    keep(&app, &channel.id, &definition).await?;
    let hls = format!("/api/channels/{}/on/master.m3u8", channel.id);
    let made = MadeChannel { hls, id: channel.id, name: channel.name };
    let place = format!("/api/channels/{}/schedule", made.id);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Body(made)).into_response())
}

/// A channel that is made of the library.
pub(crate) async fn scheduled(app: &Shared, id: &str) -> Answer<Channel> {
    let channel = app.store.channels().get(id).await?.ok_or_else(no_channel)?;
    if channel.kind == Kind::Schedule {
        return Ok(channel);
    }
    Err(Problem::conflict("This channel is not made of the library, so that it has no schedule."))
}

/// What a channel is to play.
#[utoipa::path(get, path = "/api/channels/{id}/schedule", tag = "Guide", params(("id" = String, Path)),
    responses((status = 200, body = ScheduleBody), (status = 404)))]
pub(crate) async fn schedule(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Response> {
    scheduled(&app, &id).await?;
    let schedule = app.store.schedules().get(&id).await?;
    let schedule =
        schedule.ok_or_else(|| Problem::not_found("Nobody has said yet what this channel plays."))?;
    Ok(([(axum::http::header::CONTENT_TYPE, "application/json")], schedule.definition).into_response())
}

/// Changes what a channel plays. What is on now is shown to its end first.
#[utoipa::path(put, path = "/api/channels/{id}/schedule", tag = "Guide", params(("id" = String, Path)),
    request_body = ScheduleBody, responses((status = 204), (status = 404), (status = 422)))]
pub(crate) async fn set_schedule(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Json(body): Json<ScheduleBody>,
) -> Answer<StatusCode> {
    scheduled(&app, &id).await?;
    keep(&app, &id, &checked(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a schedule would play during the coming day, were it kept now.
#[utoipa::path(post, path = "/api/guide/preview", tag = "Guide", request_body = ScheduleBody,
    responses((status = 200, body = Preview), (status = 422)))]
pub(crate) async fn preview(
    State(app): State<Shared>,
    Json(body): Json<ScheduleBody>,
) -> Answer<Body<Preview>> {
    let timetable = app.guide.preview(&app, checked(body)?).await?;
    let now = now();
    let entries = what::of_timetable(&timetable, &what::titles(&app).await?, now, now + DAY);
    Ok(Body(Preview { now_ms: now, programmes: entries.into_iter().map(Into::into).collect() }))
}
