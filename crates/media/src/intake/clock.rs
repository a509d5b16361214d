//! The clock of a stream, which goes on where its publisher's clock jumps.

use crate::time::Timestamp;

use super::Kind;

/// Where a stream begins, in microseconds: the other track may begin a little earlier than the one that came first.
const START: i64 = 1_000_000;

/// Longest gap that is one, in microseconds: a publisher that is silent for longer is ended, so that more is a clock
/// that was set.
const LONGEST_GAP: i64 = 10_000_000;

/// How far a track may go back without having been set, in microseconds: rounding. It is held where it was.
const SLACK: i64 = 100_000;

/// How long a sample lasts where nothing is known, in microseconds, and how long at most where a clock jumps.
const STEP: i64 = 20_000;
const LONGEST_STEP: i64 = 100_000;

/// Places samples on a clock that does not go back, with pictures and sound together.
///
/// Where a publisher's clock jumps, by an encoder that was restarted or a counter that wrapped, the stream goes on after
/// the newest sample. The track whose samples jump later follows by the same distance; what still comes by the old
/// clock keeps its place.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// What is added to the publisher's clock; the newest first.
    offsets: [Option<i64>; 2],
    last: [Option<i64>; 2],
    step: [Option<i64>; 2],
}

impl Clock {
    /// Where a sample is decoded and shown, of one that is decoded at `dts` of the publisher's clock and shown `delay`
    /// after; microseconds both.
    pub fn place(&mut self, kind: Kind, dts: i64, delay: i64) -> (Timestamp, Timestamp) {
        let track = kind as usize;
        let newest = self.last.iter().flatten().max().copied();
        let fits = |offset: i64, slack: i64| {
            let at = dts.saturating_add(offset);
            let after = |last: i64| at.saturating_sub(last);
            let own = self.last[track].is_none_or(|last| (-slack..LONGEST_GAP).contains(&after(last)));
            let all = newest.is_none_or(|newest| (-LONGEST_GAP..LONGEST_GAP).contains(&after(newest)));
            (own && all).then_some(at)
        };
        let [current, before] = self.offsets;
        let found = current.and_then(|offset| fits(offset, SLACK)).or_else(|| fits(before?, 0));
        let at = found.unwrap_or_else(|| {
            let at = newest.map_or(START, |newest| newest + self.step[track].unwrap_or(STEP));
            self.offsets = [Some(at.saturating_sub(dts)), self.offsets[0]];
            at
        });
        let before = self.last[track];
        let at = at.max(before.unwrap_or(0));
        if let Some(step) = before.map(|before| at - before).filter(|step| (1..=LONGEST_STEP).contains(step))
        {
            self.step[track] = Some(step);
        }
        self.last[track] = Some(at);
        (timestamp(at), timestamp(at.saturating_add(delay.clamp(0, LONGEST_GAP))))
    }
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    /// Where pictures (every 40 ms) and sound (every 20 ms) of a second are placed, in milliseconds.
    fn second(clock: &mut Clock, from: i64) -> (Vec<u64>, Vec<u64>) {
        let place =
            |clock: &mut Clock, kind, at: i64| clock.place(kind, from + at * 1000, 0).0.as_micros() / 1000;
        let (mut video, mut audio) = (Vec::new(), Vec::new());
        for at in (0..1000).step_by(20) {
            if at % 40 == 0 {
                video.push(place(clock, Kind::Video, at));
            }
            audio.push(place(clock, Kind::Audio, at));
        }
        (video, audio)
    }

    #[test]
    fn hours_forward_and_back_are_no_gap_and_sound_stays_with_its_picture() {
        let mut clock = Clock::default();
        let mut last = 980;
        for from in [0, 5 * HOUR, -3 * HOUR, 2 * HOUR, i64::MAX - HOUR, i64::MIN + HOUR] {
            let (video, audio) = second(&mut clock, from);
            assert!(video[0] > last && video[0] <= last + 40, "{from}: {} after {last}", video[0]);
            assert_eq!(video[24] - video[0], 960);
            for (picture, sound) in video.iter().zip(audio.iter().step_by(2)) {
                assert_eq!(picture, sound, "{from}");
            }
            last = audio[49];
        }
    }

    #[test]
    fn a_track_that_still_goes_by_the_old_clock_does_not_jump_with_the_other() {
        let mut clock = Clock::default();
        let (_, audio) = second(&mut clock, 0);
        let jumped = clock.place(Kind::Video, HOUR, 0).0;
        let old = clock.place(Kind::Audio, 1_000_000, 0).0;
        assert_eq!(old.as_micros() / 1000, audio[49] + 20);
        let new = clock.place(Kind::Audio, HOUR + 40_000, 0).0;
        assert_eq!(new.since(jumped).as_millis(), 40);
    }

    #[test]
    fn a_gap_of_seconds_stays_a_gap() {
        let mut clock = Clock::default();
        let first = clock.place(Kind::Video, 7, 0).0;
        assert_eq!(clock.place(Kind::Video, 4_000_007, 80_000).1.since(first).as_millis(), 4_080);
    }

    proptest! {
        #[test]
        fn no_track_ever_goes_back(samples in prop::collection::vec((any::<bool>(), any::<i64>(), any::<i64>()), 0..60)) {
            let mut clock = Clock::default();
            let mut last = [Timestamp::ZERO; 2];
            for (video, dts, delay) in samples {
                let kind = if video { Kind::Video } else { Kind::Audio };
                let (dts, pts) = clock.place(kind, dts, delay);
                prop_assert!(dts >= last[kind as usize] && pts >= dts);
                last[kind as usize] = dts;
            }
        }
    }
}
