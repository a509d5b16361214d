//! Looking at the folders of films, and following what changed there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use playhouse_library::{folder, index, poster};
use playhouse_store::films::{Film, State};
use playhouse_store::{Store, StoreError, id};
use playhouse_watch::shelf::{self, Change, Found, Known, Place, Stamp};

use super::read::{File, name_by};
use super::{Films, Looked};
use crate::app::Shared;
use crate::clock::now;

/// The pause between two looks: a film that is dropped into a folder should be there at once.
const EVERY: Duration = Duration::from_secs(2);

/// A look may take this part of the time: on a large or slow disk the pauses get longer.
const SHARE: u32 = 20;

/// The longest pause.
const RARELY: Duration = Duration::from_mins(5);

/// Files whose fingerprint is taken in one look; the others follow in the next.
const PRINTS: usize = 200;

/// Posters made between two looks: a film that arrives meanwhile should not wait for the pictures of others.
const POSTERS: usize = 4;

/// How long a film rests that could not be read for a reason of this machine's, such as a full disk.
const AGAIN: Duration = Duration::from_mins(1);

/// What a look found to do.
struct Outcome {
    /// Whether there is more to do at once.
    more: bool,
    /// How long the disk took.
    took: Duration,
}

/// Looks at the folders for ever.
pub(crate) async fn keep(app: Shared) {
    for made in [&app.films.indexes, &app.films.posters] {
        index::sweep(made);
    }
    loop {
        let pause = match app.films.look(&app.store).await {
            Ok(outcome) if outcome.more => Duration::ZERO,
            Ok(outcome) => (outcome.took * SHARE).clamp(EVERY, RARELY),
            Err(error) => {
                tracing::error!(%error, "the library could not be brought up to date");
                RARELY
            }
        };
        // Somebody who asks for a look ends the pause.
        tokio::time::timeout(pause, app.films.wake.notified()).await.ok();
    }
}

fn known(film: &Film) -> Known {
    Known {
        id: film.id.clone(),
        place: Place { folder: film.folder.clone(), path: film.path.clone() },
        stamp: Stamp { size: u64::try_from(film.size).unwrap_or_default(), modified: film.modified },
        print: film.print.clone(),
        missing: film.state == State::Missing,
    }
}

/// The films in all folders, and the folders that could not be read, with the reason.
fn walk(folders: &[PathBuf]) -> (Found, BTreeMap<String, String>) {
    let (mut found, mut away) = (Found::new(), BTreeMap::new());
    for films in folders {
        let name = films.to_string_lossy().into_owned();
        match folder::walk(films) {
            Ok(files) => {
                let place = |path| Place { folder: name.clone(), path };
                found.extend(files.into_iter().map(|file| (place(file.path), file.stamp)));
            }
            Err(error) => drop(away.insert(name, error.to_string())),
        }
    }
    (found, away)
}

/// Says which folders of films are away now, and which are back: nobody should look for films where there is no folder.
fn tell_away(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) {
    for (folder, reason) in now.iter().filter(|(folder, _)| !before.contains_key(*folder)) {
        tracing::warn!(
            "the folder of films `{folder}` cannot be read: {reason}; its films are here as soon as it is there"
        );
    }
    for folder in before.keys().filter(|folder| !now.contains_key(*folder)) {
        tracing::info!("the folder of films `{folder}` is there");
    }
}

/// Fingerprints of files, and whether there are more to take.
fn prints(places: Vec<Place>) -> (BTreeMap<Place, String>, bool) {
    let mut prints = BTreeMap::new();
    for place in places {
        if prints.len() >= PRINTS {
            return (prints, true);
        }
        match folder::open(Path::new(&place.folder), &place.path).and_then(|file| folder::print(&file)) {
            Ok(print) => drop(prints.insert(place, print)),
            Err(error) => tracing::debug!(file = place.path, %error, "a film could not be read"),
        }
    }
    (prints, false)
}

impl Films {
    /// Has the folders looked at soon.
    pub(crate) fn look_soon(&self) {
        self.wake.notify_one();
    }

