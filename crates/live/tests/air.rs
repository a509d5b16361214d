//! What is published is recorded, survives a program that dies, and becomes a film.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use playhouse_live::{Admission, Air, Broadcast, Hub, Missing, Protocol, Publisher, Tape};
use playhouse_media::frame::Size;
use playhouse_media::live::{Asked, AudioCodec, File, Format, Found, Sample, VideoCodec, Window};
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
    length: Duration,
}

impl Studio {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let air = Arc::new(Air::new(folder.path().join("live"), folder.path().join("recordings")));
        Self { folder, hub: Arc::default(), air, length: LENGTH }
    }

    async fn publish(&self) -> (Publisher, Arc<Broadcast>) {
        let admission = Admission { channel: "c".to_owned(), replace: true };
        let publisher = self.hub.publish(&admission, Protocol::Rtmp).unwrap();
        publisher.formats(formats()).unwrap();
        tokio::spawn(self.air.clone().record(Arc::clone(publisher.stream()), self.length));
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

/// Plays hundreds of pictures, each once the one before is on the disk: who plays faster than that loses segments.
async fn play_long(publisher: &Publisher, broadcast: &Broadcast, hundreds: std::ops::Range<u64>) {
    for hundred in hundreds {
        play(publisher, broadcast, hundred * 100..hundred * 100 + 100).await;
        // The segment that is open may have two seconds.
        let seconds = hundred * 4 + 1;
        let there = |window: &Window| match (window.era(), window.span()) {
            (Some(era), Some(span))
                if span.end >= era.wall + seconds * 1_000_000 && window.unwritten().is_none() =>
            {
                Found::Here(())
            }
            _ => Found::Soon,
        };
        broadcast.when(there, PATIENCE).await.unwrap();
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
    std::fs::write(studio.folder.path().join("live/c").join("1.new"), b"half").unwrap();
    std::fs::write(studio.folder.path().join("live/c").join(format!("{}.segment", first + 99)), b"PLAYLIVE")
        .unwrap();
    let air = Arc::new(Air::new(studio.folder.path().join("live"), studio.folder.path().join("recordings")));
    std::fs::create_dir(studio.folder.path().join("live/gone")).unwrap();
    air.restore(&[("c".to_owned(), LENGTH)]);
    let again = air.broadcast("c").unwrap();
    let playlist = again.playlist(0, false).unwrap();
    let found = segments(&playlist);
    assert!(found.len() >= 8 && found[0] == first, "{playlist}");
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    assert!(!studio.folder.path().join("live/gone").exists(), "what belongs to no channel is removed");
    assert!(!studio.folder.path().join("live/c").join("1.new").exists());

    let after = Studio { hub: Arc::default(), air, ..studio };
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

/// The segments of a recording, and whether it goes on.
fn recorded(tape: &Tape) -> (Vec<u64>, bool) {
    let playlist = tape.broadcast().playlist(0, false).unwrap_or_else(|| "#EXTM3U\n".into());
    assert!(!playlist.contains("EXT-X-PART"), "{playlist}");
    (segments(&playlist), !playlist.contains("ENDLIST"))
}

/// Waits until a recording has the newest segment of its channel.
async fn caught_up(tape: &Tape, broadcast: &Broadcast) {
    let newest = broadcast.window().newest();
    let there = |window: &Window| if window.newest() >= newest { Found::Here(()) } else { Found::Soon };
    tape.broadcast().when(there, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_recording_is_longer_than_the_window_goes_on_after_a_crash_and_becomes_one_film() {
    let studio = Studio { length: Duration::from_secs(10), ..Studio::new() };
    let (publisher, broadcast) = studio.publish().await;
    play(&publisher, &broadcast, 0..100).await;
    assert!(studio.air.tape("../r", "c", 0..u64::MAX).is_err(), "no folder is called that");
    assert!(studio.air.tape("r", "nobody", 0..u64::MAX).unwrap().is_none());
    let tape = studio.air.tape("r", "c", 0..u64::MAX).unwrap().unwrap();
    play_long(&publisher, &broadcast, 1..25).await;
    caught_up(&tape, &broadcast).await;
    let (found, goes_on) = recorded(&tape);
    assert!(goes_on);
    assert!(found.windows(2).all(|two| two[0] + 1 == two[1]), "{found:?}");
    let left = segments(&broadcast.playlist(0, false).unwrap());
    assert!(found[0] + 20 < left[0], "the window has let go of the beginning: {found:?} {left:?}");
    let first = tape.broadcast().window().find(File::Segment(0, found[0]));
    assert!(
        matches!(first, Found::Here(Asked::Disk(..))) && tape.broadcast().segment_path(found[0]).exists()
    );

    // The program is just gone. Another one goes on where it was, with another publisher.
    let air = Air::new(studio.folder.path().join("live"), studio.folder.path().join("recordings"));
    std::fs::create_dir(studio.folder.path().join("recordings/gone")).unwrap();
    air.erase_others(&["r".to_owned()]);
    assert!(!studio.folder.path().join("recordings/gone").exists());
    air.restore(&[("c".to_owned(), studio.length)]);
    let after = Studio { hub: Arc::default(), air: Arc::new(air), ..studio };
    let tape = after.air.tape("r", "c", 0..u64::MAX).unwrap().unwrap();
    let (publisher, broadcast) = after.publish().await;
    let before = broadcast.window().newest();
    play(&publisher, &broadcast, 0..100).await;
    drop(publisher);
    let over = |window: &Window| match window.unwritten() {
        None if window.open_segment().is_none() && window.newest() > before => Found::Here(()),
        _ => Found::Soon,
    };
    broadcast.when(over, PATIENCE).await.unwrap();
    caught_up(&tape, &broadcast).await;
    let (both, _) = recorded(&tape);
    assert_eq!(both[..found.len()], found);
    assert!(both.len() > found.len());
    let runs = tape.broadcast().window().runs();
    assert_eq!(runs, [both], "the same tracks make one film");
    let mut film = Vec::new();
    let millis = tape.film(&runs[0], &mut film).unwrap();
    assert!(millis > 100_000, "{millis}");
    let mut sidecar = std::io::Cursor::new(Vec::new());
    let summary = playhouse_media::film::index(&mut std::io::Cursor::new(film), &mut sidecar).unwrap();
    assert!(summary.tracks.iter().all(|track| track.bytes >= 2_550 * 50), "samples are lost");
    after.air.erase("r");
    assert!(!after.folder.path().join("recordings/r").exists());
}

#[tokio::test]
async fn a_recording_has_what_its_time_says_and_no_more() {
    let studio = Studio::new();
    let (publisher, broadcast) = studio.publish().await;
    play_long(&publisher, &broadcast, 0..5).await;
    let begin = broadcast.window().span().unwrap().start;
    let second = 1_000_000;
    let tape = studio.air.tape("r", "c", begin + 5 * second..begin + 30 * second).unwrap().unwrap();
    play_long(&publisher, &broadcast, 5..10).await;
    let past = |window: &Window| match window.span() {
        Some(span) if span.end >= begin + 29 * second => Found::Here(span),
        _ => Found::Soon,
    };
    let span = tape.broadcast().when(past, PATIENCE).await.unwrap();
    assert!((begin + 2 * second..=begin + 5 * second).contains(&span.start), "{span:?}");
    assert!(span.end <= begin + 33 * second, "{span:?}");
    tape.stop();
    let (before, _) = recorded(&tape);
    play_long(&publisher, &broadcast, 10..12).await;
    assert_eq!(recorded(&tape).0, before);
}
