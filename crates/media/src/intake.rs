//! Makes a live stream of what a publisher sends: its formats as soon as they are known, and its samples on one clock.
//!
//! There is one track of pictures and one of sound. A stream that has only one of them is known by its publisher's own
//! words ([`Intake::expect`]), or by what comes within [`PATIENCE`].

mod clock;

use std::collections::VecDeque;

use crate::live::{Format, Sample};

pub use clock::Clock;

/// How much of the one track is held back for the other, in microseconds of the stream, where the publisher does not
/// say what it has.
pub const PATIENCE: i64 = 300_000;

/// What is held back meanwhile, if the stream's own time stands still.
const HELD: usize = 128;
const HELD_BYTES: usize = 8 << 20;

/// Which of the two tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// A sample as its publisher times it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// When it is decoded: microseconds of the publisher's clock, which may jump.
    pub dts: i64,
    /// How much later it is shown, in microseconds.
    pub delay: i64,
    /// As [`Sample::data`].
    pub data: Vec<u8>,
    /// Whether decoding can begin here.
    pub keyframe: bool,
}

/// What the stream is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The tracks, at first and after each change.
    Formats(Vec<Format>),
    /// A sample of one of them.
    Sample(Sample),
}

/// Puts the tracks of one publisher together.
#[derive(Debug, Default)]
pub struct Intake {
    formats: [Option<Format>; 2],
    /// Where the tracks stand among the formats that were given out.
    order: Vec<Kind>,
    expected: Option<[bool; 2]>,
    clock: Clock,
    held: VecDeque<(Kind, Unit)>,
    held_bytes: usize,
    /// Whether pictures begin with a keyframe, as after each change of their format.
    begun: bool,
    output: VecDeque<Output>,
}

impl Intake {
    /// The publisher says which tracks there are.
    pub fn expect(&mut self, video: bool, audio: bool) {
        if video || audio {
            self.expected = Some([video, audio]);
            self.open_when_known();
        }
    }

    /// The publisher says what a track is.
    pub fn format(&mut self, kind: Kind, format: Format) {
        let there = &mut self.formats[kind as usize];
        if there.as_ref() == Some(&format) {
            return;
        }
        *there = Some(format);
        if kind == Kind::Video {
            self.begun = false;
        }
        if self.order.is_empty() {
            self.open_when_known();
        } else {
            self.open();
        }
    }

    /// Whether a track has a format.
    pub fn knows(&self, kind: Kind) -> bool {
        self.formats[kind as usize].is_some()
    }

    /// The publisher sends a sample; it is dropped where its track has no format yet.
    pub fn sample(&mut self, kind: Kind, unit: Unit) {
        if !self.knows(kind) || unit.data.is_empty() {
            return;
        }
        if kind == Kind::Video && !self.begun {
            if !unit.keyframe {
                return;
            }
            self.begun = true;
        }
        if !self.order.is_empty() {
            self.give(kind, unit);
            return;
        }
        self.held_bytes += unit.data.len();
        self.held.push_back((kind, unit));
        let span = match (self.held.front(), self.held.back()) {
            (Some((_, first)), Some((_, last))) => last.dts.saturating_sub(first.dts),
            _ => 0,
        };
        if self.expected.is_none() && !(0..PATIENCE).contains(&span)
            || self.held.len() >= HELD
            || self.held_bytes >= HELD_BYTES
        {
            self.open();
        }
    }

    /// Waited long enough by the wall's clock: what is known by now are the tracks.
    pub fn hurry(&mut self) {
        if self.order.is_empty() && !self.held.is_empty() {
            self.open();
        }
    }

