//! Channels: what there is, what is on, and what whoever made one does about it.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use playhouse_media::live::Format;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::{Millis, id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::guide::hls;
use crate::api::me::account;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::gate::who::Caller;
use crate::house::air::{WINDOW_SECONDS, length, no_channel};
use crate::house::cover;
use crate::house::sessions::Change;
use crate::house::stage::to_its_end;
use crate::problem::{Answer, Problem};

/// Channels that one account can make.
const MOST: usize = 32;
/// How far back one can go: a minute to a day.
const WINDOWS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// All channels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelList {
    channels: Vec<ChannelView>,
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    id: String,
    #[schema(example = "Ada's workshop")]
    name: String,
    /// `push` (published by key), `pull`, `schedule` or `external`.
    #[schema(example = "push")]
    kind: &'static str,
    /// Where it stands in the guide.
    number: Option<u32>,
    category: Option<String>,
    logo: Option<String>,
    /// Where its picture is.
    #[schema(example = "/api/channels/abc/cover.svg")]
    cover: String,
    /// Whether something is on: somebody publishes at the moment, or it is made of films. Of others' channels nobody knows.
    live: bool,
    /// How it comes in, such as `RTMP`.
    protocol: Option<String>,
    /// Since when.
    since_ms: Option<Millis>,
    /// From when on it can be watched, where anything is recorded.
    from_ms: Option<Millis>,
    /// Until when; the edge, while it is live.
    until_ms: Option<Millis>,
    width: Option<u32>,
    height: Option<u32>,
    /// How far back one can go.
    window_seconds: u32,
    /// Whether a second publisher takes over instead of being refused.
    replace_publisher: bool,
    /// Whether lower qualities are made while it is live and there is capacity.
    ladder: bool,
    /// The lower qualities that there are at the moment, the best first.
    #[schema(example = json!(["480p", "360p"]))]
    renditions: Vec<String>,
    /// Why there are none though they are wanted, for those who may change the channel.
    ladder_reason: Option<String>,
    /// Whether you may change it.
    yours: bool,
    /// The HLS playlist, of low latency where players know that.
    #[schema(example = "/api/channels/abc/live/master.m3u8")]
    hls: String,
    /// The DASH manifest, of channels that are published here.
    #[schema(example = "/api/channels/abc/live/manifest.mpd")]
    dash: Option<String>,
    /// What arrives from the publisher, for those who may change the channel.
    health: Option<HealthView>,
}

/// What arrives from a publisher.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// Bits per second over the last seconds.
    bitrate: f64,
    /// Pictures per second over the last seconds.
    rate: f64,
    /// Seconds between the last two keyframes.
    keyframe_interval_s: Option<f64>,
    /// How long nothing has come.
    silent_ms: u64,
    /// Bytes so far.
    bytes: u64,
    /// The tracks, such as `avc1.640028 1280x720`, `mp4a.40.2 48000 Hz`.
    tracks: Vec<String>,
}

/// A new channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada's workshop"}))]
pub(crate) struct NewChannel {
    name: String,
    /// How far back one can go, 60 to 86400; two hours if nothing is said.
    window_seconds: Option<u32>,
    /// Whether a second publisher takes over instead of being refused.
    #[serde(default)]
    replace_publisher: bool,
    /// Whether lower qualities are made while it is live and there is capacity.
    #[serde(default)]
    ladder: bool,
}

/// What to change in a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"replace_publisher": true}))]
pub(crate) struct ChangeChannel {
    name: Option<String>,
    window_seconds: Option<u32>,
    replace_publisher: Option<bool>,
    ladder: Option<bool>,
}

/// Whether somebody may change a channel: who made it, and owners.
fn manages(caller: &Caller, channel: &Channel) -> bool {
    caller.is_owner() || caller.account().is_some_and(|account| account.id == channel.owner)
}

