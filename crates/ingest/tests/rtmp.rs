//! Publishing by RTMP: ffmpeg pushes, and ffmpeg judges what came out.

mod house;
#[path = "house/publisher.rs"]
mod publisher;

use house::{assert_same, ffmpeg, film, next_sample, receive, with_rtmp, with_rtmps};
use playhouse_media::annexb;
use playhouse_media::decoder::{Pictures, hevc};
use playhouse_media::frame::Size;
use playhouse_media::live::{Format, VideoCodec};
use publisher::{AUDIO, Publisher, VIDEO};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const H264: [&str; 6] = ["-c:v", "libx264", "-bf", "2", "-g", "50"];

#[tokio::test]
async fn what_ffmpeg_pushes_decodes_to_the_same_pictures_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &H264).await;
    let (house, _, address) = with_rtmp();
    let url = format!("rtmp://{address}/live/secret");
    let push = ["-i", film.to_str().unwrap(), "-c", "copy", "-f", "flv", &url];
    let (received, (pushed, said)) = tokio::join!(receive(&house), ffmpeg(&push));
    assert!(pushed, "{said}");
    assert_eq!(received.formats.len(), 2);
    assert_eq!(received.changes, 1, "both tracks are said at once");
    assert!(matches!(received.formats[0], Format::Video { size, .. } if size == Size::new(320, 180)));
    received.assert_timed(1.96, 0.2);
    assert_same(&received, &film, "h264").await;
}

#[tokio::test]
async fn what_is_pushed_by_tls_is_the_same_and_what_is_not_by_tls_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &H264).await;
    let (house, _, address) = with_rtmps();
    let push = |url: String| {
        let film = film.to_str().unwrap().to_owned();
        async move { ffmpeg(&["-i", &film, "-c", "copy", "-f", "flv", &url]).await }
    };
    let (received, (pushed, said)) =
        tokio::join!(receive(&house), push(format!("rtmps://{address}/live/secret")));
    assert!(pushed, "{said}");
    received.assert_timed(1.96, 0.2);
    assert_same(&received, &film, "h264").await;
    let (pushed, _) = push(format!("rtmp://{address}/live/secret")).await;
    assert!(!pushed);
}

#[tokio::test]
async fn pictures_alone_and_sound_alone_are_taken_and_the_key_may_stand_in_the_query() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &H264).await;
    let (house, _, address) = with_rtmp();
    let url = format!("rtmp://{address}/live/whatever?key=secret");
    for (drop, video) in [("-an", true), ("-vn", false)] {
        let push = ["-i", film.to_str().unwrap(), drop, "-c", "copy", "-f", "flv", &url];
        let (received, (pushed, said)) = tokio::join!(receive(&house), ffmpeg(&push));
        assert!(pushed, "{said}");
        assert_eq!(received.formats.len(), 1);
        assert_eq!(received.formats[0].is_video(), video);
        received.assert_timed(1.96, 0.2);
    }
}

#[tokio::test]
async fn hevc_by_enhanced_rtmp_decodes_to_the_same_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let film =
        film(folder.path(), &["-c:v", "libx265", "-x265-params", "log-level=none:aud=1:bframes=0"]).await;
    let raw = folder.path().join("sent.hevc");
    let (done, said) = ffmpeg(&["-i", name(&film), "-c:v", "copy", name(&raw)]).await;
    assert!(done, "{said}");
    let (house, _, address) = with_rtmp();
    let publish = async {
        let stream = std::fs::read(&raw).unwrap();
        let units: Vec<_> = annexb::nals(&stream).collect();
        let pictures =
            units.split(|unit| hevc::kind(unit) == hevc::DELIMITER).filter(|units| !units.is_empty());
        let mut publisher = Publisher::accepted(address, "secret").await;
        publisher.tracks(&["videocodecid"]).await;
        let mut sets = Pictures::new(VideoCodec::Hevc).expect("pictures of HEVC");
        for (number, units) in (0_u32..).zip(pictures) {
            let picture = sets.add(units.iter().copied());
            if let Some(Format::Video { config, .. }) = sets.format() {
                publisher.tag(VIDEO, 0, &[&[0x90][..], b"hvc1", &config].concat()).await;
            }
            let first = if picture.keyframe { 0x93 } else { 0xA3 };
            publisher.tag(VIDEO, number * 40, &[&[first][..], b"hvc1", &picture.data].concat()).await;
        }
    };
    let (received, ()) = tokio::join!(receive(&house), publish);
    assert!(
        matches!(received.formats[0], Format::Video { codec: VideoCodec::Hevc, size, .. } if size == Size::new(320, 180))
    );
    received.assert_timed(1.96, 0.2);
    assert_same(&received, &film, "hevc").await;
}

