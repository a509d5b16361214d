//! Apps that the settings want: fetched and opened in the background, and given to the thread that looks, where they run.

mod held;

use std::path::Path;

use playhouse_apps::{App, limits};
use playhouse_sense::enrolment::APPS;
use playhouse_sense::settings::{AppRef, MOST_APPS};
use tokio::sync::{mpsc, watch};

use super::shelf::{Missing, Shelf, Sort, patience};
use super::twin::Twin;
use crate::folder::FolderError;
use crate::http::Place;

pub(super) use held::Held;

/// The apps of a sensor, and as many that it had before.
const SORT: Sort = Sort { one: "app", from: APPS, largest: limits::LARGEST_MODULE, kept: 2 * MOST_APPS };

/// Deeds on their way to the thread that looks, which takes them between two pictures.
const DEEDS: usize = 16;

/// What the thread that looks is to do about apps.
pub(super) enum Deed {
    /// Those of other names end, and nobody waits for any other than these.
    Only(Vec<AppRef>),
    /// One could not be fetched yet, and why. What runs under its name goes on.
    Wait(AppRef, String),
    /// One is told observations from now on, instead of what had its name; or is refused, and why.
    Run(AppRef, Result<Box<App>, String>),
}

/// Apps on disk, and where others come from.
pub(super) struct Apps {
    shelf: Shelf,
    deeds: mpsc::Sender<Deed>,
}

impl Apps {
    /// Kept in a folder, which is made where it is missing. What is to be done comes out of the other end.
    pub(super) fn open(
        folder: &Path,
        place: watch::Receiver<Place>,
    ) -> Result<(Self, mpsc::Receiver<Deed>), FolderError> {
        let (deeds, to_do) = mpsc::channel(DEEDS);
        Ok((Self { shelf: Shelf::open(SORT, folder, place)?, deeds }, to_do))
    }

    /// Prepares what the twin desires, for as long as it is polled.
    pub(super) async fn prepare(&self, twin: &Twin) {
        let mut desired = twin.desired();
        let mut given: Vec<AppRef> = Vec::new();
        loop {
            let wanted = desired.borrow_and_update().settings.apps.clone();
            tokio::select! {
                () = self.prepare_all(wanted, &mut given) => {
                    if desired.changed().await.is_err() {
                        return;
                    }
                }
                // Something else is wanted by now.
                Ok(()) = desired.changed() => {}
            }
        }
    }

    /// Until each has been given. One that was stopped has been, and does not come again.
    async fn prepare_all(&self, wanted: Vec<AppRef>, given: &mut Vec<AppRef>) {
        given.retain(|app| wanted.contains(app));
        self.tell(Deed::Only(wanted.clone())).await;
        let mut backoff = patience();
        loop {
            for app in &wanted {
                if given.contains(app) {
                    continue;
                }
                match self.opened(app).await {
                    Ok(opened) => self.tell(Deed::Run(app.clone(), Ok(opened))).await,
                    Err(Missing::Never(why)) => self.tell(Deed::Run(app.clone(), Err(why))).await,
                    Err(Missing::NotNow(why)) => {
                        self.tell(Deed::Wait(app.clone(), format!("{why}; it is tried again"))).await;
                        continue;
                    }
                }
                given.push(app.clone());
            }
            if wanted.iter().all(|app| given.contains(app)) {
                return;
            }
            tokio::time::sleep(backoff.wait(rand::random())).await;
        }
    }

    async fn tell(&self, deed: Deed) {
        // Where nobody looks any more there is nothing to do.
        self.deeds.send(deed).await.ok();
    }

    async fn opened(&self, app: &AppRef) -> Result<Box<App>, Missing> {
        let hash = app.hash.to_ascii_lowercase();
        let bytes = if let Some(bytes) = self.shelf.kept(&hash) {
            bytes
        } else {
            let bytes = self.shelf.fetch(&app.name, &hash).await?;
            self.shelf.keep(&[(&hash, &bytes)]);
            bytes
        };
        let opened = tokio::task::spawn_blocking(move || App::open(&bytes).map(Box::new)).await;
        opened
            .map_err(|error| Missing::Never(format!("it could not be opened ({error})")))?
            .map_err(|refused| Missing::Never(refused.to_string()))
    }
}
