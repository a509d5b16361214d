//! From a stream of bytes to an admitted connection: CONNECT, who it is, CONNACK.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::bell::Bell;
use super::listen::strangers;
use super::pump::{Place, Pump};
use super::shared::Shared;
use crate::codec::{CodecError, ConnAck, Connect, Outgoing, Reason, Version, connect, encode, frame};
use crate::rights::{CertifiedPeer, Credentials, Identity, Refused};

/// Who wants in.
pub(super) struct Guest {
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<CertifiedPeer>,
    /// By when it has to be in.
    pub(super) deadline: Instant,
}

/// Bytes that are read at once while a CONNECT is expected: nearly all fit.
const FIRST_READ: usize = 512;
/// The largest CONNECT, its will included: whoever is not yet admitted takes no more memory than that.
const FIRST_PACKET: usize = 16 * 1024;

/// Lets a connection in, or tells it why not.
pub(super) async fn enter<S>(shared: Arc<Shared>, mut stream: S, guest: Guest) -> Option<Box<Pump<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = guest.address;
    let read =
        timeout_at(guest.deadline, first_packet(&mut stream, shared.limits.packet.min(FIRST_PACKET))).await;
    let (packet, rest) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(Failed::Codec(error, version))) => {
            strangers(&format_args!("{address} did not begin with a CONNECT that is taken: {error}"));
            refuse(&mut stream, version, error.reason()).await;
            return None;
        }
        Ok(Err(Failed::Gone)) => return None,
        Err(_) => {
            strangers(&format_args!("{address} sent no CONNECT within `Limits::connect`"));
            return None;
        }
    };
    let version = packet.version;
    match admit(&shared, packet, guest).await {
        Ok((id, identity)) => {
            let bell = Arc::new(Bell::default());
            shared.with(|state, _| state.bells.insert(id, Arc::clone(&bell)));
            let place = Place::new(shared, id);
            Some(Box::new(Pump::new(place, bell, stream, version, identity, rest)))
        }
        Err(reason) => {
            refuse(&mut stream, Some(version), reason).await;
            None
        }
    }
}

enum Failed {
    Codec(CodecError, Option<Version>),
    Gone,
}

/// The CONNECT, and what came behind it.
async fn first_packet<S: AsyncRead + Unpin>(
    stream: &mut S,
    limit: usize,
) -> Result<(Connect, Vec<u8>), Failed> {
    let mut bytes = Vec::with_capacity(FIRST_READ);
    loop {
        match frame(&bytes, limit) {
            Ok(Some(frame)) => {
                return match connect(&bytes, frame) {
                    Ok(packet) => Ok((packet, bytes.split_off(frame.end))),
                    Err(error) => Err(Failed::Codec(error, version(&bytes))),
                };
            }
            Ok(None) => {}
            Err(error) => return Err(Failed::Codec(error, version(&bytes))),
        }
        // A first byte of anything else is not waited behind.
        if bytes.first().is_some_and(|&first| first != 0x10) {
            return Err(Failed::Codec(CodecError::Protocol("the first packet is no CONNECT"), None));
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Failed::Gone),
            Ok(_) => {}
        }
    }
}

/// The version of a CONNECT that is wrong elsewhere, so that its sender can be told. Unknown versions are told as 3.1.1 has it.
fn version(bytes: &[u8]) -> Option<Version> {
    let header = bytes.iter().skip(1).position(|byte| byte & 0x80 == 0)? + 2;
    let name = bytes.get(header..header + 2)?;
    let level = bytes.get(header + 2 + usize::from(u16::from_be_bytes([name[0], name[1]])))?;
    (bytes[0] == 0x10).then_some(if *level == 5 { Version::V5 } else { Version::V3 })
}

async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, version: Option<Version>, reason: Reason) {
    /// A peer that does not take a few bytes for so long is not waited for.
    const PATIENCE: Duration = Duration::from_millis(500);
    let Some(version) = version else { return };
    let mut bytes = Vec::new();
    encode(&Outgoing::ConnAck(Box::new(ConnAck { reason, ..ConnAck::default() })), version, &mut bytes);
    let telling = async {
        stream.write_all(&bytes).await?;
        stream.shutdown().await
    };
    // It is gone either way.
    drop(tokio::time::timeout(PATIENCE, telling).await);
}

async fn admit(shared: &Arc<Shared>, packet: Connect, guest: Guest) -> Result<(u64, Identity), Reason> {
    let Guest { address, certificate, deadline } = guest;
    let until = match &certificate {
        Some(peer) => Some(left(peer.expires).ok_or_else(|| {
            strangers(&format_args!(
                "the certificate of `{}` ({address}) has expired: it has to be renewed",
                peer.name
            ));
            Reason::NOT_AUTHORIZED
        })?),
        None => None,
    };
    let who = Arc::new((certificate, packet, address));
    loop {
        let asked = shared.with(|state, _| state.engine.dismissals());
        let identity = timeout_at(deadline, ask(shared, &who)).await.unwrap_or(Err(Refused::Unavailable));
        let identity = identity.map_err(|refused| {
            strangers(&format_args!("`{}` ({address}) was not admitted: {refused}", who.1.client_id));
            match refused {
                Refused::BadCredentials => Reason::BAD_CREDENTIALS,
                Refused::NotAuthorized => Reason::NOT_AUTHORIZED,
                Refused::BadClientId => Reason::BAD_CLIENT_ID,
                Refused::Unavailable => Reason::UNAVAILABLE,
            }
        })?;
        if let Some(will) = &who.1.will
            && !shared.rights.may_publish(&identity, &will.topic)
        {
            tracing::warn!(%identity, topic = %will.topic, "was not admitted: it has no right to the topic of its will");
            return Err(Reason::NOT_AUTHORIZED);
        }
        // Somebody was dismissed meanwhile: the answer may be an old one.
        let entered = shared.with(|state, now| {
            (state.engine.dismissals() == asked)
                .then(|| state.engine.connect(&identity, who.1.clone(), until, now))
        });
        if let Some(entered) = entered {
            return entered.map(|id| (id, identity));
        }
    }
}

/// When a certificate ends, unless it has.
fn left(expires: u64) -> Option<std::time::Instant> {
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(expires))?;
    let left = end.duration_since(SystemTime::now()).ok()?;
    let now = std::time::Instant::now();
    // A certificate for longer than clocks count does not end.
    Some(now.checked_add(left).unwrap_or(now + Duration::from_secs(1 << 32)))
}

/// Asks who it is: where there is a password, on a thread for blocking work.
async fn ask(
    shared: &Arc<Shared>,
    who: &Arc<(Option<CertifiedPeer>, Connect, SocketAddr)>,
) -> Result<Identity, Refused> {
    let admit = |shared: &Shared, who: &(Option<CertifiedPeer>, Connect, SocketAddr)| {
        let (certificate, packet, address) = who;
        shared.rights.admit(&Credentials {
            certificate: certificate.as_ref(),
            client_id: &packet.client_id,
            username: packet.username.as_deref(),
            password: packet.password.as_deref(),
            address: *address,
        })
    };
    if who.1.password.is_none() {
        return admit(shared, who);
    }
    let Ok(_turn) = shared.admissions.acquire().await else { return Err(Refused::Unavailable) };
    let (shared, who) = (Arc::clone(shared), Arc::clone(who));
    tokio::task::spawn_blocking(move || admit(&shared, &who)).await.unwrap_or(Err(Refused::Unavailable))
}
