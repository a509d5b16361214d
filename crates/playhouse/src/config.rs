//! The configuration: defaults that work on a laptop, then a file, then flags and the environment.

mod listener;

use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use playhouse_server::{Codec, Network, Origin};
use serde::Deserialize;

pub use listener::Listener;

/// The encoder that every build of this kind has.
const ENCODER: &str = if cfg!(feature = "x264") { "x264" } else { "openh264" };

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The file given by `--config`.
    File,
    /// A flag or its environment variable.
    Flag,
}

impl Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Flag => "flag or environment",
        })
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Who said so.
    pub source: Source,
}

/// A STUN or TURN server that browsers are told to use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// As in RFC 7065: `turn:turn.example.org:3478?transport=udp`.
    pub url: String,
    /// User name, for TURN.
    #[serde(default)]
    pub username: Option<String>,
    /// Password, for TURN.
    #[serde(default)]
    pub credential: Option<String>,
}

/// What may be said on the command line; the same names, with `PLAYHOUSE_` before them, in the environment.
#[derive(Debug, Default, clap::Args)]
pub struct Flags {
    /// A TOML file with the same names as the flags
    #[arg(long, env = "PLAYHOUSE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the database, homes and clips [default: .playhouse]
    #[arg(long, env = "PLAYHOUSE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// A folder of titles, each with a `title.toml`; may be given several times [default: titles]
    #[arg(long, env = "PLAYHOUSE_TITLES", value_name = "DIR", value_delimiter = ':')]
    titles: Option<Vec<PathBuf>>,
    /// A folder of films; may be given several times, and uploads go to the first [default: films in the data folder]
    #[arg(long, env = "PLAYHOUSE_FILMS", value_name = "DIR", value_delimiter = ':')]
    films: Option<Vec<PathBuf>>,
    /// Codings that films are made in beside H.264, when they are made playable: `av1`, `hevc` [default: none]
    #[arg(long, env = "PLAYHOUSE_ALSO", value_name = "CODING", value_delimiter = ',')]
    also: Option<Vec<Codec>>,
    /// Address and port of the pages [default: 127.0.0.1:7770]
    #[arg(long, env = "PLAYHOUSE_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where RTMP publishers (OBS, ffmpeg) come in, or `off` [default: port 1935 at the pages' address]
    #[arg(long, env = "PLAYHOUSE_RTMP", value_name = "ADDRESS:PORT")]
    rtmp: Option<Listener>,
    /// Where RTMP publishers come in by TLS, with the certificate of the pages [default: off]
    #[arg(long, env = "PLAYHOUSE_RTMPS", value_name = "ADDRESS:PORT")]
    rtmps: Option<Listener>,
    /// Where SRT publishers come in, or `off` [default: port 9998 at the pages' address]
    #[arg(long, env = "PLAYHOUSE_SRT", value_name = "ADDRESS:PORT")]
    srt: Option<Listener>,
    /// Where sensors speak MQTT by TLS, or `off` [default: port 8883 at the pages' address]
    #[arg(long, env = "PLAYHOUSE_MQTT", value_name = "ADDRESS:PORT")]
    mqtt: Option<Listener>,
    /// Where sensors renew their certificates and fetch models, or `off` [default: port 7773 at the pages' address]
    #[arg(long, env = "PLAYHOUSE_SENSOR_HTTPS", value_name = "ADDRESS:PORT")]
    sensor_https: Option<Listener>,
    /// Days that a sensor's certificate lasts; it is renewed after two thirds of them [default: 7]
    #[arg(long, env = "PLAYHOUSE_SENSOR_CERTIFICATE_DAYS", value_name = "DAYS")]
    sensor_certificate_days: Option<u32>,
    /// Days that each single observation of a sensor is kept [default: 30]
    #[arg(long, env = "PLAYHOUSE_OBSERVATION_DAYS", value_name = "DAYS")]
    observation_days: Option<u32>,
    /// Days that sums of observations by minute, and heat maps, are kept; those by hour ten times as long [default: 366]
    #[arg(long, env = "PLAYHOUSE_MINUTE_DAYS", value_name = "DAYS")]
    minute_days: Option<u32>,
    /// Serve HTTPS with a self-signed certificate: browsers want it for gamepads off localhost
    #[arg(long, env = "PLAYHOUSE_TLS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    tls: Option<bool>,
    /// Games that may run at once [default: one per core]
    #[arg(long, env = "PLAYHOUSE_SESSIONS", value_name = "N")]
    sessions: Option<u32>,
    /// Video encoder by name; `playhouse config` lists them [default: x264]
    #[arg(long, env = "PLAYHOUSE_ENCODER", value_name = "NAME")]
    encoder: Option<String>,
    /// Most bits per second of a session's video, in thousands [default: 8000]
    #[arg(long, env = "PLAYHOUSE_KBPS", value_name = "KBPS")]
    kbps: Option<u32>,
    /// UDP ports for pictures and sound, both ends included [default: 47000-47999]
    #[arg(long, env = "PLAYHOUSE_UDP_PORTS", value_name = "FROM-TO")]
    udp_ports: Option<String>,
    /// Address that browsers reach this machine's UDP ports at; may be given several times
    /// [default: the addresses that `listen` covers]
    #[arg(long, env = "PLAYHOUSE_ADDRESS", value_name = "IP", value_delimiter = ',')]
    address: Option<Vec<IpAddr>>,
    /// Address or network of a proxy in front of the pages, which is believed about its clients' addresses
    /// (`X-Forwarded-For`); may be given several times [default: nobody]
    #[arg(long, env = "PLAYHOUSE_TRUSTED_PROXIES", value_name = "IP[/BITS]", value_delimiter = ',')]
    trusted_proxies: Option<Vec<Network>>,
    /// Show what sensors are for: a virtual one whose agent runs beside a fresh house [default: false]
    #[arg(long, env = "PLAYHOUSE_VIRTUAL_SENSOR", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    virtual_sensor: Option<bool>,
    /// Another site's address (`https://arcade.example`) whose pages may embed the player; may be given several times
    /// [default: nobody]
    #[arg(long, env = "PLAYHOUSE_EMBED_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    embed_origins: Option<Vec<Origin>>,
    /// Seconds that a session waits for somebody to come back [default: 300]
    #[arg(long, env = "PLAYHOUSE_IDLE_SECONDS", value_name = "N")]
    idle_seconds: Option<u32>,
    /// Most megabytes of clips [default: 4096]
    #[arg(long, env = "PLAYHOUSE_CLIP_MIB", value_name = "MIB")]
    clip_mib: Option<u64>,
    /// Most megabytes of one uploaded film [default: 102400]
    #[arg(long, env = "PLAYHOUSE_UPLOAD_MIB", value_name = "MIB")]
    upload_mib: Option<u64>,
    /// Megabytes of the disk that uploads leave free [default: 2048]
    #[arg(long, env = "PLAYHOUSE_RESERVE_MIB", value_name = "MIB")]
    reserve_mib: Option<u64>,
}

