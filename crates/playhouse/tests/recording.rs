//! A recording of a live channel in the program itself, which is killed in the middle: it goes on as one, and is a film in
//! the end.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod real;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use real::House;

/// Seconds that the recording lasts: long enough for two broadcasts and a start of the program between them.
const LASTS_MS: i64 = 45_000;

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A publisher that keeps what it sends, each packet at once; killed when dropped.
struct Publisher {
    process: Child,
    file: PathBuf,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Publisher {
    fn start(house: &House, key: &str, file: PathBuf) -> Self {
        let to = format!(
            "[f=flv]rtmp://127.0.0.1:{}/live/{key}|[f=mpegts:flush_packets=1]{}",
            house.rtmp,
            file.display()
        );
        let process = Command::new("ffmpeg")
            .args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"])
            .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-map", "0:v", "-map", "1:a"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-flags", "+global_header", "-f", "tee", &to])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, file }
    }

    /// The decoded pictures of what was sent so far.
    fn pictures(self) -> Vec<String> {
        let file = self.file.clone();
        drop(self);
        pictures(&file)
    }
}

/// A sum of each decoded picture of a file.
fn pictures(file: &Path) -> Vec<String> {
    let sums = Command::new("ffmpeg")
        .args(["-v", "quiet", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let sums = String::from_utf8(sums.stdout).unwrap();
    let lines = sums.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

fn recording(list: &Value) -> &Value {
    &list["recordings"][0]
}

/// Seconds of a media playlist.
fn seconds(playlist: &str) -> f64 {
    let lengths = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    lengths.map(|length| length.parse::<f64>().unwrap()).sum()
}

#[test]
fn a_recording_goes_on_after_a_kill_as_one_film_of_the_same_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::start(folder.path());
    let channel = house.post("/api/channels", &json!({"name": "Match"}));
    let channel = channel["id"].as_str().unwrap().to_owned();
    let key = house.post(&format!("/api/channels/{channel}/keys"), &json!({"name": "ffmpeg"}));
    let key = key["secret"].as_str().unwrap();
    let before = Publisher::start(&house, key, folder.path().join("before.ts"));
    house.until(&format!("/api/channels/{channel}"), |channel| {
        (channel["until_ms"].as_i64()? - channel["from_ms"].as_i64()? > 4_000).then_some(())
    });
    let start = now_ms();
    let wanted = json!({
        "channel": channel, "start_ms": start, "stop_ms": start + LASTS_MS, "title": "The match",
        "pad_before_s": 2, "pad_after_s": 0,
    });
    let planned = house.post("/api/recordings", &wanted);
    let watch = format!("/api/recordings/{}/watch", planned["recordings"][0]["id"].as_str().unwrap());
    let long = |house: &House, wanted: f64| {
        let end = std::time::Instant::now() + real::PATIENCE;
        loop {
            let (status, body) = house.send("GET", &format!("{watch}/0.m3u8"), b"");
            let text = String::from_utf8(body).unwrap();
            if status == 200 && seconds(&text) >= wanted {
                return text;
            }
            assert!(std::time::Instant::now() < end, "{status} {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let early = long(&house, 6.0);
    assert!(early.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !early.contains("ENDLIST"), "{early}");
    house.kill();
    drop(house);
    let sent_before = before.pictures();

    let house = House::start(folder.path());
    // A hole that is said is longer than two seconds.
    let gone = now_ms();
    while now_ms() < gone + 3_000 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let after = Publisher::start(&house, key, folder.path().join("after.ts"));
    let both = long(&house, seconds(&early) + 4.0);
    let segments = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("0/")).map(str::to_owned).collect()
    };
    assert!(segments(&both).starts_with(&segments(&early)), "{early} {both}");
    assert!(both.contains("#EXT-X-DISCONTINUITY\n"), "{both}");
    // It is watched from its start while it is being recorded.
    let master = format!("{watch}/master.m3u8");
    let shown = ["-live_start_index", "0"];
    let frames = house.judge("ffmpeg", &shown, &master, &["-t", "3", "-map", "0:v:0", "-f", "framemd5", "-"]);
    assert!(frames.lines().filter(|line| !line.starts_with('#')).count() >= 70, "{frames}");

    let done = house.until("/api/recordings", |list| {
        let recording = recording(list);
        assert_ne!(recording["state"], "failed", "{recording}");
        (recording["state"] == "done").then(|| recording.clone())
    });
    let sent_after = after.pictures();
    assert!(done["reason"].as_str().unwrap().contains("missing"), "{done}");
    let kept = done["expires_ms"].as_i64().unwrap() - now_ms();
    assert!((27 * 86_400_000..=28 * 86_400_000).contains(&kept), "{kept}");
    assert!(!folder.path().join(".playhouse/recordings").join(done["id"].as_str().unwrap()).exists());
    let (status, film) =
        house.send("GET", &format!("/api/films/{}/file", done["film"].as_str().unwrap()), b"");
    assert_eq!(status, 200);
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, film).unwrap();
    let film = pictures(&file);
    // It is a part of the first broadcast, and a part of the second one behind it.
    let at =
        sent_before.iter().position(|sum| *sum == film[0]).expect("it begins with a picture that was sent");
    let first = film.iter().zip(&sent_before[at..]).take_while(|(kept, sent)| kept == sent).count();
    assert!(first >= 6 * 25, "{first} pictures of the first broadcast");
    let rest = &film[first..];
    assert!(rest.len() >= 4 * 25, "{} pictures of the second broadcast", rest.len());
    let at =
        sent_after.iter().position(|sum| *sum == rest[0]).expect("it goes on with a picture that was sent");
    assert_eq!(rest, &sent_after[at..at + rest.len()]);
}
