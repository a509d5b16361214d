//! The sound of a clip as one row of packets without gaps.

use std::sync::Arc;

use crate::ring::Clip;
use crate::sample::AudioPacket;
use crate::time::Timestamp;

/// Samples per second.
pub(super) const RATE: u32 = 48_000;
/// Samples that the encoder delays its input by, at its lowest delay; players leave them out.
pub(super) const PRE_SKIP: u16 = 120;
/// Ten milliseconds of silence in stereo: a CELT frame of the full band that says "silence" (RFC 6716, 3.1, 4.3).
const SILENCE: [u8; 3] = [0xF4, 0xFF, 0xFE];
/// Samples of [`SILENCE`].
const SILENT_SAMPLES: u32 = 480;
/// A packet that is this late or early is where it was meant to be: clocks jitter, and nobody hears 30 ms.
const TOLERANCE: i64 = 1440;

/// A sample of the track.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// A packet of the clip.
    Packet(&'a Arc<AudioPacket>),
    /// Filled silence.
    Silence,
}

impl Piece<'_> {
    /// The Opus packet.
    pub(super) fn data(&self) -> &[u8] {
        match self {
            Self::Packet(packet) => &packet.data,
            Self::Silence => &SILENCE,
        }
    }

    /// How long it sounds, in samples.
    pub(super) fn samples(self) -> u32 {
        match self {
            Self::Packet(packet) => {
                let micros = packet.duration.as_micros().min(120_000);
                u32::try_from(micros * u128::from(RATE) / 1_000_000).unwrap_or(SILENT_SAMPLES)
            }
            Self::Silence => SILENT_SAMPLES,
        }
    }
}

/// The row of packets, and how many samples of it come before the clip begins.
pub(super) fn row(clip: &Clip) -> (Vec<Piece<'_>>, u32) {
    let (begin, limit) = (clip.begin, samples(clip.begin, clip.end));
    let mut pieces = Vec::with_capacity(clip.audio.len());
    // Where the next piece begins, in samples since the clip begins.
    let mut next = match clip.audio.first() {
        Some(first) => samples(begin, first.pts).min(0),
        None => return (pieces, 0),
    };
    let mut early = next.unsigned_abs();
    for packet in &clip.audio {
        let at = samples(begin, packet.pts);
        if at > limit || at < next - TOLERANCE {
            // Its time is over, or beyond the end: a clock was set.
            continue;
        }
        let silent = i64::from(SILENT_SAMPLES);
        let missing = if pieces.is_empty() {
            // Sound that begins later: what is too much of whole packets is cut off in front.
            let packets = (at - next + silent - 1) / silent;
            early += u64::try_from(packets * silent - (at - next)).unwrap_or(0);
            next = at - packets * silent;
            packets
        } else if at > next + TOLERANCE {
            (at - next + silent / 2) / silent
        } else {
            0
        };
        for _ in 0..missing {
            pieces.push(Piece::Silence);
        }
        let piece = Piece::Packet(packet);
        next += missing * silent + i64::from(piece.samples());
        pieces.push(piece);
    }
    (pieces, u32::try_from(early).unwrap_or(0))
}

/// Samples from `begin` to `at`, negative where it is before.
fn samples(begin: Timestamp, at: Timestamp) -> i64 {
    let distance = |from: Timestamp, to: Timestamp| {
        let ticks = Timestamp::ZERO + to.since(from);
        i64::try_from(ticks.in_ticks(RATE)).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
    };
    distance(begin, at) - distance(at, begin)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BEGIN: Timestamp = Timestamp::from_micros(50_000_000);

    fn clip(micros: &[i64]) -> Clip {
        let packet = |&micros: &i64| {
            let pts = Timestamp::from_micros(BEGIN.as_micros().checked_add_signed(micros).unwrap());
            let duration = Duration::from_millis(10);
            Arc::new(AudioPacket { data: vec![0xF4, 1].into(), pts, duration })
        };
        let end = BEGIN + Duration::from_secs(10);
        Clip { video: Vec::new(), audio: micros.iter().map(packet).collect(), begin: BEGIN, end }
    }

    fn shape(micros: &[i64]) -> (String, u32) {
        let clip = clip(micros);
        let (pieces, early) = row(&clip);
        let sign = |piece: &Piece<'_>| if matches!(piece, Piece::Silence) { '.' } else { '#' };
        (pieces.iter().map(sign).collect(), early)
    }

    #[test]
    fn gaps_are_filled_and_jitter_is_not() {
        assert_eq!(shape(&[0, 10_000, 20_000]), ("###".into(), 0));
        assert_eq!(shape(&[0, 11_500, 19_000, 34_000, 40_000]), ("#####".into(), 0));
        assert_eq!(shape(&[0, 10_000, 71_000]), ("##.....#".into(), 0));
        assert_eq!(shape(&[]), (String::new(), 0));
    }

    #[test]
    fn sound_that_begins_early_or_late_keeps_its_place() {
        assert_eq!(shape(&[-5_000, 5_000]), ("##".into(), 240));
        assert_eq!(shape(&[20_000, 30_000]), ("..##".into(), 0));
        assert_eq!(shape(&[25_000, 35_000]), ("...##".into(), 240));
    }

    #[test]
    fn a_clock_that_was_set_makes_no_endless_silence() {
        assert_eq!(shape(&[0, 3_600_000_000, 10_000]), ("##".into(), 0));
        assert_eq!(shape(&[200_000, 0, 210_000]).0, "....................##");
    }
}
