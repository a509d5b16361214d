//! Bytes to packets and back: MQTT 3.1.1 and 5 (OASIS, 2014 and 2019), as a server reads and writes them.
//!
//! Both versions become the same packets, so that nothing behind this knows two protocols. What a specification forbids is
//! refused here.

mod cursor;
mod decode;
mod encode;
mod packet;
mod properties;

pub use cursor::{Frame, frame};
pub use decode::{connect, decode};
pub use encode::{encode, publish_size};
pub use packet::*;

/// Why bytes are no packet that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not a packet at all.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// A packet that may not be, or not here.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// Larger than allowed.
    #[error("a packet of {size} bytes is larger than the {limit} that are taken: send less at a time")]
    TooLarge {
        /// Bytes of the packet.
        size: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// More of something than a packet may bring.
    #[error("too many {0} in one packet: send them in several")]
    TooMany(&'static str),
    /// Neither 3.1.1 nor 5.
    #[error("its version of MQTT is neither 3.1.1 nor 5: set one of these in the client")]
    Version,
}

impl CodecError {
    /// What a client of version 5 is told.
    pub fn reason(self) -> Reason {
        match self {
            CodecError::Malformed(_) => Reason::MALFORMED,
            CodecError::Protocol(_) => Reason::PROTOCOL_ERROR,
            CodecError::TooLarge { .. } => Reason::PACKET_TOO_LARGE,
            CodecError::TooMany(_) => Reason::QUOTA_EXCEEDED,
            CodecError::Version => Reason::UNSUPPORTED_VERSION,
        }
    }

    /// The same as the error itself, without its numbers.
    pub fn why(self) -> &'static str {
        match self {
            CodecError::Malformed(why) | CodecError::Protocol(why) => why,
            CodecError::TooLarge { .. } => {
                "it sent a packet larger than `Limits::packet`; it should send less at a time"
            }
            CodecError::TooMany(_) => "it put too many filters or user properties into one packet",
            CodecError::Version => "its version of MQTT is neither 3.1.1 nor 5",
        }
    }
}
