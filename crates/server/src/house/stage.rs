//! Starting and ending sessions: what the server asks of the node, and what it writes down about it.

use std::path::PathBuf;

use axum::http::StatusCode;
use playhouse_media::frame::Size;
use playhouse_play::control::{EndReason, Ended, GameSpec, SessionSpec};

use crate::app::Shared;
use crate::clock::now;
use crate::house::live::{Live, Named, Peer, reason_word};
use crate::house::queue::Turn;
use crate::house::sessions::no_session;
use crate::node::NodeError;
use crate::problem::{Answer, Problem};

/// Everything that a session is started with.
pub(crate) struct Start {
    pub(crate) live: Live,
    pub(crate) game: GameSpec,
    pub(crate) size: Size,
    pub(crate) rate: u32,
    pub(crate) bitrate: u32,
}

/// Runs `work` to its end even when the client that asked for it goes away in between.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Answer<T>> + Send + 'static,
) -> Answer<T> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal("The request", &error)),
    }
}

/// The encoder of a new session: the configured one, or the best that works.
fn encoder(app: &Shared) -> Answer<String> {
    let unusable =
        |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "encoder", "No encoder", detail);
    let all = app.node.encoders();
    let Some(wanted) = &app.config.encoder else {
        let best = all.into_iter().find(|encoder| encoder.unavailable.is_none()).map(|encoder| encoder.name);
        return best.ok_or_else(|| {
            unusable("This machine has no encoder that works; the system page says why for each.".to_owned())
        });
    };
    let Some(encoder) = all.iter().find(|encoder| encoder.name == *wanted) else {
        let names: Vec<&str> = all.iter().map(|encoder| encoder.name.as_str()).collect();
        let known = names.join(", ");
        return Err(unusable(format!("The configuration names the encoder “{wanted}”; known are: {known}.")));
    };
    match &encoder.unavailable {
        None => Ok(wanted.clone()),
        Some(why) => Err(unusable(format!(
            "The encoder “{wanted}” of the configuration cannot be used here: {why}. Choose another one."
        ))),
    }
}

/// The problem of somebody who has to wait.
pub(crate) fn full(turn: Turn, limit: u32) -> Problem {
    const AGAIN: u64 = 5;
    match turn {
        Turn::Wait(place) => {
            let places = if limit == 1 { "The one place".to_owned() } else { format!("All {limit} places") };
            let are = if limit == 1 { "is" } else { "are" };
            let detail = format!(
                "{places} of this machine {are} taken. You are number {place} in the queue; try again in a moment, \
                 and the place is kept for you."
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "capacity", "All places are taken", detail)
                .with("place_in_queue", place)
                .retry_after(AGAIN)
        }
        Turn::Full | Turn::Granted => {
            let detail =
                "All places of this machine are taken and the queue is full as well; try again later.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "queue-full", "The queue is full", detail)
                .retry_after(60)
        }
    }
}

/// Starts a session, or gives the place in the queue as a problem.
pub(crate) async fn start(app: &Shared, start: Start) -> Answer<()> {
    let encoder = encoder(app)?;
    let (id, account) = (start.live.id.clone(), start.live.account.clone());
    let title = start.live.title.clone();
    let turn = app.sessions.admit(start.live, app.node.capacity(), now());
    if turn != Turn::Granted {
        return Err(full(turn, app.node.capacity().limit));
    }
    if let Err(problem) = prepare(app, &id, &title, &account, &start.game.home).await {
        app.sessions.withdraw(&id);
        return Err(problem);
    }
    let spec = SessionSpec {
        id: id.clone(),
        game: start.game,
        size: start.size,
        rate: start.rate,
        encoder,
        bitrate: start.bitrate,
        runtime: app.config.runtime.join(&id),
        net: app.config.net.clone(),
        idle_seconds: app.config.idle_seconds,
    };
    let Err(error) = app.node.start(spec).await else { return Ok(()) };
    let message = format!("{} could not be started: {error}.", title.name);
    finish(app, &id, Ended { reason: EndReason::NotStarted, message, last_words: String::new() }).await;
    match error {
        NodeError::Full { limit } => {
            app.sessions.withdraw(&id);
            Err(full(app.sessions.wait(&account.id, now()), limit))
        }
        other => Err(Problem::from(other).with("session", id)),
    }
}

async fn prepare(app: &Shared, id: &str, title: &Named, account: &Named, home: &PathBuf) -> Answer<()> {
    tokio::fs::create_dir_all(home).await.map_err(|error| {
        let detail = format!(
            "The folder for the saves of {} could not be made: {error}. Is the disk full?",
            title.name
        );
        Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "The disk refused", detail)
    })?;
    app.store.plays().begin(id, &title.id, &account.id, now()).await?;
    Ok(())
}

/// Writes down that a session is over. Only the first word counts.
pub(crate) async fn finish(app: &Shared, id: &str, ended: Ended) {
    let at = now();
    if !app.sessions.end(id, ended.clone(), app.node.capacity(), at) {
        return;
    }
    // Only a session beside another one of its title has such a home; saves are not kept there.
    let home = app.config.runtime.join("homes").join(id);
    if let Err(error) = tokio::fs::remove_dir_all(&home).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %home.display(), %error, "a temporary home could not be removed");
    }
    let plays = app.store.plays();
    let reason = reason_word(ended.reason);
    if let Err(error) = plays.end(id, reason, &ended.message, &ended.last_words, at).await {
        tracing::error!(session = id, %error, "the end of a session could not be written down");
    }
}

/// Lets some of a session's connections out, and closes them.
pub(crate) async fn let_out(app: &Shared, session: &str, whom: impl Fn(&Peer) -> bool) -> Answer<()> {
    let gone = app.sessions.change(session, |live| {
        let gone: Vec<String> =
            live.peers.iter().filter(|(_, peer)| whom(peer)).map(|(id, _)| id.clone()).collect();
        for peer in &gone {
            live.connected(peer, false, now());
        }
        gone
    })?;
    for peer in gone {
        if let Err(error) = app.node.close_peer(session, &peer).await {
            tracing::warn!(session, peer, %error, "a connection could not be closed");
        }
    }
    Ok(())
}

/// Ends a session; done when its processes are gone.
pub(crate) async fn stop(app: &Shared, id: &str, message: &str) -> Answer<()> {
    let over = app.sessions.read(id, Live::is_over).ok_or_else(no_session)?;
    if over {
        return Ok(());
    }
    match app.node.stop(id).await {
        Ok(()) | Err(NodeError::NoSession(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let ended = Ended { reason: EndReason::Stopped, message: message.to_owned(), last_words: String::new() };
    finish(app, id, ended).await;
    Ok(())
}
