//! RTMP as a server speaks it with a publisher, without a socket (Adobe's RTMP 1.0; Enhanced RTMP v2).
//!
//! Of the protocol there is what publishers use: no playing, no shared objects, no encryption of its own. Bytes go in by
//! [`Server::receive`], events come out of [`Server::poll`], and what the publisher is sent out of [`Server::output`].

pub mod amf;
pub mod chunk;
mod command;
mod server;

pub use server::{Event, Server};

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is something else than RTMP, or a variety of it that is not spoken here.
    #[error("This is no RTMP of version 3: publish by rtmp://, without encryption of RTMP's own.")]
    Version,
    /// A chunk that begins with what was never said before.
    #[error("The publisher's stream of bytes is broken: chunk stream {0} goes on before it began.")]
    NoBeginning(u32),
    /// A message beyond [`chunk::MOST_BYTES`].
    #[error("The publisher sent a message of {0} bytes, which is more than the {most} that are taken; lower the bitrate.", most = chunk::MOST_BYTES)]
    TooLong(usize),
    /// More chunk streams than [`chunk::MOST_STREAMS`], or more unfinished messages than [`chunk::MOST_WAITING`].
    #[error("The publisher began too many messages at once.")]
    TooMany,
    /// A control message or command that cannot be read.
    #[error("The publisher sent a broken {0}.")]
    Broken(&'static str),
    /// The address is of something that is not there.
    #[error("There is nothing at `{0}`: publish to the application `live`, as in rtmp://HOST/live.")]
    Application(String),
    /// Somebody who wants to watch.
    #[error("Nothing is played by RTMP here: open the channel's page, or its playlist.")]
    Play,
}
