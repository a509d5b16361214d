//! What the root has to say before the server can start.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use playhouse_play::control::NetSpec;
use playhouse_watch::codec::Codec;

use crate::network::Network;
use crate::site::Origin;

/// Settings of the server, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where homes, clips and certificates are kept: `homes/<account>/<title>`, `clips/`, `tls/`, and what is
    /// made from films: `index/`, `posters/`, `renditions/`, `extras/`.
    pub data: PathBuf,
    /// Where each session gets a folder that lives as long as the session.
    pub runtime: PathBuf,
    /// Folders of titles: each holds `<id>/title.toml`. A title of an earlier folder wins over a later one.
    pub titles: Vec<PathBuf>,
    /// Folders of films. Uploads go to the first one.
    pub films: Vec<PathBuf>,
    /// Bytes that one upload may have at most.
    pub upload_limit: u64,
    /// Bytes of the disk that uploads leave free.
    pub reserve: u64,
    /// Codings that films are made in beside H.264 when they are made playable.
    pub also: Vec<Codec>,
    /// Where programs are looked for, in this order.
    pub programs: Vec<PathBuf>,
    /// Whether to speak TLS with a self-signed certificate.
    pub tls: bool,
    /// Names and addresses that the certificate is for, `localhost` and the loopback addresses apart.
    pub names: Vec<String>,
    /// Origins (`https://example.org`) whose pages may embed the player and speak WHEP with an invite.
    pub embed_origins: Vec<Origin>,
    /// Proxies that are believed about the address of whoever is behind them (`X-Forwarded-For`).
    pub trusted_proxies: Vec<Network>,
    /// Where publishers come in by RTMP; nothing where nobody listens.
    pub rtmp: Option<SocketAddr>,
    /// The same by SRT.
    pub srt: Option<SocketAddr>,
    /// STUN and TURN servers told to players.
    pub ice_servers: Vec<IceServer>,
    /// Where sessions are reached.
    pub net: NetSpec,
    /// Encoder by name; nothing means the best one that works here.
    pub encoder: Option<String>,
    /// Bits per second that a session may use at most.
    pub bitrate: u32,
    /// Seconds without any peer after which a session ends.
    pub idle_seconds: u32,
    /// Films and channels that an account may watch at a time, where its own record says nothing else.
    pub streams: u32,
    /// Bytes that all clips together may take.
    pub clips_quota: u64,
    /// What concerns sensors.
    pub sense: Sense,
    /// The program's version.
    pub version: String,
}

/// What concerns sensors.
#[derive(Clone, Debug)]
pub struct Sense {
    /// Where sensors speak MQTT by TLS; nothing where nobody listens.
    pub mqtt: Option<Arc<TcpListener>>,
    /// Where they renew their certificates and fetch models, by HTTPS.
    pub https: Option<Arc<TcpListener>>,
    /// Days that a sensor's certificate lasts. It is renewed by itself after two thirds of them.
    pub certificate_days: u32,
    /// Days that each single observation is kept.
    pub observation_days: u32,
    /// Days that sums by minute are kept, and heat maps.
    pub minute_days: u32,
    /// Days that sums by hour are kept.
    pub hour_days: u32,
}

impl Default for Sense {
    fn default() -> Self {
        Self {
            mqtt: None,
            https: None,
            certificate_days: 7,
            observation_days: 30,
            minute_days: 366,
            hour_days: 3660,
        }
    }
}

impl Config {
    /// Settings that work on a laptop.
    pub fn new(data: PathBuf, runtime: PathBuf, titles: Vec<PathBuf>, net: NetSpec) -> Self {
        /// What Debian's games and ordinary programs are installed to.
        const PROGRAMS: [&str; 5] = ["/usr/games", "/usr/local/games", "/usr/local/bin", "/usr/bin", "/bin"];
        Self {
            films: vec![data.join("films")],
            upload_limit: 100 << 30,
            reserve: 2 << 30,
            also: Vec::new(),
            data,
            runtime,
            titles,
            programs: PROGRAMS.iter().map(PathBuf::from).collect(),
            tls: false,
            names: Vec::new(),
            embed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            rtmp: None,
            srt: None,
            ice_servers: Vec::new(),
            net,
            encoder: None,
            bitrate: 6_000_000,
            idle_seconds: 300,
            streams: 4,
            clips_quota: 4 << 30,
            sense: Sense::default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port?transport=udp`.
    pub url: String,
    /// TURN user.
    pub username: Option<String>,
    /// TURN password.
    pub credential: Option<String>,
}
