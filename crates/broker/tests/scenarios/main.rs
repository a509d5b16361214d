//! What a user of the broker would notice: the pure parts against simpler models and virtual time, the whole against
//! foreign clients.

mod codec;
mod desk;
mod exactly_once;
mod inbox;
mod sessions;
mod strangers;
mod tls;
mod topics;
