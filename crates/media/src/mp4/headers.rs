//! Boxes that say the same in every file, whole or in segments.

use super::atom::{atom, full, put16, put32, put32s};

/// Nothing is rotated or stretched (ISO/IEC 14496-12, section 6.2.2).
pub(crate) const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// `tkhd`: a track that is enabled, how its picture is turned, and its width and height in 1/65536 pixels.
pub(crate) fn track_header(
    out: &mut Vec<u8>,
    track: u32,
    ticks: u32,
    volume: u16,
    (matrix, size): (&[u32; 9], [u32; 2]),
) {
    // Enabled, in the movie, in its preview.
    full(out, *b"tkhd", 0, 7, |out| {
        put32s(out, &[0, 0, track, 0, ticks, 0, 0, 0]);
        put16(out, volume);
        put16(out, 0);
        put32s(out, matrix);
        put32s(out, &size);
    });
}

/// `mdhd` and `hdlr`: ticks per second, how many of them, and of what kind the track is.
pub(crate) fn media_header(out: &mut Vec<u8>, rate: u32, duration: u32, kind: [u8; 4], name: &[u8]) {
    /// "und": no language, three letters of five bits.
    const NO_LANGUAGE: u32 = 0x55C4 << 16;
    full(out, *b"mdhd", 0, 0, |out| put32s(out, &[0, 0, rate, duration, NO_LANGUAGE]));
    full(out, *b"hdlr", 0, 0, |out| {
        put32(out, 0);
        out.extend_from_slice(&kind);
        put32s(out, &[0, 0, 0]);
        out.extend_from_slice(name);
    });
}

/// `dinf`: the samples are in this file.
pub(crate) fn data_information(out: &mut Vec<u8>) {
    atom(out, *b"dinf", |out| {
        full(out, *b"dref", 0, 0, |out| {
            put32(out, 1);
            full(out, *b"url ", 0, 1, |_| {});
        });
    });
}
