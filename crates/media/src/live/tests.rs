//! Whatever a publisher sends, playlists keep their promises, and what they list is there.

mod ladder;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const WALL: u64 = 1_767_268_800_000_000;

fn picture() -> Format {
    let config = Arc::from([1, 0x64, 0, 0x28, 0xFF, 0xE0, 0]);
    Format::Video { codec: VideoCodec::H264, size: Size::new(1280, 720), config }
}

fn sound() -> Format {
    Format::Audio {
        codec: AudioCodec::Aac,
        channels: 2,
        sample_rate: 48_000,
        config: Arc::from([0x11, 0x90]),
    }
}

fn sample(track: usize, micros: u64, keyframe: bool, bytes: usize) -> Sample {
    let at = Timestamp::from_micros(micros);
    Sample { track, data: vec![u8::try_from(track).unwrap() + 1; bytes].into(), dts: at, pts: at, keyframe }
}

/// Feeds a window as a recorder does.
struct Studio {
    window: Window,
    muxer: Option<Muxer>,
    formats: Vec<Format>,
    /// Files as they would lie on a disk.
    files: BTreeMap<u64, Vec<u8>>,
    eras: Vec<Vec<u8>>,
}

impl Studio {
    fn new(formats: Vec<Format>, length: Duration) -> Self {
        let window = Window::new(length, u64::MAX);
        Self { window, muxer: None, formats, files: BTreeMap::new(), eras: Vec::new() }
    }

    fn begin(&mut self) {
        self.finish();
        let (_, segment, at) = self.window.next();
        self.muxer = Muxer::new(&self.formats, Begin { segment: segment.unwrap_or(7), at });
    }

    fn finish(&mut self) {
        let mut cuts = Vec::new();
        if let Some(mut muxer) = self.muxer.take() {
            muxer.finish(&mut cuts);
        }
        self.take(cuts);
    }

    fn take(&mut self, cuts: Vec<Cut>) {
        for cut in cuts {
            match cut {
                Cut::Part(part) => self.window.part(part),
                Cut::Segment(number) => {
                    self.window.close();
                    let packed = record::pack(&self.window, number).unwrap();
                    let mut file = packed.header;
                    for part in &packed.parts {
                        file.extend_from_slice(part);
                    }
                    self.files.insert(number, file);
                    self.window.stored(number, packed.places);
                }
            }
        }
    }

    fn push(&mut self, sample: &Sample) {
        if self.muxer.as_ref().is_none_or(|muxer| muxer.jumps(sample)) {
            self.begin();
        }
        let muxer = self.muxer.as_mut().unwrap();
        let had = muxer.has_begun();
        let mut cuts = Vec::new();
        muxer.push(sample, &mut cuts);
        if muxer.has_begun() && !had {
            let (number, segment, at) = self.window.next();
            let tracks = muxer.tracks().cloned().collect();
            let era =
                Era { number, first: segment.unwrap_or(7), wall: WALL + number * 1_000_000, at, tracks };
            self.eras.push(record::pack_era(&era));
            self.window.begin(era);
        }
        self.take(cuts);
    }

    /// Plays `seconds` of pictures at 25 a second with a keyframe each second, and AAC beside them.
    fn play(&mut self, from: u64, seconds: u64) {
        let mut samples: Vec<Sample> =
            (0..seconds * 25).map(|n| sample(0, from + n * 40_000, n % 25 == 0, 100)).collect();
        if self.formats.len() > 1 {
            samples
                .extend((0..seconds * 48_000 / 1024).map(|n| sample(1, from + n * 1_024_000 / 48, true, 20)));
        }
        samples.sort_by_key(|sample| sample.dts);
        for sample in &samples {
            self.push(sample);
        }
    }

    fn bytes(&self, file: File) -> Option<Vec<u8>> {
        match self.window.find(file) {
            Found::Here(Asked::Memory(pieces)) => Some(pieces.concat()),
            Found::Here(Asked::Disk(number, range)) => {
                let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                Some(self.files[&number][range].to_vec())
            }
            _ => None,
        }
    }
}

