//! Films and live channels, side by side with nginx, hls.js and janus.

mod film;
mod glass;
mod ladder;
mod load;
mod ours;
mod party;
mod publish;
mod screen;
mod viewers;

use anyhow::{Context, Result};
use clap::ValueEnum;
use playhouse_testkit::machine::Watch;
use serde::Serialize;
use serde_json::{Value, json};

use self::film::Material;
use self::glass::Way;
use self::ladder::Savings;
use self::load::{Load, Target};
use self::screen::{Moments, Screen};
use self::viewers::Viewers;
use crate::figures::{Spread, rounded};
use crate::house::{House, Settings};
use crate::peer::janus;
use crate::peer::nginx::{self, Nginx};
use crate::progress::say;

/// One part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// How soon a film starts and goes to another place
    Start,
    /// Requests for segments and playlists per core
    Load,
    /// From a publisher's picture to a viewer's
    Glass,
    /// From a publisher to its playlist
    Publish,
    /// Viewers of a live stream per core
    Viewers,
    /// How far the members of a party are apart
    Party,
    /// What a ladder of a title's own saves
    Ladder,
}

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How often a film is started, and how often somebody goes to another place in it.
    pub(crate) starts: usize,
    pub(crate) seeks: usize,
    /// Viewers of a live stream.
    pub(crate) viewers: usize,
    /// What of it; all where nothing is named.
    pub(crate) only: Vec<Part>,
    pub(crate) install: bool,
}

impl Plan {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// In how many rounds, by turns with the peer.
const ROUNDS: usize = 2;
/// Ports of the server's sessions, of which none plays here, and of live streams.
const PORTS: (u16, u16) = (46_200, 46_219);

/// Measures it. What is not measured, or has no peer here, is null; `missing` says which peers are not there.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let watch = Watch::begin();
    let mut figures = json!({
        "case": "watch",
        "start_ms": null, "seek_ms": null, "exact_seek_ms": null, "peer_start_ms": null, "peer_seek_ms": null,
        "segment_rps_ratio": null, "playlist_rps_ratio": null, "requests_per_core": null,
        "whep_ms": null, "llhls_ms": null, "publish_to_playlist_ms": null,
        "viewers_per_core": null, "rss_per_viewer_bytes": null, "viewers": null,
        "storage_overhead_percent": null, "party_skew_ms": null, "ladder_saving_percent": null,
        "film": null, "missing": [],
    });
    let served = [Part::Start, Part::Load, Part::Publish, Part::Glass, Part::Viewers];
    if served.into_iter().any(|part| plan.has(part)) {
        let house = House::start(Settings { sessions: 1, kbps: 6000, ports: PORTS })?;
        of_house(plan, &house, &mut figures)?;
    }
    if plan.has(Part::Party) {
        say("Eight tabs of a party, one of them frozen");
        figures["party_skew_ms"] = json!(party::measure()?);
    }
    if plan.has(Part::Ladder) {
        figures["ladder_saving_percent"] = json!(Savings::measure(&Material::folder()?)?);
    }
    figures["machine"] = json!(watch.end());
    Ok(figures)
}

/// What is measured of a server of ours.
fn of_house(plan: &Plan, house: &House, figures: &mut Value) -> Result<()> {
    if [Part::Start, Part::Load, Part::Publish].into_iter().any(|part| plan.has(part)) {
        films(plan, house, figures)?;
    }
    if plan.has(Part::Glass) {
        say("From a publisher's picture to a viewer's");
        figures["whep_ms"] = json!(Spread::of(&glass::measure(house, Way::Whep)?));
        figures["llhls_ms"] = json!(Spread::of(&glass::measure(house, Way::LowLatencyHls)?));
    }
    if plan.has(Part::Viewers) {
        say("Viewers of a live stream per core");
        let viewers = Viewers::measure(house, &Material::folder()?, plan.viewers, plan.install)?;
        if viewers.has_no_peer() {
            miss(figures, "janus", janus::MISSING);
        }
        figures["viewers_per_core"] = json!(viewers.per_core());
        figures["rss_per_viewer_bytes"] = json!(viewers.rss());
        figures["viewers"] = json!(viewers);
    }
    Ok(())
}

/// Says in the figures that a peer is not there.
fn miss(figures: &mut Value, name: &str, sentence: &str) {
    if let Some(missing) = figures["missing"].as_array_mut() {
        missing.push(json!({"name": name, "missing": sentence}));
    }
}

/// What is measured beside nginx: with a film of one hour, and a publisher.
fn films(plan: &Plan, house: &House, figures: &mut Value) -> Result<()> {
    let material = Material::make()?;
    let nginx = nginx::find(plan.install);
    if nginx.is_none() {
        miss(figures, "nginx", nginx::MISSING);
    }
    let film = house.add_film(&material.film).context("the film does not become ready")?;
    let peer = nginx.map(|root| Nginx::start(&root, &material.folder)).transpose()?;
    figures["film"] = material.described();
    figures["storage_overhead_percent"] = json!(rounded(house.storage_overhead(&material.film)? * 100.0));
    if plan.has(Part::Start) {
        let (mut ours, mut theirs) = (Moments::default(), Moments::default());
        for round in 0..ROUNDS {
            say(&format!("Start and seek, round {} of {ROUNDS}", round + 1));
            let screen = Screen {
                starts: plan.starts / ROUNDS,
                seeks: plan.seeks / ROUNDS,
                seed: plan.seed + round as u64,
            };
            ours.extend(screen.ours(house, &film)?);
            if let Some(peer) = &peer {
                theirs.extend(screen.peers(&peer.origin)?);
            }
        }
        let of_peer = |values: &[f64]| peer.is_some().then(|| Spread::of(values));
        figures["start_ms"] = json!(Spread::of(&ours.starts));
        figures["seek_ms"] = json!(Spread::of(&ours.seeks));
        figures["exact_seek_ms"] = json!(Spread::of(&ours.exact));
        figures["peer_start_ms"] = json!(of_peer(&theirs.starts));
        figures["peer_seek_ms"] = json!(of_peer(&theirs.seeks));
    }
    if plan.has(Part::Load) {
        say("Segments and playlists per second of processor");
        let their = peer.as_ref().map(|peer| Target {
            origin: peer.origin.clone(),
            token: None,
            pid: peer.pid(),
            segments: "/hls/{}.m4s".to_owned(),
            playlist: "/hls/film.m3u8".to_owned(),
        });
        let served = Load::compare(&house.target(&film), their.as_ref())?;
        // Segments of the two sides are not equally long: what counts is how much of the film goes out.
        figures["segment_rps_ratio"] = json!(served.ratio(|rates| rates.segments * rates.segment_bytes));
        figures["playlist_rps_ratio"] = json!(served.ratio(|rates| rates.playlists));
        figures["requests_per_core"] = json!(served);
    }
    if plan.has(Part::Publish) {
        say("From a publisher to its playlist");
        figures["publish_to_playlist_ms"] = json!(Published::measure(house, peer.as_ref())?);
    }
    Ok(())
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
