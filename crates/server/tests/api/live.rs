//! A channel as players and foreign programs meet it: published sample by sample, read by HLS and DASH, rewound, kept.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::films::{decoded, folder, make, until};
use crate::house::House;
use crate::http::{Client, read_until};
use crate::publisher::Show;

/// Longest wait for anything: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A channel that a film of six seconds is published to.
struct OnAir {
    house: House,
    who: Client,
    id: String,
    film: String,
    stop: Option<oneshot::Sender<()>>,
    publishing: JoinHandle<()>,
}

async fn on_air(speed: u32) -> OnAir {
    let house = House::new().await;
    let who = house.player().await;
    let made = who.post("/api/channels", json!({"name": "Pia's"})).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let path = house.folder.path().join("show.mp4");
    make(&path, "320x180", &[]);
    let show = Show::read(&path, Size::new(320, 180));
    let (stop, stopped) = oneshot::channel();
    let publishing =
        tokio::spawn(show.publish(house.hub.clone(), id.clone(), speed, async { drop(stopped.await) }));
    let film = path.to_str().unwrap().to_owned();
    OnAir { house, who, id, film, stop: Some(stop), publishing }
}

impl OnAir {
    fn path(&self, file: &str) -> String {
        format!("/api/channels/{}/live/{file}", self.id)
    }

    fn url(&self, file: &str) -> String {
        format!("http://{}{}", self.who.address, self.path(file))
    }

    fn token(&self) -> Option<&str> {
        self.who.token.as_deref()
    }

    /// Asks for a file until its text is as wanted.
    async fn until(&self, file: &str, wanted: impl Fn(&str) -> bool) -> String {
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

    async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.publishing).await.unwrap();
    }
}

/// What `ffprobe` says of the streams at an address.
pub(crate) async fn probed(url: String, token: Option<&str>) -> Value {
    let header = format!("Authorization: Bearer {}\r\n", token.unwrap_or_default());
    let probing = tokio::task::spawn_blocking(move || {
        Command::new("ffprobe")
            .args(["-v", "error", "-headers", &header, "-show_streams", "-of", "json", &url])
            .output()
            .expect("ffprobe runs")
    });
    let output = probing.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn codecs(probed: &Value) -> Vec<&str> {
    let mut codecs: Vec<&str> =
        probed["streams"].as_array().unwrap().iter().map(|s| s["codec_name"].as_str().unwrap()).collect();
    codecs.sort_unstable();
    codecs.dedup();
    codecs
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_plays_it() {
    let mut air = on_air(1).await;
    air.until("0.m3u8", |text| text.contains("#EXTINF")).await;
    air.stop().await;
    air.until("0.m3u8", |text| text.ends_with("#EXT-X-ENDLIST\n")).await;
    let address = signed_in(air.who.clone()).await;
    for file in ["master.m3u8", "manifest.mpd"] {
        let uri = format!("uri=http://{address}{}", air.path(file));
        let playing = tokio::task::spawn_blocking(move || {
            Command::new("timeout")
                .args([
                    "50",
                    "gst-launch-1.0",
                    "-q",
                    "playbin3",
                    &uri,
                    "video-sink=fakesink",
                    "audio-sink=fakesink",
                ])
                .output()
                .expect("GStreamer runs")
        });
        let output = playing.await.unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !words.contains("ERROR"), "{file}: {words}");
    }
}

/// An address at which everybody is `who`: players that take no headers ask there.
async fn signed_in(who: Client) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut player, _)) = listener.accept().await {
            let who = who.clone();
            tokio::spawn(async move {
                let head = read_until(&mut player, "\r\n\r\n").await;
                let path = head.split(' ').nth(1).unwrap().to_owned();
                let reply = who.get(&path).await;
                let kind = reply.header("content-type").unwrap_or_default();
                let head = format!(
                    "HTTP/1.1 {} OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    reply.status,
                    reply.body.len()
                );
                drop(player.write_all(&[head.as_bytes(), &reply.body].concat()).await);
            });
        }
    });
    address
}
