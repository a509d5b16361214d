//! A house without a database: keys that can be revoked, a hub, and what came out of it for ffmpeg to judge.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use playhouse_ingest::House;
use playhouse_live::{Admission, Door, Gone, Hub, Item, Protocol, Refusal, Subscription, Verdict};
use playhouse_media::decoder::{avc, hevc};
use playhouse_media::live::{Format, Sample, VideoCodec};
use tokio::process::Command;

/// How long anything may take: a busy machine's worst.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<String, Admission>>);

impl Keys {
    pub(crate) fn set(&self, key: &str, channel: &str, replace: bool) {
        self.0.lock().unwrap().insert(key.to_owned(), Admission { channel: channel.to_owned(), replace });
    }

    pub(crate) fn revoke(&self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }
}

impl Door for Keys {
    fn admit<'a>(&'a self, key: &'a str, _: Protocol, _: IpAddr) -> Verdict<'a> {
        let found = self.0.lock().unwrap().get(key).cloned();
        Box::pin(async move { found.ok_or_else(|| Refusal("This stream key opens no channel.".to_owned())) })
    }
}

/// A hub with the key `secret` for the channel `channel`.
pub(crate) fn house() -> (House, Arc<Keys>) {
    let keys = Arc::new(Keys::default());
    keys.set("secret", "channel", false);
    (House { hub: Arc::new(Hub::default()), door: Arc::clone(&keys) as _ }, keys)
}

/// The same, with an RTMP listener before it.
pub(crate) fn with_rtmp() -> (House, Arc<Keys>, SocketAddr) {
    let (house, keys) = house();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(playhouse_ingest::rtmp(listener, house.clone()));
    (house, keys, address)
}

/// The same, by TLS with a certificate of its own.
pub(crate) fn with_rtmps() -> (House, Arc<Keys>, SocketAddr) {
    let (house, keys) = house();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    tokio::spawn(playhouse_ingest::rtmps(listener, Arc::new(tls), house.clone()));
    (house, keys, address)
}

/// What a subscriber received.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) formats: Vec<Format>,
    pub(crate) samples: Vec<Sample>,
    /// How often formats came.
    pub(crate) changes: usize,
}

/// Everything of the next stream, up to its end.
pub(crate) async fn receive(house: &House) -> Received {
    let mut events = house.hub.events();
    let hub = Arc::clone(&house.hub);
    tokio::time::timeout(DEADLINE, async move {
        let mut subscription = match hub.stream("channel") {
            Some(stream) => stream.subscribe(),
            None => events.recv().await.unwrap().stream.subscribe(),
        };
        let mut received = Received::default();
        loop {
            match subscription.next().await {
                Ok(Item::Formats(formats)) => {
                    received.formats = formats.to_vec();
                    received.changes += 1;
                }
                Ok(Item::Sample(sample)) => received.samples.push((*sample).clone()),
                Err(Gone::Ended) => return received,
                Err(Gone::Behind(lost)) => panic!("{lost} samples were lost"),
            }
        }
    })
    .await
    .expect("the stream ends in time")
}

/// The next sample.
pub(crate) async fn next_sample(subscription: &mut Subscription) -> Sample {
    let next = async {
        loop {
            if let Item::Sample(sample) = subscription.next().await.unwrap() {
                return (*sample).clone();
            }
        }
    };
    tokio::time::timeout(DEADLINE, next).await.expect("a sample comes in time")
}

impl Received {
    pub(crate) fn of(&self, video: bool) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| self.formats[sample.track].is_video() == video)
    }

    /// The pictures as a byte stream with start codes.
    pub(crate) fn annex_b(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |unit: &[u8]| {
            out.extend([0, 0, 0, 1]);
            out.extend_from_slice(unit);
        };
        for format in &self.formats {
            let Format::Video { codec, config, .. } = format else { continue };
            let sets = if *codec == VideoCodec::H264 {
                let record = avc::read(config).unwrap();
                [record.sps, record.pps].concat()
            } else {
                let record = hevc::read(config).unwrap();
                [record.vps, record.sps, record.pps].concat()
            };
            for unit in &sets {
                put(unit);
            }
        }
        for sample in self.of(true) {
            playhouse_media::decoder::units(&sample.data, 4).for_each(&mut put);
        }
        out
    }

    /// The sound as a stream with ADTS headers.
    pub(crate) fn adts(&self) -> Vec<u8> {
        let config = self.formats.iter().find(|format| !format.is_video());
        let Some(Format::Audio { config, .. }) = config else { panic!("no sound") };
        let (object, rate) = (config[0] >> 3, (config[0] & 7) << 1 | config[1] >> 7);
        let channels = config[1] >> 3 & 0xF;
        let byte = |number: usize| u8::try_from(number & 0xFF).unwrap();
        let mut out = Vec::new();
        for sample in self.of(false) {
            let length = sample.data.len() + 7;
            out.extend([
                0xFF,
                0xF1,
                (object - 1) << 6 | rate << 2 | channels >> 2,
                (channels & 3) << 6 | byte(length >> 11),
                byte(length >> 3),
                byte(length << 5) | 0x1F,
                0xFC,
            ]);
            out.extend_from_slice(&sample.data);
        }
        out
    }

    /// No track goes back, and pictures and sound begin and end together.
    pub(crate) fn assert_timed(&self, seconds: f64, less: f64) {
        let mut ends = Vec::new();
        for video in [true, false] {
            let times: Vec<_> = self.of(video).map(|sample| sample.dts).collect();
            assert!(times.is_sorted(), "video {video}: time goes back");
            let (Some(first), Some(last)) = (times.first(), times.last()) else { continue };
            let span = last.since(*first).as_secs_f64();
            assert!((seconds - less..seconds + 0.2).contains(&span), "video {video}: {times:?}");
            ends.push((*first, *last));
        }
        if let [(first, _), (other, _)] = ends[..] {
            assert!(first.since(other).max(other.since(first)) < Duration::from_millis(150), "{ends:?}");
        }
        assert!(self.samples.iter().all(|sample| sample.pts >= sample.dts));
    }
}