/// The file's content: every field may be absent, none may be unknown.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    data: Option<PathBuf>,
    titles: Option<Vec<PathBuf>>,
    films: Option<Vec<PathBuf>>,
    also: Option<Vec<Codec>>,
    listen: Option<SocketAddr>,
    rtmp: Option<Listener>,
    rtmps: Option<Listener>,
    srt: Option<Listener>,
    mqtt: Option<Listener>,
    sensor_https: Option<Listener>,
    sensor_certificate_days: Option<u32>,
    observation_days: Option<u32>,
    minute_days: Option<u32>,
    tls: Option<bool>,
    sessions: Option<u32>,
    encoder: Option<String>,
    kbps: Option<u32>,
    udp_ports: Option<String>,
    address: Option<Vec<IpAddr>>,
    trusted_proxies: Option<Vec<Network>>,
    virtual_sensor: Option<bool>,
    embed_origins: Option<Vec<Origin>>,
    idle_seconds: Option<u32>,
    clip_mib: Option<u64>,
    upload_mib: Option<u64>,
    reserve_mib: Option<u64>,
    #[serde(default)]
    ice_servers: Vec<IceServer>,
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder for the database, homes and clips.
    pub data: Setting<PathBuf>,
    /// Folders of titles.
    pub titles: Setting<Vec<PathBuf>>,
    /// Folders of films; uploads go to the first.
    pub films: Setting<Vec<PathBuf>>,
    /// Codings that films are made in beside H.264.
    pub also: Setting<Vec<Codec>>,
    /// Address and port of pages and API.
    pub listen: Setting<SocketAddr>,
    /// Where RTMP publishers come in.
    pub rtmp: Setting<Listener>,
    /// Where RTMP publishers come in by TLS.
    pub rtmps: Setting<Listener>,
    /// Where SRT publishers come in.
    pub srt: Setting<Listener>,
    /// Where sensors speak MQTT.
    pub mqtt: Setting<Listener>,
    /// Where sensors renew their certificates and fetch models.
    pub sensor_https: Setting<Listener>,
    /// Days of a sensor's certificate.
    pub sensor_certificate_days: Setting<u32>,
    /// Days of single observations.
    pub observation_days: Setting<u32>,
    /// Days of sums by minute.
    pub minute_days: Setting<u32>,
    /// Whether they are served over TLS.
    pub tls: Setting<bool>,
    /// Sessions at once, from 1.
    pub sessions: Setting<u32>,
    /// Encoder by name.
    pub encoder: Setting<String>,
    /// Thousands of bits per second.
    pub kbps: Setting<u32>,
    /// UDP ports, both ends included.
    pub udp_ports: Setting<(u16, u16)>,
    /// Addresses offered to browsers; never empty.
    pub address: Setting<Vec<IpAddr>>,
    /// Proxies that are believed about the addresses of their clients.
    pub trusted_proxies: Setting<Vec<Network>>,
    /// Whether a fresh house has a virtual sensor.
    pub virtual_sensor: Setting<bool>,
    /// Other sites whose pages may embed the player.
    pub embed_origins: Setting<Vec<Origin>>,
    /// Seconds that an empty session is kept.
    pub idle_seconds: Setting<u32>,
    /// Most MiB of clips.
    pub clip_mib: Setting<u64>,
    /// Most MiB of one upload.
    pub upload_mib: Setting<u64>,
    /// MiB of the disk that uploads leave free.
    pub reserve_mib: Setting<u64>,
    /// STUN and TURN servers; only the file can name them, since they carry passwords.
    pub ice_servers: Vec<IceServer>,
}

