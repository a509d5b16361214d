//! How many streams an account watches at a time: who is counted, and the sentence for whoever finds no place.

use std::sync::PoisonError;

use axum::http::StatusCode;
use playhouse_store::accounts::Account;
use playhouse_store::{Millis, id};
use playhouse_watch::places::{Ask, Place, Places, Refusal, What};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::now;
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// The clock of places.
pub(crate) fn clock(app: &App) -> Millis {
    Millis::try_from(app.micros() / 1000).unwrap_or(Millis::MAX)
}

/// How many streams an account may watch at a time.
pub(crate) fn limit(app: &App, account: &Account) -> usize {
    usize::try_from(account.streams.unwrap_or(app.config.streams)).unwrap_or(usize::MAX)
}

/// What a path's id names.
pub(crate) fn of_path(path: &str, id: &str) -> What {
    if path.starts_with("/api/films/") { What::Film(id.to_owned()) } else { What::Channel(id.to_owned()) }
}

/// Who asks for a place. Nobody is counted without an account: who comes to a party by an invite is its host's guest.
pub(crate) fn ask<'a>(app: &App, caller: &'a Caller, what: What) -> Option<Ask<'a>> {
    let account = caller.account()?;
    Some(Ask {
        account: &account.id,
        limit: limit(app, account),
        device: caller.sign_in.as_deref().or(caller.player.as_deref()).unwrap_or_default(),
        profile: caller.watcher.profile.as_deref(),
        what,
    })
}

/// Does something with the places.
pub(crate) fn with<T>(app: &App, act: impl FnOnce(&mut Places, Millis) -> T) -> T {
    let now = clock(app);
    act(&mut app.places.lock().unwrap_or_else(PoisonError::into_inner), now)
}

/// Something of a stream is fetched: that takes and keeps a place.
pub(crate) fn pass(app: &App, caller: &Caller, what: What) -> Answer<()> {
    let Some(ask) = ask(app, caller, what) else { return Ok(()) };
    with(app, |places, now| places.pass(&ask, id::fresh, now)).map_err(|refusal| match refusal {
        Refusal::Ended => ended(),
        Refusal::Taken(taken) => {
            let places = taken.len();
            let detail = format!(
                "This account watches {places} streams already, which is as many as it may. End one of them first: \
                 /api/streams lists them."
            );
            Problem::new(StatusCode::CONFLICT, "streams-taken", "All streams are taken", detail)
        }
    })
}

/// Somebody ended the stream of this device.
pub(crate) fn ended() -> Problem {
    let detail = "This stream was ended on another device, to watch there. Press play to watch here again.";
    Problem::new(StatusCode::CONFLICT, "stream-ended", "Watched elsewhere", detail)
}

/// What an account watches somewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamView {
    pub(crate) id: String,
    /// The film's id.
    pub(crate) film: Option<String>,
    /// The channel's id.
    pub(crate) channel: Option<String>,
    /// What the film or channel is called.
    #[schema(example = "The General")]
    pub(crate) title: String,
    /// The profile that watches.
    #[schema(example = "Ada")]
    pub(crate) profile: Option<String>,
    /// What the device is called by its people, where they called it something.
    #[schema(example = "Kitchen tablet")]
    pub(crate) device: Option<String>,
    /// What the device calls itself.
    pub(crate) user_agent: String,
    /// Whether that is this device.
    pub(crate) here: bool,
    /// For how long.
    pub(crate) seconds: u64,
}

/// Places with the names that people know.
pub(crate) async fn views(app: &App, caller: &Caller, places: Vec<Place>) -> Answer<Vec<StreamView>> {
    let Some(account) = caller.account() else { return Ok(Vec::new()) };
    let devices = app.store.sign_ins().of_account(&account.id, now()).await?;
    let profiles = app.store.profiles().of_account(&account.id).await?;
    let clock = clock(app);
    let mut views = Vec::with_capacity(places.len());
    for place in places {
        let (film, channel) = match place.what {
            What::Film(film) => (Some(film), None),
            What::Channel(channel) => (None, Some(channel)),
        };
        let title = match (&film, &channel) {
            (Some(film), _) => app.store.films().get(film).await?.map(|film| film.title),
            (_, Some(channel)) => match app.store.channels().get(channel).await? {
                Some(channel) => Some(channel.name),
                // What is being recorded of one is counted by the recording's id.
                None => app.store.recordings().get(channel).await?.map(|recording| recording.title),
            },
            _ => None,
        };
        let device = devices.iter().find(|device| device.id == place.device);
        let profile = profiles.iter().find(|profile| Some(&profile.id) == place.profile.as_ref());
        views.push(StreamView {
            id: place.id,
            film,
            channel,
            title: title.unwrap_or_default(),
            profile: profile.map(|profile| profile.name.clone()),
            device: device.and_then(|device| device.device.clone()),
            user_agent: device.map(|device| device.user_agent.clone()).unwrap_or_default(),
            here: caller.sign_in.as_deref() == Some(&place.device),
            seconds: u64::try_from((clock - place.since) / 1000).unwrap_or_default(),
        });
    }
    Ok(views)
}

/// All places are taken, and by whom, in one sentence.
pub(crate) fn taken(streams: &[StreamView]) -> Problem {
    let who = |stream: &StreamView| {
        let device = stream.device.as_deref().or(stream.profile.as_deref()).unwrap_or("Another device");
        format!("{device} watches “{}”", stream.title)
    };
    let all: Vec<String> = streams.iter().map(who).collect();
    let detail = format!(
        "{}. That is as many streams as this account may watch at a time; end one there or here.",
        all.join(", ")
    );
    let problem = Problem::new(StatusCode::CONFLICT, "streams-taken", "All streams are taken", detail);
    problem.with("streams", serde_json::to_value(streams).unwrap_or_default())
}