#[tokio::test]
async fn a_wrong_key_is_told_to_the_program_that_used_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), &H264).await;
    let (house, _, address) = with_rtmp();
    let url = format!("rtmp://{address}/live/wrong");
    let (pushed, said) = ffmpeg(&["-i", film.to_str().unwrap(), "-c", "copy", "-f", "flv", &url]).await;
    assert!(!pushed && said.contains("This stream key opens no channel."), "{said}");
    assert!(house.hub.streams().is_empty());
}

#[tokio::test]
async fn a_second_publisher_is_refused_or_takes_over_as_the_channel_says() {
    let (house, keys, address) = with_rtmp();
    let first = Publisher::accepted(address, "secret").await;
    let said = Publisher::begin(address, "secret").await.last_words().await;
    assert!(said.contains("is being published already"), "{said}");
    keys.set("secret", "channel", true);
    let second = Publisher::accepted(address, "secret").await;
    let said = first.last_words().await;
    assert!(said.contains("Another publisher has taken the channel over"), "{said}");
    assert_eq!(house.hub.streams().len(), 1);
    drop(second);
}

#[tokio::test]
async fn a_revoked_key_ends_the_stream_within_seconds() {
    let (house, keys, address) = with_rtmp();
    let publisher = Publisher::accepted(address, "secret").await;
    assert_eq!(house.hub.streams().len(), 1);
    keys.revoke("secret");
    let said = publisher.last_words().await;
    assert!(said.contains("This stream key opens no channel."), "{said}");
    assert!(house.hub.streams().is_empty());
}

#[tokio::test]
async fn a_publisher_that_falls_silent_is_ended_with_a_message() {
    let (house, _, address) = with_rtmp();
    let publisher = Publisher::accepted(address, "secret").await;
    let said = publisher.last_words().await;
    assert!(said.contains("It sent nothing for 10 seconds."), "{said}");
    assert!(house.hub.streams().is_empty());
}

#[tokio::test]
async fn rubbish_ends_its_own_connection_and_no_other() {
    let (house, keys, address) = with_rtmp();
    keys.set("other", "other", false);
    let other = Publisher::accepted(address, "other").await;
    // A message that claims to have 16 MiB.
    let mut publisher = Publisher::accepted(address, "secret").await;
    publisher.socket.write_all(&[6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0]).await.unwrap();
    let said = publisher.last_words().await;
    assert!(said.contains("16777215 bytes"), "{said}");
    // A chunk of nothing.
    let mut publisher = Publisher::accepted(address, "secret").await;
    publisher.socket.write_all(&[0xFF; 5000]).await.unwrap();
    let said = publisher.last_words().await;
    assert!(said.contains("before it began"), "{said}");
    // A codec that nobody takes.
    let mut publisher = Publisher::accepted(address, "secret").await;
    publisher.tag(AUDIO, 0, &[0x2F, 1, 2, 3]).await;
    let said = publisher.last_words().await;
    assert!(said.contains("MP3") && said.contains("choose AAC or Opus"), "{said}");
    assert_eq!(house.hub.streams().len(), 1);
    drop(other);
}

/// By x264: 1280x720, and the end of 1920x1080.
const RECORDS: [&[u8]; 2] = [
    &[
        1, 0x42, 0xC0, 0x20, 0xFF, 0xE1, 0, 26, 0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8,
        0x08, 0x08, 0x0A, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40, 1, 0,
        4, 0x68, 0xCE, 0x3C, 0x80,
    ],
    &[
        1, 0x64, 0, 0x28, 0xFF, 0xE1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27,
        0xE5, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C, 0x60, 0xC6, 0x58,
        1, 0, 4, 0x68, 0xCE, 0x3C, 0x80,
    ],
];

#[tokio::test]
async fn a_stream_goes_on_where_its_size_and_its_clock_change() {
    let (house, _, address) = with_rtmp();
    let publish = async {
        let mut publisher = Publisher::accepted(address, "secret").await;
        publisher.tracks(&["videocodecid"]).await;
        // An hour forward, then back to the beginning.
        for (from, record) in [(0, RECORDS[0]), (3_600_000, RECORDS[1]), (40, RECORDS[0])] {
            publisher.tag(VIDEO, from, &[&[0x17, 0, 0, 0, 0], record].concat()).await;
            for number in 0..5 {
                let first = if number == 0 { 0x17 } else { 0x27 };
                let picture = [first, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 9];
                publisher.tag(VIDEO, from + number * 40, &picture).await;
            }
        }
    };
    let (received, ()) = tokio::join!(receive(&house), publish);
    assert_eq!((received.changes, received.samples.len()), (3, 15));
    received.assert_timed(0.56, 0.2);
}

