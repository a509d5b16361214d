//! Every film plays as it is, through HLS and through DASH.

use std::fmt::Debug;

use playhouse_media::film::{Kind, Part};

use crate::cinema::{Cinema, hashes, times};

const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24000/1001:duration=9"];
const SOUND: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=9"];
/// B-frames, and keyframes that are two seconds apart.
const CODING: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-bf", "3", "-c:a", "aac"];

fn film(name: &str, more: &[&str]) -> Cinema {
    Cinema::show(name, &[PICTURE, SOUND, CODING, more].concat())
}

/// Asserts that two rows are the same without printing thousands of rows.
fn same<T: PartialEq + Debug>(served: &[T], source: &[T], what: &str) {
    assert!(!source.is_empty(), "{what}: nothing is to be there");
    let differ = source.iter().zip(served).position(|(source, served)| source != served);
    let at = differ.map(|at| (at, &served[at], &source[at]));
    assert_eq!((at, served.len()), (None, source.len()), "{what}");
}

/// The streams of a film as `ffmpeg` counts them.
fn streams(cinema: &Cinema) -> Vec<String> {
    let tracks = cinema.index.tracks();
    let videos = tracks.iter().filter(|track| matches!(track.kind, Kind::Video { .. })).count();
    let videos_then = |number: usize| match number.checked_sub(videos) {
        None => format!("v:{number}"),
        Some(audio) => format!("a:{audio}"),
    };
    (0..tracks.len()).map(videos_then).collect()
}

/// What is decoded of a picture, or the packets of sound, and when each is shown since the picture begins.
fn watched(input: &str, streams: &[String]) -> Vec<(Vec<String>, Vec<i64>)> {
    // Demuxers begin to count where they like, but then for all streams alike.
    let begin = times(input, &streams[0]).into_iter().min().unwrap();
    let one = |stream: &String| {
        let shown = times(input, stream).into_iter().map(|time| time - begin).collect();
        (hashes(input, stream, stream.starts_with('v')), shown)
    };
    streams.iter().map(one).collect()
}

/// Asserts that every picture and every packet of sound is there, in order, at its time, and nothing else.
fn plays(cinema: &Cinema) {
    let streams = streams(cinema);
    let source = watched(cinema.film(), &streams);
    for list in [Part::Master, Part::Manifest] {
        let served = watched(&cinema.url(list), &streams);
        for ((stream, served), source) in streams.iter().zip(&served).zip(&source) {
            let what = format!("{stream} of {list}");
            same(&served.0, &source.0, &what);
            // The clocks of films have a thousandth of a second, or better ones.
            let apart = served.1.iter().zip(&source.1).map(|(a, b)| (a - b).abs()).max();
            assert!(apart.is_some_and(|micros| micros < 1_100), "{what} is {apart:?} µs beside its time");
        }
    }
}

/// Asserts that each segment is decoded without the others, and that together they are the film.
fn stands_alone(cinema: &Cinema) {
    for (track, stream) in streams(cinema).iter().enumerate().filter(|(_, stream)| stream.starts_with('v')) {
        let mut pictures = Vec::new();
        for number in 0..cinema.index.segments(track) {
            let alone = cinema.path(Part::Segment(track, number)).with_extension("mp4");
            let data = [cinema.index.init(track).unwrap(), cinema.segment(track, number)].concat();
            std::fs::write(&alone, data).unwrap();
            pictures.extend(hashes(alone.to_str().unwrap(), "v:0", true));
        }
        same(&pictures, &hashes(cinema.film(), stream, true), "the segments together");
    }
}

#[test]
fn a_film_with_its_tables_at_the_end_plays() {
    let cinema = film("film.mp4", &[]);
    plays(&cinema);
    stands_alone(&cinema);
}

#[test]
fn a_film_with_its_tables_in_front_plays() {
    plays(&film("film.mp4", &["-movflags", "+faststart"]));
}

