//! The routes, by subject. Each is described beside its handler, and allowed by a line in `gate::rules`.

pub(crate) mod accounts;
pub(crate) mod broadcast;
pub(crate) mod channels;
pub(crate) mod clips;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod films;
pub(crate) mod invites;
pub(crate) mod keeping;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod me;
pub(crate) mod plays;
pub(crate) mod queue;
pub(crate) mod renderings;
pub(crate) mod seats;
pub(crate) mod sessions;
pub(crate) mod sign_in;
mod signalling;
pub(crate) mod system;
pub(crate) mod titles;
pub(crate) mod uploads;
pub(crate) mod watching;
pub(crate) mod whep;