/// A channel that the caller may change.
pub(crate) async fn managed(app: &Shared, caller: &Caller, id: &str) -> Answer<Channel> {
    let channel = app.store.channels().get(id).await?.ok_or_else(no_channel)?;
    if manages(caller, &channel) {
        Ok(channel)
    } else {
        Err(Problem::not_allowed("Only whoever made this channel may do that, or an owner of this place."))
    }
}

fn millis(micros: u64) -> Millis {
    Millis::try_from(micros / 1000).unwrap_or(Millis::MAX)
}

fn described(format: &Format) -> String {
    let codec = playhouse_media::live::Track::new(format).map_or_else(|| "?".to_owned(), |track| track.codec);
    match format {
        Format::Video { size, .. } => format!("{codec} {}x{}", size.width, size.height),
        Format::Audio { sample_rate, channels, .. } => format!("{codec} {sample_rate} Hz, {channels}"),
    }
}

fn view(app: &Shared, caller: &Caller, channel: Channel) -> ChannelView {
    let stream = app.hub.stream(&channel.id);
    let broadcast = app.air.broadcast(&channel.id);
    let span = broadcast.as_ref().and_then(|broadcast| broadcast.window().span());
    let formats = stream.as_ref().map(|stream| stream.formats());
    let size = formats.iter().flat_map(|formats| formats.iter()).find_map(|format| match format {
        Format::Video { size, .. } => Some(*size),
        Format::Audio { .. } => None,
    });
    let yours = manages(caller, &channel);
    let health = stream.as_ref().filter(|_| yours).map(|stream| {
        let health = stream.health();
        HealthView {
            bitrate: health.bitrate,
            rate: health.rate,
            keyframe_interval_s: health.keyframe_interval,
            silent_ms: u64::try_from(health.silent.as_millis()).unwrap_or(u64::MAX),
            bytes: health.bytes,
            tracks: stream.formats().iter().map(described).collect(),
        }
    });
    let since = stream.as_ref().map(|stream| {
        let since = stream.begun().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    });
    // Channels of films and of others have no publisher.
    let here = matches!(channel.kind, Kind::Push | Kind::Pull);
    let at = |file: &str| format!("/api/channels/{}/live/{file}", channel.id);
    let played = hls(app, &channel);
    ChannelView {
        kind: match channel.kind {
            Kind::Push => "push",
            Kind::Pull => "pull",
            Kind::Schedule => "schedule",
            Kind::External => "external",
        },
        number: channel.number,
        category: channel.category,
        cover: channel.logo.clone().unwrap_or_else(|| format!("/api/channels/{}/cover.svg", channel.id)),
        logo: channel.logo,
        live: stream.is_some() || channel.kind == Kind::Schedule,
        protocol: stream.map(|stream| stream.protocol().to_string()),
        since_ms: since,
        from_ms: span.as_ref().map(|span| millis(span.start)),
        until_ms: span.map(|span| millis(span.end)),
        width: size.map(|size| size.width),
        height: size.map(|size| size.height),
        window_seconds: channel.window_seconds,
        replace_publisher: channel.replace_publisher,
        ladder: channel.ladder,
        renditions: broadcast.map(|broadcast| broadcast.renditions()).unwrap_or_default(),
        ladder_reason: app.ladders.reason(&channel.id).filter(|_| yours && channel.ladder),
        yours,
        dash: here.then(|| at("manifest.mpd")),
        hls: played.unwrap_or_else(|| at("master.m3u8")),
        health,
        name: channel.name,
        id: channel.id,
    }
}

fn window(seconds: u32) -> Answer<u32> {
    let wrong = || {
        let detail = format!("One can go back {} to {} seconds.", WINDOWS.start(), WINDOWS.end());
        Problem::invalid("window_seconds", detail)
    };
    WINDOWS.contains(&seconds).then_some(seconds).ok_or_else(wrong)
}

/// All channels as they stand in the guide, each with what is on.
#[utoipa::path(get, path = "/api/channels", tag = "Channels", responses((status = 200, body = ChannelList)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<ChannelList>> {
    let channels = app.store.channels().all().await?;
    let channels = channels.into_iter().map(|channel| view(&app, &caller, channel)).collect();
    Ok(Body(ChannelList { channels }))
}

