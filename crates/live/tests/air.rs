//! What is published is recorded, survives a program that dies, and becomes a film.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use playhouse_live::{Admission, Air, Broadcast, Hub, Missing, Protocol, Publisher};
use playhouse_media::frame::Size;
use playhouse_media::live::{AudioCodec, File, Format, Found, Sample, VideoCodec, Window};
use playhouse_media::time::Timestamp;
use tempfile::TempDir;

/// Longest wait for anything: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);
const LENGTH: Duration = Duration::from_hours(2);

fn formats() -> Vec<Format> {
    let config = Arc::from([1, 0x64, 0, 0x28, 0xFF, 0xE0, 0]);
    vec![
        Format::Video { codec: VideoCodec::H264, size: Size::new(64, 64), config },
        Format::Audio {
            codec: AudioCodec::Aac,
            channels: 2,
            sample_rate: 48_000,
            config: Arc::from([0x11, 0x90]),
        },
    ]
}

struct Studio {
    folder: TempDir,
    hub: Arc<Hub>,
    air: Arc<Air>,
}

impl Studio {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let air = Arc::new(Air::new(folder.path().to_owned()));
        Self { folder, hub: Arc::default(), air }
    }

    async fn publish(&self) -> (Publisher, Arc<Broadcast>) {
        let admission = Admission { channel: "c".to_owned(), replace: true };
        let publisher = self.hub.publish(&admission, Protocol::Rtmp).unwrap();
        publisher.formats(formats()).unwrap();
        tokio::spawn(self.air.clone().record(Arc::clone(publisher.stream()), LENGTH));
        let found = async {
            loop {
                // The recorder begins before anything is published.
                tokio::task::yield_now().await;
                if let Some(broadcast) = self.air.broadcast("c") {
                    return broadcast;
                }
            }
        };
        (publisher, tokio::time::timeout(PATIENCE, found).await.unwrap())
    }
}

/// Publishes pictures of those numbers, 25 a second, a keyframe each second, and waits until they are recorded.
async fn play(publisher: &Publisher, broadcast: &Broadcast, pictures: std::ops::Range<u64>) {
    for number in pictures.clone() {
        let at = Timestamp::from_micros(number * 40_000);
        let sample = |track, keyframe| Sample { track, data: Arc::from([7; 50]), dts: at, pts: at, keyframe };
        publisher.sample(sample(0, number % 25 == 0)).unwrap();
        publisher.sample(sample(1, true)).unwrap();
        if number % 100 == 99 {
            let span = Duration::from_millis((number - pictures.start) * 40 / 2);
            let reached = |window: &Window| match window.span() {
                Some(at)
                    if Duration::from_micros(at.end - at.start) > span && window.unwritten().is_none() =>
                {
                    Found::Here(())
                }
                _ => Found::Soon,
            };
            broadcast.when(reached, PATIENCE).await.unwrap();
        }
    }
}

/// Waits until that segment is over and on the disk.
async fn stored(broadcast: &Broadcast, number: u64) {
    let there = |window: &Window| match window.find(File::Segment(0, number)) {
        Found::Here(_) if window.is_written(u64::MAX) => Found::Here(()),
        _ => Found::Soon,
    };
    broadcast.when(there, PATIENCE).await.unwrap();
}

fn segments(playlist: &str) -> Vec<u64> {
    playlist.lines().filter_map(|line| line.strip_prefix("0/")?.strip_suffix(".m4s")?.parse().ok()).collect()
}

#[tokio::test]
async fn whoever_waits_for_the_next_part_gets_it_and_whoever_waits_in_vain_is_told() {
    let studio = Studio::new();
    let (publisher, broadcast) = studio.publish().await;
    play(&publisher, &broadcast, 0..10).await;
    let first = |window: &Window| window.era().map_or(Found::Soon, |era| Found::Here(era.first));
    let first = broadcast.when(first, PATIENCE).await.unwrap();
    let waiting = {
        let broadcast = Arc::clone(&broadcast);
        tokio::spawn(
            async move { broadcast.when(|window| window.find(File::Part(0, first, 1)), PATIENCE).await },
        )
    };
    broadcast.when(|window| window.reaches(first, Some(0), 0), PATIENCE).await.unwrap();
    play(&publisher, &broadcast, 10..25).await;
    waiting.await.unwrap().unwrap();
    let late = broadcast.when(|window| window.reaches(first + 1, None, 0), Duration::from_millis(20)).await;
    assert_eq!(late, Err(Missing::Late));
    let wrong = broadcast.when(|window| window.reaches(first + 9, None, 0), PATIENCE).await;
    assert_eq!(wrong, Err(Missing::Nowhere));
}

