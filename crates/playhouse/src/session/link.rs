//! The session's end of the socket to its node: one JSON message a line, each way.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use playhouse_play::control::{Ask, MAX_LINE, SessionSpec, Tell};

/// A node that does not read for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// The writing half; shared by all threads of the session.
#[derive(Clone)]
pub(super) struct Link {
    socket: Arc<Mutex<UnixStream>>,
}

/// The reading half.
pub(super) struct Asks {
    reader: BufReader<UnixStream>,
}

/// Takes standard input as the socket to the node.
pub(super) fn open() -> anyhow::Result<(Link, Asks)> {
    let stdin = std::io::stdin();
    let fd: OwnedFd = rustix::io::dup(&stdin).context("standard input could not be taken over")?;
    let socket = UnixStream::from(fd);
    socket
        .set_write_timeout(Some(WRITE_WITHIN))
        .context("standard input is not a socket: `playhouse session` is started by a node, not by hand")?;
    let reader = BufReader::new(socket.try_clone().context("the socket to the node could not be shared")?);
    Ok((Link { socket: Arc::new(Mutex::new(socket)) }, Asks { reader }))
}

impl Link {
    /// Tells the node something. A node that cannot be told is gone, which the reading half notices.
    pub(super) fn tell(&self, tell: &Tell) {
        let Ok(mut line) = serde_json::to_vec(tell) else { return };
        line.push(b'\n');
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = socket.write_all(&line) {
            tracing::warn!(%error, "the node could not be told");
        }
    }
}

impl Asks {
    /// The first message, which has to say what to run.
    pub(super) fn specification(&mut self) -> anyhow::Result<SessionSpec> {
        match self.next()? {
            Some(Ask::Start(spec)) => Ok(*spec),
            Some(other) => anyhow::bail!("the node's first message was {other:?}, not what to run"),
            None => anyhow::bail!("the node closed its socket before it said what to run"),
        }
    }

    /// The next message; nothing when the node is gone.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Ask>> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut line);
        if read.context("the socket to the node failed")? == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).context("the node said something unreadable")
    }
}
