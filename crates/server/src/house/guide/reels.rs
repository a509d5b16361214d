//! What a channel has to know of each film of the library: how long it is, and how it is cut.

use std::collections::HashMap;
use std::sync::Arc;

use playhouse_media::film::{Kind, Presentation, Track};
use playhouse_store::films::{Film, State};
use playhouse_watch::name;
use playhouse_watch::schedule::Reel;

use crate::app::Shared;
use crate::problem::Answer;

/// The library in its order, as far as a channel can show it, each film with its show.
pub(super) type Library = Vec<(Reel, Option<String>)>;

/// Reels that were read, by film and what its file held.
pub(super) type Read = HashMap<String, (String, Option<Arc<Reel>>)>;

/// The reel of a film; none where it has no picture, or no sound.
fn reel(film: &Film, shown: &Presentation) -> Option<Reel> {
    let tracks: Vec<&Track> = shown.tracks().collect();
    let picture = tracks.iter().position(|track| matches!(track.kind, Kind::Video { .. }))?;
    let sound = tracks.iter().position(|track| matches!(track.kind, Kind::Audio { .. }))?;
    let (first, second) = (tracks.get(picture)?, tracks.get(sound)?);
    let Kind::Video { size, .. } = first.kind else { return None };
    let longest = |track: usize| {
        let times = shown.times(track).unwrap_or_default();
        times.windows(2).filter_map(|span| span.get(1)?.checked_sub(*span.first()?)).max().unwrap_or(0)
    };
    Some(Reel {
        film: film.id.clone(),
        micros: i64::try_from(shown.duration().as_micros()).ok()?,
        segments: [shown.segments(picture), shown.segments(sound)],
        tracks: [u16::try_from(picture).ok()?, u16::try_from(sound).ok()?],
        longest: u32::try_from(longest(picture).max(longest(sound))).unwrap_or(u32::MAX),
        codecs: [first.codec.clone(), second.codec.clone()],
        rates: [first.peak + second.peak, first.average + second.average],
        size: [size.width, size.height],
    })
}

/// Reads what is new in the library, and gives all of it.
pub(super) async fn library(app: &Shared, read: &mut Read) -> Answer<Library> {
    let mut films = app.store.films().all().await?;
    films.retain(|film| film.state == State::Ready);
    films.sort_by_cached_key(|film| {
        let shelf = film.show.as_deref().unwrap_or(&film.title);
        (
            name::sorted(shelf),
            film.season,
            film.episode,
            name::sorted(&film.title),
            film.year,
            film.id.clone(),
        )
    });
    let mut library = Vec::new();
    let mut known = Read::new();
    for film in films {
        let before = read.remove(&film.id).filter(|(print, _)| *print == film.print);
        let found = if let Some((_, reel)) = before {
            reel
        } else {
            match app.films.open(&app.store, &film.id).await {
                Ok(opened) => reel(&film, &opened.presentation).map(Arc::new),
                Err(_) => None,
            }
        };
        if let Some(reel) = &found {
            library.push((reel.as_ref().clone(), film.show.clone()));
        }
        known.insert(film.id, (film.print, found));
    }
    *read = known;
    Ok(library)
}