#[test]
fn a_film_on_a_clock_of_90_khz_with_negative_offsets_plays() {
    let cinema = film("film.mp4", &["-video_track_timescale", "90000", "-movflags", "+negative_cts_offsets"]);
    let data = std::fs::read(cinema.film()).unwrap();
    assert!(data.windows(5).any(|window| window == b"ctts\x01"), "offsets are signed");
    plays(&cinema);
    stands_alone(&cinema);
}

#[test]
fn a_film_in_three_languages_and_two_codings_plays() {
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:a", "-c:a:2", "ac3"];
    let said = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"];
    let named = ["-metadata:s:a:1", "title=Kommentar", "-metadata:s:a:2", "language=jpn"];
    let other = ["-f", "lavfi", "-i", "sine=frequency=880:sample_rate=44100:duration=8"];
    let all = [PICTURE, SOUND, &other, SOUND, CODING, &maps, &said, &named].concat();
    let cinema = Cinema::show("film.mp4", &all);
    plays(&cinema);
    let languages: Vec<_> = cinema.index.tracks().iter().map(|track| track.language.as_deref()).collect();
    assert_eq!(languages, [None, Some("en"), Some("de"), Some("ja")]);
    assert_eq!(cinema.index.tracks()[2].name.as_deref(), Some("Kommentar"));
}

#[test]
fn sound_without_a_picture_plays() {
    plays(&Cinema::show("sound.m4a", &[SOUND, &["-c:a", "aac"]].concat()));
    plays(&Cinema::show("sound.mp4", &[SOUND, &["-c:a", "libopus"]].concat()));
    plays(&Cinema::show("sound.mp4", &[SOUND, &["-c:a", "flac", "-strict", "-2"]].concat()));
    plays(&Cinema::show("sound.mp4", &[SOUND, &["-c:a", "libmp3lame"]].concat()));
}

#[test]
fn a_picture_without_sound_plays() {
    plays(&Cinema::show("film.mp4", &[PICTURE, CODING].concat()));
}

#[test]
fn sound_or_picture_that_begins_late_stays_in_step() {
    let late = ["-itsoffset", "1.5"];
    let cinema = Cinema::show("film.mp4", &[PICTURE, &late, SOUND, CODING].concat());
    plays(&cinema);
    let cinema = Cinema::show("film.mp4", &[&late, PICTURE, SOUND, CODING].concat());
    plays(&cinema);
}

#[test]
fn a_film_of_a_phone_plays() {
    let cinema = film("film.mov", &["-metadata:s:v", "rotate=90"]);
    plays(&cinema);
    // QuickTime's sample entry is told in the words of ISO's.
    assert_eq!(cinema.index.tracks()[1].codec, "mp4a.40.2");
}

#[test]
fn newer_codings_play() {
    let short = ["-t", "6", "-g", "48", "-an"];
    for (codec, tag) in
        [("libx265", "hvc1"), ("libx265", "hev1"), ("libsvtav1", "av01"), ("libvpx-vp9", "vp09")]
    {
        let quiet = ["-c:v", codec, "-tag:v", tag, "-x265-params", "log-level=error", "-preset", "8"];
        let quiet = if codec == "libsvtav1" { &quiet[..] } else { &quiet[..6] };
        let cinema = Cinema::show("film.mp4", &[PICTURE, quiet, &short].concat());
        assert_eq!(&cinema.index.tracks()[0].codec[..4], tag);
        plays(&cinema);
    }
}

#[test]
fn a_film_that_was_cut_without_encoding_keeps_its_pictures_in_step() {
    let cinema = film("film.mp4", &[]).again("cut.mp4", &["-c", "copy"], &["-ss", "3.1"]);
    let (source, served) =
        (hashes(cinema.film(), "v:0", true), hashes(&cinema.url(Part::Master), "v:0", true));
    // What is decoded before the cut and not shown is sent too, with times before the film begins.
    assert!(served.len() > source.len());
    same(&served[served.len() - source.len()..], &source, "behind the cut");
}
