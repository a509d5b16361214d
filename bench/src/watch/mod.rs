//! Films and live channels, side by side with nginx and hls.js.

mod film;
mod glass;
mod load;
mod ours;
mod publish;
mod screen;

use anyhow::{Context, Result};
use playhouse_testkit::machine::Watch;
use serde::Serialize;
use serde_json::{Value, json};

use self::film::Material;
use self::glass::Way;
use self::load::{Load, Target};
use self::screen::{Moments, Screen};
use crate::figures::{Spread, rounded};
use crate::house::{House, Settings};
use crate::peer::nginx::{self, Nginx};
use crate::progress::say;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How often a film is started, and how often somebody goes to another place in it.
    pub(crate) starts: usize,
    pub(crate) seeks: usize,
    pub(crate) install: bool,
}

/// In how many rounds, by turns with the peer.
const ROUNDS: usize = 2;
/// Ports of the server's sessions, of which none plays here.
const PORTS: (u16, u16) = (46_200, 46_219);

/// Measures it.
pub(crate) fn run(plan: Plan) -> Result<Value> {
    let material = Material::make()?;
    let nginx = nginx::find(plan.install);
    let watch = Watch::begin();
    let house = House::start(Settings { sessions: 1, kbps: 6000, ports: PORTS })?;
    let film = house.add_film(&material.film).context("the film does not become ready")?;
    let peer = nginx.map(|root| Nginx::start(&root, &material.folder)).transpose()?;

    let (mut ours, mut theirs) = (Moments::default(), Moments::default());
    for round in 0..ROUNDS {
        say(&format!("Start and seek, round {} of {ROUNDS}", round + 1));
        let screen = Screen {
            starts: plan.starts / ROUNDS,
            seeks: plan.seeks / ROUNDS,
            seed: plan.seed + round as u64,
        };
        ours.extend(screen.ours(&house, &film)?);
        if let Some(peer) = &peer {
            theirs.extend(screen.peers(&peer.origin)?);
        }
    }

    say("Segments and playlists per second of processor");
    let mine = house.target(&film);
    let their = peer.as_ref().map(|peer| Target {
        origin: peer.origin.clone(),
        token: None,
        pid: peer.pid(),
        segments: "/hls/{}.m4s".to_owned(),
        playlist: "/hls/film.m3u8".to_owned(),
    });
    let served = Load::compare(&mine, their.as_ref())?;
    say("From a publisher's picture to a viewer's");
    let whep = glass::measure(&house, Way::Whep)?;
    let llhls = glass::measure(&house, Way::LowLatencyHls)?;
    say("From a publisher to its playlist");
    let published = Published::measure(&house, peer.as_ref())?;
    let stored = house.storage_overhead(&material.film)?;
    let has_peer = peer.is_some();
    let of_peer = |value: Spread| has_peer.then_some(value);
    Ok(json!({
        "case": "watch",
        "start_ms": Spread::of(&ours.starts),
        "seek_ms": Spread::of(&ours.seeks),
        "peer_start_ms": of_peer(Spread::of(&theirs.starts)),
        "peer_seek_ms": of_peer(Spread::of(&theirs.seeks)),
        "segment_rps_ratio": served.ratio(|rates| rates.segments),
        "playlist_rps_ratio": served.ratio(|rates| rates.playlists),
        "requests_per_core": served,
        "whep_ms": Spread::of(&whep),
        "llhls_ms": Spread::of(&llhls),
        "publish_to_playlist_ms": published,
        "storage_overhead_percent": rounded(stored * 100.0),
        "film": material.described(),
        "machine": watch.end(),
    }))
}

/// From a publisher to its playlist: the middle one of some times, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Published {
    ours: f64,
    nginx_rtmp: Option<f64>,
}

impl Published {
    fn measure(house: &House, peer: Option<&Nginx>) -> Result<Self> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for turn in 0..publish::TIMES {
            let channel = house.channel()?;
            let playlist = format!("/api/channels/{}/live/0.m3u8", channel.id);
            ours.push(publish::measure(&house.rtmp_address(&channel.key), || house.has(&playlist))?);
            if let Some(peer) = peer {
                let stream = format!("bench{turn}");
                theirs.push(publish::measure(&format!("{}/{stream}", peer.rtmp), || {
                    peer.has_playlist(&stream)
                })?);
            }
        }
        Ok(Self { ours: Spread::of(&ours).p50, nginx_rtmp: peer.map(|_| Spread::of(&theirs).p50) })
    }
}
