//! The agent beside a camera: it takes pictures, understands them where they are taken, and tells the hub what they mean.
//!
//! [`identity`] makes the key and keeps the certificate, [`link`] speaks MQTT over TLS with it, [`input`] has the camera,
//! [`outbox`] keeps on disk what the hub has not taken. What pictures mean is decided by `playhouse_sense`, which is pure.
//!
//! Without the feature `pictures` nothing here can send a picture: no message that leaves ([`link::Message`]) has a place for
//! one, and what makes pictures of pixels (`mosaic`) is not built. With it, crops leave by one way (`agent::ask`), where settings allow it.

/// Whether this build can send crops of pictures.
pub const SENDS_CROPS: bool = cfg!(feature = "pictures");

pub mod agent;
pub mod backoff;
mod clock;
pub mod detector;
pub mod fleet;
pub mod folder;
mod health;
mod http;
pub mod identity;
pub mod input;
pub mod link;
#[cfg(feature = "pictures")]
pub mod mosaic;
mod mqtt;
pub mod outbox;
pub mod tls;