impl Config {
    /// Resolves flags over file over defaults.
    pub fn resolve(flags: &Flags) -> anyhow::Result<Self> {
        let file = flags.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let listen =
            pick(flags.listen.as_ref(), file.listen.as_ref(), || SocketAddr::from(([127, 0, 0, 1], 7770)));
        let ports = pick(flags.udp_ports.as_ref(), file.udp_ports.as_ref(), || "47000-47999".to_owned());
        let data = pick(flags.data.as_ref(), file.data.as_ref(), || ".playhouse".into());
        let beside = |port| Listener(Some(SocketAddr::new(listen.value.ip(), port)));
        let config = Self {
            rtmp: pick(flags.rtmp.as_ref(), file.rtmp.as_ref(), || beside(1935)),
            rtmps: pick(flags.rtmps.as_ref(), file.rtmps.as_ref(), || Listener(None)),
            srt: pick(flags.srt.as_ref(), file.srt.as_ref(), || beside(9998)),
            mqtt: pick(flags.mqtt.as_ref(), file.mqtt.as_ref(), || beside(8883)),
            sensor_https: pick(flags.sensor_https.as_ref(), file.sensor_https.as_ref(), || beside(7773)),
            sensor_certificate_days: pick(
                flags.sensor_certificate_days.as_ref(),
                file.sensor_certificate_days.as_ref(),
                || 7,
            ),
            observation_days: pick(flags.observation_days.as_ref(), file.observation_days.as_ref(), || 30),
            minute_days: pick(flags.minute_days.as_ref(), file.minute_days.as_ref(), || 366),
            films: pick(flags.films.as_ref(), file.films.as_ref(), || vec![data.value.join("films")]),
            also: pick(flags.also.as_ref(), file.also.as_ref(), Vec::new),
            data,
            titles: pick(flags.titles.as_ref(), file.titles.as_ref(), || vec!["titles".into()]),
            tls: pick(flags.tls.as_ref(), file.tls.as_ref(), || false),
            sessions: pick(flags.sessions.as_ref(), file.sessions.as_ref(), cores),
            encoder: pick(flags.encoder.as_ref(), file.encoder.as_ref(), || ENCODER.to_owned()),
            kbps: pick(flags.kbps.as_ref(), file.kbps.as_ref(), || 8_000),
            udp_ports: Setting { value: parse_ports(&ports.value)?, source: ports.source },
            address: pick(flags.address.as_ref(), file.address.as_ref(), || addresses_of(listen.value.ip())),
            trusted_proxies: pick(flags.trusted_proxies.as_ref(), file.trusted_proxies.as_ref(), Vec::new),
            virtual_sensor: pick(flags.virtual_sensor.as_ref(), file.virtual_sensor.as_ref(), || false),
            embed_origins: pick(flags.embed_origins.as_ref(), file.embed_origins.as_ref(), Vec::new),
            idle_seconds: pick(flags.idle_seconds.as_ref(), file.idle_seconds.as_ref(), || 300),
            clip_mib: pick(flags.clip_mib.as_ref(), file.clip_mib.as_ref(), || 4_096),
            upload_mib: pick(flags.upload_mib.as_ref(), file.upload_mib.as_ref(), || 102_400),
            reserve_mib: pick(flags.reserve_mib.as_ref(), file.reserve_mib.as_ref(), || 2_048),
            listen,
            ice_servers: file.ice_servers,
        };
        config.check()?;
        Ok(config)
    }

