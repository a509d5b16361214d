//! Live streams: one publisher each, many subscribers.
//!
//! A protocol that takes streams in asks the [`Door`] whether a key may publish, and gives what it receives to a
//! [`Publisher`]. A protocol that sends streams out takes a [`Subscription`], which begins at the newest keyframe.
//! Neither waits for the other: a subscriber that does not keep up loses the oldest samples and is told so.

mod door;
mod hub;
mod stream;

pub use door::{Admission, Door, Protocol, Refusal, Verdict};
pub use hub::{Event, Happening, Hub, MAX_STREAMS};
pub use stream::{Gone, Health, Item, Publisher, Stream, Subscription};
