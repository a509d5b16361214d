//! The larger model that sensors ask about what they are unsure of: the one that comes with the house. It looks at one
//! mosaic at a time; a few more wait, and whoever comes then is told to come again. No mosaic is kept.

use std::sync::Arc;

use playhouse_infer::mosaic::{Judgement, Unread, judge, read};
use playhouse_infer::{Card, Model};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// The model, and its card.
const MODEL: (&[u8], &str) = (
    include_bytes!("../../../../../models/large/model.onnx"),
    include_str!("../../../../../models/large/card.toml"),
);

/// Mosaics that are looked at or wait: less than a second's worth on one core.
const WAITING: usize = 16;

/// The model, opened when somebody asks first.
pub(crate) struct Adviser {
    places: Arc<Semaphore>,
    model: Arc<Mutex<Option<Model>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Too many ask.
    #[error("the larger model has enough to do right now; ask again in a moment")]
    Busy,
    /// There is no picture in what came.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// What the sensor takes a thing for is none of the model's labels: if it saw nothing, that would say nothing.
    #[error("the larger model of this house does not know “{0}”, and cannot say whether it is one")]
    Unknown(String),
    /// It does not know either.
    #[error("the larger model of this house is not sure either whether this is “{0}”")]
    Unsure(String),
    /// The model failed.
    #[error("{0}")]
    Failed(String),
}

impl Default for Adviser {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(WAITING)), model: Arc::default() }
    }
}

impl Adviser {
    /// What is on a mosaic (JPEG) that a sensor takes for `label`; `None`: nothing at all. `turn` is the sensor's, and is
    /// held until the model has looked, whether somebody still waits for that or not.
    pub(crate) async fn answer(
        &self,
        turn: OwnedSemaphorePermit,
        label: String,
        mosaic: Vec<u8>,
    ) -> Result<Option<String>, Unanswered> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return Err(Unanswered::Busy) };
        let mut model = Arc::clone(&self.model).lock_owned().await;
        let looking = tokio::task::spawn_blocking(move || {
            let _held = (turn, place);
            let model = opened(&mut model)?;
            if !model.card().labels.contains(&label) {
                return Err(Unanswered::Unknown(label));
            }
            let picture = read(&mosaic)?;
            match judge(model, &picture).map_err(|refused| Unanswered::Failed(refused.to_string()))? {
                Judgement::Is(label) => Ok(model.card().labels.get(usize::from(label)).cloned()),
                Judgement::Nothing => Ok(None),
                Judgement::Unsure => Err(Unanswered::Unsure(label)),
            }
        });
        looking.await.map_err(|error| Unanswered::Failed(error.to_string()))?
    }
}

fn opened(model: &mut Option<Model>) -> Result<&mut Model, Unanswered> {
    if model.is_none() {
        let card = Card::parse(MODEL.1).map_err(|error| Unanswered::Failed(error.to_string()))?;
        let opened = Model::open(MODEL.0, &card).map_err(|error| Unanswered::Failed(error.to_string()))?;
        *model = Some(opened);
    }
    model.as_mut().ok_or(Unanswered::Busy)
}
