//! What a session's network can be told, and the limits that it keeps whatever it is told.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Peers of one session at most: a room of spectators, and a bound on what one session can send.
pub const MAX_PEERS: usize = 32;

/// Peers of one loop for live streams at most: what a core can serve at a small bitrate, and a bound on memory.
pub const MAX_LIVE_PEERS: usize = 4096;

/// Commands that may wait for the thread: a few frames for each of the encodings, sound, and notices. When they
/// are full the thread has not run for many frames, and waiting would only add delay.
pub(crate) const MAX_COMMANDS: usize = 512;

/// Candidates taken from one peer: a browser has a handful, a stranger could send thousands.
pub(crate) const MAX_CANDIDATES: usize = 32;

/// Bytes of an offer: a browser's has 5 to 10 KB.
pub(crate) const MAX_OFFER: usize = 256 << 10;

/// Packets read from one socket before the others and the timers have their turn.
pub(crate) const MAX_READS: usize = 256;

/// Messages for `control` that wait until the browser has opened it.
pub(crate) const MAX_EARLY_MESSAGES: usize = 32;

/// Bytes waiting on a peer's data channels at which it is given up: it has not read for a long time.
pub(crate) const MAX_CHANNEL_BACKLOG: usize = 256 << 10;

/// Bytes waiting on `motion` at which further states are dropped: they would be out of date on arrival.
pub(crate) const MAX_MOTION_BACKLOG: usize = 8 << 10;

/// Longest message that a peer may send; an input has at most 1 KiB.
pub(crate) const MAX_MESSAGE: u32 = 16 << 10;

/// How long a picture may wait for the pacer before the following ones are left out up to the next keyframe:
/// the estimate has fallen below what is encoded, and a queue would only grow.
pub(crate) const MAX_PACER_DELAY: Duration = Duration::from_millis(250);

/// Frames whose last packet has not been sent yet; beyond it the oldest are forgotten.
pub(crate) const MAX_UNSENT_FRAMES: usize = 128;

/// Time between two requests for the same keyframe: an encoder answers within a frame or two.
pub(crate) const KEYFRAME_RETRY: Duration = Duration::from_millis(250);

/// How often loss, round trip and estimate are reported: every few frames, since a path that became narrow is flooded
/// until that is known.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_millis(50);

/// Bytes that the kernel may hold for sending and receiving on one socket: a burst of keyframes to all peers.
pub(crate) const SOCKET_BUFFER: usize = 4 << 20;

/// Target for a datagram's payload: it fits into the smallest IPv6 path (1280) with its headers.
pub(crate) const MTU: RangeInclusive<usize> = 1200..=1232;

/// How a session's network is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses offered as host candidates; each has a socket. Loopback addresses are allowed.
    pub addresses: Vec<IpAddr>,
    /// Ports to choose from, both ends included; `0..=0` leaves the choice to the system.
    pub ports: RangeInclusive<u16>,
    /// Peers at most, never above [`MAX_PEERS`].
    pub peers: usize,
    /// How long a peer may be silent before it counts as gone.
    pub silence: Duration,
    /// Bits per second that a new peer's path is assumed to carry, until it has been measured.
    pub start_bitrate: u32,
    /// Bits per second that are wanted for a peer: the estimator looks for this much.
    pub wanted_bitrate: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            ports: 0..=0,
            peers: MAX_PEERS,
            silence: Duration::from_secs(10),
            start_bitrate: 6_000_000,
            wanted_bitrate: 12_000_000,
        }
    }
}
