//! Pulling by RTSP: a server of `GStreamer` plays a film as a camera would, and ffmpeg judges what came out.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

mod house;

use std::process::Stdio;
use std::sync::Arc;

use house::{DEADLINE, assert_begins_same, ffmpeg, film, house, next_sample, receive};
use playhouse_live::Protocol;
use playhouse_media::frame::Size;
use playhouse_media::live::Format;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The password has what has to be escaped in an address.
const PASSWORD: &str = "pa@ss:word";

/// Debian: `python3-gi`, `gir1.2-gst-rtsp-server-1.0`, `gstreamer1.0-plugins-good`, `gstreamer1.0-plugins-bad`.
async fn camera(film: &std::path::Path) -> (Child, u16) {
    let mut camera = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/camera.py"))
        .args([film.to_str().unwrap(), "viewer", PASSWORD])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(camera.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a port in time").unwrap();
    (camera, line.expect("the camera begins").parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_behind_a_password_decodes_to_its_pictures_and_sound_and_is_pulled_again() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx264", "-bf", "0", "-g", "50"]).await;
    let mp4 = folder.path().join("film.mp4");
    let (done, said) = ffmpeg(&["-i", film.to_str().unwrap(), "-c", "copy", mp4.to_str().unwrap()]).await;
    assert!(done, "{said}");
    let (camera, port) = camera(&mp4).await;
    let (house, _) = house();
    let source = format!("rtsp://viewer:pa%40ss%3Aword@127.0.0.1:{port}/film");
    let pull = tokio::spawn(playhouse_ingest::rtsp(Arc::clone(&house.hub), "channel".to_owned(), source));
    let received = receive(&house).await;
    assert!(matches!(received.formats[0], Format::Video { size, .. } if size == Size::new(320, 180)));
    received.assert_timed(1.96, 0.6);
    assert_begins_same(&received, &film, "h264").await;
    // The film has ended, and the camera plays it again.
    let mut events = house.hub.events();
    let again = match house.hub.stream("channel") {
        Some(stream) => stream,
        None => tokio::time::timeout(DEADLINE, events.recv()).await.expect("pulled again").unwrap().stream,
    };
    assert_eq!(again.protocol(), Protocol::Rtsp);
    next_sample(&mut again.subscribe()).await;
    pull.abort();
    drop(camera);
}
