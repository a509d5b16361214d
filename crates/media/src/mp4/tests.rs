//! The file holds together whatever the clip was.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::frame::{Size, Timeline};
use crate::sample::{AccessUnit, AudioPacket};
use crate::time::Timestamp;

/// Parameter sets of 1280x720, and a slice of an IDR picture.
const KEYFRAME: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0, 0, 3, 0, 2,
    0, 0, 3, 0, 0x3D, 0x09, 0, 0x1E, 0x30, 0x65, 0x40, 0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80, 0, 0, 1, 0x65, 1,
    2, 3,
];

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + micros)
}

fn unit(micros: u64, keyframe: bool, bytes: usize) -> Arc<AccessUnit> {
    let mut data = if keyframe { KEYFRAME.to_vec() } else { vec![0, 0, 1, 0x41] };
    data.resize(data.len() + bytes, 7);
    let (size, timeline) = (Size::new(1280, 720), Timeline::default());
    Arc::new(AccessUnit { data: data.into(), keyframe, pts: at(micros), size, timeline })
}

fn packet(micros: u64, bytes: usize) -> Arc<AudioPacket> {
    let duration = Duration::from_millis(10);
    Arc::new(AudioPacket { data: vec![9; bytes].into(), pts: at(micros), duration })
}

/// The contents of the boxes along `path`, one for each track that has them.
fn find<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Vec<&'a [u8]> {
    let Some((name, path)) = path.split_first() else { return vec![data] };
    let (mut found, mut rest) = (Vec::new(), data);
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let (atom, after) = rest.split_at(u32::from_be_bytes(*length) as usize);
        if &atom[4..8] == name.as_slice() {
            found.extend(find(&atom[8..], path));
        }
        rest = after;
    }
    found
}

/// The numbers of a table, without its version and flags.
fn numbers(table: &[u8]) -> Vec<u32> {
    table[4..].chunks_exact(4).map(|n| u32::from_be_bytes(n.try_into().unwrap())).collect()
}

/// Where each sample of each track lies.
fn samples(file: &[u8]) -> Vec<Vec<std::ops::Range<usize>>> {
    let table = |name| find(file, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", name]);
    let tracks = table(b"stsz").into_iter().zip(table(b"stco")).zip(table(b"stsc"));
    let track = |((sizes, offsets), runs)| {
        let (sizes, offsets, runs) = (numbers(sizes), numbers(offsets), numbers(runs));
        let mut sizes = sizes[2..].iter();
        let mut ranges = Vec::new();
        for (chunk, &offset) in (1_u32..).zip(&offsets[1..]) {
            let run = runs[1..].chunks_exact(3).rfind(|run| run[0] <= chunk).unwrap();
            let mut at = offset as usize;
            for &size in sizes.by_ref().take(run[1] as usize) {
                ranges.push(at..at + size as usize);
                at += size as usize;
            }
        }
        assert_eq!(sizes.next(), None, "every sample is in a chunk");
        ranges
    };
    tracks.map(track).collect()
}

proptest! {
    #[test]
    fn every_byte_of_every_sample_is_where_the_tables_say(
        frames in prop::collection::vec((1_u64..3_000_000, any::<bool>(), 0_usize..300), 0..60),
        packets in prop::collection::vec((0_u64..900_000, 1_usize..50), 0..60),
        offset in 0_u64..30_000,
        rest in 0_u64..5_000_000,
    ) {
        let mut now = 0;
        let mut video = vec![unit(0, true, 10)];
        for (gap, keyframe, bytes) in frames {
            now += gap;
            video.push(unit(now, keyframe, bytes));
        }
        let (mut heard, mut audio) = (offset, Vec::new());
        for (gap, bytes) in packets {
            audio.push(packet(heard, bytes));
            heard += gap;
        }
        let clip = Clip { video, audio, begin: at(0), end: at(now.max(heard) + rest) };
        let movie = Movie::new(&clip).unwrap();
        let mut file = Vec::new();
        movie.write(&mut file).unwrap();
        prop_assert_eq!(file.len() as u64, movie.len());
        let tracks = samples(&file);
        for (range, unit) in tracks[0].iter().zip(&clip.video) {
            let nals: Vec<&[u8]> = annexb::sample_nals(&unit.data).collect();
            prop_assert_eq!(nals.len(), 1);
            prop_assert_eq!(&file[range.start + 4..range.end], nals[0]);
            prop_assert_eq!(&file[range.start..range.start + 4], u32::try_from(nals[0].len()).unwrap().to_be_bytes());
        }
        let sound: Vec<&[u8]> = tracks.iter().skip(1).flatten().map(|range| &file[range.clone()]).collect();
        for packet in &clip.audio {
            prop_assert!(sound.contains(&&*packet.data));
        }
        let bytes: usize = tracks.iter().flatten().map(ExactSizeIterator::len).sum();
        prop_assert_eq!(bytes + movie.header().len(), file.len(), "nothing lies beside the samples");
        let ticks = numbers(find(&file, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"])[0]);
        let total: u64 = ticks[1..].chunks_exact(2).map(|run| u64::from(run[0]) * u64::from(run[1])).sum();
        let wanted = (now.max(heard) + rest) * 9 / 100;
        prop_assert!(total.abs_diff(wanted.max(total.min(1500))) <= 1500, "{} of {}", total, wanted);
    }
}

#[test]
fn a_clip_that_cannot_be_played_makes_no_file() {
    let clip = |video| Clip { video, audio: Vec::new(), begin: at(0), end: at(1) };
    assert_eq!(Movie::new(&clip(Vec::new())).unwrap_err(), Error::Empty);
    assert_eq!(Movie::new(&clip(vec![unit(0, false, 5)])).unwrap_err(), Error::NoKeyframe);
    let mut rubbish = (*unit(0, true, 5)).clone();
    rubbish.data = vec![0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65].into();
    assert_eq!(Movie::new(&clip(vec![Arc::new(rubbish)])).unwrap_err(), Error::NoKeyframe);
}
