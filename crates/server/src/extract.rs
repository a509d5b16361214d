//! What handlers take from a request, with refusals that are sentences.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::gate::limits::BODY;
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// The media type of a request's body, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How much of a body that is too long is still read: a client that is cut off while it sends may never see why.
const DRAIN: usize = 1 << 20;

/// Reads a body of at most [`BODY`] bytes.
pub(crate) async fn body(request: Request) -> Answer<Vec<u8>> {
    let too_large = || {
        Problem::too_large(format!("The body is longer than the {} KiB that are accepted here.", BODY >> 10))
    };
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or_default();
    if announced > DRAIN {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.min(BODY));
    let mut seen = 0_usize;
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.or(Err(Problem::invalid("body", "The body of the request broke off; send it again.")))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= BODY {
            bytes.extend_from_slice(&chunk);
        } else if seen > DRAIN {
            break;
        }
    }
    if seen > BODY { Err(too_large()) } else { Ok(bytes) }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Answer<Self> {
        // `application/merge-patch+json` (RFC 7396) is JSON too, as every `+json` is (RFC 6839).
        let kind = media_type(request.headers());
        if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
            return Err(Problem::wrong_type("application/json"));
        }
        let bytes = body(request).await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                Err(Problem::invalid("body", format!("The body is not what this address takes: {error}.")))
            }
        }
    }
}

/// The parameters after the question mark.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::invalid(
                "query",
                format!("The address has parameters that cannot be read: {}.", error.body_text()),
            )),
        }
    }
}

/// The variable parts of the path.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::not_found("There is nothing at this address.")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Answer<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            // Only a route that is not behind the gate could get here; the router has none.
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The server failed",
                "No gate stood here.",
            )
        })
    }
}

/// A name that a person chose: 1 to 40 characters, without control characters.
pub(crate) fn name(text: &str) -> Answer<&str> {
    const LONGEST: usize = 40;
    let name = text.trim();
    let count = name.chars().count();
    if count == 0 || count > LONGEST || name.chars().any(char::is_control) {
        return Err(Problem::invalid("name", format!("A name has 1 to {LONGEST} characters.")));
    }
    Ok(name)
}
