//! Where sensors come in: MQTT, and HTTPS for certificates, models and questions, both with a certificate of the house's authority.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::AddExtension;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json as Body, Router};
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use playhouse_sense::enrolment::{APPS, ASK, Enrolled, MODELS, RENEW, Renew};
use playhouse_sense::topic;
use playhouse_store::Millis;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tower::Layer as _;

use crate::app::{App, Shared};
use crate::clock::{DAY, now};
use crate::connections::Connections;
use crate::extract::{Id, Json};
use crate::gate::limits::BODY;
use crate::house::sensors::authority::{Peer, Request, Signed, Unsigned, peer, serial};
use crate::house::sensors::rules::webhooks;
use crate::house::sensors::{asks, foreign, inferences, ingest, listen, rollouts, rules, sweep};
use crate::problem::{Answer, Problem};
use crate::serve::ServeError;

/// Begins to listen for sensors, and to take what they say. The tasks end when they are aborted.
///
/// # Errors
/// [`ServeError`] where the records, the certificate or a socket fails.
pub(crate) async fn open(app: &Shared) -> Result<Vec<JoinHandle<()>>, ServeError> {
    let sensors = &app.sensors;
    sensors.load(&app.store).await?;
    let ours = |kind| topic::of("+", kind);
    let others = |kind| foreign::of("+", kind);
    let inbox = |filters: &[String], most| {
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        sensors.broker.inbox(&filters, most).map_err(|error| ServeError::Authority(error.to_string()))
    };
    let mut tasks = vec![
        tokio::spawn(ingest::keep(
            app.clone(),
            inbox(&[ours(topic::BATCH), others(foreign::EVENTS)], ingest::WAITING)?,
        )),
        tokio::spawn(inferences::keep(
            app.clone(),
            inbox(&[others(foreign::INFERENCES)], inferences::WAITING)?,
        )),
        tokio::spawn(listen::hear(
            app.clone(),
            inbox(&[ours(topic::GLIMPSE), ours(topic::HEALTH)], listen::WAITING)?,
        )),
        tokio::spawn(listen::reports(app.clone(), inbox(&[ours(topic::REPORTED)], listen::WAITING)?)),
        tokio::spawn(listen::presence(app.clone(), sensors.broker.connected())),
        tokio::spawn(rollouts::keep(app.clone())),
        tokio::spawn(rules::keep(app.clone())),
        tokio::spawn(rules::tick(app.clone())),
        tokio::spawn(webhooks::keep(app.clone())),
        tokio::spawn(sweep::keep(app.clone())),
    ];
    let tls = sensors.authority.listeners(&app.config.names, now())?;
    if let Some(listener) = &app.config.sense.mqtt {
        let (listener, broker) = (taken(listener)?, sensors.broker.clone());
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (sender, tls) = tokio::sync::watch::channel(tls.clone());
        tasks.push(tokio::spawn(async move {
            let _sender = sender;
            broker.serve_tls(listener, tls).await;
        }));
    }
    if let Some(listener) = &app.config.sense.https {
        tasks.push(https(app, taken(listener)?, tls)?);
    }
    Ok(tasks)
}

fn taken(listener: &Arc<TcpListener>) -> io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn https(app: &Shared, listener: TcpListener, tls: Arc<ServerConfig>) -> io::Result<JoinHandle<()>> {
    let router = Router::new()
        .route(RENEW, post(renew))
        .route(ASK, post(asks::ask))
        .route(&format!("{MODELS}{{hash}}"), get(fetch))
        .route(&format!("{MODELS}{{hash}}/card"), get(card))
        .route(&format!("{APPS}{{hash}}"), get(fetch))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app.clone());
    let acceptor = Certified(RustlsAcceptor::new(RustlsConfig::from_config(tls)));
    let server = axum_server::from_tcp(listener)?.acceptor(acceptor);
    Ok(tokio::spawn(async move {
        if let Err(error) = server.serve(Connections::new(router)).await {
            tracing::error!(%error, "sensors cannot renew their certificates any more");
        }
    }))
}

/// Takes connections by TLS, and says to the service whose certificate it is.
#[derive(Clone)]
struct Certified(RustlsAcceptor<DefaultAcceptor>);

type Accepted<I, S> = io::Result<(TlsStream<I>, AddExtension<S, Peer>)>;

