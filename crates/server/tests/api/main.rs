//! The API over real sockets, with a node of the tests' own in place of a machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod broadcast;
mod channels;
mod clips;
mod docs;
mod errors;
mod fake;
mod films;
mod guide;
mod house;
mod household;
mod http;
mod invites;
mod links;
mod live;
mod pages;
mod parties;
mod publisher;
mod queue;
mod renderings;
mod roles;
mod search;
mod sessions;
mod sign_in;
mod titles;
mod tls;
mod uploads;
mod whep;
