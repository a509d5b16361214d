//! The one gate that every request passes: who is asking, from where, and whether the rules let them.

pub(crate) mod address;
pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod headers;
pub(crate) mod known;
pub(crate) mod limits;
pub(crate) mod origin;
pub(crate) mod permission;
pub(crate) mod rules;
pub(crate) mod socket;
pub(crate) mod who;
