//! The library over real files: dropped in, moved, replaced, removed, broken; and a film as foreign players read it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use playhouse_store::accounts::Role;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::Client;

/// Longest wait for the library: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes a film of six seconds with ffmpeg, with a title's own picture and sound; `more` are options of its encoders.
pub(crate) fn make(path: &Path, size: &str, more: &[&str]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Under another name first, so that nobody sees it half written.
    let new = path.with_file_name(format!(".{}", path.file_name().unwrap().to_str().unwrap()));
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &format!("testsrc2=size={size}:rate=25:duration=6")])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=6",
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
        ])
        .args([
            // What several threads of x264 make differs now and then on a busy machine.
            "-threads",
            "1",
            "-preset",
            "veryfast",
            "-g",
            "25",
            "-bf",
            "2",
            "-c:a",
            "aac",
            "-metadata:s:a:0",
            "language=eng",
        ])
        .args(more)
        .arg(&new)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
    fs::rename(new, path).unwrap();
}

pub(crate) fn folder(house: &House) -> PathBuf {
    let folder = house.folder.path().join("data/films");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Waits until a film is as wanted; gives it.
pub(crate) async fn until(who: &Client, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = who.get("/api/films").await.expect(200).json();
        if let Some(film) = list["films"].as_array().unwrap().iter().find(|film| wanted(film)) {
            return film.clone();
        }
        assert!(Instant::now() < end, "the library does not become what it should: {list}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ready(film: &Value, title: &str) -> bool {
    film["title"] == title && film["state"] == "ready"
}

/// MD5 of all decoded pictures, and of the sound as it is stored, as ffmpeg reads them from `input`.
pub(crate) fn decoded(input: &str, token: Option<&str>) -> Vec<String> {
    let header = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let of = |map: &[&str]| {
        let output = Command::new("ffmpeg")
            .args(["-v", "error"])
            .args(header.iter().flat_map(|header| ["-headers", header]))
            .args(["-i", input])
            .args(map)
            .args(["-f", "md5", "-"])
            .output()
            .expect("ffmpeg runs");
        assert!(output.status.success(), "{input}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    vec![
        of(&["-map", "0:v:0", "-c:v", "rawvideo", "-fps_mode", "passthrough"]),
        of(&["-map", "0:a:0", "-c:a", "copy"]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_is_dropped_into_the_folder_plays_frame_by_frame_as_it_is() {
    let house = House::new().await;
    let player = house.player().await;
    let path = folder(&house).join("The Tester (2019).mp4");
    make(&path, "320x180", &[]);
    let film = until(&player, |film| ready(film, "The Tester")).await;
    assert_eq!((&film["year"], &film["width"], &film["height"]), (&json!(2019), &json!(320), &json!(180)));
    assert!((film["duration_s"].as_f64().unwrap() - 6.0).abs() < 0.1, "{film}");
    let id = film["id"].as_str().unwrap();
    let detail = player.get(&format!("/api/films/{id}")).await.expect(200).json();
    assert_eq!(detail["tracks"][0]["codec"], "h264");
    assert_eq!(detail["tracks"][1]["language"], "eng");

    let source = decoded(path.to_str().unwrap(), None);
    for address in ["hls", "dash", "file"] {
        let url = format!("http://{}{}", player.address, detail[address].as_str().unwrap());
        let token = player.token.clone();
        let seen = tokio::task::spawn_blocking(move || decoded(&url, token.as_deref())).await.unwrap();
        assert_eq!(seen, source, "{address}");
    }
    let url = format!("http://{}{}", player.address, detail["hls"].as_str().unwrap());
    let header = format!("Authorization: Bearer {}\r\n", player.token.clone().unwrap());
    let probe = tokio::task::spawn_blocking(move || {
        Command::new("ffprobe")
            .args(["-v", "error", "-headers", &header, "-of", "json", "-show_streams", "-show_format", &url])
            .output()
            .expect("ffprobe runs")
    });
    let probe = probe.await.unwrap();
    assert!(probe.status.success() && probe.stderr.is_empty(), "{}", String::from_utf8_lossy(&probe.stderr));
    let probe: Value = serde_json::from_slice(&probe.stdout).unwrap();
    assert!(
        (probe["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap() - 6.0).abs() < 0.1,
        "{probe}"
    );
}

/// The addresses that a playlist names.
fn lines(playlist: &str) -> Vec<String> {
    let lines = playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_are_sent_as_http_has_them_and_only_to_whoever_may_watch() {
    let house = House::new().await;
    let (player, guest) = (house.player().await, house.account("Gil", Role::Guest).await);
    make(&folder(&house).join("Film.mp4"), "320x180", &[]);
    let film = until(&player, |film| ready(film, "Film")).await;
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    let master = player.get(&format!("{base}/master.m3u8")).await.expect(200);
    assert_eq!(master.header("content-type"), Some("application/vnd.apple.mpegurl"));
    let playlist = player.get(&format!("{base}/{}", lines(&master.text())[0])).await.expect(200);
    let segment = format!("{base}/{}", lines(&playlist.text())[0]);
    let whole = player.get(&segment).await.expect(200);
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert!(
        whole.header("cache-control").unwrap().contains("private")
            && whole.header("cache-control").unwrap().contains("immutable")
    );
    assert_eq!(whole.header("content-length").unwrap(), whole.body.len().to_string());
    let head = player.send("HEAD", &segment, &[], b"").await.expect(200);
    assert_eq!((head.header("content-length"), head.body.len()), (whole.header("content-length"), 0));
    let tag = whole.header("etag").unwrap();
    let again = player.send("GET", &segment, &[("If-None-Match", tag)], b"").await.expect(304);
    assert!(again.body.is_empty());
    for (path, problem) in
        [("9.m3u8", 404), ("0/99999.m4s", 404), ("0/01.m4s", 404), ("x", 404), ("9/init.mp4", 404)]
    {
        player.get(&format!("{base}/{path}")).await.problem(problem, "not-found");
    }
    for path in ["master.m3u8", "manifest.mpd", "0.m3u8", "0/init.mp4", "0/0.m4s", "file"] {
        let path = format!("{base}/{path}");
        player.get(&path).await.expect(200);
        guest.get(&path).await.problem(403, "not-allowed");
        house.nobody.get(&path).await.problem(401, "sign-in-required");
    }
    guest.get(&format!("{base}/start")).await.problem(403, "not-allowed");
    guest.get("/api/films").await.expect(200);
    guest.post("/api/films/rescan", json!({})).await.problem(403, "not-allowed");
    player.delete(&base).await.problem(403, "not-allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_player_reads_first_comes_in_one_answer_as_it_would_by_itself() {
    let house = House::new().await;
    let player = house.player().await;
    make(&folder(&house).join("Film.mp4"), "320x180", &[]);
    let film = until(&player, |film| ready(film, "Film")).await;
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    for (at, segments) in
        [("0", ["0/0.m4s", "1/0.m4s"]), ("3.5", ["0/1.m4s", "1/1.m4s"]), ("1e6", ["0/2.m4s", "1/2.m4s"])]
    {
        let bundle = player.get(&format!("{base}/start?at={at}&bits=1&lines=720")).await.expect(200);
        assert_eq!(bundle.header("content-length").unwrap(), bundle.body.len().to_string());
        let (list, mut files) =
            bundle.body.split_at(bundle.body.iter().position(|&byte| byte == b'\n').unwrap());
        files = &files[1..];
        let mut names = Vec::new();
        for entry in serde_json::from_slice::<Value>(list).unwrap().as_array().unwrap() {
            let (file, rest) = files.split_at(usize::try_from(entry["bytes"].as_u64().unwrap()).unwrap());
            let name = entry["name"].as_str().unwrap().to_owned();
            assert!(player.get(&format!("{base}/{name}")).await.expect(200).body == file, "{name}");
            names.push(name);
            files = rest;
        }
        assert!(files.is_empty());
        let [picture, sound] = segments;
        let all = ["master.m3u8", "0.m3u8", "1.m3u8", "0/init.mp4", "1/init.mp4", picture, sound];
        assert_eq!(names, all, "from {at} on");
    }
    for wrong in ["at=-1", "at=x", "at=NaN", "bits=-1", "where=0"] {
        player.get(&format!("{base}/start?{wrong}")).await.expect(422);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_sent_in_ranges() {
    let house = House::new().await;
    let player = house.player().await;
    let path = folder(&house).join("Film.mp4");
    make(&path, "640x360", &[]);
    let film = until(&player, |film| ready(film, "Film")).await;
    let url = format!("/api/films/{}/file", film["id"].as_str().unwrap());
    let bytes = fs::read(&path).unwrap();
    let whole = player.get(&url).await.expect(200);
    assert!(whole.body == bytes && whole.header("accept-ranges") == Some("bytes"));
    let part = player.send("GET", &url, &[("Range", "bytes=100-199")], b"").await.expect(206);
    assert!(part.body == bytes[100..200]);
    assert_eq!(part.header("content-range").unwrap(), format!("bytes 100-199/{}", bytes.len()));
    assert_eq!(part.header("content-length"), Some("100"));
    let tail = player.send("GET", &url, &[("Range", "bytes=-10")], b"").await.expect(206);
    assert!(tail.body == bytes[bytes.len() - 10..]);
    let beyond = player.send("GET", &url, &[("Range", "bytes=999999999-")], b"").await;
    beyond.problem(416, "range");
    assert_eq!(beyond.header("content-range").unwrap(), format!("bytes */{}", bytes.len()));
    let other = [("Range", "bytes=0-9"), ("If-Range", "\"another\"")];
    assert_eq!(player.send("GET", &url, &other, b"").await.expect(200).body.len(), bytes.len());
    let same = [("Range", "bytes=0-9"), ("If-Range", whole.header("etag").unwrap())];
    assert_eq!(player.send("GET", &url, &same, b"").await.expect(206).body.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_followed_when_it_is_moved_replaced_and_removed() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let films = folder(&house);
    let first = films.join("First (2001).mp4");
    make(&first, "320x180", &[]);
    let film = until(&player, |film| ready(film, "First")).await;
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    player.json("PUT", &format!("{base}/position"), json!({"seconds": 2.5})).await.expect(204);

    fs::create_dir_all(films.join("Show/Season 1")).unwrap();
    fs::rename(&first, films.join("Show/Season 1/Show - S01E02 - Second.mp4")).unwrap();
    let moved = until(&player, |film| ready(film, "Second")).await;
    assert_eq!((&moved["id"], &moved["position_s"]), (&film["id"], &json!(2.5)));
    assert_eq!((&moved["show"], &moved["season"], &moved["episode"]), (&json!("Show"), &json!(1), &json!(2)));
    let playlist = player.get(&format!("{base}/master.m3u8")).await.expect(200);
    player.get(&format!("{base}/0/0.m4s")).await.expect(200);

    make(&films.join("Show/Season 1/Show - S01E02 - Second.mp4"), "480x270", &[]);
    let replaced = until(&player, |film| film["width"] == 480 && film["state"] == "ready").await;
    assert_eq!(replaced["id"], film["id"]);
    let again = player.get(&format!("{base}/master.m3u8")).await.expect(200);
    assert_ne!(again.header("etag"), playlist.header("etag"));
    assert!(again.text().contains("480x270"), "{}", again.text());

    fs::remove_file(films.join("Show/Season 1/Show - S01E02 - Second.mp4")).unwrap();
    let missing = until(&owner, |film| film["state"] == "missing").await;
    assert!(missing["reason"].as_str().unwrap().contains("is not in"), "{missing}");
    assert_eq!(player.get("/api/films").await.json()["films"], json!([]));
    let problem = player.get(&format!("{base}/master.m3u8")).await.problem(409, "unplayable");
    assert!(problem["detail"].as_str().unwrap().contains("Put it back"), "{problem}");
    player.get(&format!("{base}/0/0.m4s")).await.problem(409, "unplayable");
    owner.delete(&base).await.expect(204);
    owner.get(&base).await.problem(404, "not-found");
    assert_eq!(owner.get("/api/films").await.json()["films"], json!([]));
    assert_eq!(fs::read_dir(house.folder.path().join("data/index")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(house.folder.path().join("data/posters")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_film_takes_its_file_only_when_that_is_said() {
    let house = House::new().await;
    let (owner, path) = (house.owner().await, folder(&house).join("Film.mp4"));
    make(&path, "320x180", &[]);
    let film = until(&owner, |film| ready(film, "Film")).await;
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    owner.delete(&base).await.problem(409, "conflict");
    assert!(path.exists());
    owner.delete(&format!("{base}?file=true")).await.expect(204);
    assert!(!path.exists());
    owner.post("/api/films/rescan", json!({})).await.expect(200);
    assert_eq!(owner.get("/api/films").await.json()["films"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_film_or_broken_says_so_in_a_sentence() {
    let house = House::new().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let films = folder(&house);
    fs::write(films.join("Text.mp4"), "this is no film\n".repeat(100)).unwrap();
    fs::write(films.join("Empty.mp4"), "").unwrap();
    fs::write(films.join("notes.txt"), "notes").unwrap();
    let secret = house.folder.path().join("secret.ts");
    make(&secret, "320x180", &[]);
    fs::write(films.join("List.mp4"), format!("ffconcat version 1.0\nfile {}\n", secret.display())).unwrap();
    fs::write(
        films.join("Hls.mp4"),
        format!("#EXTM3U\n#EXTINF:6,\nfile://{}\n#EXT-X-ENDLIST\n", secret.display()),
    )
    .unwrap();
    make(&films.join("Whole.mp4"), "320x180", &[]);
    let whole = fs::read(films.join("Whole.mp4")).unwrap();
    fs::write(films.join("Half.mp4"), &whole[..whole.len() / 2]).unwrap();
    let expected = [
        ("Text", "This is no film"),
        ("Empty", "This is no film"),
        ("List", "This is no film"),
        ("Hls", "This is no film"),
        ("Half", "moov atom not found"),
    ];
    for (title, words) in expected {
        let film = until(&owner, |film| film["title"] == title).await;
        assert_eq!(film["state"], "unplayable", "{film}");
        assert!(film["reason"].as_str().unwrap().contains(words), "{film}");
        let base = format!("/api/films/{}", film["id"].as_str().unwrap());
        player.get(&format!("{base}/master.m3u8")).await.problem(409, "unplayable");
        player.get(&base).await.problem(404, "not-found");
    }
    until(&player, |film| ready(film, "Whole")).await;
    let list = owner.get("/api/films").await.json();
    assert_eq!(list["films"].as_array().unwrap().len(), expected.len() + 1, "{list}");
    assert_eq!(player.get("/api/films").await.json()["films"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_nowhere_and_a_growing_copy_is_waited_for() {
    let house = House::new().await;
    let player = house.player().await;
    let films = folder(&house);
    let outside = house.folder.path().join("outside");
    make(&outside.join("Outside.mp4"), "320x180", &[]);
    std::os::unix::fs::symlink(&outside, films.join("linked")).unwrap();
    std::os::unix::fs::symlink(outside.join("Outside.mp4"), films.join("Linked.mp4")).unwrap();
    make(&films.join("Inside/Film.mp4"), "320x180", &[]);
    let bytes = fs::read(outside.join("Outside.mp4")).unwrap();
    let mut growing = File::create(films.join("Growing.mp4")).unwrap();
    let end = Instant::now() + Duration::from_secs(4);
    let mut chunks = bytes.chunks(bytes.len() / 40 + 1);
    while Instant::now() < end || chunks.len() > 0 {
        std::io::Write::write_all(&mut growing, chunks.next().unwrap_or_default()).unwrap();
        let list = house.store.films().all().await.unwrap();
        assert!(
            chunks.len() == 0 || list.iter().all(|film| film.title != "Growing"),
            "it was read while it grew"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(growing);
    until(&player, |film| ready(film, "Growing")).await;
    let film = until(&player, |film| ready(film, "Film")).await;
    assert_eq!(player.get("/api/films").await.json()["films"].as_array().unwrap().len(), 2);

    // A folder that becomes a link later leads nowhere either.
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    player.get(&format!("{base}/file")).await.expect(200);
    fs::rename(films.join("Inside/Film.mp4"), outside.join("Film.mp4")).unwrap();
    fs::remove_dir(films.join("Inside")).unwrap();
    std::os::unix::fs::symlink(&outside, films.join("Inside")).unwrap();
    player.get(&format!("{base}/file")).await.problem(409, "unplayable");
    player.get(&format!("{base}/0/0.m4s")).await.problem(409, "unplayable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_goes_on_where_they_were() {
    let house = House::new().await;
    let (player, other, guest) = (
        house.player().await,
        house.account("Otto", Role::Player).await,
        house.account("Gil", Role::Guest).await,
    );
    make(&folder(&house).join("Film.mp4"), "320x180", &[]);
    let film = until(&player, |film| ready(film, "Film")).await;
    let url = format!("/api/films/{}/position", film["id"].as_str().unwrap());
    assert_eq!((&film["position_s"], &film["finished"]), (&Value::Null, &json!(false)));
    player.json("PUT", &url, json!({"seconds": 3.25, "finished": true})).await.expect(204);
    let mine = until(&player, |film| film["position_s"] == 3.25).await;
    assert_eq!(mine["finished"], true);
    assert!(mine["watched_ms"].is_number());
    assert_eq!(other.get("/api/films").await.json()["films"][0]["position_s"], Value::Null);
    guest.json("PUT", &url, json!({"seconds": 1})).await.problem(403, "not-allowed");
    for wrong in [json!({"seconds": -1}), json!({"seconds": 1e9}), json!({"seconds": "x"}), json!({})] {
        player.json("PUT", &url, wrong).await.problem(422, "invalid");
    }
    player.json("PUT", "/api/films/nope/position", json!({"seconds": 1})).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poster_is_taken_from_the_film() {
    let house = House::new().await;
    let player = house.player().await;
    make(&folder(&house).join("Film.mp4"), "320x180", &[]);
    let film = until(&player, |film| ready(film, "Film")).await;
    let url = film["poster"].as_str().unwrap();
    let end = Instant::now() + PATIENCE;
    let picture = loop {
        let reply = player.get(url).await.expect(200);
        if reply.header("content-type") == Some("image/jpeg") {
            break reply;
        }
        assert_eq!(reply.header("content-type"), Some("image/svg+xml"), "nothing is shown meanwhile");
        assert!(Instant::now() < end, "no poster is made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(&picture.body[..3], b"\xff\xd8\xff");
    assert!(picture.header("content-security-policy").unwrap().contains("sandbox"));
    house.nobody.get(url).await.problem(401, "sign-in-required");
}
