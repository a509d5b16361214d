//! Every film plays as it is, through HLS and through DASH.

use playhouse_media::film::Part;

use crate::cinema::{Cinema, hashes};

const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24000/1001:duration=13"];
const SOUND: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=13"];

/// Both with B-frames and keyframes that are two seconds apart.
fn film(name: &str, more: &[&str]) -> Cinema {
    let coding = ["-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-bf", "3", "-c:a", "aac"];
    Cinema::show(name, &[PICTURE, SOUND, &coding, more].concat())
}

/// Asserts that every picture and every packet of sound is there, in order, and nothing else.
fn plays(cinema: &Cinema, video: usize, audio: usize) {
    for list in [Part::Master, Part::Manifest] {
        let url = cinema.url(list);
        for (kind, count, decoded) in [("v", video, true), ("a", audio, false)] {
            for number in 0..count {
                let stream = format!("{kind}:{number}");
                let source = hashes(cinema.film(), &stream, decoded);
                assert!(!source.is_empty());
                let served = hashes(&url, &stream, decoded);
                let differ = source.iter().zip(&served).position(|(source, served)| source != served);
                let (counts, none) = ((served.len(), source.len()), None);
                assert_eq!((differ, counts.0), (none, counts.1), "{stream} of {list}");
            }
        }
    }
}

#[test]
fn a_film_with_its_tables_at_the_end_plays() {
    plays(&film("film.mp4", &[]), 1, 1);
}

#[test]
fn a_film_with_its_tables_in_front_plays() {
    plays(&film("film.mp4", &["-movflags", "+faststart"]), 1, 1);
}