fn name(path: &std::path::Path) -> &str {
    path.to_str().expect("a name that is text")
}

/// By x265: 320x180, as a decoder configuration record has it (ISO/IEC 14496-15, section 8.3.3).
async fn hevc_record(folder: &std::path::Path) -> Vec<u8> {
    let film = film(folder, &["-c:v", "libx265", "-x265-params", "log-level=none:bframes=0"]).await;
    let raw = folder.join("sets.hevc");
    let (done, said) = ffmpeg(&["-i", name(&film), "-c:v", "copy", name(&raw)]).await;
    assert!(done, "{said}");
    let mut sets = Pictures::new(VideoCodec::Hevc).expect("pictures of HEVC");
    sets.add(annexb::nals(&std::fs::read(&raw).expect("what ffmpeg wrote")));
    let Some(Format::Video { config, .. }) = sets.format() else { panic!("no sets") };
    config.to_vec()
}

#[tokio::test]
async fn a_stream_goes_on_where_its_codec_changes() {
    let folder = tempfile::tempdir().unwrap();
    let hevc = hevc_record(folder.path()).await;
    let (house, _, address) = with_rtmp();
    let publish = async {
        let mut publisher = Publisher::accepted(address, "secret").await;
        publisher.tracks(&["videocodecid"]).await;
        publisher.tag(VIDEO, 0, &[&[0x17, 0, 0, 0, 0], RECORDS[0]].concat()).await;
        for number in 0..5 {
            let first = if number == 0 { 0x17 } else { 0x27 };
            publisher.tag(VIDEO, number * 40, &[first, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 9]).await;
        }
        publisher.tag(VIDEO, 200, &[&[0x90][..], b"hvc1", &hevc].concat()).await;
        for number in 5..10 {
            let first = if number == 5 { 0x93 } else { 0xA3 };
            publisher
                .tag(VIDEO, number * 40, &[&[first][..], b"hvc1", &[0, 0, 0, 3, 0x26, 1, 9]].concat())
                .await;
        }
    };
    let (received, ()) = tokio::join!(receive(&house), publish);
    assert_eq!((received.changes, received.samples.len()), (2, 10));
    assert!(matches!(received.formats[0], Format::Video { codec: VideoCodec::Hevc, .. }));
    received.assert_timed(0.36, 0.05);
}

#[tokio::test]
async fn the_first_picture_is_there_before_the_second_is_sent() {
    let (house, _, address) = with_rtmp();
    let mut publisher = Publisher::accepted(address, "secret").await;
    let mut subscription = house.hub.stream("channel").unwrap().subscribe();
    publisher.tracks(&["videocodecid"]).await;
    publisher.tag(VIDEO, 0, &[&[0x17, 0, 0, 0, 0], RECORDS[0]].concat()).await;
    publisher.tag(VIDEO, 0, &[0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 9]).await;
    assert!(next_sample(&mut subscription).await.keyframe);
}

#[tokio::test]
async fn connections_that_trickle_or_stand_half_open_hold_up_no_publisher() {
    let (house, keys, address) = with_rtmp();
    keys.set("other", "other", false);
    // Some say nothing, some stop in the middle of the greeting, and one sends a picture byte by byte.
    let mut half_open = Vec::new();
    for number in 0..16 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let greeting = [&[3][..], &[0; 1536]].concat();
        socket.write_all(&greeting[..number * 100]).await.unwrap();
        half_open.push(socket);
    }
    let mut trickling = Publisher::accepted(address, "other").await;
    let message = [6, 0, 0, 0, 0, 0xFF, 0xFF, VIDEO, 1, 0, 0, 0];
    trickling.socket.write_all(&message).await.unwrap();
    let mut publisher = Publisher::accepted(address, "secret").await;
    let mut subscription = house.hub.stream("channel").unwrap().subscribe();
    publisher.tracks(&["videocodecid"]).await;
    publisher.tag(VIDEO, 0, &[&[0x17, 0, 0, 0, 0], RECORDS[0]].concat()).await;
    for number in 0..250 {
        trickling.socket.write_all(&[0x17]).await.unwrap();
        let first = if number == 0 { 0x17 } else { 0x27 };
        let slice = if number == 0 { 0x65 } else { 0x41 };
        publisher.tag(VIDEO, number * 40, &[first, 1, 0, 0, 0, 0, 0, 0, 2, slice, 9]).await;
        // Each picture is there before the next one is sent.
        let sample = next_sample(&mut subscription).await;
        assert_eq!(sample.keyframe, number == 0);
    }
    // The one that trickles is still on, and none of it reached the other.
    assert_eq!(house.hub.streams().len(), 2);
}
