//! The SRT listener: publishers that send an MPEG transport stream to `srt://HOST:PORT?streamid=KEY`.

mod library;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use playhouse_live::Protocol;
use playhouse_media::srt::key_of;
use playhouse_media::ts::{self, Demuxer};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::feed::{End, Feed};
use crate::{House, SILENCE};
use library::{Acceptor, CONFLICT, FORBIDDEN, Gate, OVERLOAD, Socket};

pub use library::Listener;

/// Connections at once: each is a thread of ours and some of the library's.
const MOST_CONNECTIONS: usize = 64;

/// How long the key is looked up before the connection stands, which holds up all others. If it takes longer, the peer
/// is let in and asked again.
const GLANCE: Duration = Duration::from_millis(200);

/// Bytes of a message in live mode, at most.
const MESSAGE: usize = 1456;

/// Messages that may wait to be taken apart: some seconds of 4 Mbit/s.
const WAITING: usize = 1024;

/// Connections that may wait to be taken.
const ACCEPTED: usize = 16;

/// Why a connection ended that its publisher did not end.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("{0}")]
    Stream(#[from] ts::Error),
    #[error("{0}")]
    Refused(playhouse_live::Refusal),
    #[error("{0}")]
    End(#[from] End),
    #[error("It sent nothing for {} seconds.", SILENCE.as_secs())]
    Silent,
}

/// Takes publishers in at a listener, for as long as it is polled.
///
/// # Errors
/// When the library does not listen, or stops.
pub async fn serve(listener: Listener, house: House) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let gate = KeyGate { house: house.clone(), runtime: Handle::current(), places: Arc::clone(&places) };
    listener.listen(Box::new(gate))?;
    let (sender, mut accepted) = channel(ACCEPTED);
    let acceptor = listener.acceptor();
    std::thread::Builder::new().name("srt-accept".into()).spawn(move || accept(&acceptor, &sender))?;
    while let Some((socket, from)) = accepted.recv().await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let key = key_of(&socket.stream_id()).to_owned();
        let (sender, messages) = channel(WAITING);
        std::thread::Builder::new().name("srt".into()).spawn(move || read(&socket, &sender, place))?;
        let house = house.clone();
        tokio::spawn(async move {
            if let Err(reason) = hold(messages, from, &key, &house).await {
                tracing::info!(%from, %reason, "an SRT publisher was let go");
            }
        });
    }
    Err(io::Error::other("the SRT listener has stopped"))
}

fn accept(acceptor: &Acceptor, sender: &Sender<(Socket, IpAddr)>) {
    while let Ok((socket, from)) = acceptor.accept() {
        if sender.blocking_send((socket, from.ip())).is_err() {
            return;
        }
    }
}

/// Reads until either side has enough.
fn read(socket: &Socket, sender: &Sender<Box<[u8]>>, _place: OwnedSemaphorePermit) {
    let mut buffer = [0; MESSAGE];
    while !sender.is_closed() {
        match socket.receive(&mut buffer) {
            Ok(Some(count)) => {
                if sender.blocking_send(buffer.get(..count).unwrap_or_default().into()).is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

async fn hold(
    mut messages: Receiver<Box<[u8]>>,
    from: IpAddr,
    key: &str,
    house: &House,
) -> Result<(), Reason> {
    let mut feed = Feed::begin(house, key, Protocol::Srt, from).await.map_err(Reason::Refused)?;
    tracing::info!(%from, channel = feed.channel(), "an SRT publisher has begun");
    let mut demuxer = Demuxer::default();
    loop {
        let message = tokio::select! {
            end = feed.ended() => return Err(end.into()),
            message = timeout(SILENCE, messages.recv()) => message.map_err(|_elapsed| Reason::Silent)?,
        };
        if let Some(message) = message {
            demuxer.receive(&message, &mut feed.intake)?;
            feed.flush()?;
        } else {
            demuxer.finish(&mut feed.intake);
            feed.flush()?;
            tracing::info!(%from, channel = feed.channel(), "an SRT publisher has ended");
            return Ok(());
        }
    }
}

/// Looks at the key while the publisher waits for its connection, so that its program hears the refusal.
struct KeyGate {
    house: House,
    runtime: Handle,
    places: Arc<Semaphore>,
}

impl Gate for KeyGate {
    fn refuse(&self, from: IpAddr, stream_id: &str) -> Option<i32> {
        if self.places.available_permits() == 0 {
            tracing::warn!(%from, "an SRT connection was refused: there are {MOST_CONNECTIONS}, all that are taken");
            return Some(OVERLOAD);
        }
        let key = key_of(stream_id);
        // On a thread of the library's, which is none of the runtime's.
        let verdict = self
            .runtime
            .block_on(async { timeout(GLANCE, self.house.door.admit(key, Protocol::Srt, from)).await });
        match verdict {
            Ok(Err(reason)) => {
                tracing::info!(%from, %reason, "an SRT publisher was refused");
                Some(FORBIDDEN)
            }
            Ok(Ok(admission))
                if !admission.replace && self.house.hub.stream(&admission.channel).is_some() =>
            {
                tracing::info!(%from, channel = admission.channel, "a second SRT publisher was refused");
                Some(CONFLICT)
            }
            Ok(Ok(_)) | Err(_) => None,
        }
    }
}
