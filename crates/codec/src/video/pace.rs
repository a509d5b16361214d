//! How often pictures really come, for encoders that believe in a constant rate.
//!
//! Such an encoder gives each picture the bitrate's share of one period. Where a game draws half as often as the
//! stream allows, half the bitrate would stay unused; so it is told twice the bitrate. And where the rate was raised
//! since it was opened, it is told less.

use std::time::Duration;

use playhouse_media::time::Timestamp;

/// A longer gap is a pause, which says nothing about the rate that follows.
const PAUSE: Duration = Duration::from_millis(250);
/// Weight of the past against one new interval.
const SMOOTHING: u64 = 16;
/// Slowest rate that is made up for, in periods: below it a picture has the whole buffer to itself anyway. The fastest
/// is as many times the encoder's own.
const MOST_PERIODS: u64 = 4;

/// The smoothed interval between pictures.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Microseconds of the encoder's period.
    period: u64,
    /// Microseconds between pictures, smoothed.
    interval: u64,
    /// The interval that the encoder was last told.
    told: u64,
    last: Option<Timestamp>,
}

impl Pace {
    /// Pictures at `rate` until something else is seen.
    pub(super) fn new(rate: u32) -> Self {
        let period = (1_000_000 / u64::from(rate.max(1))).max(1);
        Self { period, interval: period, told: period, last: None }
    }

    /// Takes note of a picture: whether the rate has moved enough to tell the encoder.
    pub(super) fn picture(&mut self, pts: Timestamp) -> bool {
        let Some(last) = self.last.replace(pts) else { return false };
        let gap = pts.since(last);
        if gap >= PAUSE {
            return false;
        }
        let gap = u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
        let gap = gap.min(self.period * MOST_PERIODS);
        self.interval = (self.interval * (SMOOTHING - 1) + gap) / SMOOTHING;
        let moved = self.interval.abs_diff(self.told) * 6 > self.told;
        if moved {
            self.told = self.interval;
        }
        moved
    }

    /// `bitrate` as an encoder counts it that believes in one picture per period.
    pub(super) fn counted(&self, bitrate: u32) -> u32 {
        let told = self.told.max(self.period / MOST_PERIODS);
        u32::try_from(u64::from(bitrate) * told / self.period).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(pace: &mut Pace, from: u64, gap: u64, count: u64) -> usize {
        (1..=count).filter(|i| pace.picture(Timestamp::from_micros(from + i * gap))).count()
    }

    #[test]
    fn a_game_at_half_the_rate_gets_twice_the_bits_for_each_picture() {
        let mut pace = Pace::new(60);
        let changes = feed(&mut pace, 0, 33_333, 200);
        let counted = pace.counted(6_000_000);
        assert!((10_800_000..=12_100_000).contains(&counted), "{counted}");
        assert!((1..=6).contains(&changes), "told {changes} times");
    }

    #[test]
    fn a_game_at_twice_the_rate_that_the_encoder_was_opened_for_does_not_take_twice_the_bitrate() {
        let mut pace = Pace::new(30);
        feed(&mut pace, 0, 16_667, 200);
        let counted = pace.counted(6_000_000);
        assert!((3_000_000..=3_600_000).contains(&counted), "{counted}");
    }

    #[test]
    fn jitter_and_pauses_change_nothing() {
        let mut pace = Pace::new(60);
        let mut now = 0;
        for i in 0..500 {
            now += if i % 2 == 0 { 15_600 } else { 17_700 };
            now += if i % 50 == 0 { 3_000_000 } else { 0 };
            assert!(!pace.picture(Timestamp::from_micros(now)));
        }
        assert_eq!(pace.counted(6_000_000), 6_000_000);
    }

    #[test]
    fn a_slideshow_is_not_given_the_world() {
        let mut pace = Pace::new(60);
        feed(&mut pace, 0, 200_000, 500);
        assert!(pace.counted(1_000_000) <= 4_000_000);
    }
}
