//! A channel as players and foreign programs meet it: published sample by sample, read by HLS and DASH, rewound, kept.

use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::films::{decoded, folder, make, until};
use crate::house::House;
use crate::http::Client;
use crate::judges::{codecs, probed};
use crate::publisher::Show;

/// Longest wait for anything: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A channel that a film of six seconds is published to.
pub(crate) struct OnAir {
    house: House,
    pub(crate) who: Client,
    id: String,
    pub(crate) film: String,
    stop: Option<oneshot::Sender<()>>,
    publishing: JoinHandle<()>,
}

async fn on_air(speed: u32) -> OnAir {
    on_air_again(speed, 1).await
}

/// The same, with the film so many times, one after the other.
pub(crate) async fn on_air_again(speed: u32, times: u32) -> OnAir {
    let house = House::new().await;
    let who = house.player().await;
    let made = who.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let path = house.folder.path().join("show.mp4");
    make(&path, "320x180", &[]);
    let show = Show::read(&path, Size::new(320, 180)).again(times);
    let (stop, stopped) = oneshot::channel();
    let publishing =
        tokio::spawn(show.publish(house.hub.clone(), id.clone(), speed, async { drop(stopped.await) }));
    let film = path.to_str().unwrap().to_owned();
    OnAir { house, who, id, film, stop: Some(stop), publishing }
}

impl OnAir {
    pub(crate) fn path(&self, file: &str) -> String {
        format!("/api/channels/{}/live/{file}", self.id)
    }

    pub(crate) fn url(&self, file: &str) -> String {
        format!("http://{}{}", self.who.address, self.path(file))
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.who.token.as_deref()
    }

    /// Asks for a file until its text is as wanted.
    pub(crate) async fn until(&self, file: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let reply = self.who.get(&self.path(file)).await;
            let text = reply.text();
            if reply.status == 200 && wanted(&text) {
                return text;
            }
            assert!(Instant::now() < end, "{file} does not become what it should: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The publisher is gone in the middle of a sentence.
    pub(crate) fn break_off(&self) {
        self.publishing.abort();
    }

    async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.publishing).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_of_low_latency_waits_for_parts_and_gets_each() {
    let mut air = on_air(1).await;
    let master = air.until("master.m3u8", |text| text.contains("AUDIO=")).await;
    assert!(master.contains("CODECS=\"avc1."), "{master}");
    let first = air.until("0.m3u8", |text| text.contains("#EXT-X-PART:")).await;
    assert!(first.contains("CAN-BLOCK-RELOAD=YES"), "{first}");
    let hint = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT")).unwrap();
        line.split("URI=\"").nth(1).unwrap().trim_end_matches('"').to_owned()
    };
    // The part that is hinted at does not exist yet: it is answered with as soon as it does.
    let hinted = hint(&first);
    let part = air.who.get(&air.path(&hinted)).await.expect(200);
    assert_eq!(part.header("content-type"), Some("video/mp4"));
    assert_eq!(&part.body[4..8], b"moof");
    let name = hinted.trim_start_matches("0/").trim_end_matches(".m4s");
    let (segment, number) = name.split_once('.').unwrap();
    let next = number.parse::<u32>().unwrap() + 1;
    let reload = format!("0.m3u8?_HLS_msn={segment}&_HLS_part={next}");
    let later = air.who.get(&air.path(&reload)).await.expect(200).text();
    assert!(later.contains(&hinted) && hint(&later) != hinted, "{later}");
    let far: u64 = segment.parse::<u64>().unwrap() + 50;
    air.who.get(&air.path(&format!("0.m3u8?_HLS_msn={far}"))).await.problem(400, "invalid");
    air.who.get(&air.path("0.m3u8?_HLS_part=1")).await.problem(400, "invalid");
    air.who.get(&air.path("0/1.m4s")).await.problem(404, "not-found");
    air.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_foreign_players_read_is_what_was_published_and_what_is_kept() {
    let mut air = on_air(4).await;
    air.until("0.m3u8", |text| text.matches("#EXTINF").count() >= 2).await;
    assert_eq!(codecs(&probed(air.url("master.m3u8"), air.token()).await), ["aac", "h264"]);
    assert_eq!(codecs(&probed(air.url("manifest.mpd"), air.token()).await), ["aac", "h264"]);
    air.stop().await;
    air.until("0.m3u8", |text| text.ends_with("#EXT-X-ENDLIST\n")).await;
    air.until("1.m3u8", |text| text.ends_with("#EXT-X-ENDLIST\n")).await;
    let compared = {
        let (film, hls, token) = (air.film.clone(), air.url("master.m3u8"), air.who.token.clone());
        tokio::task::spawn_blocking(move || (decoded(&film, None), decoded(&hls, token.as_deref())))
    };
    let (film, hls) = compared.await.unwrap();
    assert_eq!(film[0], hls[0], "the pictures");
    assert_eq!(film[1], hls[1], "the sound");

    folder(&air.house);
    let kept = air.who.post(&format!("/api/channels/{}/keep", air.id), json!({"name": "Kept"})).await;
    let kept = kept.expect(201).json();
    assert_eq!(kept["file"], "Kept.mp4");
    let found = until(&air.who, |film| film["title"] == "Kept" && film["state"] == "ready").await;
    assert!((found["duration_s"].as_f64().unwrap() - 6.0).abs() < 0.2, "{found}");
    let path = folder(&air.house).join("Kept.mp4").to_str().unwrap().to_owned();
    let again = tokio::task::spawn_blocking(move || decoded(&path, None)).await.unwrap();
    assert_eq!(film, again, "sample by sample the same");
}
