//! The library: films in their folders, their indexes, and those that are being watched.

mod look;
mod read;

pub(crate) use look::keep;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use playhouse_library::{folder, index, render};
use playhouse_media::film::{self, Index, Presentation, Text};
use playhouse_store::Store;
use playhouse_store::films::{Film, State};
use playhouse_watch::shelf::Found;
use tokio::sync::Notify;

use crate::config::Config;
use crate::house::extras;
use crate::problem::{Answer, Problem};

/// Indexes held open: each has some 100 KiB, and a film that is watched by many has one.
const OPEN: usize = 32;

/// The library.
#[derive(Debug)]
pub(crate) struct Films {
    folders: Vec<PathBuf>,
    indexes: PathBuf,
    posters: PathBuf,
    renditions: PathBuf,
    extras: PathBuf,
    opened: Mutex<VecDeque<Arc<Opened>>>,
    looked: tokio::sync::Mutex<Looked>,
    /// Files that came to their place as a whole since the last look.
    arrived: Mutex<Found>,
    wake: Notify,
}

/// What is remembered from one look at the folders to the next.
#[derive(Debug, Default)]
struct Looked {
    found: Found,
    /// Folders that could not be read, with the reason.
    away: BTreeMap<String, String>,
    /// Films that gave no poster, by fingerprint: they would not give one the next time.
    faceless: BTreeSet<String>,
    /// When films are tried again that could not be read for a reason of this machine's.
    again: Option<std::time::Instant>,
}

/// A film that is being watched.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) film: Film,
    pub(crate) presentation: Presentation,
    /// Whether the film's own file plays as rendition 0.
    own: bool,
    /// Where renditions lie, and texts.
    renditions: PathBuf,
    extras: PathBuf,
    /// Changes with what there is to play of one and the same file.
    pub(crate) mark: String,
}

impl Opened {
    /// The file that the segments of an index lie in.
    pub(crate) fn file(&self, index: usize) -> io::Result<File> {
        if self.own && index == 0 {
            folder::open(Path::new(&self.film.folder), &self.film.path)
        } else {
            File::open(render::file_of(&self.renditions, index))
        }
    }

    /// A text.
    pub(crate) fn text(&self, number: usize) -> io::Result<Vec<u8>> {
        std::fs::read(self.extras.join(format!("s{number}.vtt")))
    }
}

/// There is no such film.
pub(crate) fn no_film() -> Problem {
    Problem::not_found("There is no such film in the library (any more). Look at the list for what there is.")
}

/// Why a film cannot be watched.
fn unplayable(film: &Film, reason: &str) -> Problem {
    let detail = format!("“{}” cannot be watched: {reason}", film.title);
    Problem::new(StatusCode::CONFLICT, "unplayable", "The film cannot be watched", detail)
}

/// The film's file is not the one that was indexed, or not there: the next look at the folders finds that out.
pub(crate) fn changed(film: &Film) -> Problem {
    unplayable(film, "its file has just changed or gone. It is read anew within seconds; try again then.")
}

impl Films {
    /// The library of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            folders: config.films.clone(),
            indexes: config.data.join("index"),
            posters: config.data.join("posters"),
            renditions: config.data.join("renditions"),
            extras: config.data.join("extras"),
            opened: Mutex::default(),
            looked: tokio::sync::Mutex::default(),
            arrived: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn index_of(&self, id: &str) -> PathBuf {
        self.indexes.join(id)
    }

    /// Bytes of a film's own index, where it has one.
    pub(crate) fn index_bytes(&self, id: &str) -> u64 {
        std::fs::metadata(self.index_of(id)).map_or(0, |state| state.len())
    }

    /// Where a film's poster is, if it has one.
    pub(crate) fn poster_of(&self, id: &str) -> PathBuf {
        self.posters.join(format!("{id}.jpg"))
    }

