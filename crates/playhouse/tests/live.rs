//! A live channel of the program itself while things go wrong: it is killed, its disk is full, its publisher misbehaves.
//! Foreign programs publish, and foreign programs judge what plays.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod program;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{House, Owner, fill, free_port, wait};
use serde_json::{Value, json};

/// A program that publishes; killed when dropped.
struct Publisher(Child);

impl Drop for Publisher {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Publisher {
    /// ffmpeg pushes a film by RTMP at its own pace.
    fn rtmp(film: &Path, at: SocketAddr, key: &str) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "quiet", "-nostdin", "-re", "-i"]).arg(film);
        command.args(["-c", "copy", "-f", "flv", &format!("rtmp://{at}/live/{key}")]);
        Self(command.spawn().unwrap())
    }

    /// `GStreamer` sends by SRT whatever is written to it, as it is.
    fn srt(at: SocketAddr, key: &str) -> Self {
        let uri = format!("uri=srt://{at}?streamid={key}&latency=200");
        let pipeline = ["-q", "fdsrc", "blocksize=1316", "!", "srtsink", &uri, "sync=false"];
        let mut command = Command::new("gst-launch-1.0");
        Self(command.args(pipeline).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Writes at the pace of something that lasts so long.
    fn write(&mut self, bytes: &[u8], seconds: f64) {
        let input = self.0.stdin.as_mut().unwrap();
        let begun = Instant::now();
        for (number, piece) in bytes.chunks(1316).enumerate() {
            let due = seconds * (number * 1316) as f64 / bytes.len() as f64;
            std::thread::sleep(Duration::from_secs_f64(due).saturating_sub(begun.elapsed()));
            input.write_all(piece).unwrap();
        }
    }
}

/// Runs a program to its end; gives what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a film with a picture that never repeats and a tone; keyframes come every second.
fn film(path: &Path, seconds: u32, options: &[&str]) {
    let picture = format!("testsrc2=size=320x180:rate=25:duration={seconds}");
    let sound = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let mut all = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
    all.extend(["-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]);
    all.extend(options);
    all.push(path.to_str().unwrap());
    run("ffmpeg", &all);
}

const H264: [&str; 6] = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"];

/// What each decoded picture, or each packet of sound, hashes to.
fn hashes(input: &str, token: Option<&str>, options: &[&str]) -> Vec<String> {
    let header = token.map(|token| format!("{token}\r\n"));
    let mut all = vec!["-v", "error"];
    all.extend(header.iter().flat_map(|header| ["-headers", header]));
    all.extend(["-i", input]);
    all.extend(options);
    all.extend(["-f", "framemd5", "-"]);
    let lines = run("ffmpeg", &all);
    // Track, two times, length, bytes, hash, and of some what else belongs to it.
    let hash = |line: &str| line.split(',').nth(5).map(|hash| hash.trim().to_owned());
    lines.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect()
}

fn pictures(input: &str, token: Option<&str>) -> Vec<String> {
    hashes(input, token, &["-map", "0:v:0", "-fps_mode", "passthrough"])
}

fn sounds(input: &str, token: Option<&str>) -> Vec<String> {
    hashes(input, token, &["-map", "0:a:0", "-c", "copy"])
}

/// The segments that a playlist lists, in the eras that it has.
fn eras(playlist: &str) -> Vec<(String, Vec<String>)> {
    let mut eras: Vec<(String, Vec<String>)> = Vec::new();
    let mut gap = false;
    for line in playlist.lines() {
        if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
            eras.push((map.trim_end_matches('"').to_owned(), Vec::new()));
        } else if line == "#EXT-X-GAP" {
            gap = true;
        } else if !line.starts_with('#') && !std::mem::take(&mut gap) {
            eras.last_mut().unwrap().1.push(line.to_owned());
        }
    }
    eras
}

fn segments(playlist: &str) -> Vec<String> {
    eras(playlist).into_iter().flat_map(|(_, segments)| segments).collect()
}

fn playlist(owner: &Owner<'_>, id: &str) -> String {
    owner.text(&format!("/api/channels/{id}/live/0.m3u8"))
}

/// Waits until so many segments are listed.
fn listed(owner: &Owner<'_>, id: &str, least: usize) -> Vec<String> {
    wait("a window of that many segments", || {
        Some(segments(&playlist(owner, id))).filter(|segments| segments.len() >= least)
    })
}

fn is_live(owner: &Owner<'_>, id: &str) -> bool {
    let list = owner.get("/api/channels");
    list["channels"].as_array().unwrap().iter().any(|channel| channel["id"] == id && channel["live"] == true)
}

fn address(owner: &Owner<'_>, id: &str, file: &str) -> String {
    format!("http://{}/api/channels/{id}/live/{file}", owner.house.address)
}

#[test]
fn a_broadcast_outlives_a_killed_server_but_for_its_last_segment_and_goes_on_with_its_publisher() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    film(&source, 60, &H264);
    let rtmp = free_port();
    let arguments = ["--rtmp", &rtmp.to_string()].map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut house = House::start(folder.path(), &arguments);
    let (id, key, before) = {
        let owner = house.owner();
        let (id, key) = owner.channel();
        let _publisher = Publisher::rtmp(&source, rtmp, &key);
        let before = listed(&owner, &id, 6);
        (id, key, before)
    };
    house.kill();

    let house = House::start(folder.path(), &arguments);
    let owner = house.owner();
    let after = wait("what was recorded", || {
        Some(playlist(&owner, &id)).filter(|text| text.ends_with("#EXT-X-ENDLIST\n"))
    });
    let there = segments(&after);
    assert!(before.starts_with(&there[..there.len().min(before.len())]), "{before:?} became {there:?}");
    assert!(
        there.len() + 1 >= before.len(),
        "more than the last segment is lost: {before:?} became {there:?}"
    );
    let (film, hls) = (source.to_str().unwrap(), address(&owner, &id, "master.m3u8"));
    let (whole, seen) = (pictures(film, None), pictures(&hls, Some(&owner.token)));
    assert!(seen.len() >= 25 * (before.len() - 1) && whole.starts_with(&seen), "{} pictures", seen.len());
    let (heard, all) = (sounds(&hls, Some(&owner.token)), sounds(film, None));
    assert!(heard.len() > 40 * (before.len() - 1) && all.starts_with(&heard), "{} sounds", heard.len());
    let (status, kept) = owner.ask("POST", &format!("/api/channels/{id}/keep"), &json!({"name": "Kept"}));
    assert_eq!(status, 201, "{kept}");
    let kept = folder.path().join(".playhouse/films/Kept.mp4");
    assert_eq!(pictures(kept.to_str().unwrap(), None), seen, "what is kept is what was there");

    let _publisher = Publisher::rtmp(&source, rtmp, &key);
    wait("the publisher's return", || {
        let text = playlist(&owner, &id);
        (eras(&text).len() == 2 && segments(&text).len() >= there.len() + 2).then_some(())
    });
    assert!(segments(&playlist(&owner, &id)).starts_with(&there), "what was there is gone");
}

/// Segments of a channel that are on the disk.
fn stored(disk: &Path, id: &str) -> Vec<String> {
    let entries = fs::read_dir(disk.join("live").join(id)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".segment"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_broadcast_goes_on_while_the_disk_is_full_and_is_recorded_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    film(&source, 90, &H264);
    let rtmp = free_port();
    // Recordings leave 256 MiB of it free.
    let house = House::with_small_disk(folder.path(), 320, &["--rtmp", &rtmp.to_string()]);
    let owner = house.owner();
    let disk = house.disk(folder.path());
    let (id, key) = owner.channel();
    let _publisher = Publisher::rtmp(&source, rtmp, &key);
    // The newest dozen seconds are in memory; there is more than that.
    listed(&owner, &id, 20);
    wait("segments on the disk", || (stored(&disk, &id).len() >= 18).then_some(()));
    assert!(!house.log().contains("the disk is full"), "it was full too early");

    // Somebody else fills it, up to the last byte.
    let fill = fill(&disk);
    wait("a sentence in the log", || {
        house.log().contains("the disk is full: of a live stream").then_some(())
    });
    let at = segments(&playlist(&owner, &id));
    let now = wait("the broadcast going on", || {
        let now = segments(&playlist(&owner, &id));
        (now.iter().filter(|segment| !at.contains(segment)).count() >= 6).then_some(now)
    });
    assert!(now.len() >= 15, "the window shrank to {} segments", now.len());
    // What is listed plays.
    for (init, segments) in eras(&playlist(&owner, &id)) {
        for file in [&init].into_iter().chain(&segments[1..]) {
            assert!(owner.bytes(&format!("/api/channels/{id}/live/{file}")).is_some(), "{file} is not there");
        }
    }
    // Whoever wants something to be written down hears it if it was not.
    let (status, answer) = owner.ask("POST", "/api/channels", &json!({"name": "Another"}));
    let said = answer["detail"].as_str().is_some_and(|detail| detail.len() > 30);
    assert!(status == 201 || (status == 507 && said), "{status} {answer}");
    assert!(is_live(&owner, &id));

    fs::remove_file(&fill).unwrap();
    let before = stored(&disk, &id);
    wait("segments on the disk again", || {
        let fresh = stored(&disk, &id).iter().filter(|name| !before.contains(name)).count();
        (fresh >= 3).then_some(())
    });
    let (status, answer) = owner.ask("POST", "/api/channels", &json!({"name": "Another"}));
    assert_eq!(status, 201, "{answer}");
    assert!(is_live(&owner, &id));
}

#[test]
fn a_recording_says_what_a_full_disk_cost_it_and_the_rest_is_a_film() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    film(&source, 240, &H264);
    let rtmp = free_port();
    let house = House::with_small_disk(folder.path(), 320, &["--rtmp", &rtmp.to_string()]);
    let owner = house.owner();
    let disk = house.disk(folder.path());
    let (id, key) = owner.channel();
    let _publisher = Publisher::rtmp(&source, rtmp, &key);
    listed(&owner, &id, 3);
    let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let start = i64::try_from(start).unwrap();
    let wanted = json!({
        "channel": id, "start_ms": start, "stop_ms": start + 60_000, "title": "The match",
        "pad_before_s": 0, "pad_after_s": 0,
    });
    let (status, planned) = owner.ask("POST", "/api/recordings", &wanted);
    assert_eq!(status, 201, "{planned}");
    let recording = planned["recordings"][0]["id"].as_str().unwrap().to_owned();
    let recorded = || segments(&owner.text(&format!("/api/recordings/{recording}/watch/0.m3u8"))).len();
    wait("the recording", || (recorded() >= 6).then_some(()));
    let fill = fill(&disk);
    wait("a sentence in the log", || {
        house.log().contains("the disk is full: of a live stream").then_some(())
    });
    let before = recorded();
    let at = segments(&playlist(&owner, &id));
    // From memory alone, which has some seconds.
    wait("the broadcast going on", || {
        let now = segments(&playlist(&owner, &id));
        (now.iter().filter(|segment| !at.contains(segment)).count() >= 3).then_some(())
    });
    // What is recorded already is not lost.
    assert!(recorded() >= before);
    fs::remove_file(&fill).unwrap();
    let done = wait("the film", || {
        let list = owner.get("/api/recordings");
        let recording = &list["recordings"][0];
        assert_ne!(recording["state"], "failed", "{recording}");
        (recording["state"] == "done").then(|| recording.clone())
    });
    let reason = done["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("missing") && reason.contains("disk had no room"), "{done}");
    let file = folder.path().join("film.mp4");
    fs::write(&file, owner.bytes(&format!("/api/films/{}/file", done["film"].as_str().unwrap())).unwrap())
        .unwrap();
    let said = run(
        "ffprobe",
        &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file.to_str().unwrap()],
    );
    let seconds: f64 = said.trim().parse().unwrap();
    // What is missing is a gap in its time, and it begins and ends with whole segments.
    assert!(seconds > 10.0 && seconds < 66.0, "{seconds} seconds");
    assert_eq!(run("ffmpeg", &["-v", "error", "-i", file.to_str().unwrap(), "-f", "null", "-"]), "");
}

/// Makes a transport stream; gives its bytes.
fn transport(folder: &Path, seconds: u32, options: &[&str]) -> Vec<u8> {
    let path = folder.join("piece.ts");
    film(&path, seconds, &[options, &["-f", "mpegts"]].concat());
    fs::read(path).unwrap()
}

/// What plays in each era: its codec, and how many pictures decode without a complaint.
fn judged(owner: &Owner<'_>, folder: &Path, id: &str) -> Vec<(String, usize)> {
    let judge = |(init, segments): (String, Vec<String>)| {
        let file = folder.join("era.mp4");
        let pieces = [init].into_iter().chain(segments);
        let pieces = pieces.filter_map(|piece| owner.bytes(&format!("/api/channels/{id}/live/{piece}")));
        fs::write(&file, pieces.collect::<Vec<_>>().concat()).unwrap();
        let file = file.to_str().unwrap();
        let probe =
            ["-v", "error", "-select_streams", "v", "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
        let codec = run("ffprobe", &[&probe[..], &[file]].concat()).trim().to_owned();
        (codec, pictures(file, None).len())
    };
    eras(&playlist(owner, id)).into_iter().map(judge).collect()
}

#[test]
fn a_publisher_that_changes_codec_jumps_in_time_and_sends_rubbish_is_followed_through() {
    const SECONDS: u32 = 4;
    let folder = tempfile::tempdir().unwrap();
    let ports = [free_port(), free_port()].map(|at| at.to_string());
    let house = House::start(folder.path(), &["--rtmp", &ports[0], "--srt", &ports[1]]);
    let owner = house.owner();
    let (id, key) = owner.channel();
    let hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0"];
    let first = transport(folder.path(), SECONDS, &H264);
    let second = transport(folder.path(), SECONDS, &hevc);
    let ahead = transport(folder.path(), SECONDS, &[&H264[..], &["-output_ts_offset", "7200"]].concat());
    let back = transport(folder.path(), SECONDS, &H264);
    let rubbish: Vec<u8> =
        (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0]).collect();
    let mut publisher = Publisher::srt(ports[1].parse().unwrap(), &key);
    for piece in [&first, &second, &ahead] {
        publisher.write(piece, f64::from(SECONDS));
    }
    publisher.write(&rubbish, 0.2);
    publisher.write(&back, f64::from(SECONDS));
    wait("the last piece", || {
        let judged = judged(&owner, folder.path(), &id);
        let codecs: Vec<&str> = judged.iter().map(|(codec, _)| codec.as_str()).collect();
        let whole = judged.iter().map(|(_, pictures)| pictures).sum::<usize>() >= 3 * 25 * SECONDS as usize;
        (codecs.starts_with(&["h264", "hevc", "h264"]) && whole).then_some(())
    });
    assert!(is_live(&owner, &id), "{}", house.log());
    // Both codecs do not fit into one film, which is said.
    let (status, answer) =
        owner.ask("POST", &format!("/api/channels/{id}/keep"), &Value::Object(serde_json::Map::new()));
    assert!(status == 409 && answer["detail"].as_str().is_some_and(|detail| detail.len() > 30), "{answer}");
    drop(publisher);
    wait("the end of the broadcast", || playlist(&owner, &id).ends_with("#EXT-X-ENDLIST\n").then_some(()));
}

#[test]
fn a_publisher_that_stops_without_a_good_bye_is_let_go_and_what_it_sent_plays() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    film(&source, 60, &H264);
    let rtmp = free_port();
    let house = House::start(folder.path(), &["--rtmp", &rtmp.to_string()]);
    let owner = house.owner();
    let (id, key) = owner.channel();
    let publisher = Publisher::rtmp(&source, rtmp, &key);
    listed(&owner, &id, 3);
    // It is there, and says nothing any more.
    let pid = rustix::process::Pid::from_child(&publisher.0);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    wait("the end of the stream", || (!is_live(&owner, &id)).then_some(()));
    wait("a sentence in the log", || house.log().contains("It sent nothing for 10 seconds.").then_some(()));
    wait("the end of the broadcast", || playlist(&owner, &id).ends_with("#EXT-X-ENDLIST\n").then_some(()));
    let seen = pictures(&address(&owner, &id, "master.m3u8"), Some(&owner.token));
    // The last pictures were to be shown after some that never came.
    let whole = &seen[..seen.len() - 3];
    assert!(whole.len() >= 75 && pictures(source.to_str().unwrap(), None).starts_with(whole));
    // The next one is not in its way.
    let _next = Publisher::rtmp(&source, rtmp, &key);
    wait("the next publisher", || is_live(&owner, &id).then_some(()));
}