    /// What a certificate of this house is for, beside this machine itself.
    pub fn names(&self) -> Vec<String> {
        self.address.value.iter().map(ToString::to_string).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        if !(1..=512).contains(&self.sessions.value) {
            bail!("`sessions` is {}, allowed are 1 to 512", self.sessions.value);
        }
        if !(200..=200_000).contains(&self.kbps.value) {
            bail!("`kbps` is {}, allowed are 200 to 200000", self.kbps.value);
        }
        if self.address.value.is_empty() {
            bail!("`address` is empty: browsers need at least one address to send to");
        }
        if self.titles.value.is_empty() {
            bail!("`titles` is empty: name at least one folder");
        }
        for (name, days, most) in [
            ("sensor-certificate-days", self.sensor_certificate_days.value, 3650),
            ("observation-days", self.observation_days.value, 36_500),
            ("minute-days", self.minute_days.value, 36_500),
        ] {
            if !(1..=most).contains(&days) {
                bail!("`{name}` is {days}, allowed are 1 to {most}");
            }
        }
        if self.films.value.is_empty() {
            bail!("`films` is empty: name at least one folder, which may be an empty one");
        }
        if self.films.value.iter().any(|folder| folder.to_str().is_none()) {
            bail!("`films` names a folder whose name is not Unicode: give it another one");
        }
        Ok(())
    }

    /// Every value with its source, one a line, and the encoders of this machine.
    pub fn explain(&self) -> String {
        let mut out = String::new();
        let paths =
            |paths: &[PathBuf]| paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(":");
        let addresses = self.address.value.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let proxies =
            self.trusted_proxies.value.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let origins = self.embed_origins.value.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let (from, to) = self.udp_ports.value;
        let also = self.also.value.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let rows: [(&str, String, Source); 26] = [
            ("data", self.data.value.display().to_string(), self.data.source),
            ("titles", paths(&self.titles.value), self.titles.source),
            ("films", paths(&self.films.value), self.films.source),
            ("also", also, self.also.source),
            ("listen", self.listen.value.to_string(), self.listen.source),
            ("rtmp", self.rtmp.value.to_string(), self.rtmp.source),
            ("rtmps", self.rtmps.value.to_string(), self.rtmps.source),
            ("srt", self.srt.value.to_string(), self.srt.source),
            ("mqtt", self.mqtt.value.to_string(), self.mqtt.source),
            ("sensor-https", self.sensor_https.value.to_string(), self.sensor_https.source),
            (
                "sensor-certificate-days",
                self.sensor_certificate_days.value.to_string(),
                self.sensor_certificate_days.source,
            ),
            ("observation-days", self.observation_days.value.to_string(), self.observation_days.source),
            ("minute-days", self.minute_days.value.to_string(), self.minute_days.source),
            ("tls", self.tls.value.to_string(), self.tls.source),
            ("sessions", self.sessions.value.to_string(), self.sessions.source),
            ("encoder", self.encoder.value.clone(), self.encoder.source),
            ("kbps", self.kbps.value.to_string(), self.kbps.source),
            ("udp-ports", format!("{from}-{to}"), self.udp_ports.source),
            ("address", addresses, self.address.source),
            ("trusted-proxies", proxies, self.trusted_proxies.source),
            ("virtual-sensor", self.virtual_sensor.value.to_string(), self.virtual_sensor.source),
            ("embed-origins", origins, self.embed_origins.source),
            ("idle-seconds", self.idle_seconds.value.to_string(), self.idle_seconds.source),
            ("clip-mib", self.clip_mib.value.to_string(), self.clip_mib.source),
            ("upload-mib", self.upload_mib.value.to_string(), self.upload_mib.source),
            ("reserve-mib", self.reserve_mib.value.to_string(), self.reserve_mib.source),
        ];
        for (name, value, source) in rows {
            // Writing to a string cannot fail, here and below.
            writeln!(out, "{name:15} {value:32} ({source})").ok();
        }
        for server in &self.ice_servers {
            writeln!(out, "{:15} {:32} ({})", "ice-server", server.url, Source::File).ok();
        }
        out.push_str("\nencoders of this machine:\n");
        for encoder in playhouse_codec::video::available() {
            let state = encoder.unavailable.as_deref().unwrap_or("usable");
            writeln!(out, "  {:15} {state}", encoder.name).ok();
        }
        out
    }
}

