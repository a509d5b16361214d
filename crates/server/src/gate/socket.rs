//! A web socket that is asked for: who may open one, and how many there are.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use tokio::sync::OwnedSemaphorePermit;

use crate::app::Shared;
use crate::gate::caller;
use crate::gate::origin::{self, Origin};
use crate::problem::{Answer, Problem};

/// A request for a web socket, as it came.
pub(crate) struct Opening {
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
}

impl<S: Send + Sync> FromRequestParts<S> for Opening {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        Ok(Self { headers: parts.headers.clone(), uri: parts.uri.clone(), upgrade })
    }
}

impl Opening {
    /// Opens it for our own pages and for whoever brings a token, for messages of at most `longest` bytes. The place counts
    /// it while it is held.
    pub(crate) fn open(
        self,
        app: &Shared,
        longest: usize,
    ) -> Answer<(WebSocketUpgrade, OwnedSemaphorePermit)> {
        let origin = origin::judge(&app.config, &self.headers, &self.uri);
        // Browsers let any page open a web socket with the cookies of a person: it is on us to look.
        if origin == Origin::Foreign && caller::bearer(&self.headers).is_none() {
            let detail = "The request came from another site's page. Open Playhouse itself and do it there.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "wrong-origin", "Wrong origin", detail));
        }
        let upgrade = self.upgrade.map_err(|refused| {
            let detail = format!("This address is a web socket; open it as one. {refused}");
            Problem::new(StatusCode::UPGRADE_REQUIRED, "method", "A web socket", detail)
        })?;
        let Ok(place) = app.streams.clone().try_acquire_owned() else {
            return Err(Problem::busy("Too many pages are connected at the moment; try again in a while."));
        };
        Ok((upgrade.max_message_size(longest).max_frame_size(longest), place))
    }
}
