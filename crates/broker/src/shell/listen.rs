//! Listeners: each connection is a task of its own, which ends with its listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::entrance::{Guest, enter};
use super::shared::Shared;
use crate::certificate;

/// How long a listener waits after the system could not give it a connection, which it cannot for lack of files or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// A peer whose machine is gone without a word is found after a good two minutes, keep-alive or not.
const PROBE_AFTER: Duration = Duration::from_mins(1);
const PROBE_EVERY: Duration = Duration::from_secs(20);
const PROBES: u32 = 4;

pub(super) async fn plain(shared: &Arc<Shared>, listener: &TcpListener) {
    listen(shared, listener, |stream, address, deadline| {
        let shared = Arc::clone(shared);
        async move {
            let guest = Guest { address, certificate: None, deadline };
            let Some(pump) = Box::pin(enter(shared, stream, guest)).await else { return };
            pump.run().await;
        }
    })
    .await;
}

pub(super) async fn tls(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    config: &watch::Receiver<Arc<ServerConfig>>,
) {
    listen(shared, listener, |stream, address, deadline| {
        let (shared, config) = (Arc::clone(shared), Arc::clone(&config.borrow()));
        async move {
            let entering = Box::pin(async move {
                let handshake = TlsAcceptor::from(config).accept(stream);
                let stream = match tokio::time::timeout_at(deadline, handshake).await {
                    Ok(Ok(stream)) => Box::new(stream),
                    Ok(Err(error)) => {
                        strangers(&format_args!("TLS with {address} failed: {error}"));
                        return None;
                    }
                    Err(_) => {
                        strangers(&format_args!("TLS with {address} took longer than `Limits::connect`"));
                        return None;
                    }
                };
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let certificate = match certificates.first() {
                    Some(der) => {
                        let Some(peer) = certificate::read(der) else {
                            strangers(&format_args!("the certificate of {address} has no common name"));
                            return None;
                        };
                        Some(peer)
                    }
                    None => None,
                };
                enter(shared, stream, Guest { address, certificate, deadline }).await
            });
            let Some(pump) = entering.await else { return };
            pump.run().await;
        }
    })
    .await;
}

async fn listen<F: Future<Output = ()> + Send + 'static>(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    serve: impl Fn(TcpStream, SocketAddr, Instant) -> F,
) {
    shared.start();
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
                    strangers(&format_args!("no place for {address}: `Limits::connections` are connected"));
                    continue;
                };
                prepare(&stream);
                let serving = serve(stream, address, Instant::now() + shared.limits.connect);
                tasks.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(error) => {
                strangers(&format_args!("a connection could not be accepted: {error}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Small packets go at once, and dead peers are found. A socket that cannot do it serves all the same.
fn prepare(stream: &TcpStream) {
    let set = || {
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, PROBE_AFTER)?;
        sockopt::set_tcp_keepintvl(stream, PROBE_EVERY)?;
        sockopt::set_tcp_keepcnt(stream, PROBES)?;
        std::io::Result::Ok(())
    };
    if let Err(error) = set() {
        tracing::debug!(%error, "a socket's options could not be set");
    }
}

/// Lines about strangers in one minute: whoever knocks at a door should not fill the log.
const LINES: u64 = 60;

/// Logs what somebody did who is not admitted.
pub(super) fn strangers(line: &std::fmt::Arguments<'_>) {
    static MINUTE_AND_COUNT: AtomicU64 = AtomicU64::new(0);
    let seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    let minute = (seconds / 60) << 16;
    let next = |old: u64| if old & !0xffff == minute { (old + 1).min(minute | 0xffff) } else { minute };
    let before = MINUTE_AND_COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(next(old)));
    let count = next(before.unwrap_or_default()) & 0xffff;
    if count < LINES {
        tracing::info!("{line}");
    } else if count == LINES {
        tracing::info!("more of the same; the rest of this minute is not logged");
    }
}
