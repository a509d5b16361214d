//! The server process: store, node and API put together, and ended in order.

mod encoder;
mod ingest;
mod pull;
mod rtc;
mod virtual_sensor;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use playhouse_live::Hub;
use playhouse_play::control::NetSpec;
use playhouse_server::IceServer;
use playhouse_store::Store;

use crate::config::{Config, Source};
use crate::node::LocalNode;

use self::rtc::{Places, Rtc};

/// Serves until the program is told to end; running games are ended first.
///
/// # Errors
/// When the encoder, the data folder, the database or the address cannot be used.
pub fn run(config: &Config) -> anyhow::Result<()> {
    encoder::check(&config.encoder)?;
    check_films(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("serve")
        .build()
        .context("the server's threads could not be started")?;
    runtime.block_on(serve(config))
}

/// Refuses a file in place of a folder of films. A folder that is not there may be a disk that is plugged in later: the
/// library says so, and goes on looking.
fn check_films(config: &Config) -> anyhow::Result<()> {
    let films = &config.films;
    if let Some(file) = films.value.iter().find(|folder| folder.exists() && !folder.is_dir()) {
        let file = file.display();
        bail!("`films` names `{file}` ({}), which is a file: name the folder that it lies in", films.source);
    }
    Ok(())
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let data = absolute(&config.data.value)?;
    std::fs::create_dir_all(&data)
        .with_context(|| format!("the data folder `{}` could not be made", data.display()))?;
    let runtime = runtime_folder()?;
    let store = Store::open(&data.join("playhouse.db"))
        .await
        .with_context(|| format!("the database in `{}` could not be opened", data.display()))?;
    let program = std::env::current_exe().context("the program could not find itself")?;
    let node = Arc::new(LocalNode::new(program, config.sessions.value));
    let listener = std::net::TcpListener::bind(config.listen.value).with_context(|| {
        format!(
            "{} could not be listened at; is Playhouse running already, or is another program there?",
            config.listen.value
        )
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let scheme = if config.tls.value { "https" } else { "http" };
    let code = playhouse_server::first_code(&store).await.context("no code to sign in with could be made")?;
    let mut settings = settings(config, &data, runtime.path())?;
    let hub = Arc::new(Hub::default());
    let doors = ingest::begin(config, &data, &hub, &store)?;
    (settings.rtmp, settings.srt) = (doors.rtmp, doors.srt);
    settings.sense = ingest::sensors(config)?;
    let keys = Arc::new(playhouse_server::Keys::new(store.clone()));
    let ports = &config.udp_ports.value;
    let _sensor =
        virtual_sensor::begin(config, &data, &store, &format!("{scheme}://{}", reachable(address, config)))
            .await?;
    let places = Places { addresses: config.address.value.clone(), ports: ports.0..=ports.1 };
    let rtc = Rtc::new(Arc::clone(&hub), keys, places);
    announce(&format!("{scheme}://{}/?code={code}", reachable(address, config)));
    let served =
        playhouse_server::serve(listener, settings, store, node.clone(), hub, rtc.clone(), told_to_end())
            .await;
    tokio::task::block_in_place(|| rtc.stop());
    node.stop_all().await;
    served.context("the server failed")
}

fn settings(config: &Config, data: &Path, runtime: &Path) -> anyhow::Result<playhouse_server::Config> {
    let titles = config.titles.value.iter().map(|dir| absolute(dir)).collect::<Result<_, _>>()?;
    let films: Vec<_> = config.films.value.iter().map(|dir| absolute(dir)).collect::<Result<_, _>>()?;
    if config.films.source == Source::Default {
        for folder in &films {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the folder of films `{}` could not be made", folder.display()))?;
        }
    }
    let net = NetSpec { addresses: config.address.value.clone(), ports: config.udp_ports.value };
    let mut settings = playhouse_server::Config::new(data.to_owned(), runtime.to_owned(), titles, net);
    settings.films = films;
    settings.also.clone_from(&config.also.value);
    settings.upload_limit = config.upload_mib.value.saturating_mul(1 << 20);
    settings.reserve = config.reserve_mib.value.saturating_mul(1 << 20);
    settings.tls = config.tls.value;
    settings.names = config.names();
    settings.encoder = Some(config.encoder.value.clone());
    settings.bitrate = config.kbps.value.saturating_mul(1000);
    settings.trusted_proxies.clone_from(&config.trusted_proxies.value);
    settings.embed_origins.clone_from(&config.embed_origins.value);
    settings.idle_seconds = config.idle_seconds.value;
    settings.clips_quota = config.clip_mib.value << 20;
    settings.ice_servers = config
        .ice_servers
        .iter()
        .map(|server| IceServer {
            url: server.url.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        })
        .collect();
    Ok(settings)
}

/// A folder for sockets, gone with the server. Its path is short: a socket's has at most 107 bytes.
fn runtime_folder() -> anyhow::Result<tempfile::TempDir> {
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, Into::into);
    tempfile::Builder::new()
        .prefix("playhouse-")
        .tempdir_in(&base)
        .with_context(|| format!("no folder for sockets could be made in `{}`", base.display()))
}

fn absolute(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{}` is no path", path.display()))
}

/// Where a browser finds a listener: itself, or for a wildcard the first address that is not loopback.
fn reachable(address: std::net::SocketAddr, config: &Config) -> std::net::SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let addresses = &config.address.value;
    let found = addresses.iter().find(|ip| !ip.is_loopback()).or_else(|| addresses.first());
    found.map_or(address, |ip| std::net::SocketAddr::new(*ip, address.port()))
}

#[expect(clippy::print_stdout, reason = "the address is the program's answer, not a log line")]
fn announce(address: &str) {
    println!("Playhouse is ready. Open this address; it signs you in as the owner, once:\n\n  {address}\n");
}

/// Done when the program is told to end: Ctrl-C, or a service manager's SIGTERM.
async fn told_to_end() {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut term {
            Some(term) => drop(term.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("ending: running games are stopped first");
}
