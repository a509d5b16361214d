//! One RTMP connection, from its first byte to its last.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use playhouse_live::{Protocol, Refusal};
use playhouse_media::flv::{self, Demuxer};
use playhouse_media::rtmp::{self, Event, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::feed::{End, Feed};
use crate::{House, SILENCE};

/// How long a connection may take from its first byte to a stream key: a person's patience with a program, far more than
/// any network takes.
const HELLO: Duration = Duration::from_secs(10);

/// How long an answer may wait for a peer that does not read.
const WRITE: Duration = Duration::from_secs(5);

/// How long a peer that was told off may take to close its side: closing ours first could take the reason away from it.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes that are read at once: some hundred milliseconds of a stream of 4 Mbit/s.
const READ: usize = 64 << 10;

/// Why a connection ended that its publisher did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    #[error("{0}")]
    Protocol(#[from] rtmp::Error),
    #[error("{0}")]
    Tag(#[from] flv::Error),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    End(#[from] End),
    #[error("It asked for nothing within {} seconds.", HELLO.as_secs())]
    Slow,
    #[error("It sent nothing for {} seconds.", SILENCE.as_secs())]
    Silent,
    #[error("It does not read what it is answered.")]
    Deaf,
    #[error("The connection broke: {0}.")]
    Broken(#[from] io::Error),
}

struct Connection<S> {
    socket: S,
    server: Server,
    buffer: Box<[u8]>,
}

/// Holds a connection until it ends.
pub(super) async fn hold(socket: TcpStream, from: IpAddr, house: &House) -> Result<(), Reason> {
    socket.set_nodelay(true)?;
    over(socket, from, house).await
}

/// Holds a connection by TLS until it ends.
pub(super) async fn hold_tls(
    socket: TcpStream,
    tls: &TlsAcceptor,
    from: IpAddr,
    house: &House,
) -> Result<(), Reason> {
    socket.set_nodelay(true)?;
    let socket = timeout(HELLO, tls.accept(socket)).await.map_err(|_elapsed| Reason::Slow)??;
    over(socket, from, house).await
}

async fn over<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    from: IpAddr,
    house: &House,
) -> Result<(), Reason> {
    let mut connection =
        Connection { socket, server: Server::default(), buffer: vec![0; READ].into_boxed_slice() };
    let ended = connection.publish(from, house).await;
    if let Err(reason) = &ended {
        connection.tell(reason).await;
    }
    ended
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn publish(&mut self, from: IpAddr, house: &House) -> Result<(), Reason> {
        let Some(key) = timeout(HELLO, self.key()).await.map_err(|_elapsed| Reason::Slow)?? else {
            return Ok(());
        };
        let mut feed = Feed::begin(house, &key, Protocol::Rtmp, from).await.map_err(Reason::Refused)?;
        drop(key);
        tracing::info!(%from, channel = feed.channel(), "an RTMP publisher has begun");
        self.server.accept();
        self.write().await?;
        let mut demuxer = Demuxer::default();
        let mut heard = Instant::now();
        loop {
            while let Some(event) = self.server.poll()? {
                match event {
                    Event::Tracks { video, audio } => feed.intake.expect(video, audio),
                    Event::Video { timestamp, data } => demuxer.video(timestamp, &data, &mut feed.intake)?,
                    Event::Audio { timestamp, data } => demuxer.audio(timestamp, &data, &mut feed.intake)?,
                    Event::Publish(_) => continue,
                    Event::Ended => {
                        feed.flush()?;
                        tracing::info!(%from, channel = feed.channel(), "an RTMP publisher has ended");
                        return Ok(());
                    }
                }
                heard = Instant::now();
                feed.flush()?;
            }
            self.write().await?;
            let more = tokio::select! {
                end = feed.ended() => return Err(end.into()),
                more = timeout_at(heard + SILENCE, self.read()) => more.map_err(|_elapsed| Reason::Silent)??,
            };
            if !more {
                tracing::info!(%from, channel = feed.channel(), "an RTMP publisher has closed its connection");
                return Ok(());
            }
        }
    }

    /// The key that a publisher brings; none where it leaves before.
    async fn key(&mut self) -> Result<Option<String>, Reason> {
        loop {
            while let Some(event) = self.server.poll()? {
                if let Event::Publish(key) = event {
                    return Ok(Some(key));
                }
            }
            self.write().await?;
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Reads what is there; false at the end.
    async fn read(&mut self) -> Result<bool, Reason> {
        let count = self.socket.read(&mut self.buffer).await?;
        self.server.receive(self.buffer.get(..count).unwrap_or_default())?;
        Ok(count > 0)
    }

    async fn write(&mut self) -> Result<(), Reason> {
        let output = self.server.output();
        if !output.is_empty() {
            let written = async {
                self.socket.write_all(&output).await?;
                self.socket.flush().await
            };
            timeout(WRITE, written).await.map_err(|_elapsed| Reason::Deaf)??;
        }
        Ok(())
    }

    /// Tells the publisher why it is let go, if its program listens.
    async fn tell(&mut self, reason: &Reason) {
        match reason {
            Reason::Broken(_) | Reason::Deaf | Reason::Protocol(rtmp::Error::Version) => return,
            // These have said it already.
            Reason::Protocol(rtmp::Error::Application(_) | rtmp::Error::Play) => {}
            reason => self.server.refuse(&reason.to_string()),
        }
        let last = async {
            self.write().await?;
            self.socket.shutdown().await?;
            while self.socket.read(&mut self.buffer).await? > 0 {}
            Ok::<_, Reason>(())
        };
        // Whoever does not take the reason in time goes without it.
        drop(timeout(LINGER, last).await);
    }
}
