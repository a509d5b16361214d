//! A film of three hours is indexed and served with the memory that a minute takes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;
use std::time::Duration;

use playhouse_media::film::{self, Index};

const SECONDS: u32 = 3 * 3600;
/// Pictures per second, bytes of each, and how many lie together.
const RATE: u32 = 60;
const PICTURE: u32 = 14_000;
const PICTURES_TOGETHER: u32 = 30;
/// Bytes of a packet of sound, and how many lie together.
const PACKET: u32 = 340;
const PACKETS_TOGETHER: u32 = 24;
/// What the process may grow by, in KiB: the tables are five times as long, and the index is ten times.
const MOST_KIB: u64 = 3 * 1024;

fn atom(name: [u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len() + 8).unwrap();
    [&length.to_be_bytes(), &name[..], contents].concat()
}

/// A box of words behind a version of 0.
fn words(name: [u8; 4], words: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    atom(name, &[&[0; 4], bytes.as_slice()].concat())
}

/// A box of rows behind their number.
fn table<const N: usize>(name: [u8; 4], rows: u32, row: impl Fn(u32) -> [u32; N]) -> Vec<u8> {
    let mut all = vec![rows];
    all.extend((0..rows).flat_map(row));
    words(name, &all)
}

/// A track whose samples lie together at places that `place` gives, in two words each.
fn track(
    kind: [u8; 4],
    entry: &[u8],
    (timescale, ticks): (u32, u32),
    (samples, bytes, together): (u32, u32, u32),
    place: impl Fn(u32) -> [u32; 2],
) -> Vec<u8> {
    let sizes = [&[0, samples][..], &vec![bytes; samples as usize]].concat();
    let tables = [
        atom(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry].concat()),
        words(*b"stts", &[1, samples, ticks]),
        words(*b"stsc", &[1, 1, together, 1]),
        words(*b"stsz", &sizes),
        table(*b"co64", samples / together, place),
        if &kind == b"vide" {
            // As B-frames have it: a run for each picture.
            let compositions =
                table(*b"ctts", samples, |number| [1, ticks * [1, 3, 0, 0][number as usize % 4]]);
            [compositions, table(*b"stss", samples / (2 * RATE), |number| [number * 2 * RATE + 1])].concat()
        } else {
            Vec::new()
        },
    ];
    let minf = atom(*b"minf", &atom(*b"stbl", &tables.concat()));
    let hdlr = atom(*b"hdlr", &[&[0; 8], &kind[..], &[0; 13]].concat());
    let mdia = [words(*b"mdhd", &[0, 0, timescale, 0, 0x55C4_0000]), hdlr, minf];
    let mut tkhd = [0; 20];
    tkhd[2] = 1;
    atom(*b"trak", &[words(*b"tkhd", &tkhd), atom(*b"mdia", &mdia.concat())].concat())
}

/// Writes the film: 64 bits of offsets, a hole where the samples are, and the tables behind it.
fn write(film: &mut File) -> u64 {
    let pictures = SECONDS * RATE;
    let packets = SECONDS / 2 * 94 / PACKETS_TOGETHER * PACKETS_TOGETHER;
    let mut avc1 = vec![0; 78];
    avc1[24..28].copy_from_slice(&[7, 128, 4, 56]);
    avc1.extend(atom(*b"avcC", &[1, 100, 0, 42, 0xFF, 0xE0, 0]));
    let mut opus = vec![0; 28];
    opus[17] = 2;
    let offset = |chunk: u64, bytes: u32, begin: u64| {
        let at = begin + chunk * u64::from(bytes);
        [u32::try_from(at >> 32).unwrap(), u32::try_from(at & 0xFFFF_FFFF).unwrap()]
    };
    let sound = 48 + u64::from(pictures) * u64::from(PICTURE);
    let end = sound + u64::from(packets) * u64::from(PACKET);
    film.write_all(&atom(*b"ftyp", b"isom\0\0\0\0isomiso2avc1mp41")).unwrap();
    film.write_all(&[0, 0, 0, 1, b'm', b'd', b'a', b't']).unwrap();
    film.write_all(&(end - 32).to_be_bytes()).unwrap();
    film.seek(SeekFrom::Start(end)).unwrap();
    let video = track(
        *b"vide",
        &atom(*b"avc1", &avc1),
        (90_000, 1500),
        (pictures, PICTURE, PICTURES_TOGETHER),
        |n| offset(n.into(), PICTURE * PICTURES_TOGETHER, 48),
    );
    let audio =
        track(*b"soun", &atom(*b"Opus", &opus), (48_000, 1024), (packets, PACKET, PACKETS_TOGETHER), |n| {
            offset(n.into(), PACKET * PACKETS_TOGETHER, sound)
        });
    let moov = atom(*b"moov", &[words(*b"mvhd", &[0, 0, 1000, 0, 0, 0, 0, 0]), video, audio].concat());
    film.write_all(&moov).unwrap();
    moov.len() as u64
}

/// The most memory that this process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The film is written by another process, so that the memory that this takes is not counted.
#[test]
fn three_hours_take_the_memory_of_a_minute() {
    const FOLDER: &str = "PLAYHOUSE_LONG_FILM";
    if let Ok(folder) = std::env::var(FOLDER) {
        let tables = write(&mut File::create(format!("{folder}/film.mp4")).unwrap());
        assert!(tables > MOST_KIB * 1024 * 3, "{tables} bytes of tables prove nothing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(std::env::current_exe().unwrap()).env(FOLDER, folder.path()).status().unwrap();
    assert!(written.success());
    let (film, sidecar) = (folder.path().join("film.mp4"), folder.path().join("film.index"));

    let before = peak_kib();
    let mut film = File::open(film).unwrap();
    let summary = film::index(&mut film, &mut File::create(&sidecar).unwrap()).unwrap();
    let index = Index::open(File::open(&sidecar).unwrap()).unwrap();
    let (mut samples, mut heads) = ([0, 0], 0);
    for (track, bytes) in samples.iter_mut().enumerate() {
        for number in 0..index.segments(track) {
            let segment = index.segment(track, number).unwrap();
            *bytes += segment.ranges.iter().map(|range| range.end - range.start).sum::<u64>();
            heads = heads.max(segment.head.len());
        }
        index.playlist(track).unwrap();
    }
    let grown = peak_kib() - before;

    assert!(grown < MOST_KIB, "{grown} KiB");
    let film = film.metadata().unwrap().len();
    assert_eq!(index.segments(0), SECONDS / 2);
    assert_eq!(samples, [summary.tracks[0].bytes, summary.tracks[1].bytes]);
    assert!(samples[0] > 1 << 33, "offsets take more than 32 bits");
    assert!(heads < 8192, "a head of {heads} bytes");
    assert!(summary.bytes * 100 < film, "{} of {film}", summary.bytes);
    assert!(index.duration() >= Duration::from_secs(SECONDS.into()));
}
