//! What one request may cost: time, bytes, and a place among the others. Also where its origin is judged.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::gate::headers::Headers;
use crate::gate::origin;
use crate::problem::Problem;

/// Longest body that any route but uploads takes: an SDP with many candidates is some 10 KB.
pub(crate) const BODY: usize = 64 << 10;

/// How long an answer may take: starting a game on a loaded machine takes seconds, not a minute.
const TIME: Duration = Duration::from_mins(1);

/// What the layer around all routes needs.
#[derive(Clone)]
pub(crate) struct Outer {
    pub(crate) app: Shared,
    pub(crate) headers: Headers,
}

/// Wraps every request, pages too.
pub(crate) async fn around(State(outer): State<Outer>, request: Request, next: Next) -> Response {
    let origin = origin::judge(&outer.app.config, request.headers(), request.uri());
    let mut response = match origin::check(&origin, request.method(), request.headers()) {
        Ok(()) => bounded(&outer.app, request, next).await,
        Err(problem) => problem.into_response(),
    };
    origin::share(&origin, response.headers_mut());
    outer.headers.apply(response.headers_mut());
    response
}

async fn bounded(app: &Shared, request: Request, next: Next) -> Response {
    // Who waits for the next part of a live channel takes no place from those who get an answer at once.
    let path = request.uri().path();
    let live = path.starts_with("/api/channels/") && path.contains("/live/");
    let places = if live { &app.viewers } else { &app.requests };
    let Ok(_place) = places.clone().try_acquire_owned() else {
        return Problem::busy("The server answers as many requests as it can; try again in a moment.")
            .into_response();
    };
    // An upload takes as long as it takes; that its bytes keep coming is seen to where they are kept.
    if request.method() == Method::PATCH && request.uri().path().starts_with("/api/uploads/") {
        return next.run(request).await;
    }
    let doing = format!("{} {}", request.method(), request.uri().path());
    if let Ok(response) = tokio::time::timeout(TIME, next.run(request)).await {
        return response;
    }
    tracing::warn!(doing, "a request took too long and was given up");
    let seconds = TIME.as_secs();
    let detail = format!(
        "The server did not finish within {seconds} seconds; look whether it did it, then try again."
    );
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "No answer", detail).into_response()
}
