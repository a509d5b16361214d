//! The peers: found or installed, started as their own documents say, and measured by the same client.

pub(crate) mod selkies;
