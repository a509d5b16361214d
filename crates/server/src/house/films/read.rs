//! One file, read: what ffprobe says of it, its index, and the record that follows from both.

use std::path::Path;

use playhouse_library::{folder, index, probe};
use playhouse_media::film;
use playhouse_store::Millis;
use playhouse_store::films::{Film, State};
use playhouse_watch::container::Container;
use playhouse_watch::name;
use playhouse_watch::shelf::{Place, Stamp};

use super::Films;

/// What is known of a file before it is read.
pub(super) struct File {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) stamp: Stamp,
    pub(super) print: String,
    pub(super) added: Millis,
}

/// Why a film is not ready.
enum Unready {
    /// The film is to blame.
    Film(String),
    /// This machine is; it is tried again at the next look.
    Machine(String),
}

/// Gives a record the names that follow from its place.
pub(super) fn name_by(film: &mut Film, place: &Place) {
    let name = name::parse(&place.path);
    film.folder.clone_from(&place.folder);
    film.path.clone_from(&place.path);
    film.title = if name.title.is_empty() { place.path.clone() } else { name.title };
    (film.year, film.show, film.season, film.episode) = (name.year, name.show, name.season, name.episode);
}

impl Films {
    /// Reads a file and makes its index.
    pub(super) async fn read(&self, file: File) -> Film {
        let mut film = Film {
            id: file.id,
            folder: String::new(),
            path: String::new(),
            size: i64::try_from(file.stamp.size).unwrap_or(i64::MAX),
            modified: file.stamp.modified,
            print: file.print,
            title: String::new(),
            year: None,
            show: None,
            season: None,
            episode: None,
            duration_ms: None,
            width: None,
            height: None,
            codecs: "[]".to_owned(),
            state: State::Ready,
            reason: None,
            added: file.added,
            age: None,
        };
        name_by(&mut film, &file.place);
        let prepared = match self.prepare(&mut film).await {
            // What was made of it plays.
            Err(Unready::Film(_)) if self.rendered(&film.id) => Ok(()),
            prepared => prepared,
        };
        match prepared {
            Ok(()) => tracing::info!(film = film.id, path = film.path, "a film is ready"),
            Err(Unready::Film(reason)) => {
                tracing::info!(film = film.id, path = film.path, reason, "a film cannot be played");
                (film.state, film.reason) = (State::Unplayable, Some(reason));
            }
            Err(Unready::Machine(reason)) => {
                tracing::warn!(film = film.id, path = film.path, reason, "a film could not be read");
                (film.state, film.reason) = (State::Unplayable, Some(reason));
                // A print that no file has: the film is read again at the next look.
                film.print.clear();
                film.modified = 0;
            }
        }
        film
    }

    async fn prepare(&self, film: &mut Film) -> Result<(), Unready> {
        let gone =
            |error: std::io::Error| Unready::Machine(format!("The file could not be opened: {error}."));
        let (folder, path) = (Path::new(&film.folder), film.path.as_str());
        let container = match probe::probe(folder::open(folder, path).map_err(gone)?).await {
            Ok(container) => container,
            Err(error) if error.lasts() => {
                return Err(Unready::Film(format!("This is no film that can be read: {error}.")));
            }
            Err(error) => {
                return Err(Unready::Machine(format!("The film could not be looked into: {error}.")));
            }
        };
        describe(film, &container);
        container.playable().map_err(Unready::Film)?;
        let file = folder::open(Path::new(&film.folder), &film.path).map_err(gone)?;
        let to = self.index_of(&film.id);
        let made = tokio::task::spawn_blocking(move || index::make(file, &to)).await;
        let made = made.map_err(|error| Unready::Film(format!("The film could not be indexed: {error}.")))?;
        let summary = made.map_err(|error| match error {
            film::Error::Write(_) => Unready::Machine(format!("The film could not be indexed: {error}.")),
            other => Unready::Film(format!("The film could not be indexed: {other}.")),
        })?;
        if !summary.tracks.iter().any(|track| matches!(track.kind, film::Kind::Video { .. })) {
            let why = summary.left_out.join("; ");
            return Err(Unready::Film(format!("There is no picture in this file that can be shown: {why}.")));
        }
        film.duration_ms = i64::try_from(summary.duration.as_millis()).ok();
        Ok(())
    }
}

fn describe(film: &mut Film, container: &Container) {
    film.duration_ms = container.duration_ms.and_then(|duration| i64::try_from(duration).ok());
    film.width = container.video().and_then(|track| track.width);
    film.height = container.video().and_then(|track| track.height);
    film.codecs = serde_json::to_string(&container.tracks).unwrap_or_else(|_| "[]".to_owned());
}
