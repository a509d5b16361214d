//! What an account watches at a time, and where.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::id;
use playhouse_watch::places::{RENEW, Refusal, What};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::app::Shared;
use crate::extract::{Id, Json};
use crate::gate::who::Caller;
use crate::house::films::no_film;
use crate::house::places::{self, StreamView};
use crate::house::{household, places::with};
use crate::problem::{Answer, Problem};

/// What the account watches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Streams {
    streams: Vec<StreamView>,
    /// How many it may watch at a time.
    #[schema(example = 4)]
    limit: usize,
}

/// What somebody wants to watch: a film or a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"film": "mzxw6ytboi"}))]
pub(crate) struct Take {
    /// The film's id.
    film: Option<String>,
    /// The channel's id.
    channel: Option<String>,
    /// A stream of the account that ends for it.
    instead_of: Option<String>,
}

/// A stream of this device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    id: String,
    /// After how many seconds it wants to be renewed. One that is not loses its place within a minute.
    #[schema(example = 15)]
    renew_s: i64,
}

/// What the account watches at the moment, on all its devices.
#[utoipa::path(get, path = "/api/streams", tag = "Household", responses((status = 200, body = Streams)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<Streams>> {
    let account = account(&caller)?;
    let taken = with(&app, |places, now| places.of(&account.id, now));
    let limit = places::limit(&app, account);
    Ok(Body(Streams { streams: places::views(&app, &caller, taken).await?, limit }))
}

/// Takes a place for this device to watch something. Players do so before they fetch; others get one as they fetch, if
/// there is one free.
#[utoipa::path(post, path = "/api/streams", tag = "Household", request_body = Take,
    responses((status = 200, body = Taken), (status = 404),
              (status = 409, description = "The account watches as many streams as it may; `streams` says where.")))]
pub(crate) async fn take(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<Take>,
) -> Answer<Body<Taken>> {
    let what = match (body.film, body.channel) {
        (Some(film), None) => {
            app.store.films().get(&film).await?.ok_or_else(no_film)?;
            household::of_age(&app, &caller, &film).await?;
            What::Film(film)
        }
        (None, Some(channel)) => {
            let known = app.store.channels().get(&channel).await?;
            known.ok_or_else(|| Problem::not_found("There is no such channel (any more)."))?;
            What::Channel(channel)
        }
        _ => return Err(Problem::invalid("film", "Say one thing to watch: `film` or `channel`.")),
    };
    let ask = places::ask(&app, &caller, what).ok_or_else(Problem::sign_in_required)?;
    let taken = with(&app, |places, now| {
        if let Some(instead) = &body.instead_of {
            places.end(ask.account, instead, now);
        }
        places.take(&ask, id::fresh, now)
    });
    match taken {
        Ok(place) => Ok(Body(Taken { id: place.id, renew_s: RENEW / 1000 })),
        Err(Refusal::Taken(others)) => Err(places::taken(&places::views(&app, &caller, others).await?)),
        Err(Refusal::Ended) => Err(places::ended()),
    }
}

/// Says that a stream of this device is still watched.
#[utoipa::path(put, path = "/api/streams/{id}", tag = "Household", params(("id" = String, Path)),
    responses((status = 204), (status = 404, description = "It was not renewed in time; take a place again."),
              (status = 409, description = "It was ended on another device.")))]
pub(crate) async fn renew(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<StatusCode> {
    let account = &account(&caller)?.id;
    let (renewed, ended) =
        with(&app, |places, now| (places.renew(account, &id, now), places.was_ended(account, &id)));
    match (renewed, ended) {
        (true, _) => Ok(StatusCode::NO_CONTENT),
        (_, true) => Err(places::ended()),
        _ => Err(Problem::not_found("This stream was not renewed in time; take a place again to go on.")),
    }
}

/// Ends a stream of the account: one's own when one has watched enough, or one on another device to watch here.
#[utoipa::path(delete, path = "/api/streams/{id}", tag = "Household", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn end(State(app): State<Shared>, caller: Caller, Id(id): Id<String>) -> Answer<StatusCode> {
    let account = &account(&caller)?.id;
    let device = caller.sign_in.as_deref().unwrap_or_default();
    let done = with(&app, |places, now| {
        let own = places.of(account, now).iter().any(|place| place.id == id && place.device == device);
        if own { places.leave(account, &id) } else { places.end(account, &id, now) }
    });
    if done {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("The account has no such stream (any more)."))
    }
}
