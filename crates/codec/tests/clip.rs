//! A clip of a session as an MP4 file, judged by `ffprobe` and `ffmpeg`.

#![cfg(any(feature = "x264", feature = "openh264"))]
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and counts small things"
)]

mod judge;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use judge::judge;
use playhouse_codec::audio::Opus;
use playhouse_codec::convert;
use playhouse_codec::video::{self, Config};
use playhouse_media::frame::{Nv12, Size, Timeline};
use playhouse_media::mp4::Movie;
use playhouse_media::ring::{Clip, Ring};
use playhouse_media::sample::{AccessUnit, AudioPacket};
use playhouse_media::time::Timestamp;
use scene::Scene;

const SIZE: Size = Size::new(320, 180);
/// When the session begins, on a machine that has been up for a week.
const BEGIN: Timestamp = Timestamp::from_micros(604_800_123_457);

const ENCODER: &str = if cfg!(feature = "x264") { "x264" } else { "openh264" };

/// Whether there is a picture at that hundredth of a second: it stands still for more than a second.
fn moves(tick: u64) -> bool {
    tick.is_multiple_of(2) && !(150..270).contains(&tick)
}

/// Whether there is a tone: a short one, then silence, then a long one.
fn sounds(tick: u64) -> bool {
    (20..60).contains(&tick) || (300..400).contains(&tick)
}

/// Four seconds of a session with keyframes about every second.
fn session() -> Ring {
    let config = Config { keyframe_every: Duration::from_secs(1), ..Config::new(SIZE, 60, 1_000_000) };
    let mut encoder = video::open(ENCODER, &config).unwrap();
    let mut opus = Opus::new().unwrap();
    let mut scene = Scene::new(SIZE);
    let stride = scene.stride();
    let mut picture = Nv12::new(SIZE);
    let mut ring = Ring::default();
    for tick in 0..400_u64 {
        let now = BEGIN + Duration::from_millis(tick * 10);
        if moves(tick) {
            convert::to_nv12(scene.draw(tick as usize), stride, &mut picture).unwrap();
            let encoded = encoder.encode(&picture, now, false).unwrap().unwrap();
            ring.video(Arc::new(AccessUnit {
                data: encoded.data,
                keyframe: encoded.keyframe,
                pts: encoded.pts,
                size: SIZE,
                timeline: Timeline::default(),
            }));
        }
        let wave = |i: u64| ((i as f64 * 0.06).sin() * 9000.0) as i16;
        let samples: Vec<i16> =
            (0..960).map(|i| if sounds(tick) { wave(tick * 480 + i / 2) } else { 0 }).collect();
        if let Some(data) = opus.encode(&samples).unwrap() {
            ring.audio(Arc::new(AudioPacket { data, pts: now, duration: Duration::from_millis(10) }));
        }
    }
    ring
}

fn clip(length: Duration) -> Clip {
    session().clip(length, BEGIN + Duration::from_secs(4)).unwrap()
}

fn file(clip: &Clip) -> Vec<u8> {
    let movie = Movie::new(clip).unwrap();
    let mut file = Vec::new();
    let length = movie.write(&mut file).unwrap();
    assert_eq!((length, movie.len()), (file.len() as u64, file.len() as u64));
    file
}

/// Lines that `ffprobe` says of a file.
fn probe(file: &[u8], arguments: &[&str]) -> Vec<String> {
    let arguments = [arguments, &["-of", "csv=p=0", "-i", "-"]].concat();
    let said = String::from_utf8(judge("ffprobe", &arguments, file)).unwrap();
    said.lines().filter(|line| !line.is_empty()).map(|line| line.trim_end_matches(',').to_owned()).collect()
}

#[test]
fn a_clip_is_a_film_of_pictures_and_sound_that_begins_to_play_at_once() {
    let clip = clip(Duration::from_mins(1));
    let file = file(&clip);
    let position = |name: &[u8]| file.windows(4).position(|window| window == name).unwrap();
    assert!(position(b"moov") < position(b"mdat"), "the header comes first");
    let streams =
        probe(&file, &["-show_entries", "stream=codec_name,profile,width,height,sample_rate,channels"]);
    assert_eq!(streams, ["h264,Constrained Baseline,320,180", "opus,unknown,48000,2"]);
    let format = probe(&file, &["-show_entries", "format=duration,start_time"]);
    assert_eq!(format, ["0.000000,4.000000"]);
}

