//! What those who publish and watch notice, over real sockets.

use std::net::Ipv4Addr;
use std::time::Instant;

use playhouse_live::{Item, Publisher, Refusal, Subscription, Verdict};
use playhouse_media::annexb;
use playhouse_media::decoder::{self, Pictures};
use playhouse_media::frame::Size;
use playhouse_media::live::{AudioCodec, Sample};
use playhouse_media::time::Timestamp;
use playhouse_testkit::publisher::{self, Publisher as Studio};
use playhouse_testkit::viewer::{Offered, Viewer};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// By x264: 1280x720, constrained baseline.
const SETS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0x00, 0x00,
    0x03, 0x00, 0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40, 0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80,
];

/// How long anything may take on a machine that does other things as well.
const DEADLINE: Duration = Duration::from_secs(30);

/// Opens the channel `one` for every key until it is shut.
#[derive(Default)]
struct Keyring(AtomicBool);

impl Door for Keyring {
    fn admit<'a>(&'a self, _key: &'a str, _protocol: Protocol, _from: IpAddr) -> Verdict<'a> {
        let shut = self.0.load(Ordering::Relaxed);
        Box::pin(async move { if shut { Err(Refusal("Shut.".to_owned())) } else { Ok(admission()) } })
    }
}

fn admission() -> Admission {
    Admission { channel: "one".to_owned(), replace: true }
}

struct House {
    hub: Arc<Hub>,
    door: Arc<Keyring>,
    rtc: Arc<Rtc>,
}

impl House {
    fn new() -> Self {
        let (hub, door) = (Arc::new(Hub::default()), Arc::new(Keyring::default()));
        let places = Places { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ports: 0..=0 };
        Self { rtc: Rtc::new(Arc::clone(&hub), door.clone(), places), hub, door }
    }

    fn publish(&self, formats: Vec<Format>) -> Publisher {
        let publisher = self.hub.publish(&admission(), Protocol::Rtmp).unwrap();
        publisher.formats(formats).unwrap();
        publisher
    }

    fn watch(&self, peer: &str) -> Result<Viewer, WebrtcError> {
        let (offered, offer) = Offered::new().unwrap();
        Ok(offered.answered(&self.rtc.watch("one", peer, "pia", &offer)?).unwrap())
    }

    fn studio(&self, peer: &str) -> Studio {
        let (offered, offer) = publisher::Offered::new().unwrap();
        offered.answered(&self.rtc.publish(&admission(), "key", peer, &offer).unwrap()).unwrap()
    }

    /// What is published on the channel.
    async fn subscribed(&self) -> Subscription {
        until("a stream", || self.hub.stream("one").map(|stream| stream.subscribe())).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.rtc.stop();
    }
}

async fn until<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = step() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn video(codec: VideoCodec) -> Format {
    let mut pictures = Pictures::new(VideoCodec::H264).unwrap();
    pictures.add(annexb::nals(SETS));
    let Some(Format::Video { size, config, .. }) = pictures.format() else { panic!("no format") };
    assert_eq!(size, Size::new(1280, 720));
    Format::Video { codec, size, config }
}

fn sample(number: u64, pts: u64) -> Sample {
    let keyframe = number.is_multiple_of(10);
    let mut unit = vec![0, 0, 0, 0, if keyframe { 0x65 } else { 0x41 }];
    unit.extend([7; 3000]);
    let length = u32::try_from(unit.len() - 4).unwrap();
    unit[..4].copy_from_slice(&length.to_be_bytes());
    let micros = |number: u64| Timestamp::from_micros(1_000_000 + number * 20_000);
    Sample { track: 0, data: unit.into(), dts: micros(number), pts: micros(pts), keyframe }
}

