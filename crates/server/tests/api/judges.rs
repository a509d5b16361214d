//! Strangers read every playlist there is, ffmpeg and `GStreamer`: they find what is in it, and what was not encoded anew
//! decodes to the pictures of its source, one by one.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::films::{folder, make, until};
use crate::guide::{channel, everything, with_films_of};
use crate::house::House;
use crate::http::{Client, read_until};
use crate::live::on_air_again;

/// Pictures that are looked at where there is no end: two seconds.
const SOME: usize = 50;

/// Longest wait for anything: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

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

/// The codecs that it found, each once.
pub(crate) fn codecs(probed: &Value) -> Vec<&str> {
    let mut codecs: Vec<&str> =
        probed["streams"].as_array().unwrap().iter().map(|s| s["codec_name"].as_str().unwrap()).collect();
    codecs.sort_unstable();
    codecs.dedup();
    codecs
}

/// What each picture that `GStreamer` decodes from an address hashes to; of so many where that is said, else up to the end.
async fn pictures(uri: String, most: Option<usize>) -> Vec<String> {
    let playing = tokio::task::spawn_blocking(move || {
        // Debian's own, which has GStreamer's bindings.
        let mut command = Command::new("/usr/bin/python3");
        command.args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/pictures.py"), &uri]);
        command.args(most.map(|most| most.to_string())).output().expect("Python runs")
    });
    let output = playing.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split_once(' ')).map(|(_, hash)| hash.to_owned()).collect()
}

/// Whether pictures follow one another in a film as they do here.
fn within(seen: &[String], source: &[String]) -> bool {
    !seen.is_empty() && source.windows(seen.len()).any(|part| part == seen)
}

/// Pictures follow one another as they do in a film that is shown over and over.
fn assert_follow(seen: &[String], film: &[String], what: &str) {
    let places = || -> Vec<_> { seen.iter().map(|each| film.iter().position(|own| own == each)).collect() };
    assert!(within(seen, &[film, film].concat()), "{what}: pictures {:?} of {}", places(), film.len());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_read_by_strangers_whichever_way_it_is_asked_for() {
    let house = House::new().await;
    let player = house.player().await;
    let path = folder(&house).join("The Tester (2019).mp4");
    make(&path, "320x180", &[]);
    let film = until(&player, |film| film["title"] == "The Tester" && film["state"] == "ready").await;
    let base = format!("/api/films/{}", film["id"].as_str().unwrap());
    let address = signed_in(player.clone()).await;
    let source = pictures(format!("file://{}", path.display()), None).await;
    assert_eq!(source.len(), 150);
    for (file, found) in
        [("master.m3u8", &["aac", "h264"][..]), ("0.m3u8", &["h264"]), ("manifest.mpd", &["aac", "h264"])]
    {
        let url = format!("http://{}{base}/{file}", player.address);
        assert_eq!(codecs(&probed(url, player.token.as_deref()).await), found, "{file}");
        let seen = pictures(format!("http://{address}{base}/{file}"), None).await;
        assert!(seen == source, "{file}: {} pictures of 150", seen.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_channel_is_read_by_strangers_while_it_is_on_the_air_and_when_it_is_over() {
    // Two minutes of it are more than anybody needs here.
    let air = on_air_again(1, 20).await;
    let film = pictures(format!("file://{}", air.film), None).await;
    let source = vec![film; 20].concat();
    let address = signed_in(air.who.clone()).await;
    air.until("0.m3u8", |text| text.matches("#EXTINF").count() >= 4).await;
    let files =
        [("manifest.mpd", &["aac", "h264"][..]), ("master.m3u8", &["aac", "h264"]), ("0.m3u8", &["h264"])];
    // While it lasts: DASH, and HLS of low latency, which these programs take as HLS.
    for (file, found) in files {
        assert_eq!(codecs(&probed(air.url(file), air.token()).await), found, "{file}");
        let seen = pictures(format!("http://{address}{}", air.path(file)), Some(SOME)).await;
        assert!(seen.len() >= SOME && within(&seen[..SOME], &source), "{file}: {} pictures", seen.len());
    }
    air.break_off();
    air.until("0.m3u8", |text| text.ends_with("#EXT-X-ENDLIST\n")).await;
    // The last pictures were to be shown after some that never came.
    let begins_as =
        |seen: &[String], source: &[String]| seen.len() > 150 && source.starts_with(&seen[..seen.len() - 3]);
    for (file, found) in files {
        assert_eq!(codecs(&probed(air.url(file), air.token()).await), found, "{file}");
        let seen = pictures(format!("http://{address}{}", air.path(file)), None).await;
        assert!(begins_as(&seen, &source), "{file}: {} pictures", seen.len());
    }
    let film = vec![pictures_by_ffmpeg(air.film.clone(), None, 150).await; 20].concat();
    let dash = pictures_by_ffmpeg(air.url("manifest.mpd"), air.who.token.clone(), film.len()).await;
    assert!(begins_as(&dash, &film), "ffmpeg, by DASH: {} pictures", dash.len());
}

/// The same by ffmpeg, of so many pictures.
async fn pictures_by_ffmpeg(url: String, token: Option<String>, most: usize) -> Vec<String> {
    let header = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let reading = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error"]).args(header.iter().flat_map(|header| ["-headers", header]));
        command.args(["-i", &url, "-map", "0:v:0", "-frames:v", &most.to_string()]);
        command.args(["-fps_mode", "passthrough", "-f", "framemd5", "-"]).output().expect("ffmpeg runs")
    });
    let output = reading.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    // Track, two times, length, bytes, hash.
    let hash = |line: &str| line.split(',').nth(5).map(|hash| hash.trim().to_owned());
    lines.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_the_library_is_read_by_strangers_and_shows_the_films_themselves() {
    // One after the other is one film to them where both are alike.
    let (house, owner) = with_films_of("320x180").await;
    let id = channel(&owner, everything()).await;
    let base = format!("/api/channels/{id}/on");
    let address = signed_in(owner.clone()).await;
    let end = Instant::now() + PATIENCE;
    while !owner.get(&format!("{base}/picture.m3u8")).await.text().contains("#EXTINF") {
        assert!(Instant::now() < end, "nothing is on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let film = folder(&house).join("One (2001).mp4").to_str().unwrap().to_owned();
    let source = pictures(format!("file://{film}"), None).await;
    for (file, found) in
        [("master.m3u8", &["aac", "h264"][..]), ("picture.m3u8", &["h264"]), ("sound.m3u8", &["aac"])]
    {
        let url = format!("http://{}{base}/{file}", owner.address);
        assert_eq!(codecs(&probed(url.clone(), owner.token.as_deref()).await), found, "{file}");
        if file == "sound.m3u8" {
            continue;
        }
        // Both films have the same pictures, and one begins where the other ends.
        let seen = pictures(format!("http://{address}{base}/{file}"), Some(SOME)).await;
        assert!(seen.len() >= SOME, "{file}: {} pictures", seen.len());
        assert_follow(&seen[..SOME], &source, file);
        let own = pictures_by_ffmpeg(film.clone(), None, 150).await;
        let seen = pictures_by_ffmpeg(url, owner.token.clone(), SOME).await;
        assert_eq!(seen.len(), SOME, "{file}, ffmpeg");
        assert_follow(&seen, &own, &format!("{file}, ffmpeg"));
    }
}
