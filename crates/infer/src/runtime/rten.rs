//! rten, the runtime that is always there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{Dimension, LoadErrorKind, Model, ModelOptions, RunOptions, ThreadPool, Value};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};

use super::{Output, Runtime, Unusable};

/// A network in rten.
pub(super) struct Network {
    model: Model,
    options: RunOptions,
}

impl Network {
    pub(super) fn open(bytes: &[u8], threads: usize) -> Result<Self, Unusable> {
        let load = || ModelOptions::with_all_ops().prepack_weights(true).load(bytes.to_vec());
        // Strangers' bytes: what makes the library panic is refused as what it returns an error for.
        let loaded =
            catch_unwind(AssertUnwindSafe(load)).map_err(|panic| Unusable::Corrupt(words(panic.as_ref())))?;
        let model = loaded.map_err(|error| match error.kind() {
            LoadErrorKind::OperatorInvalid => Unusable::Operator(error.to_string()),
            _ => Unusable::Corrupt(error.to_string()),
        })?;
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        Ok(Self { model, options: RunOptions::default().with_thread_pool(Some(pool)) })
    }
}

impl Runtime for Network {
    fn inputs(&self) -> Vec<Vec<Option<usize>>> {
        let fixed = |dimension: &Dimension| match dimension {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Symbolic(_) => None,
        };
        let shapes = (0..self.model.input_ids().len()).map(|n| self.model.input_shape(n));
        shapes.map(|shape| shape.unwrap_or_default().iter().map(fixed).collect()).collect()
    }

    fn run(&mut self, shape: &[usize], values: &[f32]) -> Result<Vec<Output>, String> {
        let &[input] = self.model.input_ids() else {
            return Err(format!("{} inputs where one is expected", self.model.input_ids().len()));
        };
        if shape.iter().product::<usize>() != values.len() {
            return Err(format!("{} numbers do not make the shape {shape:?}", values.len()));
        }
        let view = TensorView::from_data(shape, values);
        let run = || {
            self.model.run(vec![(input, view.into())], self.model.output_ids(), Some(self.options.clone()))
        };
        let outputs = catch_unwind(AssertUnwindSafe(run))
            .map_err(|panic| words(panic.as_ref()))?
            .map_err(|error| error.to_string())?;
        outputs.into_iter().map(output).collect()
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn output(value: Value) -> Result<Output, String> {
    Ok(match value {
        Value::FloatTensor(tensor) => Output { shape: tensor.shape().to_vec(), values: tensor.into_data() },
        Value::Int32Tensor(tensor) => numbers(&tensor, |value| value as f32),
        Value::Int8Tensor(tensor) => numbers(&tensor, f32::from),
        Value::UInt8Tensor(tensor) => numbers(&tensor, f32::from),
        _ => return Err("an output is no tensor".to_owned()),
    })
}

fn numbers<T: Copy>(tensor: &Tensor<T>, convert: impl Fn(T) -> f32) -> Output {
    Output { shape: tensor.shape().to_vec(), values: tensor.iter().map(|value| convert(*value)).collect() }
}