/// Makes a channel that is published by key. Make a key next.
#[utoipa::path(post, path = "/api/channels", tag = "Channels", request_body = NewChannel,
    responses((status = 201, body = ChannelView), (status = 409, description = "You have as many as you can.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewChannel>,
) -> Answer<(StatusCode, Body<ChannelView>)> {
    let owner = &account(&caller)?.id;
    let all = app.store.channels().all().await?;
    if all.iter().filter(|channel| channel.owner == *owner && channel.kind == Kind::Push).count() >= MOST {
        return Err(Problem::conflict(format!(
            "You have {MOST} channels already; remove one of them first."
        )));
    }
    let channel = Channel {
        id: id::fresh(),
        owner: owner.clone(),
        name: extract::name(&body.name)?.to_owned(),
        kind: Kind::Push,
        source: None,
        number: None,
        category: None,
        logo: None,
        guide_id: None,
        replace_publisher: body.replace_publisher,
        ladder: body.ladder,
        window_seconds: window(body.window_seconds.unwrap_or(WINDOW_SECONDS))?,
        created: now(),
    };
    app.store.channels().put(&channel).await?;
    app.sessions.tell(Change::Channel(channel.id.clone()));
    Ok((StatusCode::CREATED, Body(view(&app, &caller, channel))))
}

/// One channel.
#[utoipa::path(get, path = "/api/channels/{id}", tag = "Channels", params(("id" = String, Path)),
    responses((status = 200, body = ChannelView), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<ChannelView>> {
    let channel = app.store.channels().get(&id).await?.ok_or_else(no_channel)?;
    Ok(Body(view(&app, &caller, channel)))
}

/// Changes a channel of yours.
#[utoipa::path(patch, path = "/api/channels/{id}", tag = "Channels", params(("id" = String, Path)),
    request_body = ChangeChannel, responses((status = 200, body = ChannelView), (status = 404)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeChannel>,
) -> Answer<Body<ChannelView>> {
    let mut channel = managed(&app, &caller, &id).await?;
    if let Some(name) = &body.name {
        extract::name(name)?.clone_into(&mut channel.name);
    }
    if let Some(seconds) = body.window_seconds {
        channel.window_seconds = window(seconds)?;
    }
    channel.replace_publisher = body.replace_publisher.unwrap_or(channel.replace_publisher);
    channel.ladder = body.ladder.unwrap_or(channel.ladder);
    app.store.channels().put(&channel).await?;
    if let Some(broadcast) = app.air.broadcast(&id) {
        broadcast.set_length(length(&channel));
    }
    app.ladders.look_soon();
    app.sessions.tell(Change::Channel(id));
    Ok(Body(view(&app, &caller, channel)))
}

/// Removes a channel of yours, with its keys and what can be rewound. Whoever publishes it is cut off.
#[utoipa::path(delete, path = "/api/channels/{id}", tag = "Channels", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    to_its_end(async move {
        app.store.channels().delete(&id).await?;
        app.hub.end(&id);
        let forgetting = {
            let (air, id) = (app.air.clone(), id.clone());
            tokio::task::spawn_blocking(move || air.forget(&id))
        };
        forgetting.await.map_err(|error| Problem::internal("Removing a channel", &error))?;
        app.sessions.tell(Change::Channel(id));
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// A picture drawn from the channel's id.
#[utoipa::path(get, path = "/api/channels/{id}/cover.svg", tag = "Channels", params(("id" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml"), (status = 404)))]
pub(crate) async fn drawn_cover(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Response> {
    let channel = app.store.channels().get(&id).await?.ok_or_else(no_channel)?;
    let picture = cover::draw(&channel.id, &channel.name);
    let safe = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "private, max-age=300"),
        (CONTENT_SECURITY_POLICY, safe),
    ];
    Ok((headers, picture).into_response())
}
