//! The RTMP listener: OBS, ffmpeg and whatever else publishes to `rtmp://HOST/live`, or by TLS to `rtmps://HOST/live`.

mod connection;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::House;

/// Connections at once: as many as there may be streams, and as many again that are being refused.
const MOST_CONNECTIONS: usize = 128;

/// How long to wait when the system has no more sockets to give.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes publishers in at a listener, for as long as it is polled.
///
/// # Errors
/// When the listener is none of tokio's kind.
pub async fn serve(listener: std::net::TcpListener, house: House) -> io::Result<()> {
    take(listener, None, house).await
}

/// Takes publishers in that come by TLS, for as long as it is polled.
///
/// # Errors
/// When the listener is none of tokio's kind.
pub async fn serve_tls(
    listener: std::net::TcpListener,
    tls: Arc<ServerConfig>,
    house: House,
) -> io::Result<()> {
    take(listener, Some(TlsAcceptor::from(tls)), house).await
}

async fn take(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, house: House) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let (socket, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an RTMP connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%from, "an RTMP connection was closed: there are {MOST_CONNECTIONS}, all that are taken");
            continue;
        };
        let (house, tls) = (house.clone(), tls.clone());
        tokio::spawn(async move {
            hold(socket, tls, from.ip(), &house).await;
            drop(place);
        });
    }
}

async fn hold(socket: TcpStream, tls: Option<TlsAcceptor>, from: std::net::IpAddr, house: &House) {
    let held = match tls {
        None => connection::hold(socket, from, house).await,
        Some(tls) => connection::hold_tls(socket, &tls, from, house).await,
    };
    match held {
        Ok(()) => {}
        Err(reason) => tracing::info!(%from, %reason, "an RTMP publisher was let go"),
    }
}
