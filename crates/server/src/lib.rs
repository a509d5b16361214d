//! HTTP API, sign-in, permissions, web pages.
//!
//! The server decides who may do what and remembers it; machines that run sessions are behind [`node::Node`], and
//! media never passes through here. Every request goes through one gate (`gate`), whose table of rules
//! (`gate::rules`) has a line for every route.

mod api;
mod app;
mod clock;
mod config;
mod connections;
mod extract;
mod gate;
mod house;
mod markup;
mod network;
pub mod node;
mod pages;
mod problem;
mod routes;
mod serve;
mod site;
mod tls;
pub mod webrtc;

pub use config::{Config, IceServer, Sense};
pub use house::keys::Keys;
pub use network::{Network, NotANetwork};
pub use playhouse_watch::codec::Codec;
pub use serve::{ServeError, first_code, first_sensor, serve};
pub use site::{NoOrigin, Origin};
pub use tls::certificate;

/// The description of the API (OpenAPI), as `/api/openapi.json` has it.
pub fn description() -> utoipa::openapi::OpenApi {
    routes::described().split_for_parts().1
}
