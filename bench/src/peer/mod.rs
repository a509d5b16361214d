//! Whom we are measured against.

pub(crate) mod debian;
pub(crate) mod janus;
pub(crate) mod nginx;
pub(crate) mod selkies;
