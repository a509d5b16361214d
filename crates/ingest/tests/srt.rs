//! Publishing by SRT: ffmpeg pushes a transport stream, and ffmpeg judges what came out.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

mod house;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use house::{DEADLINE, Keys, assert_begins_same, ffmpeg, film, house, receive};
use playhouse_ingest::{House, SrtListener};
use playhouse_live::{Admission, Protocol};
use playhouse_media::frame::Size;
use playhouse_media::live::Format;

fn with_srt() -> (House, Arc<Keys>, SocketAddr) {
    let (house, keys) = house();
    let listener = SrtListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(playhouse_ingest::srt(listener, house.clone()));
    (house, keys, address)
}

/// Pushes as fast as it plays: what comes faster than the line takes is dropped by SRT, as it should be.
async fn push(film: &std::path::Path, url: &str) -> (bool, String) {
    ffmpeg(&["-re", "-i", film.to_str().unwrap(), "-c", "copy", "-f", "mpegts", url]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_and_aac_decode_to_the_same_pictures_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx264", "-bf", "2", "-g", "50"]).await;
    let (house, _, address) = with_srt();
    let url = format!("srt://{address}?streamid=secret");
    let (received, (pushed, said)) = tokio::join!(receive(&house), push(&film, &url));
    assert!(pushed, "{said}");
    assert_eq!((received.formats.len(), received.changes), (2, 1));
    assert!(matches!(received.formats[0], Format::Video { size, .. } if size == Size::new(320, 180)));
    received.assert_timed(1.96, 0.6);
    assert_begins_same(&received, &film, "h264").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hevc_decodes_to_the_same_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx265", "-x265-params", "log-level=none"]).await;
    let (house, _, address) = with_srt();
    let url = format!("srt://{address}?streamid=#!::m=publish,r=secret");
    let (received, (pushed, said)) = tokio::join!(receive(&house), push(&film, &url));
    assert!(pushed, "{said}");
    received.assert_timed(1.96, 0.6);
    assert_begins_same(&received, &film, "hevc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_and_a_second_publisher_are_refused_before_they_send() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx264"]).await;
    let (house, _, address) = with_srt();
    let (pushed, _) = push(&film, &format!("srt://{address}?streamid=wrong")).await;
    assert!(!pushed && house.hub.streams().is_empty());
    let admission = Admission { channel: "channel".to_owned(), replace: false };
    let first = house.hub.publish(&admission, Protocol::Rtmp).unwrap();
    let (pushed, _) = push(&film, &format!("srt://{address}?streamid=secret")).await;
    assert!(!pushed && !first.stream().has_ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_transport_stream_ends_and_rubbish_on_the_port_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx264"]).await;
    let (house, _, address) = with_srt();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for length in [0, 1, 15, 16, 64, 1400] {
        socket.send_to(&vec![0x80; length], address).unwrap();
    }
    let url = format!("srt://{address}?streamid=secret&pkt_size=1316");
    let raw = ["-i", film.to_str().unwrap(), "-map", "0:v", "-f", "rawvideo", &url];
    let (received, _) = tokio::join!(receive(&house), ffmpeg(&raw));
    assert!(received.samples.is_empty());
    let url = format!("srt://{address}?streamid=secret");
    let (received, (pushed, said)) = tokio::join!(receive(&house), push(&film, &url));
    assert!(pushed, "{said}");
    assert!(received.of(true).count() > 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_ends_the_stream_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &["-c:v", "libx264"]).await;
    let (house, keys, address) = with_srt();
    let url = format!("srt://{address}?streamid=secret");
    let endless =
        ["-re", "-stream_loop", "-1", "-i", film.to_str().unwrap(), "-c", "copy", "-f", "mpegts", &url];
    let mut events = house.hub.events();
    let revoke = async {
        events.recv().await.unwrap();
        keys.revoke("secret");
        events.recv().await.unwrap();
    };
    let ended = tokio::time::timeout(DEADLINE, async { tokio::join!(ffmpeg(&endless), revoke) }).await;
    let ((pushed, _), ()) = ended.expect("both end");
    assert!(!pushed, "its program is told by the end of the connection");
    assert_eq!(house.hub.streams().len(), 0);
}