#[test]
fn playlists_are_written_to_the_letter() {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.play(1_000_000, 3);
    studio.formats.pop();
    studio.begin();
    studio.play(2_000_000, 3);
    let mut all = String::new();
    let window = &studio.window;
    for (name, text) in [
        ("master", window.master()),
        ("0.m3u8", window.playlist(0, false)),
        ("manifest", window.manifest(WALL + 9_000_000)),
    ] {
        write!(all, "## {name}\n{}\n", text.unwrap()).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/live/tests.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &all).unwrap();
    }
    assert_eq!(all, std::fs::read_to_string(path).unwrap());
}

#[test]
fn the_first_part_is_listed_within_a_fraction_of_a_second() {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.push(&sample(0, 500, true, 100));
    assert_eq!(studio.window.playlist(0, false), None);
    for number in 1..=4 {
        studio.push(&sample(0, 500 + number * 40_000, false, 100));
    }
    let playlist = studio.window.playlist(0, false).unwrap();
    assert!(
        playlist.contains("#EXT-X-PART:DURATION=0.160000,INDEPENDENT=YES,URI=\"0/7.0.m4s\""),
        "{playlist}"
    );
    assert!(playlist.contains("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0/7.1.m4s\""), "{playlist}");
    assert_eq!(studio.window.find(File::Part(0, 7, 1)), Found::Soon);
    assert_eq!(studio.window.find(File::Part(0, 7, 2)), Found::Nowhere);
}

#[test]
fn a_player_that_waits_is_told_when_it_is_here_or_never_will_be() {
    let mut studio = Studio::new(vec![picture()], Duration::from_hours(2));
    studio.play(0, 5);
    let window = &mut studio.window;
    assert_eq!(window.reaches(8, None, 0), Found::Here(()));
    assert_eq!(window.reaches(9, Some(0), 0), Found::Here(()));
    assert_eq!(window.reaches(9, None, 0), Found::Soon);
    assert_eq!(window.reaches(10, Some(0), 0), Found::Soon);
    assert_eq!(window.reaches(11, None, 0), Found::Nowhere);
    window.end();
    assert_eq!(window.reaches(11, None, 0), Found::Here(()), "there is nothing to wait for");
}

#[test]
fn a_delta_update_leaves_out_what_players_know() {
    let mut studio = Studio::new(vec![picture()], Duration::from_hours(2));
    studio.play(0, 60);
    let (whole, delta) =
        (studio.window.playlist(0, false).unwrap(), studio.window.playlist(0, true).unwrap());
    let count = |text: &str| text.lines().filter(|line| line.starts_with("#EXTINF")).count();
    let skipped = delta.lines().find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=")).unwrap();
    assert_eq!(count(&delta) + skipped.parse::<usize>().unwrap(), count(&whole));
    assert!(!delta.contains("EXT-X-MAP"), "{delta}");
}

#[test]
fn sound_that_is_missing_is_a_gap_and_not_an_error() {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.formats = vec![picture(), sound()];
    for number in 0..150 {
        studio.push(&sample(0, number * 40_000, number % 50 == 0, 10));
    }
    let playlist = studio.window.playlist(1, false).unwrap();
    assert_eq!(playlist.matches("#EXT-X-GAP\n#EXTINF:2.000000,").count(), 2, "{playlist}");
}

#[test]
fn what_lies_on_the_disk_plays_again_and_goes_on() {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.play(0, 9);
    let mut again = Window::new(Duration::from_hours(2), u64::MAX);
    for era in &studio.eras {
        assert!(again.restore_era(record::parse_era(era).unwrap()));
    }
    for file in studio.files.values() {
        let length = record::header_len(file[..record::PREFIX].try_into().unwrap()).unwrap();
        let found = record::parse(&file[..length], file.len() as u64).unwrap();
        assert!(again.restore(&found));
        assert_eq!(record::parse(&file[..length], file.len() as u64 - 1), None, "half a segment");
    }
    let names = |text: String| {
        text.lines().filter(|line| line.parse::<File>().is_ok()).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = names(studio.window.playlist(1, false).unwrap());
    assert_eq!(names(again.playlist(1, false).unwrap()), before);
    assert!(again.playlist(1, false).unwrap().ends_with("#EXT-X-ENDLIST\n"));
    let segment = studio.bytes(File::Segment(1, 8)).unwrap();
    studio.window = again;
    assert_eq!(studio.bytes(File::Segment(1, 8)).unwrap(), segment);
    studio.muxer = None;
    studio.play(77_000_000, 3);
    let playlist = studio.window.playlist(0, false).unwrap();
    assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{playlist}");
    assert!(!playlist.contains("ENDLIST"), "{playlist}");
}

#[test]
fn what_is_older_than_the_window_goes() {
    let mut studio = Studio::new(vec![picture()], Duration::from_secs(20));
    studio.play(0, 200);
    let (gone, _) = studio.window.expire();
    assert_eq!(gone.first(), Some(&7));
    let playlist = studio.window.playlist(0, false).unwrap();
    let listed: Vec<u64> = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("0/")?.strip_suffix(".m4s")?.parse().ok())
        .collect();
    assert!((9..=11).contains(&listed.len()), "{listed:?}");
    assert!(gone.last().unwrap() + 20 < listed[0], "what has just left the playlist can still be asked for");
}

