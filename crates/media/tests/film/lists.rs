//! What the playlists say is true.

use std::time::Duration;

use playhouse_media::film::Part;

use crate::cinema::{Cinema, probe};

const PICTURE: &str = "testsrc2=size=1280x720:rate=25:duration=21,noise=alls=12:allf=t";

fn film() -> Cinema {
    let picture = ["-f", "lavfi", "-i", PICTURE];
    let sound = ["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=21"];
    let coding =
        ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "2500k", "-g", "50", "-c:a", "aac", "-ac", "2"];
    Cinema::show("film.mp4", &[&picture[..], &sound, &coding, &["-b:a", "128k"]].concat())
}

#[test]
fn lists_are_as_long_as_the_film_and_the_index_is_small() {
    let cinema = film();
    let seconds = |input: &str| probe(input, "format=duration").parse::<f64>().unwrap();
    let source = seconds(cinema.film());
    for list in [Part::Master, Part::Playlist(0), Part::Playlist(1), Part::Manifest] {
        let served = seconds(&cinema.url(list));
        assert!((served - source).abs() < 0.05, "{list} lasts {served} of {source}");
    }
    assert!((cinema.index.duration().as_secs_f64() - source).abs() < 0.05);
    assert_eq!(cinema.index.duration(), cinema.summary.duration);
    let film = std::fs::metadata(cinema.film()).unwrap().len();
    assert_eq!(cinema.index.film_len(), film);
    assert!(cinema.summary.bytes * 100 < film, "{} of {film}", cinema.summary.bytes);
}

#[test]
fn every_list_says_what_it_leads_to() {
    let cinema = film();
    for list in [Part::Master, Part::Manifest] {
        let said =
            probe(&cinema.url(list), "stream=codec_name,width,height,avg_frame_rate,sample_rate,channels");
        assert!(said.contains("h264|1280|720|25/1"), "{list}: {said}");
        assert!(said.contains("aac|48000|2"), "{list}: {said}");
    }
    // The profile that the codec string names is the one that ffprobe finds in the stream.
    let profile = probe(cinema.film(), "stream=profile,level");
    assert!(profile.starts_with("Constrained Baseline|31"), "{profile}");
    assert_eq!(cinema.index.tracks()[0].codec, "avc1.42c01f");
    assert_eq!(cinema.index.tracks()[1].codec, "mp4a.40.2");
}

#[test]
fn the_network_that_a_list_asks_for_is_what_the_segments_take() {
    let cinema = film();
    for (number, track) in cinema.index.tracks().iter().enumerate() {
        let durations: Vec<f64> = cinema
            .index
            .playlist(number)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.parse().ok())
            .collect();
        let bits: Vec<f64> =
            (0..).zip(&durations).map(|(at, _)| cinema.segment(number, at).len() as f64 * 8.0).collect();
        let rates = bits.iter().zip(&durations).filter(|(_, seconds)| **seconds >= 1.0);
        let peak = rates.map(|(bits, seconds)| bits / seconds).fold(0.0, f64::max);
        let average = bits.iter().sum::<f64>() / durations.iter().sum::<f64>();
        assert!((track.peak as f64 / peak - 1.0).abs() < 0.03, "{} of {peak}", track.peak);
        assert!((track.average as f64 / average - 1.0).abs() < 0.03, "{} of {average}", track.average);
        assert!(durations[..durations.len() - 1].iter().all(|seconds| (1.9..2.1).contains(seconds)));
    }
}

#[test]
fn sound_is_cut_where_the_picture_is() {
    let cinema = film();
    let ends = |track: usize| {
        let list = cinema.index.playlist(track).unwrap();
        let durations = list.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
        durations
            .scan(Duration::ZERO, |end, seconds| {
                *end += Duration::from_secs_f64(seconds.parse().unwrap());
                Some(*end)
            })
            .collect::<Vec<_>>()
    };
    let (picture, sound) = (ends(0), ends(1));
    assert_eq!(picture.len(), sound.len());
    for (picture, sound) in picture.iter().zip(&sound) {
        // To the next packet, which is one of 1024 samples.
        assert!(picture.abs_diff(*sound) < Duration::from_micros(21_400), "{picture:?} and {sound:?}");
    }
}
