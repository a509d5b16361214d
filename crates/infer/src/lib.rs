//! Runs neural networks that find things in pictures.
//!
//! A model comes as ONNX with its card. [`Model::open`] refuses what cannot work, with the reason, before anything relies on
//! it; [`Model::look`] takes a picture of any size and gives detections as fractions of it. What the outputs mean is decided
//! in `playhouse_sense::decode`; here are only the runtimes, and the way of a picture into them.
//! [`mosaic`], by feature, is how a larger model judges what a sensor asks about.

mod model;
#[cfg(feature = "judge")]
pub mod mosaic;
mod prepare;
pub mod runtime;

pub use model::{LARGEST, Model, Options, Refused};
pub use playhouse_sense::card::Card;
pub use runtime::Kind;