fn pick<T: Clone>(flag: Option<&T>, file: Option<&T>, default: impl FnOnce() -> T) -> Setting<T> {
    match (flag, file) {
        (Some(value), _) => Setting { value: value.clone(), source: Source::Flag },
        (None, Some(value)) => Setting { value: value.clone(), source: Source::File },
        (None, None) => Setting { value: default(), source: Source::Default },
    }
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration `{}` could not be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("the configuration `{}` has a mistake", path.display()))
}

fn parse_ports(text: &str) -> anyhow::Result<(u16, u16)> {
    let wrong = || format!("`udp-ports` is `{text}`: write two ports as in 47000-47999");
    let (from, to) = text.split_once('-').with_context(wrong)?;
    let (from, to): (u16, u16) =
        (from.trim().parse().with_context(wrong)?, to.trim().parse().with_context(wrong)?);
    if from == 0 || from > to {
        bail!("`udp-ports` is `{text}`: the first has to be from 1 and not above the second");
    }
    Ok((from, to))
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1))
}

/// The addresses under which browsers reach a listener: all of this machine's for a wildcard, itself otherwise.
fn addresses_of(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        // A link-local IPv6 address needs a zone, which a candidate cannot carry.
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    let mut found: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).filter(usable).collect();
    if found.is_empty() {
        found.push(IpAddr::from([127, 0, 0, 1]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("playhouse.toml");
        std::fs::write(&path, "kbps = 3000\nsessions = 3\n").unwrap();
        let flags = Flags { config: Some(path), kbps: Some(5_000), ..Flags::default() };
        let config = Config::resolve(&flags).unwrap();
        assert_eq!((config.kbps.value, config.kbps.source), (5_000, Source::Flag));
        assert_eq!((config.sessions.value, config.sessions.source), (3, Source::File));
        assert_eq!(config.tls.source, Source::Default);
    }

    #[test]
    fn a_misspelt_name_in_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("playhouse.toml");
        std::fs::write(&path, "kpbs = 3000\n").unwrap();
        let error = Config::resolve(&Flags { config: Some(path), ..Flags::default() }).unwrap_err();
        assert!(format!("{error:#}").contains("kpbs"), "{error:#}");
    }

    #[test]
    fn trusted_proxies_are_addresses_or_networks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("playhouse.toml");
        let resolve = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::resolve(&Flags { config: Some(path.clone()), ..Flags::default() })
        };
        assert!(resolve("").unwrap().trusted_proxies.value.is_empty(), "somebody is trusted unasked");
        let config = resolve("trusted-proxies = [\"127.0.0.1\", \"fd00::/8\"]\n").unwrap();
        assert!(config.explain().contains("127.0.0.1/32,fd00::/8"), "{}", config.explain());
        let error = resolve("trusted-proxies = [\"proxy.example\"]\n").unwrap_err();
        assert!(format!("{error:#}").contains("`proxy.example` is no IP address or network"), "{error:#}");
    }

    #[test]
    fn films_lie_in_the_data_folder_unless_somebody_says_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("playhouse.toml");
        let resolve = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::resolve(&Flags { config: Some(path.clone()), ..Flags::default() })
        };
        assert_eq!(
            resolve("data = \"/srv/house\"\n").unwrap().films.value,
            [PathBuf::from("/srv/house/films")]
        );
        let config = resolve("films = [\"/a\", \"/b\"]\nupload-mib = 9\n").unwrap();
        assert_eq!((config.films.value.len(), config.films.source), (2, Source::File));
        assert!(config.explain().contains("/a:/b"), "{}", config.explain());
        assert!(resolve("films = []\n").is_err());
    }

    #[test]
    fn ports_the_wrong_way_round_are_refused() {
        assert!(parse_ports("5-4").is_err());
        assert!(parse_ports("5").is_err());
        assert_eq!(parse_ports("4 - 5").unwrap(), (4, 5));
    }
}
