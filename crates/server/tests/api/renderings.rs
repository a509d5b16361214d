//! Films that browsers do not play: made playable, with what is around them, as people and foreign players see it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::films::{decoded, folder, make, until};
use crate::house::House;
use crate::http::Client;

/// Longest wait: encoding is done with what time others leave.
const PATIENCE: Duration = Duration::from_mins(5);

const SRT: &str =
    "1\n00:00:00,500 --> 00:00:02,000\n<i>Hello</i> & welcome\n\n2\n00:00:03,000 --> 00:00:05,000\nBye\n";

const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=The beginning\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=6000\ntitle=The rest\n";

/// Waits until a film can be watched, or is as wanted otherwise.
async fn film(who: &Client, title: &str, state: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = until(who, |film| film["title"] == title || Instant::now() > end).await;
        if found["state"] == state {
            return found;
        }
        assert!(Instant::now() < end, "{title} does not become {state}: {found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until a film's page has what is wanted.
async fn detail(who: &Client, film: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let url = format!("/api/films/{}", film["id"].as_str().unwrap());
    let end = Instant::now() + PATIENCE;
    loop {
        let detail = who.get(&url).await.expect(200).json();
        if wanted(&detail) {
            return detail;
        }
        assert!(Instant::now() < end, "{detail}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What ffprobe says of an address, as JSON.
async fn probe(who: &Client, path: &str) -> Value {
    let url = format!("http://{}{path}", who.address);
    let header = format!("Authorization: Bearer {}\r\n", who.token.clone().unwrap());
    let probing = tokio::task::spawn_blocking(move || {
        Command::new("ffprobe")
            .args(["-v", "error", "-headers", &header, "-of", "json", "-show_streams", "-show_format"])
            .args(["-allowed_extensions", "ALL"])
            .arg(&url)
            .output()
            .expect("ffprobe runs")
    });
    let output = probing.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn seen(who: &Client, path: &str) -> Vec<String> {
    let (url, token) = (format!("http://{}{path}", who.address), who.token.clone());
    tokio::task::spawn_blocking(move || decoded(&url, token.as_deref())).await.unwrap()
}

fn text(path: &Path, contents: &str) -> String {
    fs::write(path, contents).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_matroska_film_keeps_its_pictures_sounds_chapters_and_texts() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let here = house.folder.path();
    let (srt, chapters) = (text(&here.join("a.srt"), SRT), text(&here.join("chapters"), CHAPTERS));
    let path = folder(&house).join("The Maker (2020).mkv");
    let plain = here.join("plain.mkv");
    make(&plain, "320x180", &[]);
    let hidden = path.with_file_name(".maker.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i", plain.to_str().unwrap(), "-i", &srt, "-i", &chapters])
        .args([
            "-map",
            "0:v",
            "-map",
            "0:a",
            "-map",
            "0:a",
            "-map",
            "1:s",
            "-map_chapters",
            "2",
            "-c:v",
            "copy",
        ])
        .args(["-c:a:0", "ac3", "-c:a:1", "aac", "-c:s", "subrip"])
        .args(["-metadata:s:a:1", "language=ger", "-metadata:s:s:0", "language=ger"])
        .arg(&hidden)
        .status();
    assert!(made.unwrap().success());
    fs::rename(hidden, &path).unwrap();
    let ready = film(&owner, "The Maker", "ready").await;
    assert_eq!(ready["rendering"]["state"], "done");
    assert_eq!(player.get("/api/films").await.json()["films"][0]["rendering"], Value::Null);
    let film = detail(&player, &ready, |film| film["sprites"].is_string()).await;

    let source = decoded(path.to_str().unwrap(), None);
    for address in ["hls", "dash"] {
        let address = film[address].as_str().unwrap();
        assert_eq!(seen(&player, address).await[0], source[0], "{address}");
        let said = probe(&player, address).await;
        let streams = said["streams"].as_array().unwrap();
        let audio: Vec<&Value> = streams.iter().filter(|stream| stream["codec_type"] == "audio").collect();
        assert_eq!(audio.len(), 2, "{said}");
        assert!(audio.iter().all(|stream| stream["codec_name"] == "aac"), "{said}");
    }
    assert_eq!(
        film["chapters"],
        json!([{"start_s": 0.0, "title": "The beginning"}, {"start_s": 2.0, "title": "The rest"}])
    );
    assert_eq!(film["subtitles"][0]["language"], "de");
    let vtt = player.get(film["subtitles"][0]["url"].as_str().unwrap()).await.expect(200);
    assert_eq!(vtt.header("content-type"), Some("text/vtt; charset=utf-8"));
    // Matroska's clock begins with the sound, some 20 ms before the picture.
    assert!(
        vtt.text().contains("\n00:00:00.5") && vtt.text().contains("\n<i>Hello</i> &amp; welcome\n"),
        "{}",
        vtt.text()
    );
    let master = player.get(film["hls"].as_str().unwrap()).await.text();
    assert!(master.contains("TYPE=SUBTITLES") && master.contains("LANGUAGE=\"de\""), "{master}");
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    assert!(player.get(&format!("{base}/s0.m3u8")).await.expect(200).text().contains("s0.vtt"));
    player.get(&format!("{base}/s1.m3u8")).await.problem(404, "not-found");
    player.get(&format!("{base}/s1.vtt")).await.problem(404, "not-found");

    let sprites = player.get(film["sprites"].as_str().unwrap()).await.expect(200).text();
    assert!(sprites.contains("sheet-0.jpg#xywh=160,0,160,90"), "{sprites}");
    let sheet = player.get(&format!("{base}/sprites/sheet-0.jpg")).await.expect(200);
    assert_eq!(&sheet.body[..3], b"\xff\xd8\xff");
    for name in ["sheet-1.jpg", "sheet-x.jpg", "s0.vtt", "..%2fs0.vtt"] {
        player.get(&format!("{base}/sprites/{name}")).await.problem(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_and_new_codecs_are_encoded_and_play() {
    let house = House::new().await;
    let owner = house.owner().await;
    let films = folder(&house);
    make(&films.join("Old.avi"), "640x360", &["-c:v", "mpeg4", "-c:a", "mp3"]);
    make(&films.join("New.mkv"), "640x360", &["-c:v", "libx265", "-x265-params", "log-level=error"]);
    for title in ["Old", "New"] {
        let film = film(&owner, title, "ready").await;
        let detail = detail(&owner, &film, |_| true).await;
        for address in ["hls", "dash"] {
            let said = probe(&owner, detail[address].as_str().unwrap()).await;
            let streams = said["streams"].as_array().unwrap();
            let heights: Vec<u64> = streams
                .iter()
                .filter(|stream| stream["codec_name"] == "h264")
                .map(|stream| stream["height"].as_u64().unwrap())
                .collect();
            assert_eq!(heights.iter().max(), Some(&360), "{address}: {said}");
            assert!(heights.contains(&240), "{address}: {said}");
            assert!(streams.iter().any(|stream| stream["codec_name"] == "aac"), "{address}: {said}");
            let seconds = said["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap();
            assert!((seconds - 6.0).abs() < 0.2, "{said}");
        }
        assert_eq!(film["rendering"]["renditions"], 2, "{film}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_beside_a_film_is_shown_with_it() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let own = folder(&house).join("Beside");
    make(&own.join("Beside.mp4"), "320x180", &[]);
    let film = film(&player, "Beside", "ready").await;
    detail(&player, &film, |film| film["sprites"].is_string()).await;
    fs::write(own.join("Beside.en.srt"), SRT).unwrap();
    let ass = "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{\\an8\\b1}Oben\n";
    fs::write(own.join("Beside.ger.forced.ass"), ass).unwrap();
    fs::write(
        own.join("movie.nfo"),
        "<movie><title>Better Name</title><plot>It is about it.</plot><year>1999</year><genre>Drama</genre>\
         <mpaa>PG-13</mpaa><actor><name>Ann</name><role>Bob</role></actor></movie>",
    )
    .unwrap();
    let film = detail(&player, &film, |film| film["title"] == "Better Name").await;
    assert_eq!((&film["year"], &film["age"], &film["genres"]), (&json!(1999), &json!(13), &json!(["Drama"])));
    assert_eq!((&film["plot"], &film["actors"][0]["role"]), (&json!("It is about it."), &json!("Bob")));
    let texts: Vec<_> = film["subtitles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| (&text["language"], &text["forced"]))
        .collect();
    assert_eq!(texts, [(&json!("en"), &json!(false)), (&json!("de"), &json!(true))]);
    let vtt = player.get(film["subtitles"][1]["url"].as_str().unwrap()).await.expect(200).text();
    assert!(vtt.contains("00:00:01.000 --> 00:00:02.000 line:5%\n<b>Oben</b>\n"), "{vtt}");
    owner.post("/api/films/rescan", json!({})).await.expect(200);
    assert_eq!(detail(&player, &film, |_| true).await["title"], "Better Name");
    fs::remove_file(own.join("Beside.en.srt")).unwrap();
    detail(&player, &film, |film| film["subtitles"].as_array().unwrap().len() == 1).await;
}

/// A film that takes long to encode.
fn long(path: &Path) {
    let short = path.parent().unwrap().join(".short/short.avi");
    make(&short, "640x360", &["-c:v", "mpeg4", "-q:v", "2", "-an"]);
    let hidden = path.with_file_name(".long.avi");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-stream_loop", "200", "-i"])
        .arg(&short)
        .args(["-c", "copy"])
        .arg(&hidden)
        .status();
    assert!(made.unwrap().success());
    fs::remove_file(short).unwrap();
    fs::rename(hidden, path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rendering_that_is_cancelled_leaves_nothing_and_can_be_asked_for_again() {
    let house = House::new().await;
    let owner = house.owner().await;
    long(&folder(&house).join("Long.avi"));
    let rendering = film(&owner, "Long", "rendering").await;
    let url = format!("/api/films/{}/rendering", rendering["id"].as_str().unwrap());
    let work = house.folder.path().join("data/renditions").join(rendering["id"].as_str().unwrap());
    let running = house
        .until_at(&owner, "/api/renderings", |list| {
            list["renderings"][0]["state"] == "running"
                && list["renderings"][0]["percent"].as_f64() > Some(0.0)
        })
        .await;
    assert_eq!(running["renderings"][0]["title"], "Long");
    assert!(work.exists());
    let problem = owner.get(&format!("/api/films/{}/master.m3u8", rendering["id"].as_str().unwrap())).await;
    problem.problem(409, "unplayable");
    owner.delete(&url).await.expect(204);
    film(&owner, "Long", "unplayable").await;
    let end = Instant::now() + PATIENCE;
    while work.exists() {
        assert!(Instant::now() < end, "what was made is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    owner.delete(&url).await.problem(409, "conflict");
    let list = owner.get("/api/renderings").await.json();
    assert_eq!(list["renderings"][0]["state"], "cancelled", "{list}");
    let again = owner.post(&url, json!({})).await.expect(202).json();
    assert_eq!(again["state"], "waiting");
    film(&owner, "Long", "rendering").await;
    owner.delete(&url).await.expect(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_in_a_sentence_and_the_film_waits() {
    let house = House::with(2, |config| config.reserve = u64::MAX / 4).await;
    let owner = house.owner().await;
    make(&folder(&house).join("Film.mkv"), "320x180", &[]);
    let list =
        house.until_at(&owner, "/api/renderings", |list| list["renderings"][0]["reason"].is_string()).await;
    let rendering = &list["renderings"][0];
    assert_eq!(rendering["state"], "waiting");
    assert!(rendering["reason"].as_str().unwrap().contains("the disk is full"), "{rendering}");
    assert!(folder(&house).join("Film.mkv").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_cannot_be_made_playable_says_why() {
    let house = House::new().await;
    let owner = house.owner().await;
    let films = folder(&house);
    make(&films.join("Whole.mkv"), "320x180", &["-c:v", "libx265", "-x265-params", "log-level=error"]);
    film(&owner, "Whole", "ready").await;
    let id = film(&owner, "Whole", "ready").await["id"].as_str().unwrap().to_owned();
    owner.post(&format!("/api/films/{id}/rendering"), json!({})).await.problem(409, "conflict");
    owner.post("/api/films/nothing/rendering", json!({})).await.problem(404, "not-found");
    // What was made goes with the film.
    owner.delete(&format!("/api/films/{id}?file=true")).await.expect(204);
    for made in ["renditions", "extras"] {
        assert!(!house.folder.path().join("data").join(made).join(&id).exists(), "{made}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_plays_is_made_in_av1_where_somebody_asks_for_it() {
    let house = House::new().await;
    let owner = house.owner().await;
    make(&folder(&house).join("Plain.mp4"), "320x180", &[]);
    let plain = film(&owner, "Plain", "ready").await;
    let url = format!("/api/films/{}/rendering", plain["id"].as_str().unwrap());
    owner.post(&url, json!({})).await.problem(409, "conflict");
    owner.post(&format!("{url}?also=vp9"), json!({})).await.problem(422, "invalid");
    let asked = owner.post(&format!("{url}?also=av1"), json!({})).await.expect(202).json();
    assert_eq!((&asked["state"], &asked["also"]), (&json!("waiting"), &json!(["av1"])));
    // It plays all the time.
    assert_eq!(film(&owner, "Plain", "ready").await["id"], plain["id"]);
    house.until_at(&owner, "/api/renderings", |list| list["renderings"][0]["state"] == "done").await;
    let detail = detail(&owner, &plain, |_| true).await;
    for address in ["hls", "dash"] {
        let said = probe(&owner, detail[address].as_str().unwrap()).await;
        let streams = said["streams"].as_array().unwrap();
        let codecs: Vec<&str> = streams.iter().map(|stream| stream["codec_name"].as_str().unwrap()).collect();
        assert!(codecs.contains(&"h264") && codecs.contains(&"av1"), "{address}: {said}");
    }
    let master = owner.get(detail["hls"].as_str().unwrap()).await.text();
    let codecs: Vec<&str> = master.lines().filter_map(|line| line.split("CODECS=\"").nth(1)).collect();
    assert!(codecs[0].starts_with("avc1.") && codecs[1].starts_with("av01."), "{master}");
    // What is there already is not made again.
    owner.post(&format!("{url}?also=av1"), json!({})).await.problem(409, "conflict");
    assert!(detail["stored"]["renditions_bytes"].as_i64() > Some(0), "{}", detail["stored"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_loud_a_film_is_is_measured_whatever_plays_of_it() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let films = folder(&house);
    // A film that plays as it is, one whose sound is kept, and one whose sound is encoded.
    make(&films.join("Direct.mp4"), "320x180", &["-af", "volume=-8dB"]);
    make(&films.join("Kept.mkv"), "320x180", &["-af", "volume=12dB"]);
    make(&films.join("Encoded.mkv"), "320x180", &["-c:a", "ac3", "-af", "volume=-8dB"]);
    for (title, lufs) in [("Direct", -29.8), ("Kept", -9.8), ("Encoded", -16.0)] {
        let ready = film(&owner, title, "ready").await;
        let film =
            detail(&player, &ready, |film| film["loudness"].as_array().is_some_and(|all| !all.is_empty()))
                .await;
        let measured = &film["loudness"][0];
        let value = |name: &str| measured[name].as_f64().unwrap();
        assert!((value("lufs") - lufs).abs() < 1.2, "{title}: {measured}");
        // Everything comes to the same loudness.
        assert!((value("lufs") + value("gain_db") + 16.0).abs() < 0.2, "{title}: {measured}");
        assert!(value("peak_db") + value("gain_db") <= -0.9, "{title}: {measured}");
    }
}

/// A file of subtitles that are pictures (PGS): a bar that is shown from the first to the third second.
fn bars() -> Vec<u8> {
    let segment = |kind: u8, seconds: u32, body: &[u8]| {
        let mut bytes = b"PG".to_vec();
        bytes.extend((seconds * 90_000).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.push(kind);
        bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    };
    // Of 320 by 180 pixels a window of 64 by 8 at 100, 150.
    let screen = |number: u8, objects: u8| {
        let mut body =
            vec![1, 64, 0, 180, 0x10, 0, number, if objects > 0 { 0x80 } else { 0 }, 0, 0, objects];
        if objects > 0 {
            body.extend([0, 0, 0, 0, 0, 100, 0, 150]);
        }
        body
    };
    let window = [1, 0, 0, 100, 0, 150, 0, 64, 0, 8];
    let palette = [0, 0, 1, 235, 128, 128, 255];
    // Each line is 64 pixels of the first colour.
    let lines: Vec<u8> = [0, 0x80 | 0x3f, 1, 1, 0, 0].repeat(8);
    let mut object = vec![0, 0, 0, 0xc0, 0, 0, u8::try_from(lines.len() + 4).unwrap(), 0, 64, 0, 8];
    object.extend(lines);
    [
        segment(0x16, 1, &screen(0, 1)),
        segment(0x17, 1, &window),
        segment(0x14, 1, &palette),
        segment(0x15, 1, &object),
        segment(0x80, 1, &[]),
        segment(0x16, 3, &screen(1, 0)),
        segment(0x17, 3, &window),
        segment(0x80, 3, &[]),
    ]
    .concat()
}

/// The packets of the first subtitles of a file: when each is shown, and what is in it.
fn packets(path: &Path) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "s:0", "-show_data_hash", "md5", "-of", "csv"])
        .args(["-show_entries", "stream=codec_name:stream_tags=language:packet=pts_time,data_hash"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subtitles_that_are_pictures_are_kept_as_they_are_beside_what_plays() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let here = house.folder.path();
    let (plain, sup) = (here.join("plain.mkv"), here.join("bars.sup"));
    make(&plain, "320x180", &[]);
    fs::write(&sup, bars()).unwrap();
    let path = folder(&house).join("Bars (1999).mkv");
    let hidden = path.with_file_name(".bars.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i", plain.to_str().unwrap(), "-i", sup.to_str().unwrap()])
        .args(["-map", "0", "-map", "1", "-c:v", "mpeg4", "-c:a", "mp3", "-c:s", "copy"])
        .args(["-metadata:s:s:0", "language=ger"])
        .arg(&hidden)
        .status();
    assert!(made.unwrap().success());
    fs::rename(hidden, &path).unwrap();
    let ready = film(&owner, "Bars", "ready").await;
    let film = detail(&player, &ready, |film| film["pictures"].is_string()).await;
    // The page says that they are there and not shown; no player of ours is offered them.
    let track = film["tracks"].as_array().unwrap().iter().find(|track| track["kind"] == "subtitle").unwrap();
    assert_eq!((&track["codec"], &track["shown"]), (&json!("hdmv_pgs_subtitle"), &json!(false)));
    assert_eq!(film["subtitles"], json!([]));
    let master = player.get(film["hls"].as_str().unwrap()).await.text();
    assert!(!master.contains("SUBTITLES"), "{master}");

    let kept = player.get(film["pictures"].as_str().unwrap()).await.expect(200);
    assert_eq!(kept.header("content-type"), Some("video/x-matroska"));
    let copy = here.join("kept.mks");
    fs::write(&copy, &kept.body).unwrap();
    let source = packets(&path);
    assert!(source.contains("hdmv_pgs_subtitle,ger") && source.lines().count() >= 3, "{source}");
    assert_eq!(packets(&copy), source);
    player.get("/api/films/none/pictures.mks").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_pauses_what_is_being_made_and_it_goes_on_afterwards() {
    let house = House::new().await;
    let owner = house.owner().await;
    let short = house.folder.path().join("short.avi");
    make(&short, "640x360", &["-c:v", "mpeg4", "-q:v", "6", "-c:a", "mp3"]);
    let hidden = folder(&house).join(".long.avi");
    let looped = Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "9", "-i", short.to_str().unwrap(), "-c", "copy"])
        .arg(&hidden)
        .status();
    assert!(looped.unwrap().success());
    fs::rename(&hidden, folder(&house).join("Long.avi")).unwrap();
    let state = async |wanted: &str| {
        let end = Instant::now() + PATIENCE;
        loop {
            let film = until(&owner, |film| film["title"] == "Long").await;
            if film["rendering"]["state"] == wanted {
                return film["rendering"].clone();
            }
            assert!(Instant::now() < end, "it does not become {wanted}: {film}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    state("running").await;
    let session = house.start(&owner).await;
    let paused = state("paused").await;
    assert!(paused["percent"].as_f64().unwrap() < 100.0, "{paused}");
    // It stands still, however often that is looked at, and says so to whoever looks at all that is made.
    for _ in 0..50 {
        let list = owner.get("/api/renderings").await.expect(200).json();
        assert_eq!(list["renderings"][0]["state"], "paused", "{list}");
    }
    owner.delete(&format!("/api/sessions/{session}")).await.expect(204);
    house.until(&owner, &session, |seen| seen["state"] == "ended").await;
    state("running").await;
    let film = film(&owner, "Long", "ready").await;
    assert_eq!(film["rendering"]["state"], "done");
}
