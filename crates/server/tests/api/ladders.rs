//! Lower qualities of a live channel, as players and foreign programs meet them.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_live::{Admission, Hub, Protocol};
use playhouse_media::frame::Size;
use serde_json::{Value, json};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use crate::films::make;
use crate::house::House;
use crate::http::Client;
use crate::judges::probed;
use crate::publisher::Show;

/// Longest wait for anything: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many times slower than it is the film is published.
const SLOWNESS: u32 = 5;

/// One test at a time: a machine of two cores makes the lower qualities of one channel.
static ONE: Mutex<()> = Mutex::const_new(());

/// A channel that wants lower qualities, and a film of six seconds on its way to it.
struct OnAir {
    house: House,
    who: Client,
    id: String,
    stop: Option<oneshot::Sender<()>>,
    publishing: JoinHandle<()>,
}

async fn on_air() -> OnAir {
    let house = House::new().await;
    let who = house.player().await;
    let made = who.post("/api/channels", json!({"name": "Pia's", "ladder": true})).await.expect(201).json();
    assert_eq!((&made["ladder"], &made["renditions"]), (&json!(true), &json!([])));
    let id = made["id"].as_str().unwrap().to_owned();
    let path = house.folder.path().join("show.mp4");
    make(&path, "640x480", &[]);
    let show = Show::read(&path, Size::new(640, 480));
    let (stop, stopped) = oneshot::channel();
    let publishing = tokio::spawn(publish(show, house.hub.clone(), id.clone(), stopped));
    OnAir { house, who, id, stop: Some(stop), publishing }
}

/// Publishes it at a fifth of its speed: a busy machine is given the time that it needs, and not the reason to stop.
async fn publish(show: Show, hub: Arc<Hub>, channel: String, stopped: oneshot::Receiver<()>) {
    let publisher = hub.publish(&Admission { channel, replace: true }, Protocol::Rtmp).unwrap();
    publisher.formats(show.formats).unwrap();
    let (begun, first) = (tokio::time::Instant::now(), show.samples[0].dts);
    for sample in show.samples {
        tokio::time::sleep_until(begun + sample.dts.since(first) * SLOWNESS).await;
        publisher.sample(sample).unwrap();
    }
    drop(stopped.await);
}

impl OnAir {
    fn path(&self, file: &str) -> String {
        format!("/api/channels/{}/live/{file}", self.id)
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

    async fn channel(&self) -> Value {
        self.who.get(&format!("/api/channels/{}", self.id)).await.expect(200).json()
    }

    async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.publishing).await.unwrap();
    }
}

