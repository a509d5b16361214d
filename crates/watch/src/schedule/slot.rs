//! Which block a moment belongs to, by the clocks of a time zone.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{Block, Day};

/// How far ahead the next change is looked for: blocks come again every week.
const AHEAD_DAYS: i64 = 8;

/// The hours of a channel.
#[derive(Clone, Debug)]
pub struct Slots {
    zone: TimeZone,
    hours: Vec<Hours>,
}

#[derive(Clone, Debug)]
struct Hours {
    days: Vec<Weekday>,
    from: (i8, i8),
    to: (i8, i8),
    overnight: bool,
}

/// A span of time that belongs to one block, or to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Microseconds since 1970.
    pub(super) start: i64,
    /// Microseconds since 1970; none where nothing ever changes.
    pub(super) end: Option<i64>,
    pub(super) block: Option<usize>,
}

/// Whether there is a time zone of that name.
pub(super) fn known(zone: &str) -> bool {
    !zone.is_empty() && TimeZone::get(zone).is_ok()
}

const fn weekday(day: Day) -> Weekday {
    match day {
        Day::Monday => Weekday::Monday,
        Day::Tuesday => Weekday::Tuesday,
        Day::Wednesday => Weekday::Wednesday,
        Day::Thursday => Weekday::Thursday,
        Day::Friday => Weekday::Friday,
        Day::Saturday => Weekday::Saturday,
        Day::Sunday => Weekday::Sunday,
    }
}

impl Slots {
    /// The hours of these blocks in a zone; a zone that is unknown counts as UTC.
    pub fn new(zone: &str, blocks: &[Block]) -> Self {
        let clock = |minute: super::Minute| {
            let (hour, minute) = minute.parts();
            (i8::try_from(hour).unwrap_or(0), i8::try_from(minute).unwrap_or(0))
        };
        let hours = |block: &Block| Hours {
            days: block.days.iter().copied().map(weekday).collect(),
            from: clock(block.from),
            to: clock(block.to),
            overnight: block.to <= block.from,
        };
        Self { zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC), hours: blocks.iter().map(hours).collect() }
    }

    /// A time on a wall's clock as a moment. Where clocks are put forward over it, it is as much later (RFC 5545,
    /// section 3.3.5); where they are put back, it is the first of the two.
    fn moment(&self, date: Date, (hour, minute): (i8, i8)) -> Option<i64> {
        let zoned = date.at(hour, minute, 0, 0).to_zoned_datetime(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }

    /// The block at a moment, and when that changes.
    pub(super) fn at(&self, at: i64) -> Slot {
        let Some(today) = Timestamp::from_microsecond(at).ok().filter(|_| !self.hours.is_empty()) else {
            return Slot { start: at, end: None, block: None };
        };
        let today = today.to_zoned_datetime(self.zone.clone()).date();
        let mut spans = Vec::new();
        for ahead in -2..=AHEAD_DAYS {
            let Ok(date) = today.checked_add(ahead.days()) else { continue };
            for (block, hours) in self.hours.iter().enumerate() {
                if !hours.days.contains(&date.weekday()) {
                    continue;
                }
                let last = if hours.overnight { date.checked_add(1.days()).unwrap_or(date) } else { date };
                let span = self.moment(date, hours.from).zip(self.moment(last, hours.to));
                spans.extend(span.filter(|(from, to)| from < to).map(|(from, to)| (block, from, to)));
            }
        }
        // Of two that overlap, the first of the list counts.
        let on = |at: i64| {
            let on = spans.iter().filter(|(_, from, to)| (*from..*to).contains(&at));
            on.min_by_key(|(block, from, _)| (*block, *from)).copied()
        };
        let now = on(at);
        let mut changes: Vec<i64> =
            spans.iter().flat_map(|(_, from, to)| [*from, *to]).filter(|change| *change > at).collect();
        changes.sort_unstable();
        Slot {
            start: at,
            end: changes.into_iter().find(|change| on(*change) != now),
            block: now.map(|(block, _, _)| block),
        }
    }
}
