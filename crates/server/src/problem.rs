//! Errors as every client meets them: problem+json (RFC 9457), each a sentence that can be shown as it is.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_store::StoreError;
use serde_json::{Map, Value, json};

use crate::node::NodeError;

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

/// What a problem is made of; boxed, since most answers are none.
#[derive(Debug)]
struct Parts {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    fields: Map<String, Value>,
    headers: HeaderMap,
}

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of a kind: `slug` names it in the documentation, `detail` says what happened, to what, and what
    /// to do.
    pub(crate) fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let (fields, headers) = (Map::new(), HeaderMap::new());
        Self(Box::new(Parts { status, slug, title, detail: detail.into(), fields, headers }))
    }

    /// What happened, to what, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Adds a field that a program can act on.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds)).with("retry_after_seconds", seconds)
    }

    /// Nobody is signed in, and somebody has to be.
    pub(crate) fn sign_in_required() -> Self {
        let detail = "Nobody is signed in on this device. Sign in, or open the link that you were given.";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in-required", "Sign in first", detail)
    }

    /// Signed in, but without the right.
    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-allowed", "Not allowed", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The request is understood and cannot be honoured; `field` is the one at fault.
    pub(crate) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "That cannot be used", detail)
            .with("field", field)
    }

    /// It contradicts what is there.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "That is in the way", detail)
    }

    /// It was here once.
    pub(crate) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", "That is over", detail)
    }

    /// More bytes than are accepted.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "That is too long", detail)
    }

    /// Bytes of a kind that is not accepted here.
    pub(crate) fn wrong_type(wanted: &'static str) -> Self {
        let detail = format!("This address takes `{wanted}`: set the Content-Type header to it.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-type", "Wrong content type", detail)
    }

    /// The server has too much to do.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail).retry_after(2)
    }

    /// Something failed that is not the client's affair; the reason goes to the log alone.
    pub(crate) fn internal(doing: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{doing} failed");
        let detail = format!("{doing} failed on the server; its log says why. Try again in a moment.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken(name) => {
                Self::conflict(format!("The name “{name}” is taken; choose another one."))
                    .with("field", "name")
            }
            StoreError::Full => {
                let detail = "The disk of the data folder has no room left, so that nothing was written down. Make \
                              room there and try again.";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "The disk is full", detail)
            }
            other => Self::internal("Reading or writing the records", &other),
        }
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        let failed = |detail: String| {
            Self::new(StatusCode::BAD_GATEWAY, "session-failed", "The session failed", detail)
        };
        match error {
            NodeError::Full { limit } => {
                let detail = format!("All {limit} places of this machine are taken; try again in a moment.");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "capacity", "All places are taken", detail)
                    .retry_after(5)
            }
            NodeError::NoSession(_) => Self::new(
                StatusCode::CONFLICT,
                "not-running",
                "The session is over",
                "The session does not run any more; start the title again.",
            ),
            NodeError::Refused(sentence) => failed(sentence),
            NodeError::Silent(seconds) => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "No answer",
                format!("The session did not answer within {seconds} seconds; try again, or end it."),
            ),
            NodeError::Process(reason) => {
                tracing::error!(%reason, "a session process failed");
                failed(format!("The session's process failed: {reason}. Start the title again."))
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, slug, title, detail, fields, headers } = *self.0;
        let mut body = json!({
            "type": format!("/api#{slug}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        });
        if let Some(object) = body.as_object_mut() {
            object.extend(fields);
        }
        let mut response = (status, body.to_string()).into_response();
        response.headers_mut().extend(headers);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}
