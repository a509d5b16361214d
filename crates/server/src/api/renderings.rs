//! Films that are made playable: how they are getting on, ending one, and asking for it again.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_library::render;
use playhouse_store::films::{Film, State as Condition};
use playhouse_watch::codec::Codec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::now;
use crate::extract::{Id, Params};
use crate::house::films::no_film;
use crate::house::renderings::{RenderingView, convertible, discard, recorded};
use crate::problem::{Answer, Problem};

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenderingList {
    renderings: Vec<RenderingView>,
}

/// All films that are, were or will be made playable: those that run or wait first.
#[utoipa::path(get, path = "/api/renderings", tag = "Films", responses((status = 200, body = RenderingList)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<RenderingList>> {
    let films = app.store.films().all().await?;
    let titles: HashMap<&str, &str> =
        films.iter().map(|film| (film.id.as_str(), film.title.as_str())).collect();
    let all = app.store.renderings().all().await?;
    let view = |rendering| {
        let rendering: &playhouse_store::renderings::Rendering = rendering;
        app.renderings.view(rendering, titles.get(rendering.film.as_str()).copied().unwrap_or_default())
    };
    Ok(Body(RenderingList { renderings: all.iter().map(view).collect() }))
}

/// What is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wish {
    /// Codings beside H.264, with commas between them: `av1`, `hevc` or both. Where nothing is said, those of the
    /// configuration are made of a film that does not play.
    #[param(example = "av1")]
    also: Option<String>,
}

/// The codings that are asked for, each once.
fn wanted(also: &str) -> Answer<Vec<Codec>> {
    let mut wanted = Vec::new();
    for name in also.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let codec: Codec = name.parse().map_err(|error| Problem::invalid("also", format!("{error}.")))?;
        if !wanted.contains(&codec) && codec != Codec::H264 {
            wanted.push(codec);
        }
    }
    Ok(wanted)
}

/// Of those codings, the ones that a film that plays is not there in.
async fn lacking(app: &Shared, film: &Film, mut codecs: Vec<Codec>) -> Answer<Vec<Codec>> {
    let opened = app.films.open(&app.store, &film.id).await?;
    let there: Vec<Codec> =
        opened.presentation.tracks().filter_map(|track| Codec::of_track(&track.codec)).collect();
    codecs.retain(|codec| !there.contains(codec));
    Ok(codecs)
}

/// Has a film made playable that browsers do not play, also where that failed before or was ended. It happens by itself
/// for films that are new. With `also`, a film that plays is made in other codings besides, of which players choose
/// what they know: `curl -X POST "$HOUSE/api/films/$FILM/rendering?also=av1" -H "Authorization: Bearer $TOKEN"`.
#[utoipa::path(post, path = "/api/films/{id}/rendering", tag = "Films", params(("id" = String, Path), Wish),
    responses((status = 202, body = RenderingView), (status = 404),
              (status = 409, description = "It plays as it is, or nothing here encodes what is asked for.")))]
pub(crate) async fn ask(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(wish): Params<Wish>,
) -> Answer<(StatusCode, Body<RenderingView>)> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    let asked = wish.also.as_deref().map(wanted).transpose()?;
    let also = match film.state {
        Condition::Ready if asked.as_ref().is_some_and(|codecs| !codecs.is_empty()) => {
            lacking(&app, &film, asked.unwrap_or_default()).await?
        }
        _ if convertible(&film) => asked.unwrap_or_else(|| app.renderings.also().to_vec()),
        _ => Vec::new(),
    };
    if !convertible(&film) && also.is_empty() {
        let why = match film.state {
            Condition::Ready => "plays already",
            Condition::Missing => "has lost its file",
            Condition::Unplayable => "has no picture that could be made playable",
        };
        return Err(Problem::conflict(format!("“{}” {why}, so that there is nothing to do.", film.title)));
    }
    if let Some(sentence) = render::missing(&also).await {
        return Err(Problem::conflict(sentence));
    }
    let also = recorded(&also);
    app.renderings.stop(&id);
    let before = app.store.renderings().get(&id).await?;
    if before.is_some_and(|before| before.also != also) {
        // Pieces of other codings are of no use.
        discard(&app, &film).await;
    }
    app.store.renderings().ask(&id, &film.print, &also, now()).await?;
    app.renderings.look_soon();
    let rendering = app.store.renderings().get(&id).await?.ok_or_else(no_film)?;
    Ok((StatusCode::ACCEPTED, Body(app.renderings.view(&rendering, &film.title))))
}

/// Ends the work at a film that is being made playable, or waits for it; nothing of it is kept.
#[utoipa::path(delete, path = "/api/films/{id}/rendering", tag = "Films", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "It is over.")))]
pub(crate) async fn cancel(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    if !app.store.renderings().cancel(&id, now()).await? {
        return Err(Problem::conflict(format!(
            "“{}” is not being made playable, so that there is nothing to end.",
            film.title
        )));
    }
    app.renderings.stop(&id);
    // What an earlier run did is of no use either.
    discard(&app, &film).await;
    Ok(StatusCode::NO_CONTENT)
}
