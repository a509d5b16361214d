//! What the encoders give, judged by `ffprobe` and `ffmpeg`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod judge;
mod scene;

use judge::judge;
use playhouse_codec::video::{self, Config, Encoded, Encoder};
use playhouse_codec::{convert, scale};
use playhouse_media::frame::{Nv12, Size};
use playhouse_media::time::Timestamp;
use scene::Scene;

const SIZE: Size = Size::new(640, 360);

/// The software encoders of this build.
fn software() -> Vec<&'static str> {
    let mut names = Vec::new();
    if cfg!(feature = "x264") {
        names.push("x264");
    }
    if cfg!(feature = "openh264") {
        names.push("openh264");
    }
    names
}

fn pictures(count: usize) -> Vec<Nv12> {
    let mut scene = Scene::new(SIZE);
    let stride = scene.stride();
    let mut picture = Nv12::new(SIZE);
    (0..count)
        .map(|i| {
            convert::to_nv12(scene.draw(i), stride, &mut picture).unwrap();
            picture.clone()
        })
        .collect()
}

fn at(number: usize, rate: usize) -> Timestamp {
    // A machine that has been up for a day.
    Timestamp::from_micros((86_400_000_000 + number * 1_000_000 / rate) as u64)
}

fn encode(
    encoder: &mut dyn Encoder,
    pictures: &[Nv12],
    rate: usize,
    keyframe: impl Fn(usize) -> bool,
) -> Vec<Encoded> {
    let one = |(i, picture): (usize, &Nv12)| {
        let unit = encoder.encode(picture, at(i, rate), keyframe(i)).unwrap();
        unit.expect("one picture in, one access unit out at once")
    };
    pictures.iter().enumerate().map(one).collect()
}

fn stream(units: &[Encoded]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.data.iter().copied()).collect()
}

