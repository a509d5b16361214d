//! What the server decides and remembers while it runs: titles, sessions, the queue, attempts to sign in.

pub(crate) mod catalogue;
pub(crate) mod cover;
pub(crate) mod live;
pub(crate) mod queue;
pub(crate) mod sessions;
pub(crate) mod stage;
pub(crate) mod throttle;
pub(crate) mod view;
pub(crate) mod watch;
