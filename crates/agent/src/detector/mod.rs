//! What finds things in a picture: the seam between the agent and those that run models.

mod neural;
mod oracle;

use playhouse_sense::detection::Detection;
use playhouse_sense::picture::Picture;
use playhouse_sense::settings::ModelRef;

pub use neural::Networks;
pub use oracle::{Oracle, Oracles};

/// Finds things in pictures. Lives on the thread that looks.
pub trait Detector: Send {
    /// What is in a picture, with a score of `floor` at least; or why that cannot be said.
    fn detect(&mut self, picture: &Picture, floor: f32) -> Result<Vec<Detection>, String>;

    /// What its labels are called.
    fn labels(&self) -> Vec<String>;

    /// Which model of the registry it is; `None`: the one that came with the agent.
    fn model(&self) -> Option<ModelRef>;
}

/// A model as the hub gives it.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Which.
    pub model: ModelRef,
    /// Its bytes (ONNX), whose hash is right.
    pub bytes: Vec<u8>,
    /// Its card, as JSON that nobody has looked at yet.
    pub card: Vec<u8>,
}

/// Makes detectors of models' files.
pub trait Loader: Send + Sync {
    /// Loads a model; `None`: the one that came with the agent. Takes its time, and is called on a thread for that.
    /// The error is a sentence that says what is wrong with the model.
    fn load(&self, model: Option<&Fetched>) -> Result<Box<dyn Detector>, String>;
}