    /// The film of an id, ready to be watched.
    pub(crate) async fn open(self: &Arc<Self>, store: &Store, id: &str) -> Answer<Arc<Opened>> {
        if let Some(opened) = self.cached(id) {
            return Ok(opened);
        }
        let film = store.films().get(id).await?.ok_or_else(no_film)?;
        if film.state != State::Ready {
            return Err(unplayable(&film, film.reason.as_deref().unwrap_or("its file is not there.")));
        }
        let films = self.clone();
        let texts = extras::texts(store, &film.id).await;
        let opening = tokio::task::spawn_blocking(move || films.open_index(film, texts));
        let opened = opening.await.map_err(|error| Problem::internal("Opening a film", &error))??;
        let mut cache = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|other| other.film.id != opened.film.id);
        cache.truncate(OPEN - 1);
        cache.push_front(opened.clone());
        Ok(opened)
    }

    fn cached(&self, id: &str) -> Option<Arc<Opened>> {
        let mut cache = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let at = cache.iter().position(|opened| opened.film.id == id)?;
        let opened = cache.remove(at)?;
        cache.push_front(opened.clone());
        Some(opened)
    }

    /// Opens the indices of a film's renditions, where it has some that play in its place, or its own and those of
    /// renditions beside it.
    fn open_index(&self, film: Film, texts: Vec<extras::Text>) -> Answer<Arc<Opened>> {
        let (renditions, extras) = (self.renditions.join(&film.id), self.extras.join(&film.id));
        let made = render::count(&renditions);
        let beside = render::beside(&renditions);
        let rendition = |number| index::open(&render::index_of(&renditions, number));
        let indices = if made > 0 {
            (0..made).map(rendition).collect()
        } else {
            std::iter::once(self.own_index(&film)).chain((1..=beside).map(rendition)).collect()
        };
        let indices: Result<Vec<Index>, film::Error> = indices;
        let indices = indices.map_err(|error| unplayable(&film, &format!("{error}.")))?;
        let text =
            |text: extras::Text| Text { language: text.language, name: text.name, forced: text.forced };
        let texts: Vec<Text> = texts.into_iter().map(text).collect();
        let bytes: u64 = indices.iter().map(Index::film_len).sum();
        let mark = format!("{}-{bytes:x}-{}", made + beside, texts.len());
        let presentation = Presentation::new(indices, texts);
        Ok(Arc::new(Opened { film, presentation, own: made == 0, renditions, extras, mark }))
    }

    /// Opens a film's own index, and makes it where it is gone or of another version of the program.
    fn own_index(&self, film: &Film) -> Result<Index, film::Error> {
        let path = self.index_of(&film.id);
        index::open(&path).or_else(|error| match error {
            film::Error::Read(_) | film::Error::NoIndex | film::Error::Version { .. } => {
                tracing::info!(film = film.id, %error, "a film's index is made anew");
                let file = folder::open(Path::new(&film.folder), &film.path).map_err(film::Error::Read)?;
                index::make(file, &path)?;
                index::open(&path)
            }
            other => Err(other),
        })
    }

    /// Whether renditions of a film are there.
    fn rendered(&self, id: &str) -> bool {
        render::count(&self.renditions.join(id)) > 0
    }

    /// Forgets what is held open of a film that is not what it was.
    pub(crate) fn forget(&self, id: &str) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).retain(|opened| opened.film.id != id);
    }

    /// Removes what was made from a film.
    pub(crate) async fn discard(&self, id: &str) {
        self.forget(id);
        for folder in [self.renditions.join(id), self.extras.join(id)] {
            let removing = tokio::task::spawn_blocking(move || render::remove(&folder)).await;
            if let Ok(Err(error)) = removing {
                tracing::warn!(film = id, %error, "what was made of a film could not be removed");
            }
        }
        for path in [self.index_of(id), self.poster_of(id)] {
            if let Err(error) = tokio::fs::remove_file(&path).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = %path.display(), %error, "what was made from a film could not be removed");
            }
        }
    }
}