    /// Says that a file has come to its place as a whole: it needs not settle.
    pub(crate) fn arrived(&self, folder: &Path, path: &str, stamp: Stamp) {
        let place = Place { folder: folder.to_string_lossy().into_owned(), path: path.to_owned() };
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).insert(place, stamp);
        self.look_soon();
    }

    /// Looks at the folders now; done when the records are as the folders are.
    pub(crate) async fn look_now(&self, store: &Store) -> Result<(), StoreError> {
        self.looked.lock().await.again = None;
        self.look(store).await.map(drop)
    }

    async fn look(&self, store: &Store) -> Result<Outcome, StoreError> {
        let mut looked = self.looked.lock().await;
        let began = Instant::now();
        let arrived = std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner));
        looked.found.extend(arrived);
        let folders = self.folders.clone();
        let (found, away) = tokio::task::spawn_blocking(move || walk(&folders)).await.unwrap_or_default();
        tell_away(&looked.away, &away);
        looked.away = away;
        let took = began.elapsed();
        let films = store.films().all().await?;
        let before: Vec<Known> = films.iter().map(known).collect();
        let rest = looked.again.is_some_and(|at| at > began);
        let resting =
            |place: &Place| rest && before.iter().any(|film| film.print.is_empty() && film.place == *place);
        let settled = |place: &Place| {
            found.get(place).is_some_and(|stamp| shelf::settled(place, *stamp, &looked.found, now()))
        };
        let unsure = shelf::unsure(&before, &found).into_iter();
        let unsure: Vec<Place> = unsure.filter(|place| settled(place) && !resting(place)).cloned().collect();
        let reading = tokio::task::spawn_blocking(move || prints(unsure)).await;
        let (prints, mut more) = reading.unwrap_or_default();
        let mut by_id: BTreeMap<String, Film> =
            films.into_iter().map(|film| (film.id.clone(), film)).collect();
        for change in shelf::changes(&before, &found, &prints) {
            self.follow(store, change, &mut by_id, &found, &prints).await?;
        }
        looked.found = found;
        if !rest {
            looked.again = by_id.values().any(|film| film.print.is_empty()).then(|| began + AGAIN);
        }
        more |= self.paint(by_id.values(), &mut looked).await;
        Ok(Outcome { more, took })
    }

    async fn follow(
        &self,
        store: &Store,
        change: Change,
        films: &mut BTreeMap<String, Film>,
        found: &Found,
        prints: &BTreeMap<Place, String>,
    ) -> Result<(), StoreError> {
        let file = |id: String, place: Place, film: Option<&Film>| {
            let stamp = found.get(&place).copied().unwrap_or(Stamp { size: 0, modified: 0 });
            let print = prints.get(&place).cloned().or_else(|| film.map(|film| film.print.clone()));
            File {
                id,
                stamp,
                print: print.unwrap_or_default(),
                added: film.map_or_else(now, |film| film.added),
                place,
            }
        };
        let film = match change {
            Change::New(place) => {
                let film = self.read(file(id::fresh(), place, None)).await;
                store.films().create(&film).await?;
                films.insert(film.id.clone(), film);
                return Ok(());
            }
            Change::Replaced(id, place) => {
                self.discard(&id).await;
                self.read(file(id.clone(), place, films.get(&id))).await
            }
            Change::Moved(id, place) | Change::Same(id, place) => {
                let Some(film) = films.get(&id) else { return Ok(()) };
                self.forget(&id);
                // A film that is there again has its index still, where it had one.
                let size = u64::try_from(film.size).unwrap_or_default();
                let ready = || index::open(&self.index_of(&id)).is_ok_and(|index| index.film_len() == size);
                if film.state == State::Missing && !ready() {
                    self.read(file(id, place, Some(film))).await
                } else {
                    let mut film = film.clone();
                    name_by(&mut film, &place);
                    film.modified = found.get(&place).map_or(film.modified, |stamp| stamp.modified);
                    if film.state == State::Missing {
                        (film.state, film.reason) = (State::Ready, None);
                    }
                    film
                }
            }
            Change::Missing(id) => {
                let Some(film) = films.get(&id) else { return Ok(()) };
                self.forget(&id);
                tracing::info!(film = id, path = film.path, "a film is missing");
                let reason = format!(
                    "Its file `{}` is not in `{}` any more. Put it back and the film is here again.",
                    film.path, film.folder
                );
                Film { state: State::Missing, reason: Some(reason), ..film.clone() }
            }
        };
        // A film that was deleted meanwhile stays so.
        store.films().update(&film).await?;
        films.insert(film.id.clone(), film);
        Ok(())
    }

    /// Makes some of the posters that are missing; whether there are more to make.
    async fn paint(&self, films: impl Iterator<Item = &Film>, looked: &mut Looked) -> bool {
        let mut made = 0;
        for film in films.filter(|film| film.state == State::Ready) {
            let to = self.poster_of(&film.id);
            if looked.faceless.contains(&film.print) || to.exists() {
                continue;
            }
            if made == POSTERS {
                return true;
            }
            made += 1;
            let Ok(file) = folder::open(Path::new(&film.folder), &film.path) else { continue };
            let millis = film.duration_ms.and_then(|millis| u64::try_from(millis).ok()).unwrap_or_default();
            if let Err(error) = poster::make(file, Duration::from_millis(millis), &to).await {
                tracing::info!(film = film.id, %error, "no poster could be made");
                looked.faceless.insert(film.print.clone());
            }
        }
        false
    }
}
