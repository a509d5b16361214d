//! Whatever happens to a file, it ends in a sentence and not in a panic.

use std::io::Cursor;
use std::sync::OnceLock;

use playhouse_media::film::{self, Error, Index};
use proptest::prelude::*;

use crate::cinema::Cinema;

/// A film of a second, its tables in front, as it lies on the disk.
fn small() -> &'static [u8] {
    static FILM: OnceLock<Vec<u8>> = OnceLock::new();
    FILM.get_or_init(|| {
        let picture = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=1"];
        let sound = ["-itsoffset", "0.1", "-f", "lavfi", "-i", "sine=sample_rate=16000:duration=1"];
        let coding = ["-c:v", "libx264", "-g", "10", "-bf", "2", "-c:a", "aac", "-movflags", "+faststart"];
        let cinema = Cinema::show("small.mp4", &[&picture[..], &sound, &coding].concat());
        std::fs::read(cinema.film()).unwrap()
    })
}

/// Indexes a film and serves all of it.
fn serve(film: &[u8]) -> Result<(), Error> {
    let mut sidecar = Cursor::new(Vec::new());
    let summary = film::index(&mut Cursor::new(film), &mut sidecar)?;
    let sidecar = sidecar.into_inner();
    assert_eq!(summary.bytes, sidecar.len() as u64);
    watch(&sidecar, Some(film.len() as u64))
}

/// Serves all that a sidecar says, whoever wrote it.
fn watch(sidecar: &[u8], film: Option<u64>) -> Result<(), Error> {
    let index = Index::open(sidecar.to_vec())?;
    assert!(index.master().starts_with("#EXTM3U") && index.manifest().contains("</MPD>"));
    for track in 0..index.tracks().len() {
        index.init(track)?;
        index.playlist(track)?;
        for number in 0..index.segments(track) {
            let segment = index.segment(track, number)?;
            let bytes: u64 = segment.ranges.iter().map(|range| range.end - range.start).sum();
            assert_eq!(segment.len, segment.head.len() as u64 + bytes);
            if let Some(len) = film {
                assert!(segment.ranges.iter().all(|range| range.end <= len), "a range beyond the film");
            }
        }
    }
    Ok(())
}

/// The film with the bytes behind a box's name replaced.
fn with(name: [u8; 4], skip: usize, bytes: &[u8]) -> Vec<u8> {
    let mut film = small().to_vec();
    let at = film.windows(4).position(|window| window == name).unwrap() + 4 + skip;
    film[at..at + bytes.len()].copy_from_slice(bytes);
    film
}

fn sentence(film: &[u8]) -> String {
    serve(film).unwrap_err().to_string()
}

#[test]
fn each_damage_is_told_in_a_sentence() {
    serve(small()).unwrap();
    assert_eq!(sentence(b""), "the file has no `moov` box: it is no MP4 film, or its end is missing");
    assert_eq!(sentence(&[0; 100]), sentence(b""));
    let cut_off = sentence(&small()[..small().len() - 1]);
    assert!(cut_off.starts_with("the film is cut off: it has "), "{cut_off}");
    let halved = sentence(&small()[..1000]);
    assert!(halved.starts_with("the box `moov` at byte 32 is longer than what holds it"), "{halved}");
    let still = sentence(&with(*b"mdhd", 12, &[0; 4]));
    assert!(still.contains("`mdhd`") && still.contains("says that a second has no ticks"), "{still}");
    // Four thousand million samples in a table of a hundred bytes.
    let absurd = sentence(&with(*b"stsz", 8, &[0xFF; 4]));
    assert!(absurd.contains("`stsz`") && absurd.contains("is shorter than the table"), "{absurd}");
    let endless = sentence(&with(*b"stsz", 4, &[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]));
    assert_eq!(endless, "the film has more than 16777216 samples in one track, which is the limit");
    let fewer = sentence(&with(*b"stts", 4, &[0; 4]));
    assert_eq!(fewer, "track 1 of the film is damaged: its tables do not agree");
    let beyond = sentence(&with(*b"stco", 8, &[0x7F; 4]));
    assert!(beyond.starts_with("the film is cut off"), "{beyond}");
    let huge = sentence(&with(*b"stsz", 12, &[0x7F; 4]));
    assert!(huge.starts_with("the film is cut off"), "{huge}");
    let inside = sentence(&with(*b"trak", 0, &[0xFF; 4]));
    assert!(inside.contains("is longer than what holds it"), "{inside}");
    let parts = sentence(&with(*b"elst", 4, &[0, 0, 0, 9]));
    assert!(parts.contains("`elst`") && parts.contains("is shorter"), "{parts}");
}

#[test]
fn samples_on_top_of_each_other_make_no_index() {
    // Every sample has the same size as half the film.
    let half = u32::try_from(small().len() / 2).unwrap().to_be_bytes();
    let mut film = with(*b"stsz", 4, &half);
    // And every chunk holds one of them, at the beginning of the film.
    let at = film.windows(4).position(|window| window == b"stco").unwrap();
    film[at + 12..at + 20].fill(0);
    let error = sentence(&film);
    assert!(error.contains("lie on top of each other") || error.contains("cut off"), "{error}");
}

#[test]
fn a_film_of_fragments_is_refused_with_the_way_out() {
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=1", "-c:v", "libx264"];
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    crate::cinema::make(&film, &[&picture[..], &["-movflags", "+frag_keyframe+empty_moov"]].concat());
    let error = sentence(&std::fs::read(film).unwrap());
    assert!(error.contains("fragmented") && error.contains("-c copy"), "{error}");
}

#[test]
fn what_was_not_finished_is_no_index() {
    let mut sidecar = Cursor::new(Vec::new());
    film::index(&mut Cursor::new(small()), &mut sidecar).unwrap();
    let sidecar = sidecar.into_inner();
    watch(&sidecar, None).unwrap();
    for length in 0..sidecar.len() {
        assert!(matches!(Index::open(sidecar[..length].to_vec()), Err(Error::NoIndex)), "{length} bytes");
    }
    let mut killed = sidecar.clone();
    killed[..32].fill(0);
    assert!(matches!(Index::open(killed), Err(Error::NoIndex)));
    let mut newer = sidecar;
    newer[11] += 1;
    assert!(matches!(Index::open(newer), Err(Error::Version { found: 2, known: 1 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_damage_to_a_film_is_more_than_an_error(
        changes in prop::collection::vec((0_usize..4000, any::<u8>()), 1..6),
        words in prop::collection::vec((0_usize..1000, prop::sample::select(vec![0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX])), 0..3),
        length in 0_usize..40_000,
    ) {
        let mut film = small().to_vec();
        film.truncate(length.max(3000));
        for (at, byte) in changes {
            if let Some(old) = film.get_mut(at) {
                *old = byte;
            }
        }
        for (at, word) in words {
            if let Some(old) = film.get_mut(at * 4..at * 4 + 4) {
                old.copy_from_slice(&word.to_be_bytes());
            }
        }
        if let Err(error) = serve(&film) {
            prop_assert!(error.to_string().len() > 20);
        }
    }

    #[test]
    fn no_damage_to_an_index_is_more_than_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        static SIDECAR: OnceLock<Vec<u8>> = OnceLock::new();
        let sidecar = SIDECAR.get_or_init(|| {
            let mut sidecar = Cursor::new(Vec::new());
            film::index(&mut Cursor::new(small()), &mut sidecar).unwrap();
            sidecar.into_inner()
        });
        let mut damaged = sidecar.clone();
        for (at, byte) in changes {
            damaged[at.index(sidecar.len())] = byte;
        }
        drop(watch(&damaged, None));
    }
}
