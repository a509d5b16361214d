//! Recordings of live channels: what the channel's window holds of the span becomes a film, without encoding it anew.

use std::path::Path;

use playhouse_store::recordings::{Recording, State};

use super::{end as done, span};
use crate::api::keeping::film_of;
use crate::app::Shared;
use crate::clock::now;
use crate::problem::{Answer, Problem};

/// Milliseconds since 1970 as the window counts.
fn micros(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1000)
}

/// Makes the film of a recording whose time is over, and says in the recording how that went.
pub(super) async fn end(app: &Shared, recording: &mut Recording) -> Answer<()> {
    match film(app, recording).await {
        Ok((film, bytes)) => {
            (recording.film, recording.bytes) = (Some(film), bytes);
            done(recording, now());
        }
        Err(problem) => {
            recording.state = State::Failed;
            recording.reason = Some(problem.detail().to_owned());
        }
    }
    Ok(())
}

async fn film(app: &Shared, recording: &Recording) -> Answer<(String, i64)> {
    let nothing = || Problem::conflict("Nobody published on the channel at that time.");
    let channel = recording.channel.as_ref().ok_or_else(nothing)?;
    let broadcast = app.air.broadcast(channel).ok_or_else(nothing)?;
    let (wanted, there) = (span(recording), broadcast.window().span().ok_or_else(nothing)?);
    let span = micros(wanted.from).max(there.start)..micros(wanted.to).min(there.end);
    if span.is_empty() {
        return Err(nothing());
    }
    let name = format!("{} {}", recording.title, recording.id.get(..6).unwrap_or_default());
    let (_, arrived) = film_of(app, broadcast, span, name, recording.account.clone()).await?;
    app.films.look_now(&app.store).await?;
    let folder = arrived.folder.to_string_lossy();
    let films = app.store.films().all().await?;
    let film = films.into_iter().find(|film| film.folder == folder && film.path == arrived.path);
    let film = film.ok_or_else(|| {
        Problem::conflict(
            "It was recorded, and its file is not in the library yet; look for it among the films.",
        )
    })?;
    Ok((film.id, film.size))
}

/// Deletes the file of a recording that has one of its own; films of the library stay.
pub(crate) async fn discard(app: &Shared, recording: &Recording) -> Answer<()> {
    let Some(id) = recording.film.as_ref().filter(|_| recording.bytes > 0) else { return Ok(()) };
    let Some(film) = app.store.films().get(id).await? else { return Ok(()) };
    let (folder, path) = (film.folder.clone(), film.path.clone());
    let removing =
        tokio::task::spawn_blocking(move || playhouse_library::folder::remove(Path::new(&folder), &path));
    let removed = removing.await.map_err(|error| Problem::internal("Deleting a recording", &error))?;
    removed.map_err(|error| Problem::internal("Deleting a recording", &error))?;
    app.store.films().delete(&film.id).await?;
    app.films.discard(&film.id).await;
    Ok(())
}
