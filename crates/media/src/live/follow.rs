//! Cuts a lower quality of a stream where the stream itself was cut, so that players can change from one to the other.
//!
//! Its pictures come later than those of the stream, since they are decoded and encoded in between, and in the order in
//! which they are shown. Where the stream's segments begin is known before that.

use std::collections::VecDeque;
use std::time::Duration;

use super::row::Row;
use super::window::duration;
use super::{Cut, Format, Sample, Track};
use crate::time::Timestamp;

/// Borders that may lie ahead: a transcoder that is further behind is given up by whoever feeds it.
const MOST_AHEAD: usize = 32;

/// A keyframe this near to where a segment begins is the one that it begins with: clocks are rounded on the way.
const NEAR: Duration = Duration::from_millis(100);

/// A segment that has to begin without a keyframe begins this near to its time.
const CLOSE: Duration = Duration::from_millis(5);

/// Where a segment of the stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// Its media sequence number.
    pub segment: u64,
    /// When its first picture is shown, in ticks since the recording began.
    pub shown: u64,
    /// Whether it begins with a keyframe.
    pub independent: bool,
}

/// A segment of the stream has no picture in the lower quality, whose numbers would not fit any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transcoder left out a whole segment")]
pub struct Skipped;

/// Cuts the pictures of a lower quality.
#[derive(Debug)]
pub struct Follower {
    row: Row,
    borders: VecDeque<Border>,
    segment: u64,
    /// When the first segment is shown, and what the transcoder's clock says then.
    begin: u64,
    origin: Option<Timestamp>,
    /// Whether the current segment has a picture.
    filled: bool,
    /// Whether more lay ahead than is kept.
    missed: bool,
}

impl Follower {
    /// Cuts pictures of that format, the first of which begins the segment `first`. None where they cannot be sent.
    pub fn new(format: &Format, first: Border) -> Option<Self> {
        let track = Track::new(format).filter(|_| format.is_video())?;
        let (segment, begin) = (first.segment, first.shown);
        let row = Row::new(track, 0);
        Some(Self {
            row,
            borders: VecDeque::new(),
            segment,
            begin,
            origin: None,
            filled: false,
            missed: false,
        })
    }

    /// The track that comes out.
    pub fn track(&self) -> &Track {
        &self.row.track
    }

    /// Where another segment of the stream begins; they come in order.
    pub fn border(&mut self, border: Border) {
        if border.segment <= self.segment {
            return;
        }
        if self.borders.len() < MOST_AHEAD {
            self.borders.push_back(border);
        } else {
            self.missed = true;
        }
    }

    /// Takes a picture, by the transcoder's clock, and appends what is finished by that.
    ///
    /// # Errors
    /// [`Skipped`]: it cannot go on.
    pub fn push(&mut self, sample: &Sample, cuts: &mut Vec<Cut>) -> Result<(), Skipped> {
        let timescale = self.row.track.timescale;
        let origin = *self.origin.get_or_insert(sample.pts);
        let ticks = |span: Duration| (Timestamp::ZERO + span).in_ticks(timescale);
        let mut shown = self.begin.saturating_add(ticks(sample.pts.since(origin)));
        while let Some(next) = self.borders.front().copied() {
            let begins = if next.independent && sample.keyframe {
                shown.saturating_add(ticks(NEAR)) >= next.shown
            } else if next.independent {
                shown >= next.shown.saturating_add(ticks(NEAR))
            } else {
                shown.saturating_add(ticks(CLOSE)) >= next.shown
            };
            if !begins {
                break;
            }
            if !self.filled || self.missed {
                return Err(Skipped);
            }
            if duration(shown.abs_diff(next.shown), timescale) <= NEAR {
                shown = next.shown;
            }
            self.end(Some(shown), cuts);
            (self.segment, self.filled) = (next.segment, false);
            self.borders.pop_front();
        }
        let mut parts = Vec::new();
        // What is shown in order is decoded in order.
        let sample = Sample { dts: sample.pts, ..sample.clone() };
        self.row.push(&sample, shown, self.segment, &mut parts);
        self.filled = true;
        cuts.extend(parts.into_iter().map(Cut::Part));
        Ok(())
    }

    fn end(&mut self, at: Option<u64>, cuts: &mut Vec<Cut>) {
        let mut parts = Vec::new();
        self.row.close(at, self.segment, &mut parts);
        cuts.extend(parts.into_iter().map(Cut::Part));
        cuts.push(Cut::Segment(self.segment));
    }

