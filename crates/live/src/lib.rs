//! Live streams: one publisher each, many subscribers.
//!
//! A protocol that takes streams in asks the [`Door`] whether a key may publish, and gives what it receives to a
//! [`Publisher`]. A protocol that sends streams out takes a [`Subscription`], which begins at the newest keyframe.
//! Neither waits for the other: a subscriber that does not keep up loses the oldest samples and is told so.
//!
//! One such subscriber is the recorder: it makes a [`Broadcast`] of a stream, which is what HTTP serves, from memory at its
//! edge and from the disk behind that. Lower qualities of it are made by a [`ladder`].

mod air;
mod broadcast;
mod disk;
mod door;
mod hub;
mod keep;
pub mod ladder;
mod recorder;
mod rungs;
mod stream;
mod tape;

pub use air::Air;
pub use broadcast::{Broadcast, Missing};
pub use door::{Admission, Door, Protocol, Refusal, Verdict};
pub use hub::{Event, Happening, Hub, MAX_STREAMS};
pub use keep::NotKept;
pub use stream::{Gone, Health, Item, Publisher, Stream, Subscription};
pub use tape::{Full, Tape};
