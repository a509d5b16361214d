//! Channels of others in our pages: what their playlists name is passed on as it is, and nothing else.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use playhouse_store::accounts::Role;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::films::make;
use crate::house::House;
use crate::http::Client;

/// A server of somebody else's with an HLS stream of a picture and a sound, whose files it sends whole or in ranges.
struct Elsewhere {
    folder: TempDir,
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join("film.mp4");
        make(&film, "320x180", &[]);
        for (name, kind) in [("ts", "mpegts"), ("cmaf", "fmp4")] {
            let files = folder.path().join(name);
            std::fs::create_dir(&files).unwrap();
            let made = Command::new("ffmpeg")
                .current_dir(&files)
                .args(["-v", "error", "-i"])
                .arg(&film)
                .args(["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"])
                .args(["-hls_segment_type", kind, "-master_pl_name", "master.m3u8", "media.m3u8"])
                .status();
            assert!(made.unwrap().success());
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (files, log) = (folder.path().to_owned(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 8192];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                log.lock().unwrap().push(path.clone());
                // Whoever asked may be gone.
                drop(stream.write_all(&answer(&files, &path, &head)).await);
            }
        });
        Self { folder, base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(files: &Path, path: &str, head: &str) -> Vec<u8> {
    if path == "moved.m3u8" {
        return b"HTTP/1.1 302 Found\r\nLocation: /ts/master.m3u8\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec();
    }
    let Ok(bytes) = std::fs::read(files.join(path)) else {
        return b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec();
    };
    let range =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (status, more, bytes) = match range.as_deref().and_then(|range| range.split_once('-')) {
        Some((from, to)) => {
            let from: usize = from.parse().unwrap();
            let to = to.parse::<usize>().map_or(bytes.len(), |to| to + 1);
            let more = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, bytes.len());
            ("206 Partial Content", more, bytes[from..to].to_vec())
        }
        None => ("200 OK", String::new(), bytes),
    };
    let kind = if path == "page.html" { "text/html" } else { "video/MP2T; charset=binary" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    [head.into_bytes(), bytes].concat()
}

/// Takes a list of those channels in, by a source that may or may not lie within this network.
async fn channels(house: &House, owner: &Client, list: &str, private: bool) -> Vec<String> {
    let named = format!("/api/guide/import?name={private}");
    owner.send("POST", &named, &[], list.as_bytes()).await.expect(201);
    let sources = house.store.guide().sources().await.unwrap();
    let source = sources.into_iter().find(|source| source.name == private.to_string()).unwrap();
    let source = playhouse_store::guide::Source { private, ..source };
    house.store.guide().put_source(&source).await.unwrap();
    house.store.guide().channels_of(&source.id).await.unwrap()
}

fn master(channel: &str) -> String {
    format!("/api/channels/{channel}/relay/master.m3u8")
}

/// Sums of the decoded pictures and of the sound at an address.
fn sums(address: &str, headers: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-headers", headers, "-i", address, "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{address}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_others_is_played_from_here_as_it_is_there() {
    let (house, elsewhere) = (House::new().await, Elsewhere::open().await);
    let owner = house.owner().await;
    let base = &elsewhere.base;
    let list = format!(
        "#EXTM3U\n#EXTINF:-1,TS\n{base}/ts/master.m3u8\n#EXTINF:-1,CMAF\n{base}/cmaf/master.m3u8\n#EXTINF:-1,Moved\n{base}/moved.m3u8\n"
    );
    channels(&house, &owner, &list, true).await;
    let player = house.player().await;
    let guide = player.get("/api/guide").await.expect(200).json();
    let shown = guide["channels"].as_array().unwrap();
    assert!(shown.len() == 3 && shown.iter().all(|channel| channel["on"] == true), "{guide}");
    let header = format!("Authorization: Bearer {}\r\n", player.token.as_deref().unwrap());
    for channel in shown {
        let hls = channel["hls"].as_str().unwrap();
        assert_eq!(hls, master(channel["id"].as_str().unwrap()));
        let original = match channel["name"].as_str().unwrap() {
            "CMAF" => "cmaf",
            _ => "ts",
        };
        let there = sums(&format!("{base}/{original}/master.m3u8"), "");
        assert!(there.lines().count() > 150, "{there}");
        // ffmpeg asks in a process of its own, while this one answers.
        let (address, header) = (format!("http://{}{hls}", player.address), header.clone());
        let here = tokio::task::spawn_blocking(move || sums(&address, &header)).await.unwrap();
        assert_eq!(here, there, "{channel}");
    }
    // What a place among the streams is taken for.
    let streams = player.get("/api/streams").await.json();
    assert!(streams["streams"].as_array().is_some_and(|streams| !streams.is_empty()), "{streams}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_fetched_but_what_a_channels_own_playlist_names() {
    let (house, elsewhere) = (House::new().await, Elsewhere::open().await);
    let owner = house.owner().await;
    let base = elsewhere.base.clone();
    std::fs::write(elsewhere.folder.path().join("page.html"), "<script>alert(1)</script>").unwrap();
    let odd = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\npage.html\n#EXT-X-BYTERANGE:4@1\n#EXTINF:2,\nfilm.mp4\n";
    std::fs::write(elsewhere.folder.path().join("odd.m3u8"), odd).unwrap();
    let leads = "#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n";
    std::fs::write(elsewhere.folder.path().join("leads.m3u8"), leads).unwrap();
    let entry = |name: &str| format!("#EXTINF:-1,{name}\n{base}/{name}\n");
    let list = [
        "#EXTM3U\n".to_owned(),
        entry("odd.m3u8"),
        entry("page.html"),
        entry("leads.m3u8"),
        entry("gone.m3u8"),
    ];
    channels(&house, &owner, &list.concat(), true).await;
    let guide = owner.get("/api/guide").await.json();
    let id = |name: &str| -> String {
        let all = guide["channels"].as_array().unwrap();
        let one = all.iter().find(|channel: &&Value| channel["name"] == name).unwrap();
        one["id"].as_str().unwrap().to_owned()
    };
    let said = owner.get(&master(&id("page.html"))).await.problem(502, "elsewhere");
    assert!(said["detail"].as_str().unwrap().contains("no HLS stream"), "{said}");
    owner.get(&master(&id("leads.m3u8"))).await.problem(502, "elsewhere");
    owner.get(&master(&id("gone.m3u8"))).await.problem(404, "not-found");
    let playlist = owner.get(&master(&id("odd.m3u8"))).await.expect(200).text();
    assert!(!playlist.contains(&base), "{playlist}");
    let addresses: Vec<&str> = playlist.lines().filter(|line| !line.starts_with('#')).collect();

    // A page stays bytes, whatever it calls itself.
    let page = owner.get(addresses[0]).await.expect(200);
    assert_eq!(page.header("content-type"), Some("application/octet-stream"));
    assert!(page.header("content-security-policy").unwrap().contains("sandbox"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let part = owner.send("GET", addresses[1], &[("Range", "bytes=4-7")], b"").await.expect(206);
    assert_eq!((part.body.as_slice(), part.header("content-type")), (b"ftyp".as_slice(), Some("video/mp2t")));
    assert!(part.header("content-range").unwrap().starts_with("bytes 4-7/"));

    // Sealed for one channel, it opens nothing of another, and what nobody sealed opens nothing.
    let before = elsewhere.asked().len();
    let stolen = addresses[0].replace(&id("odd.m3u8"), &id("page.html"));
    owner.get(&stolen).await.problem(404, "not-found");
    owner.get(&addresses[0].replace("/segment/", "/playlist/")).await.problem(404, "not-found");
    owner.get(&addresses[0].replacen("/segment/", "/segment/AA", 1)).await.problem(404, "not-found");
    assert_eq!(elsewhere.asked().len(), before);
    house.account("Gus", Role::Guest).await.get(&master(&id("odd.m3u8"))).await.problem(403, "not-allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_does_not_reach_into_this_network_unless_its_owner_allowed_that() {
    let (house, elsewhere) = (House::new().await, Elsewhere::open().await);
    let owner = house.owner().await;
    let list = format!("#EXTM3U\n#EXTINF:-1,TS\n{}/ts/master.m3u8\n", elsewhere.base);
    let ids = channels(&house, &owner, &list, false).await;
    let said = owner.get(&master(&ids[0])).await.problem(502, "elsewhere");
    assert!(said["detail"].as_str().unwrap().contains("within this network"), "{said}");
    assert_eq!(elsewhere.asked(), Vec::<String>::new(), "somebody knocked all the same");
    let mine = owner.post("/api/channels", json!({"name": "Mine"})).await.expect(201).json();
    owner.get(&master(mine["id"].as_str().unwrap())).await.problem(409, "conflict");
    owner.get(&master("nothing")).await.problem(404, "not-found");
}