/// Runs ffmpeg to its end, and gives what it printed.
pub(crate) async fn ffmpeg(arguments: &[&str]) -> (bool, String) {
    let run = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(DEADLINE, run).await.expect("ffmpeg ends in time").expect("ffmpeg runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// A moving picture with a tone, two seconds of 25 pictures; `codec` and more are ffmpeg's options for the picture.
pub(crate) async fn film(folder: &Path, codec: &[&str]) -> PathBuf {
    let path = folder.join("film.mkv");
    let name = path.to_str().unwrap();
    let source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"];
    let tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"];
    let sound = ["-c:a", "aac", "-ac", "2", "-shortest", name];
    let (done, said) = ffmpeg(&[&source[..], &tone, &["-pix_fmt", "yuv420p"], codec, &sound].concat()).await;
    assert!(done, "{said}");
    path
}

/// The first pictures of what was received are those of what was sent, and so is the sound up to where it ends: SRT drops
/// what is on its way when the sender closes.
pub(crate) async fn assert_begins_same(received: &Received, film: &Path, extension: &str) {
    let folder = film.parent().unwrap();
    let pictures = folder.join(format!("received.{extension}"));
    std::fs::write(&pictures, received.annex_b()).unwrap();
    let mut found = Vec::new();
    for path in [&pictures, film] {
        let name = path.to_str().unwrap();
        let (done, said) = ffmpeg(&[
            "-i",
            name,
            "-map",
            "0:v",
            "-fps_mode",
            "passthrough",
            "-frames:v",
            "35",
            "-f",
            "md5",
            "-",
        ])
        .await;
        assert!(done, "{said}");
        found.push(said);
    }
    assert_eq!(found[0], found[1], "the pictures");
    let original = folder.join("sent.aac");
    let (done, said) =
        ffmpeg(&["-i", film.to_str().unwrap(), "-map", "0:a", "-c", "copy", original.to_str().unwrap()])
            .await;
    assert!(done, "{said}");
    let (sent, sound) = (std::fs::read(&original).unwrap(), received.adts());
    assert!(sound.len() > sent.len() / 2, "{} bytes of sound of {}", sound.len(), sent.len());
    // The last bits of a header say how full the encoder's buffer was, which nobody needs.
    let frames = |stream: &[u8]| -> Vec<Vec<u8>> {
        playhouse_media::decoder::aac::adts(stream).map(|(adts, _)| adts.frame.to_vec()).collect()
    };
    assert!(frames(&sent).starts_with(&frames(&sound)), "the sound");
}

/// The MD5 of the decoded pictures (`v`) or sound (`a`) of a file.
pub(crate) async fn decoded(path: &Path, what: &str) -> String {
    let name = path.to_str().unwrap();
    let map = format!("0:{what}");
    let (done, said) =
        ffmpeg(&["-i", name, "-map", &map, "-fps_mode", "passthrough", "-f", "md5", "-"]).await;
    assert!(done, "{said}");
    said
}

/// What was received decodes to what was sent.
pub(crate) async fn assert_same(received: &Received, film: &Path, extension: &str) {
    let folder = film.parent().unwrap();
    let pictures = folder.join(format!("received.{extension}"));
    std::fs::write(&pictures, received.annex_b()).unwrap();
    assert_eq!(decoded(&pictures, "v").await, decoded(film, "v").await, "the pictures");
    if received.formats.iter().all(Format::is_video) {
        return;
    }
    let (sound, original) = (folder.join("received.aac"), folder.join("sent.aac"));
    std::fs::write(&sound, received.adts()).unwrap();
    let (done, said) =
        ffmpeg(&["-i", film.to_str().unwrap(), "-map", "0:a", "-c", "copy", original.to_str().unwrap()])
            .await;
    assert!(done, "{said}");
    assert_eq!(decoded(&sound, "a").await, decoded(&original, "a").await, "the sound");
}
