//! Models of the registry: fetched with the sensor's certificate, held against their hash, kept, and loaded in the background.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use playhouse_sense::enrolment::{Desired, MODELS};
use playhouse_sense::settings::ModelRef;
use tokio::sync::watch;

use super::look::Order;
use super::twin::Twin;
use crate::backoff::Backoff;
use crate::detector::{Detector, Fetched, Loader};
use crate::folder::{FolderError, write_whole};
use crate::http::{Place, ask};

/// The largest model that is fetched.
const LARGEST: usize = 64 << 20;

/// The largest card.
const LARGEST_CARD: usize = 64 << 10;

/// How the name of a card's file ends; the rest is the model's hash, which is its file's name.
const CARD: &str = ".card";

/// Files that are kept: the model that looks with its card, the one before it, and some more.
const KEPT: usize = 8;

/// The first wait and the longest before a model that could not be fetched is asked for again.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(2);

/// Why there is no such model.
enum Missing {
    /// It may be there later.
    NotNow(String),
    /// It will never do.
    Never(String),
}

/// Models on disk, and where others come from.
pub(super) struct Models {
    folder: PathBuf,
    loader: Arc<dyn Loader>,
    place: watch::Receiver<Place>,
}

impl Models {
    /// Kept in a folder, which is made where it is missing.
    pub(super) fn open(
        folder: &Path,
        loader: Arc<dyn Loader>,
        place: watch::Receiver<Place>,
    ) -> Result<Self, FolderError> {
        std::fs::create_dir_all(folder).map_err(FolderError::io(folder, "made"))?;
        Ok(Self { folder: folder.to_owned(), loader, place })
    }

    /// Prepares what the twin desires, for as long as it is polled: `give` gets each as soon as its model is loaded.
    pub(super) async fn prepare(&self, twin: &Twin, give: impl Fn(Order)) {
        let mut desired = twin.desired();
        let mut looks: Option<ModelRef> = None;
        loop {
            let wanted = desired.borrow_and_update().clone();
            tokio::select! {
                () = self.prepare_one(twin, wanted, &mut looks, &give) => {
                    if desired.changed().await.is_err() {
                        return;
                    }
                }
                // Something else is wanted by now.
                Ok(()) = desired.changed() => {}
            }
        }
    }

    async fn prepare_one(
        &self,
        twin: &Twin,
        wanted: Desired,
        looks: &mut Option<ModelRef>,
        give: &impl Fn(Order),
    ) {
        let Desired { version, settings } = wanted;
        let same =
            looks.as_ref().map(|model| &model.hash) == settings.model.as_ref().map(|model| &model.hash);
        if same {
            return give(Order { version, settings, detector: None });
        }
        let mut backoff = Backoff::new(FIRST, LONGEST);
        loop {
            match self.detector(settings.model.as_ref()).await {
                Ok(detector) => {
                    looks.clone_from(&settings.model);
                    return give(Order { version, settings, detector: Some(detector) });
                }
                Err(Missing::Never(why)) => return twin.refuse(Some(version), why),
                Err(Missing::NotNow(why)) => {
                    twin.refuse(Some(version), format!("{why}; it is tried again"));
                    tokio::time::sleep(backoff.wait(rand::random())).await;
                }
            }
        }
    }

    async fn detector(&self, model: Option<&ModelRef>) -> Result<Box<dyn Detector>, Missing> {
        let fetched = match model {
            Some(model) => Some(self.fetched(model).await?),
            None => None,
        };
        let loader = Arc::clone(&self.loader);
        let loaded = tokio::task::spawn_blocking(move || loader.load(fetched.as_ref())).await;
        loaded
            .map_err(|error| Missing::Never(format!("the model could not be loaded ({error})")))?
            .map_err(Missing::Never)
    }

    /// The model with its card.
    async fn fetched(&self, model: &ModelRef) -> Result<Fetched, Missing> {
        let hash = model.hash.to_ascii_lowercase();
        let is_right = |bytes: &[u8]| blake3::hash(bytes).to_hex().as_str() == hash;
        let card = format!("{hash}{CARD}");
        let kept = |name: &str| std::fs::read(self.folder.join(name)).ok();
        if let (Some(bytes), Some(card)) = (kept(&hash).filter(|bytes| is_right(bytes)), kept(&card)) {
            return Ok(Fetched { model: model.clone(), bytes, card });
        }
        let bytes = self.get(model, &hash, LARGEST).await?;
        if !is_right(&bytes) {
            let name = &model.name;
            let why = format!("the model {name} came damaged: its hash is not the one that was asked for");
            return Err(Missing::NotNow(why));
        }
        let words = self.get(model, &format!("{hash}/card"), LARGEST_CARD).await?;
        // One that cannot be kept is fetched again after the next start.
        let written =
            write_whole(&self.folder, &hash, &bytes).and_then(|()| write_whole(&self.folder, &card, &words));
        if let Err(error) = written {
            tracing::warn!(%error, "a model is not kept");
        }
        self.tidy();
        Ok(Fetched { model: model.clone(), bytes, card: words })
    }

    async fn get(&self, model: &ModelRef, path: &str, most: usize) -> Result<Vec<u8>, Missing> {
        let (name, place) = (&model.name, self.place.borrow().clone());
        let answer = ask(&place, &format!("{MODELS}{path}"), None, most)
            .await
            .map_err(|error| Missing::NotNow(format!("the model {name} could not be fetched ({error})")))?;
        if answer.status.is_success() {
            Ok(Vec::from(answer.body))
        } else {
            Err(Missing::NotNow(format!("the hub does not give the model {name} ({})", answer.status)))
        }
    }

    /// Removes the models that were fetched longest ago.
    fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let age = |entry: std::fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut all: Vec<_> = entries.flatten().filter_map(age).collect();
        all.sort_unstable();
        let spare = all.len().saturating_sub(KEPT);
        for (_, path) in all.into_iter().take(spare) {
            // One that stays costs a little room.
            std::fs::remove_file(path).ok();
        }
    }
}
