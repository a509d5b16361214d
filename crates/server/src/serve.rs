//! Starting the server, and stopping it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use playhouse_library::render;
use playhouse_live::Hub;
use playhouse_sense::settings::Settings;
use playhouse_store::{Store, StoreError, id};

use crate::app::{App, Shared};
use crate::clock::{DAY, HOUR, now};
use crate::config::Config;
use crate::connections::Connections;
use crate::house::sensors::{Sensors, doors};
use crate::house::{air, extras, films, guide, ladders, recordings, renderings, watch};
use crate::node::Node;
use crate::webrtc::Webrtc;
use crate::{routes, tls};

/// How long a client may take to say what it wants, and how long a connection may stay without a request.
const HEADERS: Duration = Duration::from_secs(30);

/// How long requests in progress get when the program ends.
const GRACE: Duration = Duration::from_secs(3);

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A route that nobody is allowed or forbidden to use.
    #[error("the route {route} has no rule that says who may use it; add a line to the table of rules")]
    NoRule {
        /// Method and path.
        route: String,
    },
    /// A rule for nothing.
    #[error("the rule for {rule} belongs to no route; remove its line from the table of rules")]
    NoRoute {
        /// Method and path.
        rule: String,
    },
    /// The description of the API could not be written.
    #[error("the description of the API could not be written: {0}")]
    Described(String),
    /// The certificate is not usable.
    #[error("TLS could not be set up: {0}; remove the folder `tls` of the data folder to start anew")]
    Tls(String),
    /// The authority of the sensors is not usable.
    #[error(
        "sensors cannot be heard: {0}; put the folder `sensors` of the data folder back from a backup, or remove it and enrol all sensors anew"
    )]
    Authority(String),
    /// A coding that renditions are to have cannot be made here.
    #[error("renditions cannot be made as `also` asks: {0}")]
    Also(String),
    /// The records failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket failed.
    #[error("the server's socket failed: {0}")]
    Socket(#[from] std::io::Error),
}

/// A fresh one-time code that makes the first owner, or signs the owner in. Valid for a day; earlier ones are void.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub async fn first_code(store: &Store) -> Result<String, StoreError> {
    store.codes().create(None, now(), now() + DAY).await
}

/// Makes the sensor of a fresh house, which shows what sensors are for, and gives the code by which it is enrolled within an
/// hour. Nothing where there is a sensor, or ever was one. To be called before [`serve`], which reads the records.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub async fn first_sensor(
    store: &Store,
    name: &str,
    settings: &Settings,
) -> Result<Option<String>, StoreError> {
    if store.sensors().ever().await? {
        return Ok(None);
    }
    let settings = serde_json::to_string(settings).unwrap_or_else(|_| "{}".to_owned());
    let (code, now) = (id::spoken(), now());
    let sensor = store.sensors().create(name, "[]", None, &settings, now).await?;
    store.sensors().offer(sensor.key, &code, now, now + HOUR).await?;
    Ok(Some(code))
}

/// Serves API and pages on `listener` until `shutdown` is done, then ends all sessions. Live streams come by
/// `hub`, and by `webrtc` to browsers.
///
/// # Errors
/// [`ServeError`] where it cannot start, or its socket fails.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    store: Store,
    node: Arc<dyn Node>,
    hub: Arc<Hub>,
    webrtc: Arc<dyn Webrtc>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let tls = config.tls.then(|| tls::config(&config.data.join("tls"), &config.names)).transpose()?;
    if let Some(sentence) = render::missing(&config.also).await {
        return Err(ServeError::Also(sentence));
    }
    let sensors = Sensors::open(&config, now())?;
    let app = Arc::new(App::new(config, store, node, hub, webrtc, sensors, now()));
    let router = start(&app).await?;
    let background = [
        tokio::spawn(watch::follow(app.clone())),
        tokio::spawn(watch::tidy(app.clone())),
        tokio::spawn(films::keep(app.clone())),
        tokio::spawn(renderings::keep(app.clone())),
        tokio::spawn(extras::keep(app.clone())),
        tokio::spawn(air::follow(app.clone())),
        tokio::spawn(ladders::keep(app.clone())),
        tokio::spawn(guide::keep(app.clone())),
        tokio::spawn(guide::import::keep(app.clone())),
        tokio::spawn(recordings::keep(app.clone())),
    ];
    let sensors = doors::open(&app).await?;
    let handle = Handle::new();
    listener.set_nonblocking(true)?;
    let serving = async {
        match tls {
            None => {
                let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
                patience(server.http_builder());
                server.serve(Connections::new(router)).await
            }
            Some(tls) => {
                let tls = RustlsConfig::from_config(tls);
                let mut server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
                patience(server.http_builder());
                server.serve(Connections::new(router)).await
            }
        }
    };
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = shutdown => {
            watch::stop_all(&app).await;
            handle.graceful_shutdown(Some(GRACE));
            serving.await
        }
    };
    background.iter().chain(&sensors).for_each(tokio::task::JoinHandle::abort);
    Ok(served?)
}

/// Puts the records in order after the last run, and builds the service.
pub(crate) async fn start(app: &Shared) -> Result<Router, ServeError> {
    let message = "The server stopped while the session was running.";
    app.store.plays().end_all(message, now()).await?;
    // No session of an earlier run is there any more, and so is nobody who was invited to one.
    app.store.invites().end_all().await?;
    routes::service(app)
}

fn patience(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADERS).max_concurrent_streams(128);
}