    /// Ends the last segment.
    pub fn finish(&mut self, cuts: &mut Vec<Cut>) {
        if std::mem::take(&mut self.filled) {
            self.end(None, cuts);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::frame::Size;
    use crate::live::{Part, VideoCodec};

    const FIRST: Border = Border { segment: 7, shown: 900_000, independent: true };

    fn follower() -> Follower {
        let config = Arc::from([1, 0x64, 0, 0x28, 0xFF, 0xE0, 0]);
        let format = Format::Video { codec: VideoCodec::H264, size: Size::new(64, 64), config };
        Follower::new(&format, FIRST).unwrap()
    }

    /// A picture of that number, 25 a second, by a clock that begins anywhere.
    fn picture(number: u64, keyframe: bool) -> Sample {
        let at = Timestamp::from_micros(5_000_003 + number * 40_000);
        Sample { track: 0, data: Arc::from([0; 10]), dts: at, pts: at, keyframe }
    }

    fn border(segment: u64, number: u64, independent: bool) -> Border {
        Border { segment, shown: FIRST.shown + number * 3_600, independent }
    }

    fn parts(cuts: &[Cut], segment: u64) -> Vec<&Part> {
        let parts = cuts.iter().filter_map(|cut| if let Cut::Part(part) = cut { Some(part) } else { None });
        parts.filter(|part| part.segment == segment).collect()
    }

    #[test]
    fn segments_begin_where_those_of_the_stream_do() {
        let mut follower = follower();
        let mut cuts = Vec::new();
        // The stream has more keyframes than segments, and one segment without any.
        for border in [border(8, 50, true), border(9, 100, false), border(10, 150, true)] {
            follower.border(border);
        }
        for number in 0..160 {
            follower.push(&picture(number, number % 25 == 0 && number != 100), &mut cuts).unwrap();
        }
        follower.finish(&mut cuts);
        let over: Vec<u64> = cuts
            .iter()
            .filter_map(|cut| if let Cut::Segment(number) = cut { Some(*number) } else { None })
            .collect();
        assert_eq!(over, [7, 8, 9, 10]);
        for (segment, number) in [(7, 0), (8, 50), (9, 100), (10, 150)] {
            let parts = parts(&cuts, segment);
            assert_eq!(parts[0].start, FIRST.shown + number * 3_600, "{segment}");
            assert_eq!(parts[0].independent, segment != 9);
            let ticks: u64 = parts.iter().map(|part| part.ticks).sum();
            assert_eq!(ticks, if segment == 10 { 10 } else { 50 } * 3_600);
            let indices: Vec<u32> = parts.iter().map(|part| part.index).collect();
            assert_eq!(indices, (0..u32::try_from(parts.len()).unwrap()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_keyframe_that_a_clock_has_moved_still_begins_its_segment() {
        let mut follower = follower();
        let mut cuts = Vec::new();
        follower.border(Border { shown: FIRST.shown + 50 * 3_600 + 77, ..border(8, 0, true) });
        for number in 0..60 {
            follower.push(&picture(number, number == 0 || number == 50), &mut cuts).unwrap();
        }
        assert_eq!(parts(&cuts, 8)[0].start, FIRST.shown + 50 * 3_600 + 77);
        assert!(parts(&cuts, 8)[0].independent);
    }

    #[test]
    fn a_segment_that_was_left_out_ends_it() {
        let mut follower = follower();
        let mut cuts = Vec::new();
        follower.border(border(8, 50, true));
        follower.border(border(9, 100, true));
        follower.push(&picture(0, true), &mut cuts).unwrap();
        assert_eq!(follower.push(&picture(120, true), &mut cuts), Err(Skipped));
    }

    proptest! {
        /// Whatever a transcoder gives, segments follow each other without a hole, and time goes on.
        #[test]
        fn rubbish_is_survived(
            steps in proptest::collection::vec((0..200_u64, any::<bool>(), any::<bool>()), 0..300),
        ) {
            let mut follower = follower();
            let (mut cuts, mut next, mut at) = (Vec::new(), 1, 0);
            for (number, keyframe, ahead) in steps {
                if ahead {
                    at += number;
                    follower.border(border(7 + next, at, keyframe));
                    next += 1;
                } else if follower.push(&picture(number, keyframe), &mut cuts).is_err() {
                    break;
                }
            }
            follower.finish(&mut cuts);
            let (mut segment, mut end) = (7, 0);
            for cut in &cuts {
                match cut {
                    Cut::Part(part) => {
                        prop_assert_eq!(part.segment, segment);
                        prop_assert!(part.start >= end && part.ticks > 0);
                        end = part.start;
                    }
                    Cut::Segment(number) => {
                        prop_assert_eq!(*number, segment);
                        segment += 1;
                    }
                }
            }
        }
    }
}
