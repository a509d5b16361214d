//! One request over HTTP/1.1, plain or over TLS, with limits on time and bytes.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long a whole answer may take: a model of some megabytes over a slow line.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long until a server that is there has answered a dial.
pub(crate) const DIAL: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("nobody answers at {0} ({1})")]
    Unreachable(String, std::io::Error),
    #[error("{0} did not answer within {seconds} seconds", seconds = PATIENCE.as_secs())]
    Slow(String),
    #[error("{0} and this sensor do not trust each other: {1}")]
    Tls(String, std::io::Error),
    #[error("{0} broke off: {1}")]
    Broken(String, String),
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `host:port`.
    pub(crate) address: String,
    /// With what TLS is spoken, and whose name it is; `None`: plain.
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// After how many seconds to ask again, where the server said so.
    pub(crate) again_in: Option<u64>,
    pub(crate) body: Bytes,
}

/// A body and its media type.
type Load = (&'static str, Bytes);

/// Asks once. `json`: the body, `None` for a GET. `most`: how many bytes the answer may have.
pub(crate) async fn ask(
    place: &Place,
    path: &str,
    json: Option<String>,
    most: usize,
) -> Result<Answer, HttpError> {
    let load = json.map(|json| ("application/json", Bytes::from(json)));
    ask_in_time(place, path, load, most).await
}

/// Sends a picture.
#[cfg(feature = "pictures")]
pub(crate) async fn send_jpeg(
    place: &Place,
    path: &str,
    jpeg: Bytes,
    most: usize,
) -> Result<Answer, HttpError> {
    ask_in_time(place, path, Some(("image/jpeg", jpeg)), most).await
}

async fn ask_in_time(
    place: &Place,
    path: &str,
    load: Option<Load>,
    most: usize,
) -> Result<Answer, HttpError> {
    let slow = |_elapsed| HttpError::Slow(place.address.clone());
    tokio::time::timeout(PATIENCE, ask_patiently(place, path, load, most)).await.map_err(slow)?
}

/// Dials, and gives up after [`DIAL`].
pub(crate) async fn dial(address: &str) -> std::io::Result<TcpStream> {
    let late = |_elapsed| std::io::Error::from(std::io::ErrorKind::TimedOut);
    let stream = tokio::time::timeout(DIAL, TcpStream::connect(address)).await.map_err(late)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn ask_patiently(
    place: &Place,
    path: &str,
    load: Option<Load>,
    most: usize,
) -> Result<Answer, HttpError> {
    let address = || place.address.clone();
    let stream = dial(&place.address).await.map_err(|error| HttpError::Unreachable(address(), error))?;
    match &place.tls {
        None => exchange(stream, place, path, load, most).await,
        Some((config, name)) => {
            let secured = TlsConnector::from(Arc::clone(config))
                .connect(name.clone(), stream)
                .await
                .map_err(|error| HttpError::Tls(address(), error))?;
            exchange(secured, place, path, load, most).await
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place,
    path: &str,
    load: Option<Load>,
    most: usize,
) -> Result<Answer, HttpError> {
    let broken = |error: hyper::Error| match tls_alert(&error) {
        Some(alert) => HttpError::Tls(place.address.clone(), alert),
        None => HttpError::Broken(place.address.clone(), error.to_string()),
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let method = if load.is_some() { Method::POST } else { Method::GET };
    let (kind, load) = load.unwrap_or(("application/json", Bytes::new()));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, place.address.as_str())
        .header(CONTENT_TYPE, HeaderValue::from_static(kind))
        .body(Full::new(load))
        .map_err(|error| HttpError::Broken(place.address.clone(), error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let again_in =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(response.into_body(), most)
            .collect()
            .await
            .map_err(|error| HttpError::Broken(place.address.clone(), error.to_string()))?
            .to_bytes();
        Ok(Answer { status, again_in, body })
    };
    tokio::pin!(exchange);
    tokio::pin!(connection);
    // The connection is driven here rather than by a task, so that whoever stops asking leaves nothing behind.
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        ended = &mut connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(broken(error)),
        },
    }
}

/// In TLS 1.3 a server refuses a certificate after the client has finished its handshake: as an alert on the first read.
fn tls_alert(error: &hyper::Error) -> Option<std::io::Error> {
    let io = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    let tls = io.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(std::io::Error::other(tls.clone()))
}
