//! The pages, embedded in the program. Whatever is not a file is the application's own address, which its first page
//! shows.

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../../web/app/dist"]
struct Dist;

/// Files whose names carry their hash never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Everything else is asked for again, and answered in a few bytes where it is the same.
const ASK: &str = "no-cache";

/// The service behind all routes.
pub(crate) fn service() -> Router {
    Router::new().fallback(page).layer(CompressionLayer::new())
}

async fn page(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let ours = path == "api" || path.starts_with("api/") || path == "metrics";
    if ours {
        return Problem::not_found("There is no such address; /api lists all of them.").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = "Pages can be read, nothing else; /api lists what can be done.";
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Wrong method", detail)
            .into_response();
    }
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    match (Dist::get(path), is_file) {
        (Some(file), _) => send(&file, path.starts_with("assets/"), request.headers()),
        (None, true) => Problem::not_found("There is no such file among the pages.").into_response(),
        (None, false) => match Dist::get("index.html") {
            Some(index) => send(&index, false, request.headers()),
            None => Problem::not_found("The pages were not built into this program.").into_response(),
        },
    }
}

fn send(file: &EmbeddedFile, for_ever: bool, asked: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let [a, b] =
        [0, 8].map(|from| hash[from..].iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte)));
    // Weak, since the bytes may be compressed on the way.
    let etag = format!("W/\"{a:016x}{b:016x}\"");
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set(ETAG, &etag);
    set(CACHE_CONTROL, if for_ever { FOR_EVER } else { ASK });
    let known = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = file.metadata.mimetype();
    let text = kind.starts_with("text/") || kind == "application/javascript";
    set(CONTENT_TYPE, &if text { format!("{kind}; charset=utf-8") } else { kind.to_owned() });
    (headers, file.data.clone().into_owned()).into_response()
}
