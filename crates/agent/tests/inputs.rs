//! Inputs over real files and a foreign camera: ffmpeg makes the films, `GStreamer`'s RTSP server is the camera.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use playhouse_agent::input::{Fault, Film, Input, Pictures, Rtsp, Shot, Stop, Taken, Virtual, start};
use playhouse_sense::scene::{Options, barcode};

const DEADLINE: Duration = Duration::from_mins(1);

fn ffmpeg(arguments: &[&str], output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-y", "-loglevel", "error"])
        .args(arguments)
        .arg(output)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

/// The frames of a scene as a film whose barcodes survive H.264.
fn film(folder: &Path, frames: u32) -> PathBuf {
    use playhouse_sense::picture::Picture;
    use playhouse_sense::scene::Scene;
    let scene = Scene::new(Options { fps: 30.0, ..Options::default() });
    for frame in 0..frames {
        let mut picture = Picture::black(0, 0);
        scene.render(frame.into(), &mut picture);
        let mut bytes = format!("P6\n{} {}\n255\n", picture.width(), picture.height()).into_bytes();
        bytes.extend(picture.rgb());
        std::fs::write(folder.join(format!("{frame:04}.ppm")), bytes).unwrap();
    }
    let pattern = folder.join("%04d.ppm");
    let film = folder.join("film.mp4");
    let input = ["-framerate", "30", "-i", pattern.to_str().unwrap()];
    let codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "15", "-bf", "0", "-crf", "16"];
    ffmpeg(&[&input[..], &codec[..]].concat(), &film);
    film
}

fn numbers(input: &mut dyn Input, count: usize) -> Vec<u64> {
    let shots = (0..count).map(|_| input.next(&Stop::default()).unwrap());
    shots.filter_map(|shot| barcode::read(&shot.picture)).collect()
}

#[test]
fn a_film_is_shown_from_its_first_picture_to_its_last_and_again() {
    let place = tempfile::tempdir().unwrap();
    let mut input = Film::new(&film(place.path(), 20));
    let seen = numbers(&mut input, 45);
    let expected: Vec<u64> = (0..45).map(|n| n % 20).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_large_film_is_made_smaller_before_it_is_looked_at() {
    let place = tempfile::tempdir().unwrap();
    let film = place.path().join("large.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc=size=1920x1080:rate=30:duration=0.2"], &film);
    let shot = Film::new(&film).next(&Stop::default()).unwrap();
    assert_eq!((shot.picture.width(), shot.picture.height()), (640, 360));
}

#[test]
fn what_is_no_film_is_named_and_a_film_that_appears_is_shown() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("film.mp4");
    let mut input = Film::new(&path);
    assert!(matches!(input.next(&Stop::default()), Err(Fault::Missing(_))));
    std::fs::write(&path, vec![7; 10_000]).unwrap();
    let fault = input.next(&Stop::default()).unwrap_err().to_string();
    assert!(fault.contains("film.mp4 gives no pictures"), "{fault}");
    // A list of files would lead ffmpeg to other files.
    std::fs::write(&path, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n").unwrap();
    assert!(input.next(&Stop::default()).is_err());
    film(place.path(), 3);
    assert_eq!(numbers(&mut input, 2), [0, 1]);
}

#[test]
fn a_camera_thread_gives_the_newest_picture_and_ends_at_once() {
    let camera = start(Box::new(Virtual::new(Options { fps: 60.0, ..Options::default() }))).unwrap();
    let take = || match camera.slot().take(DEADLINE) {
        Taken::Shot(shot) => shot,
        other => panic!("{other:?}"),
    };
    let first = take();
    let deadline = Instant::now() + DEADLINE;
    while camera.slot().dropped() < 5 {
        assert!(Instant::now() < deadline, "pictures come though nobody takes them");
        std::thread::yield_now();
    }
    assert!(take().frame >= first.frame + 6);
    let begun = Instant::now();
    drop(camera);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_folder_that_appears_later_is_shown_and_the_complaint_ends() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("pictures");
    let camera = start(Box::new(Pictures::new(&folder, 30.0))).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while camera.slot().fault().is_none() {
        assert!(Instant::now() < deadline, "it complains");
        std::thread::yield_now();
    }
    assert!(camera.slot().fault().unwrap().contains("is not there"));
    std::fs::create_dir(&folder).unwrap();
    ffmpeg(
        &["-f", "lavfi", "-i", "testsrc=size=64x48:duration=0.1", "-frames:v", "1"],
        &folder.join("a.png"),
    );
    assert!(matches!(camera.slot().take(DEADLINE), Taken::Shot(shot) if shot.picture.width() == 64));
    assert_eq!(camera.slot().fault(), None);
}

/// A camera of `GStreamer`'s that plays a film at `port` (0: any). Debian: `python3-gi`,
/// `gir1.2-gst-rtsp-server-1.0`, `gstreamer1.0-plugins-good`, `gstreamer1.0-plugins-bad`.
struct Foreign(Child, u16);

impl Foreign {
    fn start(film: &Path, port: u16) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/camera.py"))
            .args([film.to_str().unwrap(), "viewer", "pa@ss:word", &port.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the camera begins");
        Self(child, port)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_foreign_camera_that_is_unplugged_comes_back_by_itself() {
    let place = tempfile::tempdir().unwrap();
    let film = film(place.path(), 60);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let foreign = Foreign::start(&film, 0);
    let port = foreign.1;
    let url = format!("rtsp://viewer:pa%40ss%3Aword@127.0.0.1:{port}/film");
    let camera = start(Box::new(Rtsp::new(&url, runtime.handle().clone()))).unwrap();
    let deadline = || Instant::now() + DEADLINE;
    let number = |until: Instant| -> u64 {
        loop {
            assert!(Instant::now() < until, "no picture: {:?}", camera.slot().fault());
            if let Taken::Shot(Shot { picture, .. }) = camera.slot().take(Duration::from_millis(100))
                && let Some(number) = barcode::read(&picture)
            {
                return number;
            }
        }
    };
    let first = number(deadline());
    assert!(first < 60);
    assert!(number(deadline()) != first, "it moves");
    drop(foreign);
    let until = deadline();
    while camera.slot().fault().is_none() {
        assert!(Instant::now() < until, "it complains");
        camera.slot().take(Duration::from_millis(10));
    }
    let fault = camera.slot().fault().unwrap();
    assert!(fault.starts_with("the camera at 127.0.0.1"), "{fault}");
    assert!(!fault.contains("pa@ss") && !fault.contains("pa%40ss"), "{fault}");
    let _foreign = Foreign::start(&film, port);
    number(deadline());
}

#[test]
fn a_camera_that_refuses_the_password_says_so() {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let foreign = Foreign::start(&film(place.path(), 3), 0);
    let url = format!("rtsp://viewer:wrong@127.0.0.1:{}/film", foreign.1);
    let fault = Rtsp::new(&url, runtime.handle().clone()).next(&Stop::default()).unwrap_err().to_string();
    assert!(fault.contains("401") || fault.to_lowercase().contains("unauthorized"), "{fault}");
}