#[tokio::test]
async fn what_was_recorded_survives_a_program_that_dies() {
    let studio = Studio::new();
    let (publisher, broadcast) = studio.publish().await;
    play(&publisher, &broadcast, 0..500).await;
    let first = broadcast.window().era().unwrap().first;
    stored(&broadcast, first + 7).await;
    // Nothing is ended: the program is just gone, in the middle of a write.
    std::fs::write(studio.folder.path().join("c").join("1.new"), b"half").unwrap();
    std::fs::write(studio.folder.path().join("c").join(format!("{}.segment", first + 99)), b"PLAYLIVE")
        .unwrap();
    let air = Arc::new(Air::new(studio.folder.path().to_owned()));
    std::fs::create_dir(studio.folder.path().join("gone")).unwrap();
    air.restore(&[("c".to_owned(), LENGTH)]);
    let again = air.broadcast("c").unwrap();
    let playlist = again.playlist(0, false).unwrap();
    let found = segments(&playlist);
    assert!(found.len() >= 8 && found[0] == first, "{playlist}");
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    assert!(!studio.folder.path().join("gone").exists(), "what belongs to no channel is removed");
    assert!(!studio.folder.path().join("c").join("1.new").exists());

    let after = Studio { folder: studio.folder, hub: Arc::default(), air };
    let (publisher, broadcast) = after.publish().await;
    play(&publisher, &broadcast, 0..80).await;
    let goes_on = |window: &Window| match window.playlist(0, false) {
        Some(text) if text.contains("#EXT-X-DISCONTINUITY\n") && segments(&text).len() > found.len() => {
            Found::Here(text)
        }
        _ => Found::Soon,
    };
    let playlist = broadcast.when(goes_on, PATIENCE).await.unwrap();
    assert_eq!(segments(&playlist)[..found.len()], found, "{playlist}");
}

#[tokio::test]
async fn a_publisher_that_comes_back_goes_on_in_the_same_broadcast_and_both_are_one_film() {
    let studio = Studio::new();
    let (publisher, broadcast) = studio.publish().await;
    play(&publisher, &broadcast, 0..100).await;
    drop(publisher);
    let (publisher, broadcast) = studio.publish().await;
    let ended = |window: &Window| if window.open_segment().is_none() { Found::Here(()) } else { Found::Soon };
    broadcast.when(ended, PATIENCE).await.unwrap();
    play(&publisher, &broadcast, 0..100).await;
    drop(publisher);
    let both = |window: &Window| match window.playlist(0, false) {
        Some(text) if text.contains("#EXT-X-DISCONTINUITY\n") && window.open_segment().is_none() => {
            Found::Here(text)
        }
        _ => Found::Soon,
    };
    let playlist = broadcast.when(both, PATIENCE).await.unwrap();
    assert!(!playlist.contains("ENDLIST"), "viewers wait for a while: {playlist}");
    let last = *segments(&playlist).last().unwrap();
    stored(&broadcast, last).await;
    let mut film = Vec::new();
    let millis = broadcast.keep(0, u64::MAX, &mut film).unwrap();
    assert!((7_900..8_200).contains(&millis), "{millis}");
    let mut sidecar = std::io::Cursor::new(Vec::new());
    let summary = playhouse_media::film::index(&mut std::io::Cursor::new(film), &mut sidecar).unwrap();
    assert_eq!(summary.tracks.iter().map(|track| track.bytes).collect::<Vec<_>>(), [200 * 50, 200 * 50]);
    assert!(broadcast.keep(0, 1, &mut Vec::new()).is_err());
}
