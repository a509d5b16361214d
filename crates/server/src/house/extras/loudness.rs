//! How loud films are: what plays of each is measured once, in idle time, so that players can make all equally loud.

use std::fs::File;

use playhouse_library::{probe, render};
use playhouse_media::film::Kind as Played;
use playhouse_store::StoreError;
use playhouse_store::extras::Extra;
use playhouse_store::films::{Film, State as Condition};
use playhouse_watch::container::Kind;
use playhouse_watch::loudness::Loudness;
use serde::{Deserialize, Serialize};

use super::in_idle_time;
use crate::app::Shared;

/// Codecs of sound that browsers are given, by ffmpeg's names.
const PLAYED: [&str; 3] = ["aac", "opus", "flac"];

/// Sounds of a film at most that are measured: each takes a pass over it.
const SOUNDS: usize = 8;

/// What was measured.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Which file it was of.
    of: String,
    /// The sounds that play, in their order; null for what could not be measured.
    pub(crate) sounds: Vec<Option<Loudness>>,
}

/// What was measured of a film that has these extras.
pub(crate) fn of(extra: Option<&Extra>) -> Option<Measured> {
    serde_json::from_str(extra?.loudness.as_deref()?).ok()
}

/// Measures one film that was not, or that plays from another file than it did; whether there was one.
pub(super) async fn look(app: &Shared, films: &[Film], extras: &[Extra]) -> Result<bool, StoreError> {
    for film in films.iter().filter(|film| film.state == Condition::Ready) {
        let Some(extra) = extras.iter().find(|extra| extra.film == film.id) else { continue };
        let mark = mark(app, film).await;
        if of(Some(extra)).is_some_and(|measured| measured.of == mark) {
            continue;
        }
        let Some(sounds) = measure(app, film).await else { continue };
        let measured = Measured { of: mark, sounds };
        app.store.extras().set_loudness(&film.id, &super::json(&measured)).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Changes with the file that a film plays from.
async fn mark(app: &Shared, film: &Film) -> String {
    let rendition = render::file_of(&app.renderings.folder_of(&film.id), 0);
    let made = tokio::fs::metadata(rendition).await.map_or(0, |state| state.len());
    format!("{}-{made:x}", film.print)
}

/// Measures the sounds of what plays; nothing where the film cannot be opened.
async fn measure(app: &Shared, film: &Film) -> Option<Vec<Option<Loudness>>> {
    let opened = app.films.open(&app.store, &film.id).await.ok()?;
    let open = || -> Option<File> { opened.file(0).ok() };
    let played = opened.presentation.indices().first()?.tracks();
    let played = played.iter().filter(|track| matches!(track.kind, Played::Audio { .. })).count();
    let container = probe::probe(open()?).await.ok()?;
    let sounds = container.tracks.iter().filter(|track| track.kind == Kind::Audio).enumerate();
    let sounds = sounds.filter(|(_, track)| PLAYED.contains(&track.codec.as_str()));
    let numbers: Vec<usize> = sounds.map(|(number, _)| number).collect();
    if numbers.len() != played {
        // Which one is which nobody knows, so that none is changed.
        return Some(Vec::new());
    }
    let folder = app.extras.folder_of(&film.id);
    let mut measured = Vec::new();
    for number in numbers.into_iter().take(SOUNDS) {
        let file = open()?;
        let one = in_idle_time(app, async |paused| render::loudness(file, number, &folder, paused).await);
        measured.push(one.await.unwrap_or_else(|error| {
            tracing::info!(film = film.id, %error, "how loud a film is could not be measured");
            None
        }));
    }
    Some(measured)
}