    /// What the stream is given next.
    pub fn poll(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    fn open_when_known(&mut self) {
        let wanted = self.expected.unwrap_or([true; 2]);
        if self.order.is_empty()
            && wanted.iter().zip(&self.formats).all(|(wanted, there)| !wanted || there.is_some())
        {
            self.open();
        }
    }

    /// Says the formats. A track that comes late stands behind the one that is there.
    fn open(&mut self) {
        for kind in [Kind::Video, Kind::Audio] {
            if self.knows(kind) && !self.order.contains(&kind) {
                self.order.push(kind);
            }
        }
        let formats = self.order.iter().filter_map(|&kind| self.formats[kind as usize].clone());
        self.output.push_back(Output::Formats(formats.collect()));
        self.held_bytes = 0;
        for (kind, unit) in std::mem::take(&mut self.held) {
            self.give(kind, unit);
        }
    }

    fn give(&mut self, kind: Kind, unit: Unit) {
        let Some(track) = self.order.iter().position(|&there| there == kind) else { return };
        let (dts, pts) = self.clock.place(kind, unit.dts, unit.delay);
        let keyframe = unit.keyframe || kind == Kind::Audio;
        self.output.push_back(Output::Sample(Sample { track, data: unit.data.into(), dts, pts, keyframe }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::live::{AudioCodec, VideoCodec};

    fn pictures(side: u32) -> Format {
        Format::Video { codec: VideoCodec::H264, size: Size::new(side, side), config: [1].into() }
    }

    fn sound() -> Format {
        Format::Audio { codec: AudioCodec::Aac, channels: 2, sample_rate: 48_000, config: [2].into() }
    }

    fn unit(millis: i64, keyframe: bool) -> Unit {
        Unit { dts: millis * 1000, delay: 0, data: vec![1], keyframe }
    }

    fn all(intake: &mut Intake) -> Vec<Output> {
        std::iter::from_fn(|| intake.poll()).collect()
    }

    #[test]
    fn a_stream_of_both_begins_at_once() {
        let mut intake = Intake::default();
        intake.format(Kind::Audio, sound());
        assert_eq!(all(&mut intake), []);
        intake.format(Kind::Video, pictures(64));
        assert_eq!(all(&mut intake), [Output::Formats(vec![pictures(64), sound()])]);
        intake.sample(Kind::Video, unit(0, false));
        assert_eq!(all(&mut intake), [], "nobody can decode from there");
        intake.sample(Kind::Video, unit(40, true));
        assert!(
            matches!(&all(&mut intake)[..], [Output::Sample(sample)] if sample.track == 0 && sample.keyframe)
        );
    }

    #[test]
    fn a_publisher_that_says_it_has_sound_only_is_not_waited_for() {
        let mut intake = Intake::default();
        intake.expect(false, true);
        intake.format(Kind::Audio, sound());
        assert_eq!(all(&mut intake), [Output::Formats(vec![sound()])]);
    }

    #[test]
    fn one_that_says_nothing_is_waited_for_a_moment_and_a_late_track_is_added() {
        let mut intake = Intake::default();
        intake.format(Kind::Audio, sound());
        for at in 0..=PATIENCE / 20_000 {
            assert_eq!(all(&mut intake), []);
            intake.sample(Kind::Audio, unit(at * 20, false));
        }
        let output = all(&mut intake);
        assert_eq!(output[0], Output::Formats(vec![sound()]));
        assert_eq!(output.len(), 17, "what was held back comes too");
        intake.format(Kind::Video, pictures(64));
        assert_eq!(all(&mut intake), [Output::Formats(vec![sound(), pictures(64)])]);
        intake.sample(Kind::Video, unit(400, true));
        assert!(matches!(&all(&mut intake)[..], [Output::Sample(sample)] if sample.track == 1));
    }

    #[test]
    fn a_new_size_is_said_and_begins_with_a_keyframe() {
        let mut intake = Intake::default();
        intake.expect(true, false);
        intake.format(Kind::Video, pictures(64));
        intake.sample(Kind::Video, unit(0, true));
        intake.format(Kind::Video, pictures(32));
        intake.sample(Kind::Video, unit(40, false));
        intake.sample(Kind::Video, unit(80, true));
        let output = all(&mut intake);
        assert_eq!(output[2], Output::Formats(vec![pictures(32)]));
        assert!(matches!(&output[3..], [Output::Sample(sample)] if sample.keyframe));
    }

    #[test]
    fn a_publisher_whose_time_stands_still_fills_no_memory() {
        let mut intake = Intake::default();
        intake.expect(true, true);
        intake.format(Kind::Video, pictures(64));
        for _ in 0..HELD {
            intake.sample(Kind::Video, unit(0, true));
        }
        assert_eq!(all(&mut intake).len(), HELD + 1);
    }
}