fn value(playlist: &str, tag: &str) -> u64 {
    playlist.lines().find_map(|line| line.strip_prefix(tag)).unwrap().parse().unwrap()
}

fn seconds(text: &str) -> f64 {
    text.split(',').next().unwrap().parse().unwrap()
}

/// Checks a media playlist, and gives its first number and the number of segments and parts behind that.
fn check(studio: &Studio, track: usize) -> (u64, u64, usize) {
    let playlist = studio.window.playlist(track, false).unwrap();
    let first = value(&playlist, "#EXT-X-MEDIA-SEQUENCE:");
    let target = value(&playlist, "#EXT-X-TARGETDURATION:") as f64;
    let longest = playlist
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-PART-INF:PART-TARGET="))
        .map_or(f64::MAX, seconds);
    let (mut next, mut parts, mut sum, mut gap, mut map) = (first, 0, 0.0, false, false);
    for line in playlist.lines() {
        if let Some(part) = line.strip_prefix("#EXT-X-PART:DURATION=") {
            let name: File = part.split("URI=\"").nth(1).unwrap().trim_end_matches('"').parse().unwrap();
            assert_eq!(name, File::Part(track, next, parts), "parts are numbered in a row");
            assert!(studio.bytes(name).is_some(), "{name} is listed and not there");
            assert!(map && seconds(part) <= longest);
            sum += seconds(part);
            parts += 1;
        } else if let Some(uri) = line.strip_prefix("#EXT-X-MAP:URI=") {
            let name: File = uri.trim_matches('"').parse().unwrap();
            assert!(studio.bytes(name).is_some(), "{name} is listed and not there");
            map = true;
        } else if line == "#EXT-X-GAP" {
            gap = true;
        } else if let Some(length) = line.strip_prefix("#EXTINF:") {
            assert!(seconds(length).round() <= target, "{length} of {target}");
            assert!(parts == 0 || (sum - seconds(length)).abs() < 0.001, "{sum} and {length}");
        } else if line.parse::<File>().is_ok() {
            let name: File = line.parse().unwrap();
            assert_eq!(name, File::Segment(track, next));
            assert_eq!(studio.bytes(name).is_some(), !gap, "{name}");
            if parts > 0 {
                let whole: Vec<u8> = (0..parts)
                    .flat_map(|part| studio.bytes(File::Part(track, next, part)).unwrap())
                    .collect();
                assert_eq!(studio.bytes(name).unwrap(), whole);
            }
            (next, parts, sum, gap) = (next + 1, 0, 0.0, false);
        }
    }
    (first, next, parts as usize)
}

#[derive(Clone, Debug)]
enum Step {
    Picture { micros: u32, keyframe: bool, bytes: u16 },
    Sound { micros: u32 },
    Set { micros: u64 },
    Lost,
    Formats(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (1_u32..300_000, prop::bool::weighted(0.2), 0_u16..500)
            .prop_map(|(micros, keyframe, bytes)| Step::Picture { micros, keyframe, bytes }),
        20 => (1_u32..100_000).prop_map(|micros| Step::Sound { micros }),
        1 => (0_u64..1 << 50).prop_map(|micros| Step::Set { micros }),
        1 => Just(Step::Lost),
        1 => any::<bool>().prop_map(Step::Formats),
    ]
}

