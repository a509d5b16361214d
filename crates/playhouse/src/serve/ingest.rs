//! Where publishers come in, and what is pulled.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use playhouse_ingest::{House, SrtListener};
use playhouse_live::Hub;
use playhouse_server::{Keys, Sense};
use playhouse_store::Store;

use crate::config::{Config, Listener, Setting, Source};

/// Where publishers come in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doors {
    /// By RTMP.
    pub(super) rtmp: Option<SocketAddr>,
    /// By SRT.
    pub(super) srt: Option<SocketAddr>,
}

/// Listens for publishers, and pulls channels; each is a task of the runtime that this is called in.
///
/// # Errors
/// When an address that somebody asked for cannot be listened at. A default one may be another program's.
pub(super) fn begin(config: &Config, data: &Path, hub: &Arc<Hub>, store: &Store) -> anyhow::Result<Doors> {
    let mut doors = Doors::default();
    let house = House { hub: Arc::clone(hub), door: Arc::new(Keys::new(store.clone())) };
    if let Some(listener) = listen("rtmp", &config.rtmp, TcpListener::bind)? {
        doors.rtmp = listener.local_addr().ok();
        let house = house.clone();
        tokio::spawn(async move {
            if let Err(error) = playhouse_ingest::rtmp(listener, house).await {
                tracing::error!(%error, "nobody can publish by RTMP any more");
            }
        });
    }
    if let Some(listener) = listen("rtmps", &config.rtmps, TcpListener::bind)? {
        let tls =
            playhouse_server::certificate(data, &config.names()).context("RTMP by TLS cannot be taken")?;
        let house = house.clone();
        tokio::spawn(async move {
            if let Err(error) = playhouse_ingest::rtmps(listener, tls, house).await {
                tracing::error!(%error, "nobody can publish by RTMPS any more");
            }
        });
    }
    if let Some(listener) = listen("srt", &config.srt, SrtListener::bind)? {
        doors.srt = listener.local_addr().ok();
        tokio::spawn(async move {
            if let Err(error) = playhouse_ingest::srt(listener, house).await {
                tracing::error!(%error, "nobody can publish by SRT any more");
            }
        });
    }
    tokio::spawn(super::pull::keep(Arc::clone(hub), store.clone()));
    Ok(doors)
}

/// Listens for sensors.
///
/// # Errors
/// As with publishers.
pub(super) fn sensors(config: &Config) -> anyhow::Result<Sense> {
    let bind = |address| TcpListener::bind(address).map(Arc::new);
    Ok(Sense {
        mqtt: listen("mqtt", &config.mqtt, bind)?,
        https: listen("sensor-https", &config.sensor_https, bind)?,
        certificate_days: config.sensor_certificate_days.value,
        observation_days: config.observation_days.value,
        minute_days: config.minute_days.value,
        hour_days: config.minute_days.value.saturating_mul(10),
    })
}

fn listen<T, E: std::error::Error + Send + Sync + 'static>(
    name: &str,
    setting: &Setting<Listener>,
    bind: impl FnOnce(SocketAddr) -> Result<T, E>,
) -> anyhow::Result<Option<T>> {
    let Some(address) = setting.value.0 else { return Ok(None) };
    match bind(address) {
        Ok(listener) => {
            tracing::info!(%address, "listening for {name}");
            Ok(Some(listener))
        }
        Err(error) if setting.source == Source::Default => {
            tracing::warn!(%address, %error, "nobody can come by {name}: set `{name}` to a free address, or to `off`");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| {
            format!("{address} could not be listened at for `{name}`; is another program there?")
        }),
    }
}