fn heights(probed: &Value) -> Vec<u64> {
    let mut heights: Vec<u64> =
        probed["streams"].as_array().unwrap().iter().filter_map(|stream| stream["height"].as_u64()).collect();
    heights.sort_unstable();
    heights.dedup();
    heights
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_has_lower_qualities_in_step_with_its_own() {
    let _alone = ONE.lock().await;
    let mut air = on_air().await;
    let master = air.until("master.m3u8", |text| text.contains("renditions/240p/0.m3u8")).await;
    let variants: Vec<&str> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF") || !line.starts_with('#'))
        .collect();
    let sizes: Vec<bool> = ["640x480", "480x360", "320x240"]
        .iter()
        .zip(variants.chunks(2))
        .map(|(size, variant)| variant[0].contains(&format!("RESOLUTION={size},FRAME-RATE=25.000,AUDIO=")))
        .collect();
    assert_eq!(sizes, [true; 3], "{master}");
    assert_eq!(variants[3], "renditions/360p/0.m3u8");
    assert_eq!(air.channel().await["renditions"], json!(["360p", "240p"]));

    let playlist = air.until("renditions/360p/0.m3u8", |text| text.contains("#EXT-X-PART:")).await;
    assert!(playlist.contains("#EXT-X-RENDITION-REPORT:URI=\"../../0.m3u8\",LAST-MSN="), "{playlist}");
    assert!(playlist.contains("#EXT-X-RENDITION-REPORT:URI=\"../240p/0.m3u8\",LAST-MSN="), "{playlist}");
    let own = air.until("0.m3u8", |text| text.contains("REPORT:URI=\"renditions/360p/0.m3u8\"")).await;
    assert!(own.contains("REPORT:URI=\"renditions/240p/0.m3u8\""), "{own}");

    air.until("renditions/240p/0.m3u8", |text| text.matches("#EXTINF").count() >= 2).await;
    for file in ["master.m3u8", "manifest.mpd"] {
        let url = format!("http://{}{}", air.who.address, air.path(file));
        assert_eq!(heights(&probed(url, air.who.token.as_deref()).await), [240, 360, 480], "{file}");
    }
    air.who.get(&air.path("renditions/480p/0.m3u8")).await.problem(404, "not-found");
    air.who.get(&air.path("renditions/360p/1.m3u8")).await.problem(404, "not-found");
    air.who.get(&air.path("renditions/360p/0/1.m4s")).await.problem(404, "not-found");

    air.stop().await;
    let times = |text: &str| -> Vec<String> {
        let told = |line: &&str| line.starts_with("#EXT-X-PROGRAM") || line.starts_with("#EXTINF");
        text.lines().filter(told).map(ToOwned::to_owned).collect()
    };
    let over = |text: &str| text.ends_with("#EXT-X-ENDLIST\n");
    let own = times(&air.until("0.m3u8", over).await);
    for file in ["renditions/360p/0.m3u8", "renditions/240p/0.m3u8"] {
        let lower = times(&air.until(file, over).await);
        // The last segment may have ended with another picture.
        assert_eq!(own[..own.len() - 1], lower[..lower.len() - 1], "{file}");
    }
    // Every picture is there once, in what somebody sees who changes qualities.
    let url = format!("http://{}{}", air.who.address, air.path("renditions/360p/0.m3u8"));
    let header = format!("Authorization: Bearer {}\r\n", air.who.token.as_deref().unwrap_or_default());
    let counting = tokio::task::spawn_blocking(move || {
        let entries =
            ["-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0"];
        Command::new("ffprobe")
            .args(["-v", "error", "-headers", &header])
            .args(entries)
            .arg(&url)
            .output()
            .unwrap()
    });
    let counted = String::from_utf8(counting.await.unwrap().stdout).unwrap();
    // It is said once for the programme, and once for the stream.
    assert_eq!(counted.lines().next(), Some("h264,150"));
}

/// The transcoders that this process has started.
fn transcoders() -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mine = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        parent == Some(std::process::id()) && line.contains("-force_key_frames")
    };
    numbers.filter(mine).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcoder_that_dies_takes_only_itself() {
    let _alone = ONE.lock().await;
    let mut air = on_air().await;
    air.until("master.m3u8", |text| text.contains("renditions/360p/0.m3u8")).await;
    let found = transcoders();
    assert_eq!(found.len(), 1);
    let killed = Command::new("kill").args(["-9", &found[0].to_string()]).status().unwrap();
    assert!(killed.success());
    let end = Instant::now() + PATIENCE;
    let reason = loop {
        let channel = air.channel().await;
        if let Some(reason) = channel["ladder_reason"].as_str() {
            break reason.to_owned();
        }
        assert!(Instant::now() < end, "nobody says that there are no lower qualities: {channel}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(reason.contains("the transcoder ended in the middle of the stream"), "{reason}");
    assert_eq!(air.channel().await["live"], true);
    air.until("master.m3u8", |text| !text.contains("renditions")).await;
    air.until("0.m3u8", |text| text.matches("#EXTINF").count() >= 2 && !text.contains("ENDLIST")).await;
    // Whoever does not want them any more has none, and nobody says why.
    let path = format!("/api/channels/{}", air.id);
    air.who.json("PATCH", &path, json!({"ladder": false})).await.expect(200);
    assert_eq!(air.channel().await["ladder_reason"], Value::Null);
    air.stop().await;
    let house = &air.house;
    assert!(house.hub.stream(&air.id).is_none());
}
