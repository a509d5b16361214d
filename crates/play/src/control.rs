//! What a node and its session processes say to each other: JSON, one message a line, over a Unix socket.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use playhouse_media::frame::Size;

use crate::input::PadState;

/// Longest line either side accepts: an SDP with many candidates is some 10 KB.
pub const MAX_LINE: usize = 1 << 20;

/// Everything a session process has to know when it starts; the first line it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSpec {
    /// The session's id, for logs.
    pub id: String,
    /// What to run.
    pub game: GameSpec,
    /// Picture of the session.
    pub size: Size,
    /// Frames per second at most.
    pub rate: u32,
    /// Encoder by name, as `codec::available` lists them.
    pub encoder: String,
    /// Bits per second to begin with, and the most that congestion control may reach.
    pub bitrate: u32,
    /// A folder that lives as long as the session: sockets, sound, the sandbox's temporary files.
    pub runtime: PathBuf,
    /// Where peers are reached.
    pub net: NetSpec,
    /// Seconds without any peer after which the session ends.
    pub idle_seconds: u32,
}

/// The game of a session: a title's manifest, resolved for one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GameSpec {
    /// The title's id.
    pub title: String,
    /// How it draws.
    pub host: Host,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Variables added to the sandbox's environment.
    pub env: BTreeMap<String, String>,
    /// The title's own folder, mounted read-only, or nothing where the game is a package of the system.
    pub files: Option<PathBuf>,
    /// The account's home for this title: kept between sessions.
    pub home: PathBuf,
    /// Whether the game may reach the network (the title asked and the owner agreed).
    pub network: bool,
    /// Memory limit in MiB.
    pub memory_mib: u32,
    /// Limit on processes and threads.
    pub processes: u32,
    /// After how long it is ended, in seconds.
    pub seconds: u32,
    /// Seats for players.
    pub seats: u8,
}

/// How a game draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// A Wayland client.
    Wayland,
    /// An X11 client, through a private Xwayland.
    X11,
}

/// Where a session's peers reach it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    /// Addresses offered as host candidates; each gets a socket. Never empty.
    pub addresses: Vec<std::net::IpAddr>,
    /// UDP ports to choose from, both ends included.
    pub ports: (u16, u16),
}

/// Who a peer is in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Role {
    /// Plays in a seat, from 1.
    Player {
        /// Seat number from 1.
        seat: u8,
    },
    /// Watches.
    Spectator,
}

/// What a node asks of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Begin.
    Start(Box<SessionSpec>),
    /// A peer wants in: answered by [`Tell::Answer`].
    Offer {
        /// Names the answer.
        request: u64,
        /// The peer's id.
        peer: String,
        /// Who it is.
        #[serde(flatten)]
        role: Role,
        /// Its offer (SDP).
        sdp: String,
    },
    /// A candidate that a peer found later (`a=candidate:` line without the prefix).
    Candidate {
        /// The peer's id.
        peer: String,
        /// The candidate attribute.
        candidate: String,
    },
    /// A peer gets another role.
    SetRole {
        /// The peer's id.
        peer: String,
        /// Who it is from now on.
        #[serde(flatten)]
        role: Role,
    },
    /// Somebody plays in a seat without a connection of their own, by a sensor that sees them: their pad is there in this
    /// state, or gone.
    Steer {
        /// Names who it is, among all peers.
        hand: String,
        /// Seat number from 1; whoever sits there watches from now on.
        seat: u8,
        /// The whole state of the pad; nothing for a pad that is gone.
        pad: Option<PadState>,
    },
    /// A peer has to go.
    ClosePeer {
        /// The peer's id.
        peer: String,
    },
    /// Write the last seconds as MP4: answered by [`Tell::Clip`].
    Clip {
        /// Names the answer.
        request: u64,
        /// File to write.
        path: PathBuf,
        /// How far back, at most 60.
        seconds: u32,
    },
    /// Numbers, please: answered by [`Tell::Stats`].
    Stats {
        /// Names the answer.
        request: u64,
    },
    /// Send the players' pictures and the sound along, as [`air`](crate::air) says, or do so no longer.
    Air {
        /// Whether they are wanted.
        on: bool,
    },
    /// End, saves first.
    Stop,
}

/// What a session tells its node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum Tell {
    /// The game has shown its first picture.
    Ready,
    /// A peer's answer (SDP), or why not.
    Answer {
        /// The request answered.
        request: u64,
        /// The answer or a sentence.
        result: Result<String, String>,
    },
    /// A peer's connection came or went.
    Peer {
        /// The peer's id.
        peer: String,
        /// Whether it is there.
        connected: bool,
    },
    /// A clip is written, or why not.
    Clip {
        /// The request answered.
        request: u64,
        /// Milliseconds written, or a sentence.
        result: Result<u64, String>,
    },
    /// Numbers of now.
    Stats {
        /// The request answered.
        request: u64,
        /// The numbers.
        stats: Box<Stats>,
    },
    /// The last message.
    Ended(Ended),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// In one word.
    pub reason: EndReason,
    /// In a sentence.
    pub message: String,
    /// The game's last lines, for its owner; at most 4 KiB.
    pub last_words: String,
}

/// Why a session is over, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It was asked to stop, or its time was over.
    Stopped,
    /// The game ended by itself, without an error.
    Finished,
    /// The game ended with an error or by a signal.
    Crashed,
    /// The game could not be started at all.
    NotStarted,
    /// Nobody came back in time.
    Abandoned,
    /// The session process itself failed.
    Failed,
}

/// Percentiles of a step of the frame's way, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Half are at or under this.
    pub p50: u32,
    /// 95 of 100 are at or under this.
    pub p95: u32,
    /// 99 of 100 are at or under this.
    pub p99: u32,
}

/// A session's numbers, over the last ten seconds where they are spreads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Frames taken from the game per second.
    pub frames_per_second: f64,
    /// Bits per second of video sent to the encoder's output.
    pub bitrate: u64,
    /// Bits per second aimed at.
    pub target_bitrate: u64,
    /// Picture now.
    pub width: u32,
    /// Picture now.
    pub height: u32,
    /// Commit to NV12.
    pub convert: Spread,
    /// NV12 to access unit.
    pub encode: Spread,
    /// Access unit to last packet.
    pub send: Spread,
    /// Input to commit.
    pub answer: Spread,
    /// CPU seconds used by the session process so far.
    pub cpu_seconds: f64,
    /// CPU seconds used by the game and its helpers so far.
    pub game_cpu_seconds: f64,
    /// Resident bytes of the session process.
    pub rss_bytes: u64,
    /// Peers connected.
    pub peers: u32,
    /// Peers connected to each quality, the players' first.
    pub viewers: Vec<u32>,
    /// Encoder in use.
    pub encoder: String,
    /// Frames that were replaced by a newer one before they were encoded.
    pub skipped_frames: u64,
    /// Worst packet loss of a peer, 0 to 1.
    pub loss: f64,
    /// Longest round trip of a peer, milliseconds.
    pub round_trip_ms: f64,
}