impl<I, S> Accept<I, S> for Certified
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Send + 'static,
{
    type Stream = TlsStream<I>;
    type Service = AddExtension<S, Peer>;
    type Future = Pin<Box<dyn Future<Output = Accepted<I, S>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepted = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let peer = chain.first().and_then(peer).ok_or(io::ErrorKind::InvalidData)?;
            Ok((stream, Extension(peer).layer(service)))
        })
    }
}

/// A sensor that is out is told so, whatever it asks.
pub(crate) fn admitted(app: &App, peer: &Peer) -> Answer<()> {
    if app.sensors.fleet.admits(&peer.name, &peer.serial) { Ok(()) } else { Err(out()) }
}

/// What a sensor that is out is told.
pub(crate) fn out() -> Problem {
    Problem::not_allowed(
        "This sensor was thrown out or removed, or has been enrolled anew since. Ask an owner for a code, and enrol it \
         again.",
    )
}

async fn renew(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    Json(body): Json<Renew>,
) -> Answer<Body<Enrolled>> {
    admitted(&app, &peer)?;
    let request = request(&body.request)?;
    let (now, serial) = (now(), serial());
    let until = until(&app, now);
    let renewed = app.store.sensors().renew(&peer.name, &peer.serial, &serial, now, until).await?;
    let sensor = renewed.ok_or_else(out)?;
    app.sensors.follow(&sensor);
    let signed = app.sensors.authority.sign(&request, &sensor.id, &serial, now, until);
    Ok(Body(enrolled(&app, sensor.id, signed.map_err(unsigned)?)))
}

/// The bytes of a model or an app.
async fn fetch(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    Id(hash): Id<String>,
    request: HttpRequest,
) -> Answer<Response> {
    admitted(&app, &peer)?;
    let path = app.sensors.files.path(&hash).ok_or_else(no_file)?;
    app.store.sensor_files().get(&hash).await?.ok_or_else(no_file)?;
    match tower_http::services::ServeFile::new(path).try_call(request).await {
        Ok(response) => Ok(response.into_response()),
        Err(error) => Err(Problem::internal("Reading a model", &error)),
    }
}

/// The card of a model.
async fn card(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    Id(hash): Id<String>,
) -> Answer<Response> {
    admitted(&app, &peer)?;
    let file = app.store.sensor_files().get(&hash).await?.ok_or_else(no_file)?;
    Ok(([(CONTENT_TYPE, "application/json")], file.card).into_response())
}

fn no_file() -> Problem {
    Problem::not_found("There is no model or app with this hash here (any more).")
}

/// When a certificate that is signed now ends.
pub(crate) fn until(app: &App, now: Millis) -> Millis {
    now + Millis::from(app.config.sense.certificate_days) * DAY
}

/// Reads a certificate request.
pub(crate) fn request(pem: &str) -> Answer<Request> {
    Request::parse(pem).map_err(unsigned)
}

/// Says why a request is not signed.
pub(crate) fn unsigned(unsigned: Unsigned) -> Problem {
    match unsigned {
        Unsigned::Request => Problem::invalid("request", format!("{}.", capital(&unsigned.to_string()))),
        Unsigned::Failed(error) => Problem::internal("Signing a sensor's certificate", &error),
    }
}

/// A sentence begins with a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What a sensor is given.
pub(crate) fn enrolled(app: &App, sensor: String, signed: Signed) -> Enrolled {
    let place = |listener: &Option<Arc<TcpListener>>| {
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        address.map_or_else(String::new, |address| {
            if address.ip().is_unspecified() { format!(":{}", address.port()) } else { address.to_string() }
        })
    };
    Enrolled {
        sensor,
        certificate: signed.pem,
        authority: app.sensors.authority.pem().to_owned(),
        mqtt: place(&app.config.sense.mqtt),
        https: place(&app.config.sense.https),
        expires: signed.expires,
    }
}

/// Whether anybody listens for sensors here.
pub(crate) fn listening(app: &App) -> Answer<()> {
    if app.config.sense.mqtt.is_some() && app.config.sense.https.is_some() {
        return Ok(());
    }
    let detail = "This house does not listen for sensors. Its owner can set `mqtt` and `sensor-https` to free addresses \
                  and start it again.";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-sensors", "No sensors here", detail))
}
