//! Sensing apps: WebAssembly modules that are told observations and make events of their own, within limits.
//!
//! [`Told`] is what an app is told, [`App`] is one that runs, [`limits`] says how much it may take. `docs/apps.md` describes
//! the interface for those who write apps.
//!
//! Nothing here touches the world: there is no socket, file, process, thread or clock in this crate, and a module is offered
//! none either. What fetches apps and gives them observations is the agent.

mod app;
mod host;
pub mod limits;
mod refused;
mod told;

pub use app::App;
pub use host::{Emitted, Said};
pub use refused::{Refused, Stopped};
pub use told::{Names, Told};

#[cfg(test)]
mod tests;
