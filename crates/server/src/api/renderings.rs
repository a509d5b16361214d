//! Films that are made playable: how they are getting on, ending one, and asking for it again.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::films::State as Condition;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::now;
use crate::extract::Id;
use crate::house::films::no_film;
use crate::house::renderings::{RenderingView, convertible, discard};
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

/// Has a film made playable that browsers do not play, also where that failed before or was ended. It happens by itself
/// for films that are new.
#[utoipa::path(post, path = "/api/films/{id}/rendering", tag = "Films", params(("id" = String, Path)),
    responses((status = 202, body = RenderingView), (status = 404), (status = 409, description = "It plays as it is.")))]
pub(crate) async fn ask(
    State(app): State<Shared>,
    Id(id): Id<String>,
) -> Answer<(StatusCode, Body<RenderingView>)> {
    let film = app.store.films().get(&id).await?.ok_or_else(no_film)?;
    if !convertible(&film) {
        let why = match film.state {
            Condition::Ready => "plays already",
            Condition::Missing => "has lost its file",
            Condition::Unplayable => "has no picture that could be made playable",
        };
        return Err(Problem::conflict(format!("“{}” {why}, so that there is nothing to do.", film.title)));
    }
    app.renderings.stop(&id);
    app.store.renderings().ask(&id, &film.print, now()).await?;
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
    discard(&app, &id).await;
    Ok(StatusCode::NO_CONTENT)
}
