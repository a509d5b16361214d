//! Which pictures are looked at: never one while another is looked at, and no more a second than was asked for.
//!
//! So the pipeline never lags: what it looks at is always the newest picture, and what came meanwhile is counted.

use std::time::Duration;

use playhouse_media::time::Timestamp;

/// What becomes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It is looked at, and [`Pacer::done`] says when that is over.
    Look,
    /// The one before is still looked at: dropped, and counted.
    Late,
    /// More than was asked for: passed over.
    Spare,
}

/// Decides which pictures are looked at.
#[derive(Debug)]
pub struct Pacer {
    every: Duration,
    due: Timestamp,
    busy: bool,
    dropped: u64,
}

impl Pacer {
    /// So many pictures a second at most; 1 to 60, as in the settings.
    pub fn new(rate: f32) -> Self {
        let mut pacer = Self { every: Duration::ZERO, due: Timestamp::ZERO, busy: false, dropped: 0 };
        pacer.set_rate(rate);
        pacer
    }

    /// From now on so many pictures a second at most.
    pub fn set_rate(&mut self, rate: f32) {
        self.every =
            Duration::from_secs_f32(1.0 / if rate.is_finite() { rate.clamp(1.0, 60.0) } else { 1.0 });
    }

    /// A picture came.
    pub fn picture(&mut self, now: Timestamp) -> Pace {
        // A camera's pictures come a little early and late: one that is nearly due is.
        if now + self.every / 4 < self.due {
            return Pace::Spare;
        }
        if self.busy {
            self.dropped += 1;
            return Pace::Late;
        }
        // In step with the first one, unless pictures come more slowly than that.
        let next = self.due + self.every;
        self.due = if next < now + self.every / 2 { now + self.every } else { next };
        self.busy = true;
        Pace::Look
    }

    /// The picture was looked at.
    pub fn done(&mut self) {
        self.busy = false;
    }

    /// Pictures that were wanted and came while the one before was still looked at.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many pictures are looked at in ten seconds.
    fn looks(rate: f32, camera: u64, jitter: impl Fn(u64) -> u64) -> u64 {
        let mut pacer = Pacer::new(rate);
        let mut looks = 0;
        for n in 0..camera * 10 {
            let now = Timestamp::from_micros(1_000_000 + n * 1_000_000 / camera + jitter(n));
            if pacer.picture(now) == Pace::Look {
                looks += 1;
                pacer.done();
            }
        }
        looks
    }

    #[test]
    fn a_camera_that_trembles_loses_no_picture() {
        assert_eq!(looks(15.0, 15, |n| n * 7919 % 13_000), 150);
        assert_eq!(looks(15.0, 15, |_| 0), 150);
    }

    #[test]
    fn a_fast_camera_is_looked_at_as_often_as_was_asked_for() {
        assert_eq!(looks(15.0, 30, |n| n * 7919 % 5_000), 150);
        assert!((98..=102).contains(&looks(10.0, 25, |_| 0)), "{}", looks(10.0, 25, |_| 0));
        assert_eq!(looks(60.0, 10, |_| 0), 100);
    }

    #[test]
    fn what_comes_while_one_is_looked_at_is_dropped_and_counted() {
        let mut pacer = Pacer::new(15.0);
        let at = |n: u64| Timestamp::from_micros(1_000_000 + n * 66_667);
        assert_eq!(pacer.picture(at(0)), Pace::Look);
        assert_eq!(pacer.picture(at(1)), Pace::Late);
        assert_eq!(pacer.picture(at(2)), Pace::Late);
        pacer.done();
        assert_eq!(pacer.picture(at(3)), Pace::Look);
        assert_eq!(pacer.dropped(), 2);
    }

    proptest! {
        /// However pictures come and however long looking takes: never two at a time, and never more than asked for.
        #[test]
        fn no_more_is_looked_at_than_was_asked_for(rate in 1.0_f32..60.0, gaps in prop::collection::vec((0_u64..100_000, 0_u64..150_000), 10..300)) {
            let mut pacer = Pacer::new(rate);
            let (mut now, mut free) = (Timestamp::from_micros(1_000_000), Timestamp::ZERO);
            let (first, mut looks, mut late) = (now, 0_u32, 0);
            for (gap, takes) in gaps {
                now = now + Duration::from_micros(gap);
                if free <= now {
                    pacer.done();
                }
                match pacer.picture(now) {
                    Pace::Look => {
                        prop_assert!(free <= now);
                        free = now + Duration::from_micros(takes);
                        looks += 1;
                    }
                    Pace::Late => late += 1,
                    Pace::Spare => {}
                }
            }
            prop_assert!(f64::from(looks) <= now.since(first).as_secs_f64() * f64::from(rate) + 2.0);
            prop_assert_eq!(late, pacer.dropped());
        }
    }
}
