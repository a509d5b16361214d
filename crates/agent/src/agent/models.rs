//! Models of the registry: fetched with the sensor's certificate, held against their hash, kept, and loaded in the background.

use std::path::Path;
use std::sync::Arc;

use playhouse_sense::enrolment::{Desired, MODELS};
use playhouse_sense::settings::ModelRef;
use tokio::sync::watch;

use super::look::Order;
use super::shelf::{Missing, Shelf, Sort, patience};
use super::twin::Twin;
use crate::detector::{Detector, Fetched, Loader};
use crate::folder::FolderError;
use crate::http::Place;

/// The models of a sensor: the one that looks with its card, the one before it, and some more.
const SORT: Sort = Sort { one: "model", from: MODELS, largest: 64 << 20, kept: 8 };

/// The largest card.
const LARGEST_CARD: usize = 64 << 10;

/// How the name of a card's file ends; the rest is the model's hash, which is its file's name.
const CARD: &str = ".card";

/// Models on disk, and where others come from.
pub(super) struct Models {
    shelf: Shelf,
    loader: Arc<dyn Loader>,
}

impl Models {
    /// Kept in a folder, which is made where it is missing.
    pub(super) fn open(
        folder: &Path,
        loader: Arc<dyn Loader>,
        place: watch::Receiver<Place>,
    ) -> Result<Self, FolderError> {
        Ok(Self { shelf: Shelf::open(SORT, folder, place)?, loader })
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
        let mut backoff = patience();
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
        let (hash, shelf) = (model.hash.to_ascii_lowercase(), &self.shelf);
        let card = format!("{hash}{CARD}");
        if let (Some(bytes), Some(card)) = (shelf.kept(&hash), shelf.read(&card)) {
            return Ok(Fetched { model: model.clone(), bytes, card });
        }
        let bytes = shelf.fetch(&model.name, &hash).await?;
        let words = shelf.get(&model.name, &format!("{hash}/card"), LARGEST_CARD).await?;
        shelf.keep(&[(&hash, &bytes), (&card, &words)]);
        Ok(Fetched { model: model.clone(), bytes, card: words })
    }
}
