//! Sessions on the air: which of them is published on which channel.

use std::sync::Arc;

use playhouse_live::{Admission, Protocol, Stream};

use crate::app::Shared;
use crate::house::live::{Named, OnAir};
use crate::problem::{Answer, Problem};

/// Publishes a session on a channel, and on no other any more.
pub(crate) async fn begin(app: &Shared, session: &str, channel: Named, replace: bool) -> Answer<()> {
    let before = app.sessions.get(session, |live| live.on_air.clone())?;
    // What it publishes already is its own to replace.
    let mine = before.is_some_and(|on_air| on_air.channel.id == channel.id && !on_air.stream.has_ended());
    let admission = Admission { channel: channel.id.clone(), replace: replace || mine };
    let publisher = app
        .hub
        .publish(&admission, Protocol::Session)
        .map_err(|refusal| Problem::conflict(refusal.to_string()))?;
    let stream = Arc::clone(publisher.stream());
    app.node.on_air(session, publisher).await?;
    app.sessions.change(session, |live| {
        if !live.is_over() {
            live.on_air = Some(OnAir { channel, stream });
        }
    })
}

/// Takes a session off the air; one that is not on it stays as it is.
pub(crate) async fn end(app: &Shared, session: &str) -> Answer<()> {
    if app.sessions.get(session, |live| live.on_air.is_none())? {
        return Ok(());
    }
    app.node.off_air(session).await?;
    app.sessions.change(session, |live| live.on_air = None)
}

/// A stream has ended: the session that it came from is on the air no more.
pub(crate) fn ended(app: &Shared, stream: &Arc<Stream>) {
    let theirs = |on_air: &OnAir| Arc::ptr_eq(&on_air.stream, stream);
    let sessions =
        app.sessions.list(|live| live.on_air.as_ref().is_some_and(theirs).then(|| live.id.clone()));
    for session in sessions {
        let off = app.sessions.change(&session, |live| {
            if live.on_air.as_ref().is_some_and(theirs) {
                live.on_air = None;
            }
        });
        if off.is_err() {
            tracing::debug!(session, "a session went off the air as it was forgotten");
        }
    }
}