#[test]
fn pictures_stand_for_as_long_as_they_stood_in_the_game() {
    let clip = clip(Duration::from_mins(1));
    let entries = ["-select_streams", "v", "-show_entries", "packet=pts,dts,duration,flags"];
    let packets = probe(&file(&clip), &entries);
    let ticks: Vec<u64> = (0..400).filter(|&tick| moves(tick)).collect();
    assert_eq!(packets.len(), ticks.len());
    for (i, (packet, tick)) in packets.iter().zip(&ticks).enumerate() {
        let next = ticks.get(i + 1).copied().unwrap_or(400);
        let flags = if clip.video[i].keyframe { "K_" } else { "__" };
        // Ninety thousand a second, from timestamps of whole microseconds.
        let fields: Vec<&str> = packet.split(',').collect();
        let near = |field: &str, wanted: u64| field.parse::<u64>().unwrap().abs_diff(wanted) <= 1;
        assert!(near(fields[0], tick * 900) && fields[0] == fields[1], "picture {i}: {packet}");
        assert!(near(fields[2], (next - tick) * 900) && fields[3] == flags, "picture {i}: {packet}");
    }
}

#[test]
fn every_picture_of_a_clip_decodes_without_a_complaint() {
    let clip = clip(Duration::from_mins(1));
    let raw = judge(
        "ffmpeg",
        &["-i", "-", "-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "nv12", "-"],
        &file(&clip),
    );
    assert_eq!(raw.len(), clip.video.len() * SIZE.width as usize * SIZE.height as usize * 3 / 2);
}

/// Loudness of each hundredth of a second.
fn loudness(file: &[u8]) -> Vec<f64> {
    let raw = judge("ffmpeg", &["-i", "-", "-map", "0:a", "-f", "s16le", "-"], file);
    let samples: Vec<f64> =
        raw.chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
    let loud = |chunk: &[f64]| (chunk.iter().map(|s| s * s).sum::<f64>() / chunk.len() as f64).sqrt();
    samples.chunks(960).map(loud).collect()
}

#[test]
fn sound_is_where_it_was_although_silence_was_left_out() {
    let clip = clip(Duration::from_mins(1));
    assert!(clip.audio.len() < 250, "silence is not in the stream: {} packets", clip.audio.len());
    let loudness = loudness(&file(&clip));
    for (tick, &loud) in loudness.iter().enumerate() {
        // The codec smears an onset over its own overlap.
        let edge = [20, 60, 300, 400].iter().any(|&at| tick.abs_diff(at) <= 1);
        let heard = loud > 2000.0;
        assert!(edge || heard == sounds(tick as u64), "at {} ms: {loud:.0}", tick * 10);
    }
    assert!(loudness.len().abs_diff(400) <= 1, "{} hundredths of a second", loudness.len());
}

#[test]
fn a_shorter_clip_begins_at_a_keyframe_with_the_sound_of_that_moment() {
    let clip = clip(Duration::from_millis(1200));
    assert!(clip.video[0].keyframe);
    let begin = clip.begin.since(BEGIN).as_millis() as usize / 10;
    assert!((100..=280).contains(&begin), "it begins {begin} hundredths of a second in");
    let file = file(&clip);
    let loudness = loudness(&file);
    let onset = loudness.iter().position(|&loud| loud > 2000.0).unwrap();
    assert!(onset.abs_diff(300 - begin) <= 1, "heard at {onset} instead of {}", 300 - begin);
    let packets = probe(&file, &["-select_streams", "v", "-show_entries", "packet=pts"]);
    assert_eq!((packets[0].as_str(), packets.len()), ("0", clip.video.len()));
}

#[test]
fn a_picture_that_stood_for_a_minute_makes_a_clip_of_the_length_that_was_asked_for() {
    let clip = session().clip(Duration::from_secs(10), BEGIN + Duration::from_mins(1)).unwrap();
    let file = file(&clip);
    assert_eq!(probe(&file, &["-show_entries", "format=duration"]), ["10.000000"]);
    let packets = probe(&file, &["-select_streams", "v", "-show_entries", "packet=pts,flags"]);
    assert_eq!((packets[0].as_str(), packets.len()), ("0,K_", clip.video.len()));
    // What leads to the picture passes in less than the blink of one frame.
    let last = packets[packets.len() - 1].split(',').next().unwrap().parse::<u32>().unwrap();
    assert!(last < 1500, "the picture is there after {last} ticks");
}

#[test]
fn a_silent_session_makes_a_silent_film() {
    let clip = Clip { audio: Vec::new(), ..clip(Duration::from_mins(1)) };
    let streams = probe(&file(&clip), &["-show_entries", "stream=codec_name"]);
    assert_eq!(streams, ["h264"]);
}
