//! What the server decides and remembers while it runs: titles, films, uploads, parties, places, keys of channels,
//! sessions, the queue, attempts to sign in.

pub(crate) mod air;
pub(crate) mod buffers;
pub(crate) mod catalogue;
pub(crate) mod cover;
pub(crate) mod extras;
pub(crate) mod films;
pub(crate) mod founding;
pub(crate) mod guide;
pub(crate) mod household;
pub(crate) mod keys;
pub(crate) mod ladders;
pub(crate) mod live;
pub(crate) mod on_air;
pub(crate) mod parties;
pub(crate) mod piece;
pub(crate) mod places;
pub(crate) mod queue;
pub(crate) mod recordings;
pub(crate) mod renderings;
pub(crate) mod sensors;
pub(crate) mod sessions;
pub(crate) mod stage;
pub(crate) mod steering;
pub(crate) mod throttle;
pub(crate) mod uploads;
pub(crate) mod view;
pub(crate) mod watch;
