//! Who may publish: asked by every protocol that takes streams in, answered by whoever knows the keys.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// How a stream comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RTMP and enhanced RTMP.
    Rtmp,
    /// SRT with an MPEG transport stream.
    Srt,
    /// WHIP (RFC 9725).
    Whip,
    /// RTSP, which is pulled.
    Rtsp,
    /// A session of this house.
    Session,
    /// Made by this house from its films.
    Schedule,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rtmp => "RTMP",
            Self::Srt => "SRT",
            Self::Whip => "WHIP",
            Self::Rtsp => "RTSP",
            Self::Session => "session",
            Self::Schedule => "schedule",
        })
    }
}

/// What a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The channel that is published.
    pub channel: String,
    /// Whether a publisher that is there already makes room; otherwise the second one is refused.
    pub replace: bool,
}

/// Why a publisher is turned away, in a sentence for whoever holds the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// An answer that takes a look into the database.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Admission, Refusal>> + Send + 'a>>;

/// Knows the keys.
pub trait Door: Send + Sync + 'static {
    /// Whether somebody at `from` may publish by this key.
    fn admit<'a>(&'a self, key: &'a str, protocol: Protocol, from: IpAddr) -> Verdict<'a>;
}
