//! The header of the file: which tracks there are, and where their samples lie.

use super::atom::{atom, count, full, put16, put32, put32s};
use super::headers::{UPRIGHT, data_information, media_header, track_header};
use super::layout::{Chunk, Layout, RATE};
use super::{Error, sound};

/// Numbers of the tracks.
const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// 80 ms of packets of 10 ms, which Opus needs to be itself again after a jump.
const PRE_ROLL: i16 = 8;

/// Everything in front of the samples.
pub(super) fn header(layout: &Layout<'_>) -> Result<Vec<u8>, Error> {
    // Offsets have the same length whatever they say, so that a first try tells where the samples begin.
    let begin = build(layout, 0).len() as u64;
    let end = begin + layout.payload;
    if end > u64::from(u32::MAX) {
        return Err(Error::TooLarge);
    }
    Ok(build(layout, begin))
}

fn build(layout: &Layout<'_>, begin: u64) -> Vec<u8> {
    let mut out = Vec::new();
    atom(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"isom");
        put32(out, 512);
        out.extend_from_slice(b"isomiso2avc1mp41");
    });
    atom(&mut out, *b"moov", |out| {
        let (video, audio) = (video_ticks(layout), audio_ticks(layout));
        full(out, *b"mvhd", 0, 0, |out| {
            put32s(out, &[0, 0, RATE, video.max(audio), 0x1_0000, 0x0100_0000, 0, 0]);
            put32s(out, &UPRIGHT);
            put32s(out, &[0, 0, 0, 0, 0, 0, AUDIO + 1]);
        });
        atom(out, *b"trak", |out| video_track(out, layout, begin, video));
        if !layout.pieces.is_empty() {
            atom(out, *b"trak", |out| audio_track(out, layout, begin, audio));
        }
    });
    put32(&mut out, u32::try_from(layout.payload + 8).unwrap_or(u32::MAX));
    out.extend_from_slice(b"mdat");
    out
}

