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
mod founding;
mod guide;
mod house;
mod household;
mod http;
mod invites;
mod judges;
mod ladders;
mod links;
mod live;
mod on_air;
mod pages;
mod parties;
mod publisher;
mod queue;
mod recordings;
mod relay;
mod renderings;
mod roles;
mod search;
mod sensors;
mod sessions;
mod sign_in;
mod titles;
mod tls;
mod uploads;
mod whep;
