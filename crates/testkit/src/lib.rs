//! What tests and benchmarks look at the house with: a browser on a display of its own, an eye on that display's
//! pixels, a network that misbehaves by a seed, a viewer without a browser, and what `/proc` says.
//!
//! Nothing here is part of the program. What is started here is stopped again when its value is dropped, by the
//! number of its process.

pub mod browser;
pub mod child;
pub mod clock;
pub mod display;
pub mod ear;
pub mod emulator;
pub mod eye;
pub mod keys;
pub mod machine;
pub mod procs;
pub mod publisher;
pub mod viewer;
