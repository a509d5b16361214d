//! What happens to peers, as the session hears it.

use std::sync::Arc;
use std::time::Duration;

use playhouse_media::frame::Timeline;
use playhouse_play::queue::Load;

/// A peer's name, given by whoever accepted its offer.
pub type PeerId = Arc<str>;

/// One of the two data channels that a player opens (`play::input` says what they carry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Ordered and reliable.
    Control,
    /// Unordered, never sent twice.
    Motion,
}

impl Channel {
    /// The label under which the browser opens it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Motion => "motion",
        }
    }

    /// The channel of a label.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Control, Self::Motion].into_iter().find(|channel| channel.label() == label)
    }
}

/// A message to a peer: browsers tell text from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Arrives as a string.
    Text(String),
    /// Arrives as an `ArrayBuffer`.
    Binary(Vec<u8>),
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl Payload {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    pub(crate) fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }
}

/// Why a peer is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The session closed it.
    #[error("the session closed the connection")]
    Asked,
    /// It said good-bye: the page was closed or left.
    #[error("the player left")]
    Left,
    /// Nothing was heard of it for the configured time.
    #[error("nothing was heard of the player for {0:?}")]
    Silent(Duration),
    /// It did not read what it was sent.
    #[error("the player did not read its messages")]
    Backlog,
    /// An offer under the same name took its place.
    #[error("a new connection of the same player took over")]
    Replaced,
    /// The protocol failed.
    #[error("the connection failed: {0}")]
    Failed(String),
}

/// Something about a peer. The callback that takes it runs on the network thread and has to be quick; it may
/// call any method of [`crate::Handle`].
#[derive(Clone, Debug, PartialEq)]
pub enum PeerEvent {
    /// The connection stands: pictures flow from the next keyframe on. A keyframe is wanted too.
    Connected {
        /// Who.
        peer: PeerId,
    },
    /// The last event of a peer.
    Closed {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: CloseReason,
    },
    /// A message of the peer.
    Data {
        /// Who.
        peer: PeerId,
        /// By which channel.
        channel: Channel,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The peer cannot go on without a keyframe of its quality: it is new, has lost too much, or changes over.
    /// While the picture stands still someone has to make one.
    KeyframeWanted {
        /// Who.
        peer: PeerId,
        /// Quality of which a keyframe is wanted.
        quality: u8,
    },
    /// What the path to the peer carries; some twenty times a second.
    Estimate {
        /// Who.
        peer: PeerId,
        /// Bits per second that the path carries, by congestion control.
        bitrate: u32,
        /// Share of packets lost in the last second, 0 to 1.
        loss: f32,
        /// Round trip; zero until it is known.
        rtt: Duration,
        /// What waits on the path.
        load: Load,
    },
    /// The last packet of a frame was handed to the kernel.
    Sent {
        /// Who.
        peer: PeerId,
        /// The frame's RTP timestamp, as the browser names it.
        rtp: u32,
        /// The frame's way, with `sent` filled in.
        timeline: Timeline,
        /// Size of the access unit.
        bytes: usize,
        /// Whether it was a keyframe.
        keyframe: bool,
    },
}
