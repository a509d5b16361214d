//! The API over real sockets, with a node of the tests' own in place of a machine.

mod accounts;
mod clips;
mod docs;
mod errors;
mod fake;
mod house;
mod http;
mod invites;
mod pages;
mod queue;
mod roles;
mod sessions;
mod sign_in;
mod titles;
mod tls;
mod whep;
