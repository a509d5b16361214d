//! What runs a network: one input of floating-point numbers, any number of outputs.

mod frame;
#[cfg(feature = "ort")]
mod ort;
mod rten;

/// A network that can be run.
pub trait Runtime: Send {
    /// The shape of each input; `None` for a length that is not fixed.
    fn inputs(&self) -> Vec<Vec<Option<usize>>>;

    /// Runs it with its one input, which has the shape said, the last dimension varying fastest.
    ///
    /// # Errors
    /// In the runtime's own words, where the shape does not fit or an operator cannot be run.
    fn run(&mut self, shape: &[usize], values: &[f32]) -> Result<Vec<Output>, String>;
}

/// What comes out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// The numbers, the last dimension varying fastest. Whole numbers and truth values as floating-point ones.
    pub values: Vec<f32>,
}

/// Which runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// rten: a part of this program.
    #[default]
    Rten,
    /// ONNX Runtime: a library that is looked for when it is asked for, and only by a program built with the feature `ort`.
    Ort,
}

/// Why a network cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The bytes are no ONNX, or their parts do not fit together.
    #[error("the model is damaged or no ONNX: {0}; export or copy it again")]
    Corrupt(String),
    /// It uses what this runtime does not have.
    #[error(
        "the model needs an operator that the runtime does not have: {0}; export it with plain operators (opset 17)"
    )]
    Operator(String),
    /// The runtime is not there.
    #[error(
        "ONNX Runtime is not available: {0}; install it (version 1.17 or newer), name its library in ORT_DYLIB_PATH, or use rten"
    )]
    Library(String),
}

/// Opens a network, which will run on so many threads.
///
/// # Errors
/// Why not.
pub fn open(kind: Kind, bytes: &[u8], threads: usize) -> Result<Box<dyn Runtime>, Unusable> {
    if !frame::is_sound(bytes) {
        return Err(Unusable::Corrupt("its bytes are cut off or mixed up".to_owned()));
    }
    match kind {
        Kind::Rten => rten::Network::open(bytes, threads).map(|network| Box::new(network) as _),
        #[cfg(feature = "ort")]
        Kind::Ort => ort::Network::open(bytes, threads).map(|network| Box::new(network) as _),
        #[cfg(not(feature = "ort"))]
        Kind::Ort => Err(Unusable::Library("this program was built without it".to_owned())),
    }
}
