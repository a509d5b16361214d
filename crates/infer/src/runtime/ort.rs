//! ONNX Runtime, where its library is found.

use std::sync::{Mutex, PoisonError};

use ::ort::environment::Environment;
use ::ort::session::Session;
use ::ort::session::builder::GraphOptimizationLevel;
use ::ort::value::{TensorRef, ValueType};

use super::{Output, Runtime, Unusable};

/// The library's environment: one for the whole program.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Finds the library: what `ORT_DYLIB_PATH` names, or else what the system's loader finds.
fn environment() -> Result<Environment, Unusable> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let path = std::env::var("ORT_DYLIB_PATH").unwrap_or_else(|_| "libonnxruntime.so".to_owned());
    let missing = |error: &dyn std::fmt::Display| Unusable::Library(error.to_string());
    let builder = ::ort::init_from(path).map_err(|error| missing(&error))?;
    let built =
        builder.with_name("playhouse").with_telemetry(false).build().map_err(|error| missing(&error))?;
    *environment = Some(built.clone());
    Ok(built)
}

/// A network in ONNX Runtime.
pub(super) struct Network {
    session: Session,
    input: String,
}

impl Network {
    pub(super) fn open(bytes: &[u8], threads: usize) -> Result<Self, Unusable> {
        let environment = environment()?;
        let corrupt = |error: &dyn std::fmt::Display| Unusable::Corrupt(error.to_string());
        let builder = Session::builder(&environment).map_err(|error| corrupt(&error))?;
        let mut builder = builder
            .with_intra_threads(threads.max(1))
            .and_then(|builder| builder.with_optimization_level(GraphOptimizationLevel::Level3))
            .map_err(|error| corrupt(&error))?;
        let session = builder.commit_from_memory(bytes).map_err(|error| {
            let words = error.to_string();
            // The library has no code of its own for this.
            let operator =
                words.contains("is not a registered function/op") || words.contains("NOT_IMPLEMENTED");
            if operator { Unusable::Operator(words) } else { Unusable::Corrupt(words) }
        })?;
        let input = session.inputs().first().map(|input| input.name().to_owned()).unwrap_or_default();
        Ok(Self { session, input })
    }
}

impl Runtime for Network {
    fn inputs(&self) -> Vec<Vec<Option<usize>>> {
        let shape = |kind: &ValueType| match kind {
            ValueType::Tensor { shape, .. } => {
                shape.iter().map(|length| usize::try_from(*length).ok()).collect()
            }
            _ => Vec::new(),
        };
        self.session.inputs().iter().map(|input| shape(input.dtype())).collect()
    }

    fn run(&mut self, shape: &[usize], values: &[f32]) -> Result<Vec<Output>, String> {
        let input = TensorRef::from_array_view((shape, values)).map_err(|error| error.to_string())?;
        let outputs = self
            .session
            .run(::ort::inputs![self.input.as_str() => input])
            .map_err(|error| error.to_string())?;
        let mut read = Vec::with_capacity(outputs.len());
        for (_, value) in &outputs {
            let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
            let shape = shape.iter().map(|length| usize::try_from(*length).unwrap_or_default()).collect();
            read.push(Output { shape, values: values.to_vec() });
        }
        Ok(read)
    }
}