fn decode(units: &[Encoded]) -> Vec<Vec<u8>> {
    let arguments =
        ["-f", "h264", "-i", "-", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "nv12", "-"];
    let raw = judge("ffmpeg", &arguments, &stream(units));
    raw.chunks(SIZE.width as usize * SIZE.height as usize * 3 / 2).map(<[u8]>::to_vec).collect()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
    let mse = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

fn bitrate(units: &[Encoded], rate: usize) -> f64 {
    let bits: usize = units.iter().map(|unit| unit.data.len() * 8).sum();
    bits as f64 * rate as f64 / units.len() as f64
}

#[test]
fn a_decoder_sees_the_pictures_that_were_encoded() {
    let pictures = pictures(90);
    for name in software() {
        let mut encoder = video::open(name, &Config::new(SIZE, 60, 3_000_000)).unwrap();
        assert_eq!(encoder.name(), name);
        let units = encode(encoder.as_mut(), &pictures, 60, |_| false);
        let decoded = decode(&units);
        assert_eq!(decoded.len(), pictures.len(), "{name}");
        for (i, (picture, decoded)) in pictures.iter().zip(&decoded).enumerate().skip(15) {
            let luma = psnr(picture.luma(), &decoded[..picture.luma().len()]);
            let chroma = psnr(picture.chroma(), &decoded[picture.luma().len()..]);
            assert!(luma > 28.0 && chroma > 28.0, "{name}: picture {i} has {luma:.1} and {chroma:.1} dB");
        }
        let fields = "stream=profile,width,height,has_b_frames,refs,color_space,color_range,pix_fmt";
        let said = judge(
            "ffprobe",
            &["-f", "h264", "-show_entries", fields, "-of", "default=noprint_wrappers=1", "-i", "-"],
            &stream(&units),
        );
        let said = String::from_utf8(said).unwrap();
        for fact in [
            "profile=Constrained Baseline",
            "width=640",
            "height=360",
            "has_b_frames=0",
            "color_space=bt709",
            "color_range=tv",
            "pix_fmt=yuv420p",
        ] {
            assert!(said.contains(fact), "{name}: {fact} is not in {said}");
        }
    }
}

#[test]
fn only_asked_for_keyframes_come_and_each_carries_what_a_decoder_needs() {
    let pictures = pictures(40);
    for name in software() {
        let mut encoder = video::open(name, &Config::new(SIZE, 60, 3_000_000)).unwrap();
        let units = encode(encoder.as_mut(), &pictures, 60, |i| i == 13 || i == 14 || i == 30);
        let keyframes: Vec<usize> = (0..units.len()).filter(|&i| units[i].keyframe).collect();
        assert_eq!(keyframes, [0, 13, 14, 30], "{name}");
        assert!(units.iter().enumerate().all(|(i, unit)| unit.pts == at(i, 60)));
        // Late comers begin anywhere.
        for &from in &keyframes {
            assert_eq!(decode(&units[from..]).len(), units.len() - from, "{name} from {from}");
        }
    }
}

#[test]
fn a_recording_can_begin_at_least_every_so_often() {
    let pictures = pictures(30);
    for name in software() {
        let config =
            Config { keyframe_every: std::time::Duration::from_secs(1), ..Config::new(SIZE, 60, 3_000_000) };
        let mut encoder = video::open(name, &config).unwrap();
        // Ten pictures per second: what counts is the clock, not the number of pictures.
        let units = encode(encoder.as_mut(), &pictures, 10, |_| false);
        let keyframes: Vec<usize> = (0..units.len()).filter(|&i| units[i].keyframe).collect();
        assert_eq!(keyframes, [0, 10, 20], "{name}");
    }
}

#[test]
fn the_bitrate_is_kept_and_changes_on_the_fly() {
    let pictures = pictures(240);
    for name in software() {
        // OpenH264's coarsest quantiser does not get this content below 2.6 Mbit/s at 60 pictures per second.
        let (high, low) = if name == "openh264" { (6_000_000, 3_500_000) } else { (3_000_000, 1_000_000) };
        for rate in [60, 30] {
            let mut encoder = video::open(name, &Config::new(SIZE, 60, high)).unwrap();
            let mut encode = |range: std::ops::Range<usize>, bitrate| {
                encoder.set_bitrate(bitrate).unwrap();
                let one = |i: usize| encoder.encode(&pictures[i], at(i, rate), false).unwrap().unwrap();
                range.map(one).collect::<Vec<_>>()
            };
            let start = encode(0..40, high);
            let fast = encode(40..120, high);
            let change = encode(120..160, low);
            let slow = encode(160..240, low);
            for (units, wanted) in [(&fast, high), (&slow, low)] {
                let ratio = bitrate(units, rate) / f64::from(wanted);
                assert!((0.8..1.2).contains(&ratio), "{name} at {rate}/s: {ratio:.2} of {wanted}");
            }
            let largest = slow.iter().map(|unit| unit.data.len()).max().unwrap() * 8;
            assert!(
                largest < low as usize * 15 / 100,
                "{name}: a picture of {largest} bits holds the line up"
            );
            let units = [start, fast, change, slow].concat();
            assert!(!units[1..].iter().any(|unit| unit.keyframe), "a new bitrate needs no keyframe");
            assert_eq!(decode(&units).len(), units.len());
        }
    }
}

/// A scene of more detail than the line carries in one picture.
fn detail(seed: u32) -> Nv12 {
    let mut picture = Nv12::new(SIZE);
    let row = SIZE.width as usize;
    for (y, pixels) in (0..).zip(picture.planes_mut().0.chunks_mut(row)) {
        for (x, pixel) in (0..).zip(pixels) {
            let hash: u32 = (x / 3 * 7919 + y / 3 * 104_729 + seed).wrapping_mul(2_654_435_761);
            *pixel = 60 + hash.to_be_bytes()[0] / 2;
        }
    }
    picture
}

#[test]
#[cfg(feature = "x264")]
fn what_stands_still_gets_sharp_and_never_holds_the_line_up() {
    const BITRATE: u32 = 2_000_000;
    let mut picture = detail(1);
    let mut encoder = video::open("x264", &Config::new(SIZE, 60, BITRATE)).unwrap();
    let units: Vec<Encoded> = (0..240)
        .map(|i| {
            // A small thing moves, so that there are pictures at all.
            picture.planes_mut().0[i * 2..i * 2 + 8].fill(200);
            encoder.encode(&picture, at(i, 60), false).unwrap().unwrap()
        })
        .collect();
    let mut waiting = 0.0_f64;
    for (i, unit) in units.iter().enumerate() {
        waiting = (waiting - f64::from(BITRATE) / 60.0).max(0.0) + unit.data.len() as f64 * 8.0;
        let millis = waiting / f64::from(BITRATE) * 1000.0;
        assert!(millis < 150.0, "after picture {i} the line is busy for {millis:.0} ms");
    }
    assert!(units[1..].iter().all(|unit| !unit.keyframe));
    let decoded = decode(&units);
    let quality = |picture: &Nv12, i: usize| psnr(picture.luma(), &decoded[i][..picture.luma().len()]);
    let (first, last) = (quality(&detail(1), 0), quality(&picture, 239));
    assert!(first < 30.0, "the first picture has {first:.1} dB: this scene is too easy");
    assert!(last > 40.0, "{first:.1} dB became {last:.1}");
}

#[test]
#[cfg(feature = "x264")]
fn a_cut_costs_no_more_than_the_line_takes() {
    const BITRATE: u32 = 2_000_000;
    let mut encoder = video::open("x264", &Config::new(SIZE, 60, BITRATE)).unwrap();
    let scenes: Vec<Nv12> = (0..4).map(detail).collect();
    let units: Vec<Encoded> =
        (0..160).map(|i| encoder.encode(&scenes[i / 40], at(i, 60), false).unwrap().unwrap()).collect();
    let largest = units.iter().map(|unit| unit.data.len() * 8).max().unwrap();
    assert!(largest < BITRATE as usize * 13 / 100, "a picture of {largest} bits holds the line up");
    assert_eq!(decode(&units).len(), units.len());
}

#[test]
fn a_clock_that_stands_still_or_jumps_back_breaks_nothing() {
    let pictures = pictures(6);
    for name in software() {
        let mut encoder = video::open(name, &Config::new(SIZE, 60, 3_000_000)).unwrap();
        let times = [500_000, 500_000, 400_000, 500_001, 9_000_000_000, 0];
        let mut units = Vec::new();
        for (picture, micros) in pictures.iter().zip(times) {
            units.extend(encoder.encode(picture, Timestamp::from_micros(micros), false).unwrap());
        }
        assert_eq!(decode(&units).len(), 6, "{name}");
    }
}

#[test]
fn a_picture_of_another_size_is_refused_and_the_stream_goes_on() {
    let pictures = pictures(2);
    for name in software() {
        let mut encoder = video::open(name, &Config::new(SIZE, 60, 3_000_000)).unwrap();
        encoder.encode(&pictures[0], at(0, 60), false).unwrap();
        let error = encoder.encode(&Nv12::new(Size::new(320, 180)), at(1, 60), false).unwrap_err();
        assert!(error.to_string().contains("320x180 was given to an encoder of 640x360"), "{error}");
        assert!(encoder.encode(&pictures[1], at(2, 60), false).unwrap().is_some());
        assert!(encoder.set_bitrate(1).is_err(), "a bitrate of nothing");
    }
}

#[test]
fn an_encoder_that_is_not_here_says_why_and_nothing_else_happens() {
    for info in video::available() {
        let usable = software().contains(&info.name);
        if usable {
            assert_eq!(info.unavailable, None, "{}", info.name);
        }
        if let Some(reason) = info.unavailable {
            println!("{reason}");
            assert!(reason.starts_with(&format!("`{}` is not usable here: ", info.name)), "{reason}");
            assert!(reason.len() > info.name.len() + 30, "{reason} says nothing");
        }
    }
}

#[test]
fn a_smaller_rung_of_the_ladder_is_the_same_picture() {
    let large = &pictures(1)[0];
    let (mut small, mut back) = (Nv12::new(Size::new(480, 270)), Nv12::new(SIZE));
    let mut scaler = scale::Scaler::new();
    scaler.scale(large, &mut small).unwrap();
    scaler.scale(&small, &mut back).unwrap();
    let (luma, chroma) = (psnr(large.luma(), back.luma()), psnr(large.chroma(), back.chroma()));
    assert!(luma > 25.0 && chroma > 25.0, "{luma:.1} and {chroma:.1} dB");
}
