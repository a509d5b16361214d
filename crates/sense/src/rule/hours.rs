//! Times of the week, by the clock on the wall.

use serde::{Deserialize, Serialize};

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;

/// A stretch of some days of the week. It may pass midnight; then it belongs to the day on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// On which days, Monday first.
    pub days: [bool; 7],
    /// Its first minute, 0 to 1439.
    pub from: u16,
    /// The first minute behind it, 0 to 1440. The same as `from`, or less: on the next day.
    pub to: u16,
}

/// A minute of the week, and which day that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// 0 is Monday.
    pub day: usize,
    /// 0 to 1439.
    pub minute: u16,
}

impl Local {
    /// Of milliseconds since 1970, on a clock that is so many minutes ahead of UTC.
    #[expect(clippy::cast_possible_truncation, reason = "remainders of small divisors")]
    pub(super) fn of(at: u64, ahead: i32) -> Self {
        let minutes = i64::try_from(at / 60_000).unwrap_or(i64::MAX / 2) + i64::from(ahead);
        // The first of January 1970 was a Thursday.
        let day = (minutes.div_euclid(i64::from(DAY)) + 3).rem_euclid(7) as usize;
        Self { day, minute: minutes.rem_euclid(i64::from(DAY)) as u16 }
    }
}

impl Hours {
    /// Whether these numbers are times.
    pub fn is_sane(&self) -> bool {
        self.from < DAY && self.to <= DAY
    }

    /// Whether it is that time.
    pub(super) fn has(&self, now: Local) -> bool {
        let today = self.days[now.day];
        if self.from < self.to {
            return today && (self.from..self.to).contains(&now.minute);
        }
        let yesterday = self.days[(now.day + 6) % 7];
        (today && now.minute >= self.from) || (yesterday && now.minute < self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: [bool; 7] = [true; 7];

    #[test]
    fn the_clock_on_the_wall_is_read() {
        // 2026-11-30 was a Monday; 20:10 UTC.
        let at = 1_796_069_400_000;
        assert_eq!(Local::of(at, 0), Local { day: 0, minute: 20 * 60 + 10 });
        assert_eq!(Local::of(at, 9 * 60), Local { day: 1, minute: 5 * 60 + 10 });
        assert_eq!(Local::of(0, -60), Local { day: 2, minute: 23 * 60 });
    }

    #[test]
    fn a_night_belongs_to_the_evening_on_which_it_begins() {
        let friday_night =
            Hours { days: [false, false, false, false, true, false, false], from: 22 * 60, to: 6 * 60 };
        let at = |day, hour: u16| Local { day, minute: hour * 60 };
        assert!(friday_night.has(at(4, 23)) && friday_night.has(at(5, 5)));
        assert!(!friday_night.has(at(4, 5)) && !friday_night.has(at(5, 23)) && !friday_night.has(at(5, 6)));
    }

    #[test]
    fn a_whole_day_has_all_of_its_minutes() {
        let all = Hours { days: WEEK, from: 0, to: DAY };
        let from_noon = Hours { days: WEEK, from: 720, to: 720 };
        for minute in 0..DAY {
            assert!(all.has(Local { day: 3, minute }) && from_noon.has(Local { day: 3, minute }));
        }
    }
}