/// How long the pictures last.
fn video_ticks(layout: &Layout<'_>) -> u32 {
    let ticks = layout.unit_ticks.iter().map(|&ticks| u64::from(ticks)).sum::<u64>();
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// How long the sound lasts that is heard.
fn audio_ticks(layout: &Layout<'_>) -> u32 {
    let samples = layout.samples().saturating_sub(u64::from(skipped(layout)));
    u32::try_from(samples * u64::from(RATE) / u64::from(sound::RATE)).unwrap_or(u32::MAX)
}

/// Samples in front that are decoded and not heard.
fn skipped(layout: &Layout<'_>) -> u32 {
    layout.early + u32::from(sound::PRE_SKIP)
}

fn video_track(out: &mut Vec<u8>, layout: &Layout<'_>, begin: u64, ticks: u32) {
    let size = layout.sps.size;
    track_header(out, VIDEO, ticks, 0, (&UPRIGHT, [size.width << 16, size.height << 16]));
    atom(out, *b"mdia", |out| {
        media_header(out, RATE, ticks, *b"vide", b"Picture\0");
        atom(out, *b"minf", |out| {
            full(out, *b"vmhd", 0, 1, |out| put32s(out, &[0, 0]));
            data_information(out);
            atom(out, *b"stbl", |out| {
                full(out, *b"stsd", 0, 0, |out| {
                    put32(out, 1);
                    atom(out, *b"avc1", |out| avc1(out, layout));
                });
                durations(out, layout.unit_ticks.iter().copied());
                full(out, *b"stss", 0, 0, |out| {
                    let keyframes = || (1_u32..).zip(layout.units).filter(|(_, unit)| unit.keyframe);
                    put32(out, count(keyframes().count()));
                    for (number, _) in keyframes() {
                        put32(out, number);
                    }
                });
                samples(out, layout, begin, true);
            });
        });
    });
}

fn audio_track(out: &mut Vec<u8>, layout: &Layout<'_>, begin: u64, ticks: u32) {
    track_header(out, AUDIO, ticks, 0x0100, (&UPRIGHT, [0, 0]));
    atom(out, *b"edts", |out| {
        full(out, *b"elst", 0, 0, |out| put32s(out, &[1, ticks, skipped(layout), 0x1_0000]));
    });
    atom(out, *b"mdia", |out| {
        let all = u32::try_from(layout.samples()).unwrap_or(u32::MAX);
        media_header(out, sound::RATE, all, *b"soun", b"Sound\0");
        atom(out, *b"minf", |out| {
            full(out, *b"smhd", 0, 0, |out| put32(out, 0));
            data_information(out);
            atom(out, *b"stbl", |out| {
                full(out, *b"stsd", 0, 0, |out| {
                    put32(out, 1);
                    atom(out, *b"Opus", opus);
                });
                durations(out, layout.pieces.iter().map(|piece| piece.samples()));
                samples(out, layout, begin, false);
                full(out, *b"sgpd", 1, 0, |out| {
                    out.extend_from_slice(b"roll");
                    put32s(out, &[2, 1]);
                    out.extend_from_slice(&(-PRE_ROLL).to_be_bytes());
                });
                full(out, *b"sbgp", 0, 0, |out| {
                    out.extend_from_slice(b"roll");
                    put32s(out, &[1, count(layout.pieces.len()), 1]);
                });
            });
        });
    });
}

fn avc1(out: &mut Vec<u8>, layout: &Layout<'_>) {
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    let (sps, sets) = (layout.sps, layout.sets);
    out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
    out.extend_from_slice(&[0; 16]);
    put16(out, side(sps.size.width));
    put16(out, side(sps.size.height));
    put32s(out, &[0x48_0000, 0x48_0000, 0]);
    put16(out, 1);
    out.extend_from_slice(&[0; 32]);
    out.extend_from_slice(&[0, 0x18, 0xFF, 0xFF]);
    atom(out, *b"avcC", |out| {
        // Lengths of four bytes; one set of each kind.
        out.extend_from_slice(&[1, sps.profile, sps.constraints, sps.level, 0xFF, 0xE1]);
        put16(out, u16::try_from(sets.sps.len()).unwrap_or(u16::MAX));
        out.extend_from_slice(sets.sps);
        out.push(1);
        put16(out, u16::try_from(sets.pps.len()).unwrap_or(u16::MAX));
        out.extend_from_slice(sets.pps);
    });
    // BT.709 throughout, limited range.
    atom(out, *b"colr", |out| out.extend_from_slice(b"nclx\0\x01\0\x01\0\x01\0"));
}

fn opus(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
    put32s(out, &[0, 0]);
    put16(out, 2);
    put16(out, 16);
    put32(out, 0);
    put32(out, sound::RATE << 16);
    atom(out, *b"dOps", |out| {
        out.extend_from_slice(&[0, 2]);
        put16(out, sound::PRE_SKIP);
        put32(out, sound::RATE);
        // No gain, and the mapping of plain stereo.
        out.extend_from_slice(&[0, 0, 0]);
    });
}

/// `stts`: how long each sample lasts, equal neighbours together.
fn durations(out: &mut Vec<u8>, ticks: impl Iterator<Item = u32>) {
    let mut runs: Vec<[u32; 2]> = Vec::new();
    for ticks in ticks {
        match runs.last_mut() {
            Some([number, same]) if *same == ticks => *number += 1,
            _ => runs.push([1, ticks]),
        }
    }
    full(out, *b"stts", 0, 0, |out| {
        put32(out, count(runs.len()));
        put32s(out, runs.as_flattened());
    });
}

/// `stsc`, `stsz` and `stco`: which samples are together, how long they are, and where they begin.
fn samples(out: &mut Vec<u8>, layout: &Layout<'_>, begin: u64, video: bool) {
    let sound_bytes = |piece: &super::Piece<'_>| count(piece.data().len());
    let bytes: Vec<u32> =
        if video { layout.unit_bytes.clone() } else { layout.pieces.iter().map(sound_bytes).collect() };
    let (mut offsets, mut runs) = (Vec::new(), Vec::<[u32; 3]>::new());
    let mut at = begin;
    for chunk in &layout.chunks {
        let (length, mine) = match chunk {
            Chunk::Video(range) => {
                let sum: u64 = layout.unit_bytes[range.clone()].iter().map(|&bytes| u64::from(bytes)).sum();
                (sum, video.then_some(range))
            }
            Chunk::Audio(range) => {
                let sum: u64 =
                    layout.pieces[range.clone()].iter().map(|piece| piece.data().len() as u64).sum();
                (sum, (!video).then_some(range))
            }
        };
        if let Some(range) = mine {
            offsets.push(u32::try_from(at).unwrap_or(u32::MAX));
            let number = count(range.len());
            if runs.last().is_none_or(|run| run[1] != number) {
                runs.push([count(offsets.len()), number, 1]);
            }
        }
        at += length;
    }
    full(out, *b"stsc", 0, 0, |out| {
        put32(out, count(runs.len()));
        put32s(out, runs.as_flattened());
    });
    full(out, *b"stsz", 0, 0, |out| {
        put32s(out, &[0, count(bytes.len())]);
        put32s(out, &bytes);
    });
    full(out, *b"stco", 0, 0, |out| {
        put32(out, count(offsets.len()));
        put32s(out, &offsets);
    });
}