proptest! {
    #[test]
    fn playlists_keep_their_promises(steps in prop::collection::vec(step(), 1..400), window in 3_u64..60) {
        let mut studio = Studio::new(vec![picture(), sound()], Duration::from_secs(window));
        let (mut clock, mut heard) = (1_000_000_u64, 1_000_000_u64);
        let mut before = [(0, 0, 0); 2];
        for step in steps {
            match step {
                Step::Picture { micros, keyframe, bytes } => {
                    clock += u64::from(micros);
                    studio.push(&sample(0, clock, keyframe, bytes.into()));
                }
                Step::Sound { micros } => {
                    heard += u64::from(micros);
                    studio.push(&sample(1, heard, true, 9));
                }
                Step::Set { micros } => (clock, heard) = (micros, micros),
                Step::Lost => studio.muxer.iter_mut().for_each(Muxer::lost),
                Step::Formats(both) => {
                    studio.formats = if both { vec![picture(), sound()] } else { vec![picture()] };
                    studio.begin();
                }
            }
            let (segments, _) = studio.window.expire();
            for number in segments {
                studio.files.remove(&number);
            }
            let tracks = studio.window.era().map_or(0, |era| era.tracks.len());
            for (track, before) in before.iter_mut().enumerate().take(tracks) {
                if studio.window.playlist(track, false).is_none() {
                    continue;
                }
                let now = check(&studio, track);
                let (first, next, parts) = *before;
                prop_assert!(now.0 >= first && (now.1, now.2) >= (next, parts), "{:?} after {:?}", now, before);
                *before = now;
                prop_assert!(studio.window.playlist(track, true).is_some());
            }
            if let Some(manifest) = studio.window.manifest(WALL) {
                prop_assert!(manifest.ends_with("</MPD>\n"));
            }
        }
        studio.finish();
        studio.window.end();
        for (number, file) in &studio.files {
            let length = record::header_len(file[..record::PREFIX].try_into().unwrap()).unwrap();
            let found = record::parse(&file[..length], file.len() as u64).unwrap();
            prop_assert_eq!(found.segment, *number);
        }
    }

    #[test]
    fn rubbish_is_survived(data in prop::collection::vec(any::<u8>(), 0..400), known in 0_usize..20) {
        let mut file = b"PLAYLIVE\0\0\0\x01\0\0\x01\x90".to_vec();
        file.truncate(known);
        file.extend_from_slice(&data);
        let _: Option<_> = record::parse(&file, file.len() as u64);
        let mut file = b"PLAYERA1".to_vec();
        file.extend_from_slice(&data);
        let _: Option<_> = record::parse_era(&file);
    }
}

#[test]
fn a_film_of_segments_is_one_that_the_library_reads() {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.play(3_000_000, 10);
    let records: Vec<_> = studio
        .files
        .values()
        .map(|file| {
            let length = record::header_len(file[..record::PREFIX].try_into().unwrap()).unwrap();
            record::parse(&file[..length], file.len() as u64).unwrap()
        })
        .collect();
    let tracks = studio.window.era().unwrap().tracks.clone();
    let movie = Movie::new(&tracks, &records).unwrap();
    let mut file = movie.header.clone();
    for piece in &movie.pieces {
        let range = usize::try_from(piece.range.start).unwrap()..usize::try_from(piece.range.end).unwrap();
        file.extend_from_slice(&studio.files[&piece.segment][range]);
    }
    let mut sidecar = std::io::Cursor::new(Vec::new());
    let summary = crate::film::index(&mut std::io::Cursor::new(&mut file), &mut sidecar).unwrap();
    assert_eq!(summary.tracks.len(), 2);
    assert_eq!(summary.left_out, Vec::<String>::new());
    assert_eq!(summary.tracks[0].bytes, 8 * 25 * 100, "every picture of eight seconds, and nothing else");
    assert_eq!(summary.duration.as_secs(), 8);
    assert_eq!(Movie::new(&tracks, &[]).unwrap_err(), NoMovie::Nothing);
    assert_eq!(Movie::new(&tracks[..1], &records).unwrap_err(), NoMovie::Mixed);
}
