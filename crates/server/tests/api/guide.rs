//! Channels made of the library, the guide of all channels, and what others bring and take of it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use playhouse_store::accounts::Role;
use playhouse_store::channels::{Channel, Kind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::films::{folder, make};
use crate::house::House;
use crate::http::Client;

/// Longest wait for something that happens by itself: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A house with two films of six seconds, whose pictures have different sizes.
async fn with_films() -> (House, Client) {
    with_films_of("640x360").await
}

/// The same with the size of the second film.
pub(crate) async fn with_films_of(size: &str) -> (House, Client) {
    let house = House::new().await;
    let owner = house.owner().await;
    let films = folder(&house);
    make(&films.join("One (2001).mp4"), "320x180", &[]);
    make(&films.join("Show S01E02 Two.mp4"), size, &[]);
    let end = Instant::now() + PATIENCE;
    loop {
        let films = owner.post("/api/films/rescan", json!({})).await.expect(200).json();
        let ready = films["films"].as_array().unwrap().iter().filter(|film| film["state"] == "ready").count();
        if ready == 2 {
            return (house, owner);
        }
        assert!(Instant::now() < end, "{films}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn everything() -> Value {
    json!({"zone": "Europe/Berlin", "seed": 3, "always": {"everything": true}})
}

pub(crate) async fn channel(owner: &Client, schedule: Value) -> String {
    let body = json!({"name": "House Channel", "number": 7, "category": "Films", "schedule": schedule});
    let made = owner.post("/api/guide/channels", body).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

/// Makes a token; gives the addresses of list and guide, without the host.
async fn token(who: &Client) -> (String, [String; 2]) {
    let made = who.post("/api/guide/tokens", json!({"name": "Kodi"})).await.expect(201).json();
    let path = |field: &str| {
        let address = made[field].as_str().unwrap();
        address.strip_prefix(&format!("http://{}", who.address)).expect("our own host").to_owned()
    };
    (made["id"].as_str().unwrap().to_owned(), [path("playlist"), path("guide")])
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The segments of a playlist by their numbers, each with the moment it is dated with, in milliseconds of the day.
fn numbered(playlist: &str) -> BTreeMap<u64, (String, i64)> {
    let mut segments = BTreeMap::new();
    let (mut number, mut at, mut length) = (0, 0.0, 0.0);
    for line in playlist.lines() {
        if let Some(sequence) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            number = sequence.parse().unwrap();
        } else if let Some(date) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            let field = |from: usize, to: usize| date[from..to].parse::<f64>().unwrap();
            at = (field(11, 13) * 3600.0 + field(14, 16) * 60.0 + field(17, 23)) * 1000.0;
        } else if let Some(seconds) = line.strip_prefix("#EXTINF:") {
            length = seconds.trim_end_matches(',').parse::<f64>().unwrap();
        } else if !line.starts_with('#') {
            #[expect(clippy::cast_possible_truncation, reason = "a day has less milliseconds than that")]
            segments.insert(number, (line.to_owned(), at.round() as i64));
            at += length * 1000.0;
            number += 1;
        }
    }
    segments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_the_library_plays_in_foreign_players_over_the_end_of_a_film() {
    // libav passes over what a second film says of itself (`EXT-X-MAP` after a discontinuity), so that it judges films
    // that are alike; hls.js judges the others.
    let (house, owner) = with_films_of("320x180").await;
    let id = channel(&owner, everything()).await;
    let (_, [list, _]) = token(&owner).await;
    let list = house.nobody.get(&list).await.expect(200);
    assert_eq!(list.header("content-type"), Some("audio/x-mpegurl"));
    let list = list.text();
    assert!(list.contains("tvg-chno=\"7\"") && list.contains(",House Channel"), "{list}");
    let address =
        list.lines().find(|line| line.contains(&id) && line.starts_with("http")).unwrap().to_owned();
    let found = tokio::task::spawn_blocking({
        let address = address.clone();
        move || {
            run("ffprobe", &["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", &address])
        }
    });
    let found = found.await.unwrap();
    assert!(found.contains("h264") && found.contains("aac"), "{found}");
    // A film has 150 pictures.
    let frames = tokio::task::spawn_blocking(move || {
        let counted = "-v error -count_frames -read_intervals %+#900 -select_streams v -show_entries frame=width -of csv=p=0";
        let mut arguments: Vec<&str> = counted.split(' ').collect();
        arguments.push(&address);
        run("ffprobe", &arguments)
    });
    let frames = frames.await.unwrap();
    let whole = frames.lines().filter(|line| line.trim_end_matches(',') == "320").count();
    assert!(whole > 250, "{whole}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_tunes_in_sees_the_same() {
    let (house, owner) = with_films().await;
    let id = channel(&owner, everything()).await;
    let player = house.player().await;
    let master = player.get(&format!("/api/channels/{id}/on/master.m3u8")).await.expect(200).text();
    assert!(master.contains("URI=\"sound.m3u8\"") && master.contains("\npicture.m3u8\n"), "{master}");
    assert!(master.contains("RESOLUTION=640x360"), "{master}");
    let mut known: BTreeMap<u64, (String, i64)> = BTreeMap::new();
    let end = Instant::now() + PATIENCE;
    // Until three films have passed, whoever asks whenever is told the same of each segment.
    while known.len() < 8 {
        assert!(Instant::now() < end, "{known:?}");
        for who in [&owner, &player] {
            let text = who.get(&format!("/api/channels/{id}/on/picture.m3u8")).await.expect(200).text();
            for (number, segment) in numbered(&text) {
                let before = known.entry(number).or_insert_with(|| segment.clone());
                assert_eq!(before.0, segment.0, "{number}");
                assert!((before.1 - segment.1).abs() <= 1, "{before:?} {segment:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (_, (segment, _)) in known {
        player.get(&segment).await.expect(200);
    }
    let on = player.get(&format!("/api/channels/{id}/on")).await.expect(200).json();
    let (now, programme) = (on["now_ms"].as_i64().unwrap(), &on["programmes"][0]);
    assert!(programme["start_ms"].as_i64().unwrap() <= now && now < programme["stop_ms"].as_i64().unwrap());
    // Nothing is to be seen without the right to.
    let guest = house.account("Gil", Role::Guest).await;
    guest.get(&format!("/api/channels/{id}/on/master.m3u8")).await.problem(403, "not-allowed");
    player.get(&format!("/api/channels/{id}/on/other.m3u8")).await.problem(404, "not-found");
    player.get("/api/channels/nope/on/master.m3u8").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_has_no_gap_and_follows_the_library() {
    let (house, owner) = with_films().await;
    let id = channel(&owner, everything()).await;
    let guide = owner.get("/api/guide").await.expect(200).json();
    let found = &guide["channels"][0];
    assert_eq!((&found["id"], &found["kind"], &found["on"]), (&json!(id), &json!("schedule"), &json!(true)));
    let programmes = found["programmes"].as_array().unwrap();
    assert!(programmes.len() > 100, "{}", programmes.len());
    for two in programmes.windows(2) {
        assert_eq!(two[0]["stop_ms"], two[1]["start_ms"]);
    }
    let show = programmes.iter().find(|programme| programme["title"] == "Show").unwrap();
    assert_eq!((&show["subtitle"], &show["season"], &show["episode"]), (&json!("Two"), &json!(1), &json!(2)));
    // A third film is shown soon, and what was on before stays as it was.
    make(&folder(&house).join("Three (2003).mp4"), "320x180", &[]);
    let end = Instant::now() + PATIENCE;
    loop {
        let guide = owner.get("/api/guide").await.expect(200).json();
        let programmes = guide["channels"][0]["programmes"].as_array().unwrap().clone();
        if programmes.iter().any(|programme| programme["title"] == "Three") {
            assert!(programmes.windows(2).all(|two| two[0]["stop_ms"] == two[1]["start_ms"]));
            break;
        }
        assert!(Instant::now() < end, "the third film is never shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    owner.get("/api/guide?from=5&to=4").await.problem(422, "invalid");
    owner.get("/api/guide?from=0&to=9999999999999").await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_are_checked_looked_at_and_changed() {
    let (_house, owner) = with_films().await;
    let id = channel(&owner, everything()).await;
    let path = format!("/api/channels/{id}/schedule");
    assert_eq!(owner.get(&path).await.expect(200).json()["zone"], "Europe/Berlin");
    let blocks = json!([{"name": "Shows", "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        "from": "00:00", "to": "00:00", "what": {"shows": ["Show"], "order": "in_order"}}]);
    let wanted = json!({"zone": "Asia/Tokyo", "always": {"everything": true}, "blocks": blocks});
    let preview = owner.post("/api/guide/preview", wanted.clone()).await.expect(200).json();
    let titles: Vec<&str> = preview["programmes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|programme| programme["title"].as_str().unwrap())
        .collect();
    assert!(titles.len() > 1000 && titles.iter().all(|title| *title == "Show"));
    owner.json("PUT", &path, wanted).await.expect(204);
    let wrong = json!({"zone": "Mars", "always": {"everything": true}});
    assert!(
        owner.json("PUT", &path, wrong).await.problem(422, "invalid")["detail"]
            .as_str()
            .unwrap()
            .contains("Mars")
    );
    let empty = json!({"zone": "UTC"});
    owner.post("/api/guide/preview", empty).await.problem(422, "invalid");
    let twice = json!({"name": "Second", "number": 7, "schedule": everything()});
    owner.post("/api/guide/channels", twice).await.problem(409, "conflict");
    let nothing = json!({"zone": "UTC", "always": {"films": ["nope"]}});
    let other = json!({"name": "Empty", "schedule": nothing});
    let made = owner.post("/api/guide/channels", other).await.expect(201).json();
    owner.get(made["hls"].as_str().unwrap()).await.problem(409, "unplayable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_the_guide_until_it_is_revoked_and_nothing_else() {
    let (house, owner) = with_films().await;
    let id = channel(&owner, everything()).await;
    let (token_id, [list, guide]) = token(&owner).await;
    let secret = list.split_once("token=").unwrap().1.to_owned();
    let xml = house.nobody.get(&guide).await.expect(200);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("xmltv.dtd"), include_str!("xmltv.dtd")).unwrap();
    std::fs::write(folder.path().join("guide.xml"), &xml.body).unwrap();
    let (dtd, file) = (folder.path().join("xmltv.dtd"), folder.path().join("guide.xml"));
    run("xmllint", &["--noout", "--nonet", "--dtdvalid", dtd.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(xml.text().contains(&format!("channel=\"{id}\"")));
    let master = format!("/api/channels/{id}/on/picture.m3u8?token={secret}");
    let text = house.nobody.get(&master).await.expect(200).text();
    let segment = text.lines().find(|line| line.contains(".m4s")).unwrap();
    assert!(segment.ends_with(&format!("?token={secret}")));
    house.nobody.get(segment).await.expect(200);
    for path in ["/api/films", "/api/guide", "/api/me", "/api/guide/tokens"] {
        house.nobody.get(&format!("{path}?token={secret}")).await.problem(401, "sign-in-required");
    }
    house
        .nobody
        .post(&format!("/api/guide/tokens?token={secret}"), json!({"name": "x"}))
        .await
        .problem(401, "sign-in-required");
    house
        .nobody
        .get(&format!("/api/guide/xmltv.xml?token={}", "a".repeat(32)))
        .await
        .problem(401, "sign-in-required");
    let player = house.player().await;
    player.delete(&format!("/api/guide/tokens/{token_id}")).await.problem(404, "not-found");
    owner.delete(&format!("/api/guide/tokens/{token_id}")).await.expect(204);
    house.nobody.get(&list).await.problem(401, "sign-in-required");
    house.nobody.get(segment).await.problem(401, "sign-in-required");
}

const LIST: &str = "#EXTM3U\n#EXTINF:-1 tvg-id=\"one.tv\" tvg-chno=\"7\" group-title=\"News\",One\nhttps://tv.example/1.m3u8\n\
                    #EXTINF:-1 tvg-id=\"two.tv\" tvg-chno=\"8\",Two\nhttps://tv.example/2.m3u8\n#EXTINF:-1,File\nfile:///etc/passwd\n";

/// A guide whose one programme begins an hour ago and ends in an hour.
fn xmltv(title: &str) -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let date = |seconds: u64| {
        run("date", &["-u", "-d", &format!("@{seconds}"), "+%Y%m%d%H%M%S +0000"]).trim().to_owned()
    };
    let (start, stop) = (date(seconds - 3600), date(seconds + 3600));
    format!(
        "<tv><channel id=\"one.tv\"/><programme start=\"{start}\" stop=\"{stop}\" channel=\"ONE.tv\"><title>{title}</title>\
         </programme><programme start=\"{start}\" channel=\"other\"><title>Other</title></programme></tv>"
    )
}

async fn upload(owner: &Client, path: &str, body: &[u8]) -> crate::http::Reply {
    owner.send("POST", path, &[("Content-Type", "application/octet-stream")], body).await
}

#[tokio::test]
async fn a_list_and_a_guide_that_are_uploaded_stand_in_the_guide() {
    let house = House::new().await;
    let owner = house.owner().await;
    let brought = upload(&owner, "/api/guide/import?name=City", LIST.as_bytes()).await.expect(201).json();
    assert_eq!((&brought["channels"], &brought["left_out"]), (&json!(2), &json!(1)));
    let brought = upload(&owner, "/api/guide/import", xmltv("News").as_bytes()).await.expect(201).json();
    assert_eq!(brought["programmes"], 1);
    let guide = owner.get("/api/guide").await.expect(200).json();
    let one = &guide["channels"][0];
    assert_eq!((&one["name"], &one["number"], &one["kind"]), (&json!("One"), &json!(7), &json!("external")));
    assert_eq!(one["programmes"][0]["title"], "News");
    let (_, [list, _]) = token(&owner).await;
    assert!(house.nobody.get(&list).await.text().contains("\nhttps://tv.example/1.m3u8\n"));
    for rubbish in ["not a list", "<html></html>", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"] {
        upload(&owner, "/api/guide/import", rubbish.as_bytes()).await.problem(422, "invalid");
    }
    let sources = owner.get("/api/guide/sources").await.expect(200).json();
    let id = sources["sources"][0]["id"].as_str().unwrap().to_owned();
    owner.delete(&format!("/api/guide/sources/{id}")).await.expect(204);
    assert_eq!(owner.get("/api/guide").await.json()["channels"], json!([]));
}

/// Answers every request with a list and a guide of its own, and says how often.
async fn elsewhere(list: &'static str) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
            log.lock().unwrap().push(head.clone());
            let body = if head.contains("/guide.xml") { xmltv("Far News") } else { list.to_owned() };
            let answer = if head.contains("if-none-match: \"1\"") {
                "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned()
            } else {
                format!(
                    "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
            };
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (base, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_fetched_from_within_the_network_only_where_the_owner_allows_it() {
    let house = House::new().await;
    let owner = house.owner().await;
    let (base, asked) = elsewhere(LIST).await;
    let body =
        json!({"name": "City", "playlist": format!("{base}/list.m3u"), "guide": format!("{base}/guide.xml")});
    let refused = owner.post("/api/guide/sources", body.clone()).await.problem(422, "invalid");
    assert!(refused["detail"].as_str().unwrap().contains("within this network"), "{refused}");
    assert!(asked.lock().unwrap().is_empty(), "somebody knocked all the same");
    let mut allowed = body;
    allowed["private"] = true.into();
    let brought = owner.post("/api/guide/sources", allowed).await.expect(201).json();
    assert_eq!((&brought["channels"], &brought["programmes"]), (&json!(2), &json!(1)));
    let id = brought["source"]["id"].as_str().unwrap();
    owner.send("POST", &format!("/api/guide/sources/{id}/refresh"), &[], b"").await.expect(200);
    // What did not change is not sent again, and stays.
    assert_eq!(asked.lock().unwrap().iter().filter(|head| head.contains("if-none-match")).count(), 2);
    let guide = owner.get("/api/guide").await.expect(200).json();
    assert_eq!(guide["channels"][0]["programmes"][0]["title"], "Far News");
    for wrong in ["file:///etc/passwd", "gopher://tv.example", "http://tv.example/a b"] {
        owner
            .post("/api/guide/sources", json!({"name": "X", "playlist": wrong}))
            .await
            .problem(422, "invalid");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_programme_is_recorded_and_can_be_watched_from_its_start_meanwhile() {
    let (house, owner) = with_films().await;
    let id = channel(&owner, everything()).await;
    let player = house.player().await;
    let guide = player.get("/api/guide").await.expect(200).json();
    let next = guide["channels"][0]["programmes"][2].clone();
    let body = json!({"channel": id, "start_ms": next["start_ms"], "pad_before_s": 0, "pad_after_s": 0});
    let mut dry = body.clone();
    dry["dry_run"] = true.into();
    let weighed = player.post("/api/recordings", dry).await.expect(200).json();
    assert_eq!((&weighed["fits"], &weighed["recordings"][0]["conflicts"]), (&json!(true), &json!([])));
    assert_eq!(player.get("/api/recordings").await.json()["recordings"], json!([]));
    player.post("/api/recordings", body.clone()).await.expect(201);
    player.post("/api/recordings", body).await.problem(409, "conflict");
    let state = |list: &Value, wanted: &str| list["recordings"][0]["state"] == wanted;
    let done = house.until_at(&player, "/api/recordings", |list| state(list, "done")).await;
    let recording = &done["recordings"][0];
    assert_eq!(recording["film"], next["film"]);
    let days =
        (recording["expires_ms"].as_i64().unwrap() - recording["stop_ms"].as_i64().unwrap()) / 86_400_000;
    assert!((28..=29).contains(&days), "{days}");
    let path = format!("/api/recordings/{}", recording["id"].as_str().unwrap());
    owner.patch(&path, json!({"protected": true})).await.problem(404, "not-found");
    player.patch(&path, json!({"protected": true})).await.expect(204);
    assert_eq!(player.get("/api/recordings").await.json()["recordings"][0]["protected"], true);
    player.delete(&path).await.expect(204);
    // The film is the library's, and stays.
    player.get(&format!("/api/films/{}", next["film"].as_str().unwrap())).await.expect(200);
    player.post("/api/recordings", json!({"channel": id, "start_ms": 5})).await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_is_planned_and_what_is_skipped_stays_so() {
    let (house, owner) = with_films().await;
    channel(&owner, everything()).await;
    let player = house.player().await;
    let body = json!({"kind": "series", "words": "show"});
    let mut dry = body.clone();
    dry["dry_run"] = true.into();
    let weighed = player.post("/api/recordings/rules", dry).await.expect(200).json();
    assert_eq!(weighed["recordings"].as_array().unwrap().len(), 1, "the same film is recorded once");
    let made = player.post("/api/recordings/rules", body).await.expect(201).json();
    let list = player.get("/api/recordings").await.json();
    assert_eq!(list["rules"][0]["words"], "show");
    assert_eq!(list["recordings"][0]["title"], "Show");
    let rule = made["rule"].as_str().unwrap();
    owner.delete(&format!("/api/recordings/rules/{rule}")).await.problem(404, "not-found");
    player.delete(&format!("/api/recordings/rules/{rule}")).await.expect(204);
    assert_eq!(player.get("/api/recordings").await.json()["rules"], json!([]));
    player
        .post("/api/recordings/rules", json!({"kind": "keyword", "words": " - "}))
        .await
        .problem(422, "invalid");
}

#[tokio::test]
async fn more_recordings_at_a_time_than_there_are_places_are_shown_before_they_bite() {
    let house = House::new().await;
    let player = house.player().await;
    let account = house.store.accounts().create("Lia", Role::Owner, None, 0).await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let start = i64::try_from(now).unwrap() + 3_600_000;
    for number in 0..5 {
        let live = Channel {
            id: format!("live{number}"),
            owner: account.id.clone(),
            name: format!("Live {number}"),
            kind: Kind::Push,
            source: None,
            number: None,
            category: None,
            logo: None,
            guide_id: None,
            replace_publisher: false,
            ladder: false,
            window_seconds: 60,
            created: number,
        };
        house.store.channels().put(&live).await.unwrap();
        let body = json!({"channel": live.id, "start_ms": start, "stop_ms": start + 600_000, "title": "Match", "dry_run": true});
        let weighed = player.post("/api/recordings", body.clone()).await.expect(200).json();
        let conflicts = weighed["recordings"][0]["conflicts"].as_array().unwrap().len();
        assert_eq!(conflicts, if number == 4 { 4 } else { 0 }, "{number}");
        let mut real = body;
        real["dry_run"] = false.into();
        player.post("/api/recordings", real).await.expect(201);
    }
    let list = player.get("/api/recordings").await.json();
    let in_the_way: Vec<&Value> = list["recordings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|recording| recording["conflicts"] != json!([]))
        .collect();
    assert_eq!(in_the_way.len(), 1);
    assert_eq!(in_the_way[0]["channel_name"], "Live 4");
    assert_eq!(list["quota"]["planned_s"], 5 * (600 + 240));
    let long =
        json!({"channel": "live0", "start_ms": start + 7_200_000, "stop_ms": start + 7_200_000 + 90_000_000});
    player.post("/api/recordings", long).await.problem(422, "invalid");
}