/// Publishes pictures until all viewers have so many.
async fn show(publisher: &Publisher, from: u64, viewers: &[&Viewer], frames: u64) -> u64 {
    let mut number = from;
    until("pictures", || {
        publisher.sample(sample(number, number)).unwrap();
        number += 1;
        viewers.iter().all(|viewer| viewer.frames() >= frames).then_some(number)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_seen_by_many_and_goes_on_with_another_publisher() {
    let house = House::new();
    assert_eq!(house.watch("early").unwrap_err(), WebrtcError::NotLive);
    let first = house.publish(vec![video(VideoCodec::H264)]);
    let (one, two) = (house.watch("one").unwrap(), house.watch("two").unwrap());
    show(&first, 0, &[&one, &two], 30).await;
    drop(first);
    let second = house.publish(vec![video(VideoCodec::H264)]);
    let before = one.frames().max(two.frames());
    show(&second, 0, &[&one, &two], before + 30).await;
    house.rtc.close("one").unwrap();
    drop((one, two));
    until("the end of the feed", || house.rtc.lock().channels.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_browsers_do_not_take_is_refused_with_the_reason() {
    let house = House::new();
    let publisher = house.publish(vec![video(VideoCodec::Hevc)]);
    let error = house.watch("viewer").unwrap_err();
    assert!(matches!(&error, WebrtcError::Unsuitable(reason) if reason.contains("Hevc")), "{error}");
    publisher.formats(vec![video(VideoCodec::H264)]).unwrap();
    for (number, pts) in [(0, 0), (1, 3), (2, 1)] {
        publisher.sample(sample(number, pts)).unwrap();
    }
    let error = house.watch("viewer").unwrap_err();
    assert!(matches!(&error, WebrtcError::Unsuitable(reason) if reason.contains("B-frames")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_frames_that_come_later_end_the_connection_and_so_does_a_rubbish_offer() {
    let house = House::new();
    let publisher = house.publish(vec![video(VideoCodec::H264)]);
    let viewer = house.watch("viewer").unwrap();
    let number = show(&publisher, 0, &[&viewer], 5).await;
    publisher.sample(sample(number, number + 2)).unwrap();
    publisher.sample(sample(number + 1, number + 1)).unwrap();
    until("the end", || house.rtc.owner("viewer").is_none().then_some(())).await;
    assert!(matches!(house.rtc.watch("one", "x", "pia", "v=0 rubbish"), Err(WebrtcError::Unsuitable(_))));
    assert!(matches!(
        house.rtc.publish(&admission(), "key", "y", "v=0 rubbish"),
        Err(WebrtcError::Refused(_))
    ));
    assert!(!publisher.stream().has_ended(), "an offer that is none replaces nobody");
}

/// Sends pictures and sound by WHIP until `done`.
async fn send(studio: &Studio, mut done: impl FnMut() -> bool) {
    let (mut number, mut keyframes) = (0_u64, 0);
    until("what was published", || {
        let wanted = studio.keyframes_wanted();
        let keyframe = wanted > keyframes;
        keyframes = wanted;
        let unit = if keyframe {
            [SETS, &[0, 0, 0, 1, 0x65], &[7; 3000]].concat()
        } else {
            vec![0, 0, 0, 1, 0x41, 9]
        };
        studio.picture(&unit, number * 450);
        studio.sound(&[0xFC, 1, 2], number * 240);
        number += 1;
        done().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_by_whip_is_in_the_hub_and_is_seen_by_whep() {
    let house = House::new();
    let studio = house.studio("studio");
    let mut subscription = house.subscribed().await;
    let mut samples = Vec::new();
    let collect = tokio::spawn(async move {
        while samples.len() < 60 {
            samples.push(subscription.next().await.unwrap());
        }
        samples
    });
    send(&studio, || collect.is_finished()).await;
    let samples = collect.await.unwrap();
    let Item::Formats(formats) = &samples[0] else { panic!("no formats") };
    assert!(
        matches!(&formats[0], Format::Video { codec: VideoCodec::H264, size, .. } if *size == Size::new(1280, 720))
    );
    assert!(matches!(&formats[1], Format::Audio { codec: AudioCodec::Opus, channels: 2, .. }));
    let of_track = |track: usize| {
        let samples = samples.iter().filter_map(|item| match item {
            Item::Sample(sample) if sample.track == track => Some(Arc::clone(sample)),
            _ => None,
        });
        samples.collect::<Vec<_>>()
    };
    let (pictures, sound) = (of_track(0), of_track(1));
    assert!(
        pictures[0].keyframe
            && decoder::units(&pictures[0].data, 4).all(|unit| annexb::kind(unit) == annexb::IDR)
    );
    assert!(pictures.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    assert!(!sound.is_empty() && sound.iter().all(|sample| sample.data[..] == [0xFC, 1, 2]));
    let viewer = house.watch("viewer").unwrap();
    send(&studio, || viewer.frames() > 20 && viewer.sounds() > 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_whose_key_is_revoked_is_ended() {
    let house = House::new();
    let studio = house.studio("studio");
    send(&studio, || house.hub.stream("one").is_some_and(|stream| !stream.formats().is_empty())).await;
    house.door.0.store(true, Ordering::Relaxed);
    until("the end", || house.hub.stream("one").is_none().then_some(())).await;
    assert!(house.rtc.owner("studio").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_is_replaced_or_vanishes_makes_room() {
    let house = House::new();
    let (first, second) = (house.studio("first"), house.studio("second"));
    let stream = house.hub.stream("one").unwrap();
    send(&second, || !stream.formats().is_empty()).await;
    send(&first, || house.rtc.owner("first").is_none()).await;
    assert!(!stream.has_ended());
    second.vanish();
    until("the end", || stream.has_ended().then_some(())).await;
}

#[cfg(feature = "libav")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aac_is_heard_as_opus() {
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=3"])
        .args(["-ac", "2", "-c:a", "aac", "-f", "adts", "-"])
        .output()
        .unwrap();
    let mut frames = Vec::new();
    let mut rest = &made.stdout[..];
    while rest.len() > 7 {
        let length = usize::from(rest[3] & 3) << 11 | usize::from(rest[4]) << 3 | usize::from(rest[5] >> 5);
        frames.push(&rest[7..length]);
        rest = &rest[length..];
    }
    // AAC-LC, 44.1 kHz, stereo.
    let mut sound = sound::Sound::transcoded(&[0x12, 0x10]).unwrap();
    let mut packets = Vec::new();
    for (number, frame) in (0_u64..).zip(&frames) {
        let at = Timestamp::from_micros(5_000_000 + number * 1024 * 1_000_000 / 44_100);
        let sample = Sample { track: 1, data: Arc::from(*frame), dts: at, pts: at, keyframe: true };
        sound.packets(&sample, |packet, pts| packets.push((packet, pts)));
    }
    let span = packets.last().unwrap().1.since(packets[0].1);
    assert!((2800..3100).contains(&span.as_millis()), "{span:?} of {} packets", packets.len());
    assert!(packets.windows(2).all(|pair| pair[1].1.since(pair[0].1) == Duration::from_millis(10)));
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
    let mut heard = Vec::new();
    for (packet, _) in &packets[50..150] {
        let mut samples = vec![0; 960];
        decoder.decode(packet, &mut samples, false).unwrap();
        heard.extend(samples.chunks_exact(2).map(|pair| pair[0]));
    }
    let rises = heard.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    assert!((435..=445).contains(&rises), "a tone of {rises} Hz");
}
