//! A session on the air, in the program itself: whoever tunes in gets what its players are sent.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod real;

use std::fs;
use std::path::Path;

use serde_json::json;

use real::House;

/// A title that shows the probe game, which paints only when somebody presses something.
fn write_probe(folder: &Path) {
    let title = folder.join("titles/probe");
    fs::create_dir_all(&title).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_playhouse")).with_file_name("probe");
    assert!(program.is_file(), "`probe` is not built: run `cargo build --release -p probe` first");
    fs::copy(program, title.join("probe")).unwrap();
    let text = "name = \"Probe\"\nsummary = \"It is still.\"\nhost = \"wayland\"\ncommand = [\"./probe\", \"--still\"]\n";
    fs::write(title.join("title.toml"), text).unwrap();
}

#[test]
fn a_session_is_published_as_it_is_until_it_is_stopped_or_over() {
    let folder = tempfile::tempdir().unwrap();
    write_probe(folder.path());
    let house = House::start(folder.path());
    let channel = house.post("/api/channels", &json!({"name": "Stage"}));
    let session = house.post("/api/sessions", &json!({"title": "probe"}));
    let (channel, session) = (channel["id"].as_str().unwrap(), session["id"].as_str().unwrap());
    let (at_channel, at_session) = (format!("/api/channels/{channel}"), format!("/api/sessions/{session}"));
    house.until(&at_session, |session| (session["state"] == "running").then_some(()));
    let air = format!("{at_session}/air");
    let shown = house.put(&air, &json!({"channel": channel}));
    assert_eq!(shown["on_air"], json!({"id": channel, "name": "Stage"}));

    // Nobody plays and nothing moves: pictures come all the same, and so does silence.
    let seen = house.until(&at_channel, |channel| {
        let size = channel["width"] == 1280 && channel["height"] == 720;
        let long = channel["until_ms"].as_i64()? - channel["from_ms"].as_i64()? > 6_000;
        (size && long).then(|| channel.clone())
    });
    assert_eq!(seen["protocol"], "session");
    assert!(seen["health"]["keyframe_interval_s"].as_f64().unwrap() < 2.5, "{seen}");
    let master = format!("{at_channel}/live/master.m3u8");
    let streams =
        house.judge("ffprobe", &[], &master, &["-of", "csv=p=0", "-show_entries", "stream=codec_name"]);
    assert!(streams.contains("h264") && streams.contains("opus"), "{streams}");
    // Every picture is decoded, and the sound has no hole: four seconds of it are four seconds.
    let after = ["-t", "4", "-map", "0:v:0", "-map", "0:a:0", "-f", "framecrc", "-"];
    let frames = house.judge("ffmpeg", &["-live_start_index", "0"], &master, &after);
    let of = |track: &str| frames.lines().filter(|line| line.starts_with(track)).count();
    assert!(of("0,") >= 20 && of("1,") >= 190, "{frames}");

    // A second session is refused, as any other publisher is.
    let other = house.post("/api/sessions", &json!({"title": "probe", "fresh": true}));
    let other_air = format!("/api/sessions/{}/air", other["id"].as_str().unwrap());
    let body = json!({"channel": channel}).to_string();
    let (status, said) = house.send("PUT", &other_air, body.as_bytes());
    assert_eq!(status, 409, "{}", String::from_utf8_lossy(&said));

    assert_eq!(house.send("DELETE", &air, b"").0, 204);
    house.until(&at_channel, |channel| (channel["live"] == false).then_some(()));
    assert_eq!(house.get(&at_session)["state"], "running");
    house.put(&air, &json!({"channel": channel}));
    house.until(&at_channel, |channel| (channel["live"] == true).then_some(()));
    assert_eq!(house.send("DELETE", &at_session, b"").0, 204);
    house.until(&at_channel, |channel| (channel["live"] == false).then_some(()));
}
